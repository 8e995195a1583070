"""Proxies of a real training: what its report says of them, and what a full one adds."""

import json

import polars as pl
import pytest

from flows.proxies import PROTECTED, choose_left_out, weigh_options, weigh_proxies
from flows.publish.proxies_section import tell_remedies
from flows.settings import read_settings
from flows.training import build_training_data
from flows.workspace import Workspace
from models.candidate import QUICK
from models.proxies import ALL, PROXIES, Telling
from models.remedies import REMEDIES
from models.splits import forward_splits

CAPACITY = 20


@pytest.fixture(scope="module")
def data(trained):
    return build_training_data(Workspace(trained.workspace), "new_referral_within_12_months")


@pytest.fixture(scope="module")
def settings(trained):
    return read_settings(trained.workspace)


def test_the_report_of_every_training_says_what_features_tell(trained):
    (folder,) = (place.parent for place in trained.workspace.glob("training/*/fairness.html"))
    page = (folder / "fairness.html").read_text(encoding="utf-8")
    assert '<h2 id="proxies">' in page
    assert '<h2 id="remedies">' not in page  # no full training
    seconds = {step["name"]: step["seconds"] for step in json.loads((folder / "run.json").read_text(encoding="utf-8"))["steps"]}
    assert "proxies" in seconds


def test_each_protected_group_is_looked_at_and_no_other(data, settings):
    found = weigh_proxies(data, settings)
    assert dict(found.schema) == PROXIES
    assert set(found["group"]) == set(PROTECTED)


@pytest.mark.proof
def test_a_full_training_weighs_leaving_the_strongest_out_beside_a_shorter_list_and_a_lot(data, settings, monkeypatch):
    monkeypatch.setattr("flows.proxies.FULL", QUICK)
    name = data.features[0].name
    line = {"group": "sex", "value": "female", "feature": name, "auc": 0.7, "verdict": Telling.TELLS.value}
    proxies = pl.DataFrame([line, line | {"feature": ALL}], schema=PROXIES)
    trained = Stand(forward_splits(data.frame["as_of"].unique(), data.outcome.days_to_maturity)[:1])
    assert choose_left_out(data, proxies)[f"Leave out: {data.features[0].description.rstrip('.')}"] == [name]
    found = weigh_options(data, trained, proxies, settings, CAPACITY, full=True)
    assert dict(found.schema) == REMEDIES
    assert found["remedy"].n_unique() == len(choose_left_out(data, proxies)) + 2
    assert len(tell_remedies(found, None).behind[0].rows) > 20
    assert weigh_options(data, trained, proxies, settings, CAPACITY, full=False).is_empty()


class Stand:
    """What is asked of a training: its splits, and its model's name."""

    def __init__(self, splits):
        self.splits, self.model = splits, self
        self.name = "glass_box"

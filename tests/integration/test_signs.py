"""The reasons of a thousand cases against their model: does the chance fall without a worry, and rise without a strength?"""

from typing import Any

import polars as pl
import pytest

from flows.night import open_registry
from flows.scoring import features_of
from flows.settings import read_settings
from flows.training import build_training_data
from flows.workspace import Workspace
from models.ablation import check_reasons
from models.reasons import Side, explain

CASES = 1_000
MOSTLY = 0.95  # of the reasons, before those that the model contradicts are moved


def test_every_reason_of_a_thousand_cases_agrees_with_the_model_asked_without_it(
    trained: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Workspace(trained.workspace)
    model = open_registry(place, read_settings(place.root)).champion()
    features = features_of(model)
    cases = build_training_data(place, model.outcome).frame.sort("as_of", "person_id", "referral_id").tail(CASES)
    assert cases.height == CASES
    found = check_reasons(explain(model.contributions(cases), cases, features), model, cases, features)
    assert found.shown > CASES
    assert found.agree >= MOSTLY * found.shown
    again = check_reasons(found.reasons, model, cases, features)
    assert again.agree == again.shown >= found.agree
    assert again.reasons.equals(found.reasons)
    sides = found.reasons.filter(pl.col("side").is_in([Side.WORRY.value, Side.STRENGTH.value]))
    assert (sides.filter(side=Side.WORRY.value)["contribution"] > 0).all()
    assert (sides.filter(side=Side.STRENGTH.value)["contribution"] < 0).all()
    with capsys.disabled():
        print(f"\n{found.agree} of {found.shown} reasons of {CASES} cases agreed with the model asked without them.")

"""The fairness report as a board is given it, on the example of the report: with what the rule says, every point and the run."""

from typing import Any

import polars as pl

from flows.publish.board_answers import BoardFacts
from flows.publish.board_points import tell_board
from flows.publish.fairness_page import render_fairness
from flows.publish.identity_section import tell_identity
from flows.publish.proxies_section import tell_proxies, tell_remedies
from flows.publish.quality_section import tell_quality
from flows.publish.uptake_section import tell_uptake
from flows.publish.what_changed import tell_changes
from flows.record import versions
from models.open_cases import count_reasons, measure_open_cases
from models.proxies import PROXIES
from models.remedies import REMEDIES
from models.uptake import measure_uptake
from tests.unit.record_example import facts
from tests.unit.test_fairness import SIZES
from tests.unit.test_open_cases import draw
from tests.unit.test_proxies_section import proxies, remedies
from tests.unit.test_stages_section import cell
from tests.unit.test_uptake import council

MONITORING = "../../monitoring/new_referral_within_12_months.html"


def board(*, measured: bool = True, **given: Any) -> BoardFacts:
    """Facts for a board; not ``measured``: without what only some trainings measure. ``given``: as of ``facts``."""
    told = (
        (proxies({}, {"value": "male"}), remedies({}))
        if measured
        else (pl.DataFrame(schema=PROXIES), pl.DataFrame(schema=REMEDIES))
    )
    return BoardFacts(facts(**given), measured, *told, MONITORING)


def render(told: BoardFacts) -> str:
    """The page, as a training writes it."""
    stages = cell("sex", "female", without_need=0.11, model=-0.07) if told.has_stages else None
    cases, groups = draw()
    more = [
        tell_quality(measure_open_cases(cases, groups), count_reasons(cases)),
        tell_uptake(measure_uptake(council(), ["people"])),
    ]
    more += [tell_proxies(told.proxies)] * bool(told.proxies.height) + [tell_remedies(told.remedies, told.frame)] * bool(
        told.remedies.height
    )
    return render_fairness(
        told.frame, stages, told.run.model, outcome=told.run.evaluation["outcome"]["words"], sizes=list(SIZES),
        first=tell_board(told), more=[*more, tell_changes(told.run.before, told.run.now), tell_identity(told.run, versions())],
    )  # fmt: skip

"""Time the whole fairness report on a country's scored rows, beside fairlearn's shares of the same groups.

``make bench-fairness`` runs fairlearn in the environment of ``make agreement``. Ours gives frames, intervals over families,
verdicts, stages and the page; fairlearn is asked for shares of single groups alone, without any interval. Each runs in a fresh
process.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import polars as pl

from features.groups import FINER, GROUPS
from features.outcomes import NEW_REFERRAL
from flows.bench.engines import measured
from flows.bench.measuring import HEADER, ROUNDS, Line, tell
from flows.publish.fairness_page import render_fairness
from flows.publish.quality_section import tell_quality
from flows.publish.uptake_section import tell_uptake
from models.evaluation import ROW
from models.fairness import PAIRS, cross, list_sizes, measure_fairness, place
from models.model import ScreeningModel
from models.open_cases import count_reasons, measure_open_cases
from models.stages import find_stages
from models.uptake import CASE, OFFER, measure_uptake

ROWS, SEED, CAPACITY, DATES = 600_000, 1, 20_000, 13
OURS, PEER = "ours, the whole report", "fairlearn, shares alone"
SIZES = {"one child": 0.6, "2 or 3 children": 0.3, "4 children or more": 0.1}
RARE = 0.15  # how thin the values of a group are beside each other: Dirichlet's parameter, so that a few hold most


def invent(folder: Path, size: int = ROWS) -> None:
    """Write about ``size`` scored rows of a year to ``rows.parquet`` and their groups to ``groups.parquet``."""
    rng = np.random.default_rng(SEED)
    children = size // 5  # each is open on five dates
    family = rng.integers(0, round(children / 1.6), children)
    chance = np.clip(rng.beta(1.2, 4.8, family.max() + 1)[family] * rng.uniform(0.7, 1.3, children), 0.01, 0.95)
    groups = {
        name: pl.Series(
            rng.choice(dtype.categories.to_list(), children, p=rng.dirichlet(np.full(len(dtype.categories), RARE) + 0.2))
        )
        for name, dtype in {**GROUPS, **FINER}.items()
    }
    kept = pl.DataFrame({"person_id": np.arange(children), "family": family, "chance": chance, **groups}).with_columns(
        referral_id=pl.format("case {}", "person_id"),
        person_id=pl.format("child {}", "person_id"),
        family_id=pl.format("family {}", "family"),
        outcome=pl.Series(rng.random(children) < chance),
        first=pl.Series(rng.integers(0, DATES - 4, children)),
        returned_in_need=pl.Series(rng.random(children) < 0.7),
        family_size=pl.Series(rng.choice(list(SIZES), children, p=list(SIZES.values()))),
    )
    days = pl.DataFrame({"at": range(DATES), "as_of": [date(2025, 1, 6) + timedelta(days=28 * at) for at in range(DATES)]})
    rows = (
        kept.join(days, how="cross")
        .filter(pl.col("at").is_between(pl.col("first"), pl.col("first") + 4))
        .with_columns(group_id="family_id", returned_in_need=pl.col("outcome") & pl.col("returned_in_need"))
        .sort("as_of", "person_id")
    )
    rows.select(*ROW, "family_id", "group_id", "outcome", "chance").write_parquet(folder / "rows.parquet")
    typed = [pl.col(name).cast(dtype) for name, dtype in {**GROUPS, **FINER}.items()]
    rows.select(*ROW, *typed, pl.col("family_size").cast(pl.Enum(list(SIZES))), "returned_in_need").write_parquet(
        folder / "groups.parquet"
    )


def report_ours(folder: Path) -> None:
    """Every figure of the report, and the page, from rows on disk."""
    rows, groups = pl.read_parquet(folder / "rows.parquet"), pl.read_parquet(folder / "groups.parquet")
    sizes = list_sizes(CAPACITY)
    frame = measure_fairness([rows], cross(groups, *PAIRS), sizes, SEED)
    stages = find_stages(rows, groups.drop(FINER))
    why = pl.when(pl.col("chance") > 0.9).then(pl.lit("too wide"))
    newest = rows.filter(pl.col("as_of") == rows["as_of"].max()).with_columns(
        reason_for_abstaining=why, out_of_date=pl.lit(0.0), unlike_training=pl.lit(0.0)
    )
    open_cases = measure_open_cases(newest, groups.drop("returned_in_need", *FINER))
    offered = pl.col("chance") > 0.5
    looks = rows.with_columns(
        look=pl.when(offered).then(pl.lit(OFFER)).otherwise(pl.lit(CASE)), was_offered=offered, otherwise=False, due=True,
        answer=pl.when(offered).then(pl.when("outcome").then(pl.lit("ACCEPTED")).otherwise(pl.lit("DECLINED"))),
    )  # fmt: skip
    uptake = measure_uptake(looks.join(groups, on=ROW), list(GROUPS))
    page = render_fairness(
        frame, stages, model_of(rows), outcome=NEW_REFERRAL.words, sizes=list(sizes),
        more=[tell_quality(open_cases, count_reasons(newest)), tell_uptake(uptake)],
    )  # fmt: skip
    cells = frame.select("group", "value").unique().height
    print(f"{rows.height:,} rows, {cells} groups, {frame.height:,} cells, a page of {len(page) / 1e6:.1f} MB", file=sys.stderr)


def model_of(rows: pl.DataFrame) -> ScreeningModel:
    """What the page says of a model."""
    days = {"trained_from": rows["as_of"].min(), "trained_to": rows["as_of"].max()}
    return cast(ScreeningModel, SimpleNamespace(name="glass_box", version="1", origin="invented", **days))


def report_peer(folder: Path) -> None:
    """Four shares of every single group, by fairlearn."""
    from fairlearn.metrics import (  # type: ignore[import-not-found]  # it lives in the environment of the agreement
        MetricFrame,
        false_negative_rate,
        false_positive_rate,
        selection_rate,
    )
    from sklearn.metrics import precision_score

    rows = place(pl.read_parquet(folder / "rows.parquet"), list_sizes(CAPACITY), SEED)
    groups = pl.read_parquet(folder / "groups.parquet").drop("returned_in_need")
    joined = rows.join(groups, on=ROW)
    offered = joined[next(name for name in joined.columns if name.startswith("offered"))].to_numpy()
    metrics = {
        "offered": selection_rate, "missed": false_negative_rate, "burden": false_positive_rate, "needed": precision_score,
    }  # fmt: skip
    for name in groups.columns[len(ROW) :]:
        sensitive = joined[name].cast(pl.String).to_numpy()
        found = MetricFrame(metrics=metrics, y_true=joined["outcome"].to_numpy(), y_pred=offered, sensitive_features=sensitive)
        found.by_group  # noqa: B018  worked out when it is asked for


def run(engine: str, folder: Path, python: str) -> dict[str, float]:
    """The figures of an engine in a fresh process of the interpreter ``python``."""
    command = [python, "-m", "flows.bench.fairness", "--engine", engine, "--data", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own command
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Time both, or do the work of one and print its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m flows.bench.fairness", description="Time the fairness report.")
    parser.add_argument("--rows", type=int, default=ROWS, help="how many scored rows")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is run")
    parser.add_argument("--peer", help="interpreter of the environment that has fairlearn; without it there is no line for it")
    parser.add_argument("--data", type=Path, help="folder with the invented rows")
    parser.add_argument("--engine", choices=(OURS, PEER), help="do the work of this one alone, on what lies in --data")
    asked = parser.parse_args()
    work: dict[str, Callable[[Path], None]] = {OURS: report_ours, PEER: report_peer}
    if asked.engine:
        print(json.dumps(measured(lambda: work[asked.engine](asked.data))))
        return
    with tempfile.TemporaryDirectory(prefix="rereferral-bench-") as temporary:
        folder = Path(temporary)
        invent(folder, asked.rows)
        print(HEADER.replace("referrals", "     rows"), flush=True)
        lines = []
        for engine, python in {OURS: sys.executable, PEER: asked.peer}.items():
            if not python:
                continue
            found = [run(engine, folder, python) for _ in range(asked.rounds)]
            middle = {name: statistics.median(each[name] for each in found) for name in found[0]}
            lines.append(Line("fairness report", engine, asked.rows, **middle))
            print(tell(lines[-1]), flush=True)
    if len(lines) > 1:
        print(f"Ours takes {lines[0].cpu_s / lines[1].cpu_s:.1f} times the processor time of fairlearn's shares.")


if __name__ == "__main__":
    main()

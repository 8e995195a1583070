"""Time exact reasons: the chances of 400,000 cases with what every feature adds, beside SHAP on a model that needs it.

``python -m flows.bench.reasons`` runs in the environment of the peers, as part of ``make bench``. The glass box is a sum of
terms, so that its reasons are read off; SHAP's TreeExplainer works them out tree by tree, for boosting without any restriction.
It is asked for few rows, and gets numeric columns only: where trees split on categories, what it says does not add up, and it
does not say so. Each engine must add up to the log-odds of its model's chance before it is timed.
"""

import argparse
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import logit

from features.catalogue import CATALOGUE
from features.outcomes import NEW_REFERRAL
from flows.bench.engines import measured
from flows.bench.frames import invent_frame, referrals_of
from flows.bench.measuring import HEADER, ROUNDS, Line, tell
from models.candidate import FULL, Effort, Floats, to_array
from models.fitting import fit_candidate
from models.learners import Boosting
from models.reasons import KEYS, explain
from models.training import describe_model
from validation.extract import Origin

CASES, TRAINED_ON, EXPLAINED = 400_000, 20_000, 2_000
SPARE = 1.02  # so many more rows are invented than cases are scored, since their number is not exact
SEED = 1
CHANCES, EXACT, WORDS, RANGES = "ours, chances", "ours, exact reasons", "ours, chances and words", "ours, ranges"
SHAP = "SHAP TreeExplainer"
NEAR = 1e-6  # log-odds


def time_reasons(
    file: Path,
    *,
    cases: int = CASES,
    trained_on: int = TRAINED_ON,
    explained: int = EXPLAINED,
    effort: Effort = FULL,
    rounds: int = ROUNDS,
) -> list[Line]:
    """Lines for chances, for what each feature adds, for all of it with words, for ranges, and for SHAP on ``explained`` rows.

    The ratio of processor time is printed. The glass box is fitted on ``trained_on`` rows: its terms cost the same however many
    there were. Trees are fitted on all of them, as they would be, since more rows let them grow more trees.
    ``file`` is a training frame (see :mod:`flows.bench.frames`), beside which models and cases are kept. Where SHAP is not
    installed there is no line for it.
    """
    folder, frame = file.parent, pl.read_parquet(file).sort("as_of", "person_id")
    learn = frame.sample(min(trained_on, frame.height), seed=SEED).sort("as_of", "person_id")
    trees = _fit(folder, frame, learn, effort)
    print(f"unrestricted boosting grew {trees} trees of at most {effort.leaves} leaves on {frame.height:,} rows", flush=True)
    names = [feature.name for feature in CATALOGUE]
    asked = frame.sample(min(cases, frame.height), seed=SEED).select(*KEYS, *names)
    asked.write_parquet(folder / "cases.parquet")
    asked.head(explained).write_parquet(folder / "few.parquet")
    engines = dict.fromkeys((CHANCES, EXACT, WORDS, RANGES), asked.height)
    if find_spec("shap"):
        engines[SHAP] = min(explained, asked.height)
    else:
        print("SHAP is not there: no line for it.")
    lines = []
    for engine, rows in engines.items():
        found = [run_engine(engine, folder) for _ in range(rounds)]
        middle = {name: statistics.median(run[name] for run in found) for name in found[0]}
        lines.append(Line(f"reasons of {rows:,} cases", engine, referrals_of(frame.height), **middle))
        print(tell(lines[-1]), flush=True)
    if SHAP in engines:
        print(say_ratio(lines, engines))
    return lines


def say_ratio(lines: Sequence[Line], rows: dict[str, int]) -> str:
    """SHAP's processor time for a row against ours, in a sentence."""
    each = {line.engine: line.cpu_s / rows[line.engine] for line in lines}
    return (
        f"What each feature adds to a row costs {each[EXACT] * 1e6:,.1f} microseconds of processor time, and {SHAP} "
        f"{each[SHAP] * 1e6:,.0f}: {each[SHAP] / each[EXACT]:,.0f} times as much. Our chance, reasons and words together cost "
        f"{each[WORDS] * 1e6:,.1f}: {each[SHAP] / each[WORDS]:,.0f} times."
    )


def _fit(folder: Path, frame: pl.DataFrame, learn: pl.DataFrame, effort: Effort) -> int:
    """Fit the glass box on ``learn`` and trees on ``frame``, and keep both in ``folder``; how many trees there are."""
    fitted = fit_candidate("glass_box", learn, CATALOGUE, SEED, effort)
    model = describe_model(fitted, learn, outcome=NEW_REFERRAL, origin=Origin.INVENTED, tables={}, freshness={}, inputs={})
    trees = Boosting(CATALOGUE, SEED, effort).fit(frame, frame["outcome"].to_numpy(), frame["group_id"])
    (folder / "models.pickle").write_bytes(pickle.dumps((model, trees)))
    return int(trees.estimator.n_iter_)


def run_engine(engine: str, folder: Path) -> dict[str, float]:
    """The figures of an engine in a fresh process, on what lies in ``folder``."""
    command = [sys.executable, "-m", "flows.bench.reasons", "--engine", engine, "--data", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own command
    found: dict[str, float] = json.loads(done.stdout)
    return found


def prepare(engine: str, folder: Path) -> Callable[[], object]:
    """The work of an engine, with matrix and model in memory. Stops the bench where reasons do not add up."""
    model, trees = pickle.loads((folder / "models.pickle").read_bytes())  # noqa: S301  written by ourselves
    few = pl.read_parquet(folder / "few.parquet")
    if engine == SHAP:
        return _prepare_shap(trees, few)
    matrix = pl.read_parquet(folder / "cases.parquet")
    check(engine, model.base_log_odds + model.contributions(few).to_numpy().sum(axis=1), logit(model.chances(few).to_numpy()))
    used = [feature for feature in CATALOGUE if feature.name in model.features]
    ours: dict[str, Callable[[], object]] = {
        CHANCES: lambda: model.chances(matrix),
        EXACT: lambda: model.contributions(matrix),
        WORDS: lambda: (model.chances(matrix), explain(model.contributions(matrix), matrix, used)),
        RANGES: lambda: model.ranges(matrix),
    }
    return ours[engine]


def _prepare_shap(trees: Boosting, few: pl.DataFrame) -> Callable[[], object]:
    import shap  # type: ignore[import-not-found]  # it lives in the environment of the peers

    explainer, values = shap.TreeExplainer(trees.estimator), to_array(few, trees.names)
    first = np.asarray(explainer.shap_values(values[:10]))
    check(SHAP, first.sum(axis=1) + float(np.ravel(explainer.expected_value)[0]), trees.scores(few.head(10)))
    return lambda: explainer.shap_values(values)


def check(engine: str, added: Floats, log_odds: Floats) -> None:
    """Stop the bench unless what was added up comes to the log-odds. Raises ``SystemExit``."""
    apart = float(np.abs(added - log_odds).max())
    if apart > NEAR:
        sys.exit(f"'{engine}': reasons do not add up to the log-odds of the chance, by {apart:.2g} at most.")


def main() -> None:
    """Time all engines, or do the work of one and print its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m flows.bench.reasons", description="Time exact reasons.")
    parser.add_argument("--cases", type=int, default=CASES, help="how many cases to score")
    parser.add_argument("--data", type=Path, help="folder that keeps the invented cases")
    parser.add_argument("--engine", help="do the work of this one alone, on what lies in --data")
    asked = parser.parse_args()
    if asked.engine:
        print(json.dumps(measured(prepare(asked.engine, asked.data))))
        return
    with tempfile.TemporaryDirectory(prefix="rereferral-bench-") as temporary:
        print(HEADER, flush=True)
        time_reasons(invent_frame(asked.data or Path(temporary), round(asked.cases * SPARE)), cases=asked.cases)


if __name__ == "__main__":
    main()

"""Scored test years of an invented council, drawn so that everything that is awkward to compare comes up."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.evaluation import ROW

PEOPLES = ("north", "south", "east", "west", "islands", "nowhere")
FIRST = date(2024, 1, 8)


@dataclass(frozen=True)
class Drawn:
    """Scored rows by test year, their groups, and how many families a list holds."""

    years: list[pl.DataFrame]
    groups: pl.DataFrame
    sizes: dict[str, float]


def draw(seed: int) -> Drawn:
    """One or two test years of 30 to 1,200 rows.

    Groups are of any size, down to one row; of some nobody came back, of others everybody did, some are at the end of every list;
    in a third of the draws some rows have no group. Chances are tied in half of the draws.
    """
    rng = np.random.default_rng(seed)
    years, groups = zip(*(_draw_year(rng, year) for year in range(int(rng.integers(1, 3)))), strict=True)
    families = min(year.group_by("as_of").agg(pl.col("family_id").n_unique())["family_id"].min() for year in years)
    sizes = {"the list": int(rng.integers(1, max(2, families // 2))), "a share": float(rng.choice([0.1, 0.2, 0.5]))}
    return Drawn(list(years), pl.concat(groups), sizes)


def _draw_year(rng: np.random.Generator, year: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    children = int(rng.integers(15, 400))
    families = int(rng.integers(children // 3 + 1, children + 1))
    family = rng.integers(0, families, children)
    people = rng.choice(PEOPLES[:5], families, p=rng.dirichlet(np.full(5, 0.5)))[family]
    sex = rng.choice(["female", "male"], children)
    truth = np.clip(rng.beta(1.2, 4.0, families)[family] + rng.normal(0, 0.05, children), 0.01, 0.99)
    never, always, last = rng.choice(PEOPLES[:5], 3, replace=False)
    chance = np.where(people == last, 0.001, np.clip(truth + rng.normal(0, 0.1, children), 0.002, 0.999))
    back = rng.random(children) < truth
    if rng.random() < 0.5:
        back = (back & (people != never)) | (people == always)
    if rng.random() < 0.5:
        chance = np.round(chance, 1)
    one = pl.DataFrame(
        {
            "person_id": [f"child {year} {at}" for at in range(children)],
            "family_id": [f"family {year} {at}" for at in family],
            "people": people,
            "sex": sex,
            "outcome": back,
            "found_in_need": rng.random(children) < 0.7,
            "settled": rng.random(children) < 0.8,
            "chance": chance,
            "no_people": rng.random(children) < (0.2 if rng.random() < 1 / 3 else 0.0),
        }
    )
    dates = pl.DataFrame({"as_of": [FIRST + timedelta(days=364 * year + 28 * at) for at in range(int(rng.integers(1, 4)))]})
    rows = one.join(dates, how="cross").with_columns(referral_id="person_id", group_id="family_id").sort("as_of", "person_id")
    need = pl.when("settled").then(pl.col("outcome") & pl.col("found_in_need"))
    named = pl.when(~pl.col("no_people")).then("people")
    groups = rows.select(
        *ROW,
        "sex",
        named.cast(pl.Enum(PEOPLES)).alias("people"),
        pl.concat_str("sex", named, separator=", ").alias("sex and people"),
        need.alias("returned_in_need"),
    )
    return rows.select(*ROW, "family_id", "group_id", "outcome", "chance"), groups

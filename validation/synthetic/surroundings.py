"""What happens around the episodes: contacts, early help, missing spells, offers, Signs of Safety, merged records."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from validation.synthetic.courses import Courses, source_of_its_year
from validation.synthetic.plants import Offer
from validation.synthetic.process import IN_NEED, NOT_IN_NEED
from validation.synthetic.state import Episodes
from validation.synthetic.world import (
    NEVER,
    YEAR,
    Days,
    Numbers,
    Places,
    Profile,
    choose,
    draw,
    frame,
    pseudonyms,
    shared,
    stream,
    working_days_after,
)
from validation.tables import episodes as case_tables
from validation.tables import local, people, protection

DISABILITIES = {
    "AUT": 30.0, "LD": 28.0, "BEH": 14.0, "COMM": 10.0, "MOB": 8.0, "PC": 4.0, "DDA": 4.0, "HEAR": 2.0, "VIS": 1.5,
    "INC": 2.0, "HAND": 1.0, "CON": 2.0,
}  # fmt: skip


DEPRIVATION_FOLLOWS = 0.4  # how strongly a family's difficulty draws its home to a deprived place
FIFTHS = (-0.5, 0.1, 0.7, 1.3)  # ends of the fifths: invented, and more families than a fifth live in the first
ADDRESS_KNOWN = 0.97


def contacts(courses: Courses, child: Places, day: Days, first: int) -> pl.DataFrame:
    """``ssd_contacts`` from the day ``first`` on: one before each referral, and many that come to nothing.

    ``child`` and ``day`` are those of the latter.
    """
    rng = stream(courses.seed, "contacts")
    lives = courses.lives
    wait = rng.choice((0, 0, 0, 1, 1, 2), size=int(lives.occasion.max()) + 1)[lives.occasion]
    led = np.flatnonzero(lives.start - wait >= first)
    courses.seen[child] = True
    day = working_days_after(day, 0)
    during = open_on(courses, child, day)
    advised = rng.random(child.size) < 0.45
    outcome = choose((during, "EXISTING_REFERRAL"), (advised, "ADVICE"), otherwise="NFA")
    source = source_of_its_year(draw(rng, courses.profile.sources, child.size), day)
    return frame(
        case_tables.CONTACTS,
        cont_contact_id=pseudonyms(courses.seed, "contact", led.size + child.size),
        cont_person_id=courses.person[np.concatenate([lives.child[led], child])],
        cont_contact_date=np.concatenate([(lives.start - wait)[led], day]),
        cont_contact_source_code=pl.concat([courses.source[led], source]),
        cont_contact_outcome_json=pl.concat([pl.repeat("NEW_REFERRAL", led.size, eager=True), outcome]),
    )


def open_on(courses: Courses, child: Places, day: Days) -> NDArray[np.bool_]:
    """Does each child have an open case on the day?"""
    lives = courses.lives
    cases = pl.DataFrame({"child": lives.child, "day": lives.start, "close": lives.close}).sort("day")
    asked = pl.DataFrame({"child": child, "day": day}).with_row_index("place").sort("day")
    joined = asked.join_asof(cases, on="day", by="child", check_sortedness=False).sort("place")
    return joined.select((pl.col("close") >= pl.col("day")).fill_null(False)).to_series().to_numpy()


def early_help(courses: Courses, first: int, last: int, since: int) -> pl.DataFrame:
    """``ssd_early_help_episodes`` that ended on ``since`` or later: after a case was stepped down, and without any case."""
    rng = stream(courses.seed, "early help")
    lives, families = courses.lives, courses.families
    down = np.flatnonzero(lives.early_help)
    start = lives.close[down] + rng.integers(1, 22, size=down.size)
    alone = np.flatnonzero(rng.random(families.count) < 0.06 * np.minimum(families.difficulty[families.family], 4))
    begin = np.maximum(families.birth[alone] + 180, first)
    span = np.maximum(np.minimum(families.birth[alone] + int(17 * YEAR), last) - begin, 0)
    day = begin + (rng.random(alone.size) * span).astype(np.int64)
    kept = (span > 0) & ~open_on(courses, alone, day)
    start = np.concatenate([start, day[kept]])
    child = np.concatenate([lives.child[down], alone[kept]])
    end = start + np.maximum(np.exp(rng.normal(np.log(150), 0.6, size=child.size)).astype(np.int64), 14)
    courses.seen[child[end >= since]] = True
    return frame(
        case_tables.EARLY_HELP,
        end >= since,
        earl_episode_id=pseudonyms(courses.seed, "early help", child.size),
        earl_person_id=courses.person[child],
        earl_episode_start_date=start,
        earl_episode_end_date=end,
    )


def missing(courses: Courses) -> pl.DataFrame:
    """``ssd_missing``: young people go missing while a case is open, more of them when they are being exploited."""
    rng = stream(courses.seed, "missing")
    lives, families = courses.lives, courses.families
    age = (lives.start - families.birth[lives.child]) / YEAR
    years = np.minimum(courses.length, 730) / YEAR
    rate = 0.22 * np.exp(0.9 * families.exploitation[lives.child]) * np.where(courses.lives.care, 2.0, 1.0)
    number = rng.poisson(np.where((age >= 11) & (age < 17.5) & (lives.kind == IN_NEED), rate * years, 0.0))
    row = np.repeat(np.arange(lives.count), number)
    start = lives.start[row] + (rng.random(row.size) * np.minimum(courses.length, 730)[row]).astype(np.int64)
    offered = draw(rng, {"Y": 85.0, "N": 15.0}, row.size)
    accepted = choose((offered == "Y", draw(rng, {"Y": 65.0, "N": 35.0}, row.size)), otherwise="NA")
    return frame(
        protection.MISSING,
        courses.told[row],
        miss_table_id=pseudonyms(courses.seed, "missing", row.size),
        miss_person_id=courses.person[lives.child[row]],
        miss_missing_episode_start_date=start,
        miss_missing_episode_type=draw(rng, {"M": 92.0, "A": 8.0}, row.size),
        miss_missing_episode_end_date=start + rng.geometric(0.55, size=row.size) - 1,
        miss_missing_rhi_offered=offered,
        miss_missing_rhi_accepted=accepted,
    )


def offers(
    courses: Courses,
    family: pl.Series,
    planted: tuple[Places, Days],
    draws: tuple[Places, Days, Numbers],
    offer: Offer | None,
) -> pl.DataFrame:
    """``ext_offers``: one row per family and occasion; conferences for some long cases, early help at some closings.

    ``planted`` names families and days of the planted ``offer``, which is always taken up; ``draws`` names all who might
    have been given it, with their chance of a place. How the others came about is not recorded.
    """
    rng = stream(courses.seed, "offers")
    lives = courses.lives
    one = np.zeros(lives.count, dtype=bool)
    one[np.unique(lives.occasion, return_index=True)[1]] = True
    lot = rng.random(lives.count)
    usual = np.select(
        [
            one & courses.lives.care & (lot < 0.5),
            one & (lives.kind == IN_NEED) & (courses.length > 150) & (lot < 0.10),
            one & (lives.kind == NOT_IN_NEED) & (lot < 0.12),
        ],
        ["FGDM", "FGC", "EH"],
        "",
    )
    background = np.flatnonzero(usual != "")
    given, which = _cases_of(lives, *planted)
    row = np.concatenate([background, given])
    kinds = np.concatenate([usual[background], np.full(given.size, "" if offer is None else offer.kind)])
    offered = np.where(kinds == "EH", lives.assessed[row], lives.assessed[row] + rng.integers(5, 60, size=row.size))
    offered = np.minimum(offered, lives.close[row])
    offered[background.size :] = planted[1][which]
    accepted = rng.random(row.size) < np.where(kinds == "EH", 0.6, 0.5)
    accepted[background.size :] = True
    answered = offered + rng.integers(1, 21, size=row.size)
    held = np.where(accepted & (rng.random(row.size) < 0.75), answered + rng.integers(14, 60, size=row.size), NEVER)
    review = np.where((held < NEVER) & (rng.random(row.size) < 0.5), held + rng.integers(42, 85, size=row.size), NEVER)
    return frame(
        local.OFFERS,
        courses.told[row],
        offe_offer_id=pseudonyms(courses.seed, "offer", row.size),
        offe_person_id=courses.person[lives.child[row]],
        offe_family_id=family[lives.family[row]],
        offe_kind=kinds,
        offe_offered_date=offered,
        offe_answer=choose((accepted, "ACCEPTED"), otherwise="DECLINED"),
        offe_answered_date=answered,
        offe_held_date=held,
        offe_review_date=review,
        offe_by_lot=pl.Series(
            [None] * background.size + [offer is not None and offer.given != "highest"] * given.size, dtype=pl.Boolean
        ),
        offe_slot_chance=pl.concat(
            [pl.repeat(None, background.size, dtype=pl.Float64, eager=True), _places(planted, draws)[which]]
        ),
    )


def _places(planted: tuple[Places, Days], draws: tuple[Places, Days, Numbers]) -> pl.Series:
    """The chance of a place that each family had on the day on which it was given the planted offer."""
    asked = pl.DataFrame(dict(zip(("family", "day", "chance"), draws, strict=True)))
    given = pl.DataFrame(dict(zip(("family", "day"), planted, strict=True)))
    return given.join(asked, on=["family", "day"], how="left", maintain_order="left")["chance"]


def _cases_of(lives: Episodes, family: Places, day: Days) -> tuple[Places, Places]:
    """An open case of each family on a day, and the place of the family and day it is for."""
    cases = pl.DataFrame({"family": lives.family, "start": lives.start, "close": lives.close}).with_row_index("case")
    asked = pl.DataFrame({"family": family, "day": day}).with_row_index("place")
    found = (
        asked.join(cases, on="family")
        .filter((pl.col("start") <= pl.col("day")) & (pl.col("close") > pl.col("day")))
        .group_by("place")
        .agg(pl.col("case").min())
        .sort("place")
    )
    return found["case"].cast(pl.Int64).to_numpy(), found["place"].cast(pl.Int64).to_numpy()


def scalings(courses: Courses) -> pl.DataFrame:
    """``ext_assessments_sos``: a third of need cases is mapped every quarter, by the worker and often by others."""
    rng = stream(courses.seed, "signs of safety")
    lives = courses.lives
    mapped = (lives.kind == IN_NEED) & (courses.length > 60) & (shared(rng, lives.occasion) < 0.35)
    times = np.where(mapped, np.minimum(1 + (courses.length - 30) // 91, 6), 0)
    row = np.repeat(np.arange(lives.count), times)
    number = np.arange(row.size) - (np.cumsum(times) - times)[row]
    hardship = courses.families.adversity[lives.family[row]]
    level = 4.5 - 0.9 * hardship + 0.5 * number + rng.normal(0, 1, size=row.size)
    raters = {"WORKER": 1.0, "FAMILY": 0.75, "NETWORK": 0.35}
    pick = np.stack([rng.random(row.size) < share for share in raters.values()], axis=1)
    place, rater = np.nonzero(pick)
    scale = level[place] + np.array([0.0, 1.2, 0.4])[rater] + rng.normal(0, 0.8, size=place.size)
    case = row[place]
    return frame(
        local.SIGNS_OF_SAFETY,
        courses.told[case],
        asos_scale_id=pseudonyms(courses.seed, "scaling", place.size),
        asos_person_id=courses.person[lives.child[case]],
        asos_scaled_date=lives.start[case] + 30 + 91 * number[place],
        asos_rater=pl.Series(list(raters))[rater],
        asos_scale=np.clip(np.round(scale), 0, 10).astype(np.int64),
        asos_danger_statements=1 + (hardship[place] > 0.8).astype(np.int64) + (number[place] == 0),
        asos_safety_goals=1 + (hardship[place] > 0.8).astype(np.int64) + (number[place] == 0),
        asos_strengths=rng.poisson(2.5, size=place.size),
    )


def workforce(profile: Profile, first: int, last: int, seed: int) -> pl.DataFrame:
    """``ext_workforce``: six measures on the last day of every quarter."""
    rng = stream(seed, "workforce")
    from_month, to_month = np.array([first, last]).astype("datetime64[D]").astype("datetime64[M]")
    months = np.arange(from_month, to_month, 3)
    days = (months + 3).astype("datetime64[D]").astype(np.int64) - 1
    level = {"TRAINED_SOS": 70.0, "TRAINED_RESTORATIVE": 60.0, "FGC_HELD": 14.0, "CASELOAD": 17.0, "TURNOVER": 13.0,
             "AGENCY": 11.0}  # fmt: skip
    row = np.repeat(np.arange(days.size), len(level))
    value = np.tile(np.array(list(level.values())), days.size)
    return frame(
        local.WORKFORCE,
        work_measure_id=pseudonyms(seed, "measure", row.size),
        work_measured_date=days[row],
        work_measure=pl.Series(list(level) * days.size),
        work_value=np.round(value * np.exp(rng.normal(0, 0.08, size=row.size)), 1),
    )


def links(courses: Courses, last: int) -> pl.DataFrame:
    """``ext_person_links``: between one and two in a hundred children were given a new key at some time."""
    rng = stream(courses.seed, "links")
    lives = courses.lives
    child, first = np.unique(lives.child, return_index=True)
    row = np.flatnonzero(rng.random(child.size) < 0.015)
    known = lives.start[first[row]]
    day = known + 1 + (rng.random(row.size) * np.maximum(last - known - 1, 1)).astype(np.int64)
    return frame(
        local.PERSON_LINKS,
        link_id=pseudonyms(courses.seed, "link", row.size),
        link_old_person_id=pseudonyms(courses.seed, "old person", row.size),
        link_new_person_id=courses.person[child[row]],
        link_date=day,
    )


def deprivation(courses: Courses, who: Places, home: Places) -> pl.DataFrame:
    """``ext_deprivation`` of the children ``who``: hard-pressed families live in deprived places more often."""
    rng = stream(courses.seed, "deprivation")
    families = courses.families
    pressed = rng.normal(0, 1, size=families.families) - DEPRIVATION_FOLLOWS * np.log(families.difficulty)
    fifth = 1 + np.searchsorted(np.array(FIFTHS), pressed)[home[who]]
    placed = rng.random(families.count)[who] < ADDRESS_KNOWN
    return frame(
        local.DEPRIVATION,
        depr_table_id=pseudonyms(courses.seed, "deprivation", families.count)[who[placed]],
        depr_person_id=courses.person[who[placed]],
        depr_fifth=pl.Series(fifth[placed]).cast(pl.String),
    )


def persons(courses: Courses, who: Places, family: pl.Series, home: Places) -> dict[str, pl.DataFrame]:
    """``ssd_person``, ``ssd_family`` and ``ssd_disability`` of the children ``who`` have a row elsewhere."""
    rng = stream(courses.seed, "persons")
    families, lives = courses.families, courses.lives
    sex = choose((rng.random(families.count)[who] < 0.002, "U"), (families.girl[who], "F"), otherwise="M")
    unstated = draw(rng, {"NOBT": 0.9, "REFU": 0.1}, families.count)[who]
    gender = choose((rng.random(families.count)[who] < 0.002, "I"), otherwise=sex)
    ethnicity = pl.Series(families.ethnicity[who].tolist(), dtype=pl.String)
    death = np.full(families.count, NEVER, dtype=np.int64)
    dead = lives.reason == "RC2"
    death[lives.child[dead]] = lives.close[dead]
    due = families.birth + np.clip(rng.normal(0, 9, size=families.count), -25, 14).astype(np.int64)
    support = rng.random(families.count) < np.where(families.disabled, 0.6, 0.04)
    kinds = 1 + (rng.random(families.count) < 0.3)
    number = np.where(families.disabled[who], kinds[who], 0)
    row = np.repeat(who, number)
    second = np.arange(row.size) - (np.cumsum(number) - number)[np.repeat(np.arange(who.size), number)] == 1
    code = draw(rng, DISABILITIES, families.count)[row]
    return {
        "ssd_person": frame(
            people.PERSON,
            pers_person_id=courses.person[who],
            pers_sex=sex,
            pers_gender=gender,
            pers_ethnicity=choose((families.stated[who], ethnicity), otherwise=unstated),
            pers_dob=families.birth[who],
            pers_expected_dob=due[who],
            pers_death_date=death[who],
            pers_send_flag=support[who],
        ),
        "ssd_family": frame(
            people.FAMILY,
            fami_table_id=pseudonyms(courses.seed, "family member", families.count)[who],
            fami_family_id=family[home[who]],
            fami_person_id=courses.person[who],
        ),
        "ssd_disability": frame(
            people.DISABILITY,
            disa_table_id=pseudonyms(courses.seed, "disability", row.size),
            disa_person_id=courses.person[row],
            disa_disability_code=choose((~second, code), (code == "LD", "AUT"), otherwise="LD"),
        ),
    }

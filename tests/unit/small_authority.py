"""Small authorities made by hand, whose figures can be worked out on paper."""

from datetime import date, timedelta

import polars as pl

from validation.synthetic.figures import measure
from validation.tables.catalogue import TABLES

START, END = date(2022, 4, 1), date(2025, 3, 31)  # three census years
DAY = timedelta(1)
Rows = list[dict[str, object]]


def authority(**rows: Rows) -> dict[str, pl.DataFrame]:
    """The tables of an authority with the given rows; what a row leaves out is empty."""
    return {
        name: pl.DataFrame(rows.get(name.removeprefix("ssd_"), []), schema=table.schema, strict=True)
        for name, table in TABLES.items()
    }


def episode(child: str, start: date, close: date | None = None, reason: str | None = None, **more: object) -> dict[str, object]:
    return {
        "cine_referral_id": f"{child}-{start}",
        "cine_person_id": child,
        "cine_referral_date": start,
        "cine_close_date": close,
        "cine_close_reason": reason,
        "cine_referral_nfa": False,
    } | {f"cine_{name}": value for name, value in more.items()}


def found(tables: dict[str, pl.DataFrame], group: str, start: date = START, end: date = END) -> dict[str, float]:
    measured = measure(tables, 1_000, start, end).filter(group=group)
    return {name: value for name, value in measured.select("figure", "value").iter_rows() if value}


def stocked() -> dict[str, pl.DataFrame]:
    """One child in need on every 31 March, three on the last, and two who only seem to be."""
    last = END
    return authority(
        cin_episodes=[
            episode("A", date(2021, 1, 1), cin_primary_need_code="N1"),
            episode("B", last - 10 * DAY, cin_primary_need_code="N2"),
            episode("C", last - 200 * DAY),
            episode("D", last - 10 * DAY, last),  # closed on the day
            episode("E", last, referral_nfa=True),
        ],
        person=[
            {"pers_person_id": "A", "pers_sex": "F", "pers_dob": date(2008, 3, 1), "pers_ethnicity": "WBRI"},
            {"pers_person_id": "B", "pers_sex": "M", "pers_dob": date(2025, 6, 1), "pers_ethnicity": "NOBT"},
            {"pers_person_id": "C", "pers_sex": "U", "pers_dob": date(2015, 4, 1), "pers_ethnicity": "MOTH"},
        ],
        disability=[{"disa_table_id": code, "disa_person_id": "A", "disa_disability_code": code} for code in ("AUT", "LD")]
        + [{"disa_table_id": "none", "disa_person_id": "C", "disa_disability_code": "NONE"}],
    )

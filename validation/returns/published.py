"""The council's published return: a small file that it supplies, checked whole.

A CSV with the columns ``year``, ``measure``, ``breakdown``, ``code`` and ``published``, and if wanted ``tolerance``. A number
is a count as published; where the Department prints a sign, it stands there: ``c`` suppressed, ``:`` not available, ``z`` not
applicable, ``u`` unreliable. ``docs/reconciliation.md`` lists every measure, breakdown and code.
"""

from io import BytesIO

import polars as pl
from polars.exceptions import PolarsError

from validation.disclosure import FEWEST
from validation.errors import ContractError
from validation.returns.measures import ALL, MEASURES

KEYS = ("year", "measure", "breakdown", "code")
TOLERANCE = "tolerance"
SIGNS = {
    "c": "the Department hides it",
    ":": "the Department has no figure",
    "z": "it does not apply",
    "u": "the Department calls it unreliable",
}
YEARS = (2013, 2100)
PUBLISHED = {
    "year": pl.Int64(),
    "measure": pl.String(),
    "breakdown": pl.String(),
    "value_code": pl.String(),
    "published": pl.Int64(),
    "sign": pl.String(),
    TOLERANCE: pl.Int64(),
}
SHOWN = 10  # lines named for one fault


def declared_lines() -> pl.DataFrame:
    """Every ``measure``, ``breakdown`` and ``value_code`` that may stand in a return."""
    return pl.DataFrame(
        [
            (measure.name, name, code)
            for measure in MEASURES.values()
            for name, codes in [(ALL, (ALL,)), *((part.name, tuple(part.codes)) for part in measure.breakdowns)]
            for code in codes
        ],
        schema=["measure", "breakdown", "value_code"],
        orient="row",
    )


def read_return(content: bytes, name: str) -> pl.DataFrame:
    """The lines of a return, columns as in :data:`PUBLISHED`. ``name`` is what messages call the file.

    Raises :class:`ContractError` that lists every fault with the numbers of its lines (the header is line 1).
    """
    try:
        text = pl.read_csv(BytesIO(content), infer_schema=False)
    except (PolarsError, UnicodeDecodeError):
        raise ContractError(
            f"The return '{name}' cannot be read: it must be a CSV file in UTF-8, with as many values in "
            "each line as in the header and no comma inside a number. Save it as one."
        ) from None
    text = text.rename({column: column.strip().lower().removeprefix("\ufeff") for column in text.columns})
    wanted = (*KEYS, "published")
    lost = [column for column in wanted if column not in text.columns]
    unknown = [column for column in text.columns if column not in (*wanted, TOLERANCE)]
    if lost or unknown or text.is_empty():
        found = [f"it lacks '{column}'" for column in lost] + [f"'{column}' is unknown" for column in unknown]
        raise ContractError(
            f"The return '{name}': {'; '.join(found or ['it has no line'])}. Its columns are {', '.join(wanted)} and, if wanted, "
            f"{TOLERANCE}; see docs/reconciliation.md."
        )
    lines = _parse(text.with_columns(pl.all().fill_null("").str.strip_chars()))
    faults = _find_faults(lines)
    if faults:
        raise ContractError(f"The return '{name}': {'; '.join(faults)}. Correct them all and give it again.")
    return lines.select(*PUBLISHED)


def _parse(text: pl.DataFrame) -> pl.DataFrame:
    """The columns as they are used, and beside them the texts that they came from (``text_...``)."""
    told = text if TOLERANCE in text.columns else text.with_columns(pl.lit("").alias(TOLERANCE))
    return told.with_row_index("line", offset=2).select(
        "line",
        "measure",
        "breakdown",
        pl.col("year").cast(pl.Int64, strict=False),
        pl.when(pl.col("published").str.contains(r"^\d+$")).then("published").cast(pl.Int64, strict=False).alias("published"),
        pl.when(pl.col(TOLERANCE).str.contains(r"^\d+$")).then(TOLERANCE).cast(pl.Int64, strict=False).alias(TOLERANCE),
        value_code="code",
        sign=pl.when(pl.col("published").str.to_lowercase().is_in(list(SIGNS))).then(pl.col("published").str.to_lowercase()),
        text_tolerance=pl.col(TOLERANCE),
    )


def _find_faults(lines: pl.DataFrame) -> list[str]:
    """What is wrong, each fault once with the lines that have it."""
    declared = declared_lines().with_columns(known=True)
    judged = lines.join(declared, on=["measure", "breakdown", "value_code"], how="left", maintain_order="left")
    names = {name: [part.name for part in measure.breakdowns] for name, measure in MEASURES.items()}
    is_named = pl.col("measure").is_in(list(names))
    may_have = pl.col("measure").replace_strict(names, default=[], return_dtype=pl.List(pl.String)).list.concat([pl.lit(ALL)])
    is_broken_down = pl.col("breakdown").is_in(may_have)
    rules = {
        f"the year must be a whole number from {YEARS[0]} to {YEARS[1]}, that in which the year to 31 March ends": ~pl.col("year")
        .is_between(*YEARS)
        .fill_null(value=False),
        f"the measure is unknown; allowed are {', '.join(MEASURES)}": ~is_named,
        f"the measure has no such breakdown; '{ALL}' is the measure as a whole": is_named & ~is_broken_down,
        "the breakdown has no such code": is_named & is_broken_down & pl.col("known").is_null(),
        f"'published' must be a count or one of {', '.join(SIGNS)}": pl.col("published").is_null() & pl.col("sign").is_null(),
        f"a count of 1 to {FEWEST - 1} is published as 'c': write that": pl.col("published").is_between(1, FEWEST - 1),
        f"'{TOLERANCE}' must be a whole number or empty": pl.col(TOLERANCE).is_null() & (pl.col("text_tolerance") != ""),
        "the line stands twice": pl.struct("year", "measure", "breakdown", "value_code").is_duplicated(),
    }
    found = []
    for words, is_wrong in rules.items():
        wrong = judged.filter(is_wrong)["line"].to_list()
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        if wrong:
            found.append(f"line {', '.join(map(str, wrong[:SHOWN]))}{more}: {words}")
    return found

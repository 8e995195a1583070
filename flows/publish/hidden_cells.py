"""Which figures on groups are hidden: all pages that tell of the groups of one training hide the same.

A reader who takes every family for one case on one date can turn a share into a count: of 40 families 7.5 % are three. What was
counted of a group's families hangs together, too: all of them, those that came back, those on a list, those that are both. So
figures are hidden by level, and what is hidden on one is hidden on all that can be worked out from it:

- ``ALL``: how many families there are. Without it nothing of the value is shown.
- ``RETURNS``: how many came back; with these what is made of returns.
- ``NEED``: how many returns were found to be in need, of those of which it is known.
- ``LISTED``: how many a list reaches; of each size.
- ``BOTH``: returns on and off the list. What any other level hides is hidden here.

Beside a handful another value of its group is hidden, a *partner*, which has ``ROOM`` families on either side of each count: the
handful may then be any number from 1 to 5, and the partner makes up for it, while all that is shown stays as it is. Where none
has so much room all are hidden. Of two groups together three others are hidden, which make a square with the handful: one of the
same sex, say, one of the same ethnic group, and the one that has both from these. The eighteen ethnic groups
add up to the five: a partner is looked for within one of these, and what is hidden of one of the five is hidden of all that
belong to it. How it was attacked: ``docs/disclosure.md``.
"""

import polars as pl

from features.groups import BACKGROUND, WITHIN
from validation.disclosure import FEWEST

ROOM = 2 * FEWEST - 2  # 4 families more or less, and no handful yet
AND, COMMA = " and ", ", "  # in the names of two groups together, and in those of their values
ALL, RETURNS, NEED, LISTED, BOTH = "all", "returns", "need", "listed", "both"
METRICS_OF = {
    ALL: ("came_back",),
    RETURNS: ("came_back", "returns_beside_chances"),
    NEED: ("returns_in_need", "returns_without_need"),
    LISTED: ("offered",),
    BOTH: ("missed_returns", "unneeded_approaches", "offered_without_return"),
}
"""What is told on each level. Means of chances and of places in the order count nobody: they are of level ``ALL``."""
WHOLE_OF = {"missed_returns": RETURNS, "offered_without_return": RETURNS, "unneeded_approaches": LISTED} | dict.fromkeys(
    METRICS_OF[NEED], NEED
)
"""The level that tells of how many families a figure is; of the others it is ``ALL``."""
FLIPPED = ("returns_without_need", *METRICS_OF[BOTH])
"""Of these less is counted where more is of the others of their level: fewer returns without need, and fewer that are missed."""
ABOVE = {ALL: (), RETURNS: (ALL,), NEED: (RETURNS,), LISTED: (ALL,), BOTH: (RETURNS, LISTED)}
KEY = ("split", "size", "group", "value")
VALUE = ("split", "group", "value")
NO_END, DEAR = 10**6, 10**9
OF_TWO, HAS_ROOM = pl.col("group").str.contains(AND), pl.min_horizontal("up", "down") >= ROOM
IS_FINER, BROAD = pl.col("group") == BACKGROUND, "ethnicity"


def hide_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` (see :func:`models.fairness.measure_fairness`) with ``hidden``, ``hidden_families`` and ``named``.

    ``hidden``: a cell's figures and its verdict. ``hidden_families``: of how many families it is. ``named``: may it be listed at
    all, with what is hidden as "c"? A value of fewer than six families may not. Of two groups together neither may what is hidden
    beside such a one, nor longer lists than the first, nor what returns were found to be, nor a question of which all is hidden.
    """
    values, longer = _list_values(frame), list(dict.fromkeys(size for size in frame["size"] if size))[1:]
    found: dict[str, pl.DataFrame] = {}
    for level, above in ABOVE.items():
        cells = _inherit(_count(frame, values, level), [found[one] for one in above])
        cells = _hide(cells, _find_tight(frame, values)) if level == LISTED else cells
        cells = _hide_longer(cells, _count(frame, values, BOTH), level) if level in (LISTED, BOTH) else cells
        broad = add_partners(cells.filter(~OF_TWO, ~IS_FINER))
        single = pl.concat([broad, _hide_finer(cells.filter(IS_FINER), broad)])
        pairs = cells.filter(OF_TWO, ~pl.col("size").is_in(longer)) if level != NEED else cells.clear()
        found[level] = pl.concat([single, _add_squares(_follow(pairs, single))])
    flags = pl.concat(cells.select(*KEY, "hidden", level=pl.lit(level)) for level, cells in found.items())
    levels = {name: level for level, names in METRICS_OF.items() for name in names}
    told = _look_up(frame, flags, levels, "of_level")
    told = _look_up(told, flags, WHOLE_OF, "hidden_families")
    none = flags.with_columns(hidden=OF_TWO & pl.col("hidden").all().over("split", "size", "group", "level"))
    told = _look_up(told, none, levels, "untold")
    told = _look_up(told, flags, {}, "of_all").join(values.select(*VALUE, "there"), on=VALUE, how="left", maintain_order="left")
    of_need, is_longer = pl.col("metric").is_in(METRICS_OF[NEED]), pl.col("size").is_in(longer)
    named = (pl.col("there") >= FEWEST) & ~(OF_TWO & (pl.col("of_all") | pl.col("untold") | is_longer | of_need))
    told = told.with_columns(hidden=pl.col("of_level") | _is_few("families") | ~named, named=named)
    return told.drop("of_level", "of_all", "untold", "there")


def hide_few(frame: pl.DataFrame) -> pl.DataFrame:
    """The same columns for a frame whose metrics do not hang together, since each is of other cases or of other things."""
    some, rest = pl.col("families_with_event"), pl.col("families") - pl.col("families_with_event")
    cells = frame.with_columns(
        set_order(pl.col("families")), of_size="size", size=pl.concat_str("metric", "size", separator="|")
    )  # a partner is looked for among the cells of one metric
    families = add_partners(cells.with_columns(hidden=_is_few("families"), up=pl.lit(NO_END), down="families"))
    counted = cells.with_columns(hidden_families=families["hidden"], some=some, rest=rest)
    found = add_partners(
        counted.with_columns(hidden=_is_few("families", "some", "rest") | pl.col("hidden_families"), up="rest", down="some")
    )
    return found.with_columns(size="of_size", named=pl.col("families") >= FEWEST).drop(
        "order", "of_size", "some", "rest", "up", "down"
    )


def _hide_finer(finer: pl.DataFrame, broad: pl.DataFrame) -> pl.DataFrame:
    """The groups within a group: hidden where that is, and with a partner from the same."""
    belongs = pl.col("value").replace_strict(WITHIN, default=pl.col("value"), return_dtype=pl.String)
    within = finer.with_columns(of=pl.lit(BROAD), part=belongs)
    of_broad = broad.filter("hidden", group=BROAD).select("split", "size", of="group", part="value")
    hidden = _hide(within, within.join(of_broad, on=["split", "size", "of", "part"], how="semi").select(KEY))
    found = add_partners(hidden.with_columns(group=pl.concat_str("group", "part", separator=": ")))
    return found.with_columns(group=pl.lit(BACKGROUND)).drop("of", "part")


def _look_up(frame: pl.DataFrame, flags: pl.DataFrame, levels: dict[str, str], name: str) -> pl.DataFrame:
    """With a column ``name``: is the level hidden that ``levels`` gives to a metric, or else that of all families?"""
    level = pl.col("metric").replace_strict(levels, default=ALL, return_dtype=pl.String)
    at_size = level.is_in([LISTED, BOTH])
    keyed = frame.with_columns(level=level, size_of_level=pl.when(at_size).then("size").otherwise(pl.lit("")))
    of = flags.select("split", "group", "value", "level", pl.col("size").alias("size_of_level"), pl.col("hidden").alias(name))
    joined = keyed.join(of, on=[*VALUE, "level", "size_of_level"], how="left", maintain_order="left")
    return joined.drop("level", "size_of_level").with_columns(pl.col(name).fill_null(value=False))


def _is_few(*counts: str) -> pl.Expr:
    return pl.any_horizontal(pl.col(count).is_between(1, FEWEST - 1) for count in counts).fill_null(value=False)


def _list_values(frame: pl.DataFrame) -> pl.DataFrame:
    """Each value of each group and year: how many families are ``there``, its ``order`` as a partner, what it adds up with."""
    came_back = pl.col("metric") == METRICS_OF[ALL][0]
    families = pl.coalesce(pl.col("families").filter(came_back).first(), pl.col("families").max())
    values = frame.group_by(*VALUE, maintain_order=True).agg(there=families)
    parts = pl.col("value").str.splitn(COMMA, 2)
    one, other = (pl.when(OF_TWO).then(parts.struct.field(name)) for name in ("field_0", "field_1"))
    return values.with_columns(set_order(pl.col("there")), line=one.fill_null(""), other_line=other.fill_null(""))


def _count(frame: pl.DataFrame, values: pl.DataFrame, level: str) -> pl.DataFrame:
    """The values at a level: is a handful counted in them, how far may what is counted go ``up`` or ``down``, and must it?

    What is counted is families that came back, say; where it goes up by one, what is left of all goes down by one. It must be
    able to go so far that each handful may be 1 and may be 5.
    """
    of = frame.filter(pl.col("metric").is_in(METRICS_OF[level])).join(values, on=VALUE, maintain_order="left")
    one, other = pl.col("families_with_event"), pl.col("families") - pl.col("families_with_event")
    flipped = pl.col("metric").is_in(FLIPPED)
    some, rest = pl.when(flipped).then(other).otherwise(one), pl.when(flipped).then(one).otherwise(other)
    some, rest = (pl.col("families"), pl.lit(NO_END)) if level == ALL else (some, rest)
    counted = of.filter(pl.col("there") > 0).with_columns(some=some, rest=rest, left=pl.col("there") - pl.col("families"))
    few = _is_few("families", "some", "rest", *(["left"] if level == NEED else []))
    more, fewer = ((FEWEST - 1 - pl.col(side)).filter(_is_few(side)).max() for side in ("some", "rest"))
    least, most = ((pl.col(side) - 1).filter(_is_few(side)).max() for side in ("some", "rest"))
    return counted.group_by(*KEY, "order", "line", "other_line", maintain_order=True).agg(
        hidden=few.any(), up=pl.col("rest").min(), down=pl.col("some").min(),
        must_up=pl.max_horizontal(more, most), must_down=pl.max_horizontal(least, fewer),
    )  # fmt: skip


def _find_tight(frame: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """Values of which returns and the list together tell of those that are both, or neither: as many are on it as came back, say.

    All values are, where none has room enough to be a partner: then what is counted of all families tells.
    """
    some, rest = pl.col("families_with_event"), pl.col("families") - pl.col("families_with_event")
    missed, unneeded, reached, neither = (
        side.filter(pl.col("metric") == METRICS_OF[BOTH][at]).first().fill_null(0)
        for side, at in ((some, 0), (some, 1), (rest, 0), (rest, 2))
    )
    opposite = ((missed, unneeded), (reached, neither))
    tight = pl.any_horizontal((one < FEWEST) & (other < FEWEST) & (one + other > 0) for one, other in opposite)
    found = frame.filter(pl.col("metric").is_in(METRICS_OF[BOTH])).group_by(KEY).agg(tight=tight)
    both = _count(frame, values, BOTH).join(found, on=KEY)
    none = (pl.col("hidden").any() & ~HAS_ROOM.any()).over("split", "size", "group")
    return both.filter(none | pl.col("tight")).select(KEY)


def _hide_longer(cells: pl.DataFrame, both: pl.DataFrame, level: str) -> pl.DataFrame:
    """Lists of other sizes than the first hold the same families and more: what hides one of them hides all of them.

    A handful on the first hides in them what is both on the list and a return.
    """
    if both.is_empty():
        return cells
    first = pl.col("size") == both["size"][0]
    few = pl.concat([both.filter(~first), cells.filter(~first) if level == LISTED else cells]).filter("hidden")
    return _hide(cells, cells.filter(~first).join(few, on=VALUE, how="semi").select(KEY))


def _inherit(cells: pl.DataFrame, above: list[pl.DataFrame]) -> pl.DataFrame:
    """What is hidden above is hidden here, of the same size where what is above has one."""
    for hidden in above:
        key = KEY if set(hidden["size"]) - {""} else VALUE
        marked = cells.join(hidden.filter("hidden").select(key), on=key, how="semi").select(KEY)
        cells = _hide(cells, marked)
    return cells


def _follow(pairs: pl.DataFrame, single: pl.DataFrame) -> pl.DataFrame:
    """Of two groups together is hidden what is hidden of either."""
    hidden = single.filter("hidden").select("split", "size", of="group", part="value")
    names = pl.col("group").str.splitn(AND, 2).struct
    for name, line in (("field_0", "line"), ("field_1", "other_line")):
        sided = pairs.with_columns(of=names.field(name), part=line)
        pairs = _hide(pairs, sided.join(hidden, on=["split", "size", "of", "part"], how="semi").select(KEY))
    return pairs


def _hide(cells: pl.DataFrame, marked: pl.DataFrame) -> pl.DataFrame:
    joined = cells.join(marked.with_columns(marked=pl.lit(value=True)), on=KEY, how="left", maintain_order="left")
    return joined.with_columns(hidden=pl.col("hidden") | pl.col("marked").fill_null(value=False)).drop("marked")


def add_partners(cells: pl.DataFrame) -> pl.DataFrame:
    """With a partner in each group in which a handful is ``hidden``: the first in ``order`` with ``ROOM`` ``up`` and ``down``.

    A group is told by ``split``, ``size`` and ``group``. Where no value has so much room all are hidden.
    """
    at, hidden = ("split", "size", "group"), pl.col("hidden")
    lacking = hidden.any() & ((hidden.sum() == 1) | ~(hidden & HAS_ROOM).any())
    first = pl.when(~hidden & HAS_ROOM).then("order").min().over(at)
    partner = (pl.col("order") == first).fill_null(value=True)
    return cells.with_columns(hidden=hidden | (lacking.over(at) & partner))


def set_order(families: pl.Expr) -> pl.Expr:
    """In which order values become partners: those of few digits first, and of these the last.

    Not the smallest, which would tell how small it is.
    """
    digits = families.cast(pl.String).str.len_chars().cast(pl.Int64).clip(lower_bound=2)
    return (digits * pl.len() - pl.int_range(pl.len(), dtype=pl.Int64)).alias("order")


def _add_squares(cells: pl.DataFrame) -> pl.DataFrame:
    """With three others beside each handful of two groups together, which make a square with it: what one gains another loses."""
    at = ["split", "size", "group"]
    few = cells.filter(pl.col("must_up").is_not_null()).with_columns(turn=pl.int_range(pl.len()).over(at))
    for turn in range(few["turn"].n_unique()):  # one after the other, so that squares share what is hidden already
        best = _find_squares(few.filter(turn=turn).select(*at, "value", "line", "other_line", "must_up", "must_down"), cells, at)
        for name in ("one", "other", "last"):
            cells = _hide(cells, best.select(*at, value=f"of_{name}").select(KEY))
        lost = few.filter(turn=turn).join(best, on=[*at, "value"], how="anti").select(at).unique()
        cells = _hide(cells, cells.join(lost, on=at, how="semi").select(KEY))
    return cells


def _find_squares(few: pl.DataFrame, cells: pl.DataFrame, at: list[str]) -> pl.DataFrame:
    """Of each handful, one to a group, the square that costs least: hidden cells cost nothing, those without room a lot."""
    price = pl.when("hidden").then(0).otherwise("order") + pl.when(HAS_ROOM).then(0).otherwise(DEAR)
    others = cells.select(*at, "line", "other_line", "up", "down", price=price, of="value")
    beside = _join(few, others, [*at, "line"], "one").filter(pl.col("other_line") != pl.col("other_line_one"))
    beside = _join(beside, others, [*at, "other_line"], "other").filter(pl.col("line") != pl.col("line_other"))
    last = others.rename({"line": "line_other", "other_line": "other_line_one"})
    square = _join(beside, last, [*at, "line_other", "other_line_one"], "last")
    up, down = pl.col("must_up"), pl.col("must_down")
    beside_it = [(pl.col(f"down_{name}") >= up) & (pl.col(f"up_{name}") >= down) for name in ("one", "other")]
    fits = pl.all_horizontal(*beside_it, pl.col("up_last") >= up, pl.col("down_last") >= down)
    prices = pl.sum_horizontal("price_one", "price_other", "price_last")
    return square.filter(fits).sort(prices, maintain_order=True).unique([*at, "value"], keep="first", maintain_order=True)


def _join(few: pl.DataFrame, others: pl.DataFrame, key: list[str], name: str) -> pl.DataFrame:
    return few.join(others.rename({one: f"{one}_{name}" for one in others.columns if one not in key}), on=key)

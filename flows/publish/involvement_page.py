"""The page that shows whether people decide: what became of the families on the lists, for the board and the team."""

from collections.abc import Mapping
from math import ceil, floor

import polars as pl

from flows.publish.board_page import render_board_page
from flows.publish.chance_words import in_words
from flows.publish.tables import Section, Table
from models.involvement import DECIDED, IN_ORDER, LEAST, NEVER, NO_PLACE, OTHERWISE, SOON_DAYS, Involvement, can_be_judged
from validation.disclosure import FEWEST, HIDDEN, Release, Sum, percent, protect

WHOLES = {"decided": f"places: {DECIDED}", "otherwise": f"judged: {OTHERWISE}", "never": f"places: {NEVER}"}
"""What the columns of the tables by group add up to."""
TOO_FEW = "There are too few of them to be shown apart: a reader could work out which family is meant."
TERMS = {
    "A place": "the family was among those that the list put forward for one kind of offer.",
    "Decided": "a person wrote down a decision while the family had the place.",
    "In the order of the list": "an offer of the kind that was listed, while no family before it was still undecided that day.",
    "Decided otherwise": "the decision was something else than an offer: that it does not suit the family, say, or that the "
    "family stays on the list.",
    "More than one": "the children of the family are not all in the same group.",
    HIDDEN: f"a count of 1 to {FEWEST - 1}, or one from which such a count could be worked out.",
}


def render_involvement(told: Involvement, *, authority: str, invented: bool) -> str:
    """The page, which needs nothing but itself. It names no family and shows no small number."""
    release = let_out(told)
    return render_board_page(
        "involvement.html.j2",
        "involvement.css",
        invented=invented,
        authority=authority,
        first=in_words(told.first),
        last=in_words(told.last),
        lists=_lists(told),
        alarms=told.alarms,
        judged=can_be_judged(told.judged, told.places),
        least=LEAST,
        short=in_short(told, release),
        sections=find_sections(told, release),
        terms=TERMS,
    )


def let_out(told: Involvement) -> Release:
    """What may be shown of all counts together: places add up by group, and those decided otherwise by decision and by reason."""
    on_list = {name: number for name, number in told.judged.items() if name != NO_PLACE}
    kinds = {"places": told.places, "judged": on_list, "otherwise": told.otherwise, "reasons": told.reasons, "roles": told.roles}
    counts = {f"{kind}: {name}": number for kind, parts in kinds.items() for name, number in parts.items()}
    counts |= {kind: sum(parts.values()) for kind, parts in kinds.items()} | {"off list": told.judged[NO_PLACE]}
    sums: list[Sum] = [(kind, [f"{kind}: {name}" for name in parts]) for kind, parts in kinds.items()]
    sums.append((f"places: {DECIDED}", ["judged"]))
    sums += [(f"judged: {OTHERWISE}", [kind]) for kind in ("otherwise", "reasons") if counts[kind] == on_list[OTHERWISE]]
    unprinted = {f"{group}: {value}: left" for group, value in told.groups.select("group", "value").iter_rows()}
    for (group,), part in (
        told.groups.with_columns(left=pl.col("decided") - pl.col("otherwise")).partition_by("group", as_dict=True).items()
    ):
        for column, whole in WHOLES.items():
            counts |= {f"{group}: {value}: {column}": number for value, number in part.select("value", column).iter_rows()}
            if part[column].sum() == counts[whole]:
                sums.append((whole, [f"{group}: {value}: {column}" for value in part["value"]]))
        counts |= {f"{group}: {value}: left": number for value, number in part.select("value", "left").iter_rows()}
        sums += [(f"{group}: {value}: decided", [f"{group}: {value}: {column}" for column in ("otherwise", "left")])
                 for value in part["value"]]  # fmt: skip
    return protect(counts, sums, unprinted=unprinted)


def in_short(told: Involvement, release: Release) -> list[str]:
    """What a board should take away, one sentence each."""
    shown = _show(release, "places")
    lines = [
        f"Families were given {release.show('places')} places on {_lists(told)}. People decided on "
        f"{shown[DECIDED]} of them; {shown[NEVER]} were lost, or the case was closed, before anybody decided.",
        say_agreement(told, release),
    ]
    if told.days is not None and shown[DECIDED] != HIDDEN:
        lines.append(f"Half of the decisions came within {_days(told.days.median)} of the morning on which the place was given.")
    return lines


def say_agreement(told: Involvement, release: Release) -> str:
    """How often people went along with the list, told so that no hidden count can be worked out from it."""
    shown, off_list = _show_decided(release), told.judged[NO_PLACE]
    in_order, decided = told.judged[IN_ORDER], told.places[DECIDED]
    is_shown, few_off_list = shown is not None and shown[IN_ORDER] != HIDDEN, 0 < off_list < FEWEST
    share = percent(in_order, decided + off_list)
    is_bound = min(in_order, decided + off_list - in_order) < FEWEST
    if is_shown and few_off_list:
        share = f"{floor(100 * in_order / (decided + FEWEST - 1))} to {ceil(100 * in_order / (decided + 1))} %"
    elif shown is None or few_off_list or not (is_shown or is_bound) or not share.endswith(("%", "more")):
        return "How often people went along with the list cannot be shown: there are too few decisions of some kind."
    return f"People went along with the list in {share} of their decisions."


def find_sections(told: Involvement, release: Release) -> list[Section]:
    """Every section of the page, in order."""
    return [
        _tell_places(told, release),
        _tell_days(told, release),
        _tell_agreement(told, release),
        _tell_otherwise(told, release),
        _tell_groups(told, release),
        _tell_roles(told, release),
    ]


def _tell_places(told: Involvement, release: Release) -> Section:
    words = [
        "A list that nobody decides on helps no family. A family may lose its place because others have a higher chance, "
        "because a rule of the council no longer allows the offer, or because its case was closed.",
    ]
    if (told.places[DECIDED] + told.places[NEVER]) >= LEAST and HIDDEN not in _show(release, "places").values():
        share = percent(told.places[NEVER], told.places[DECIDED] + told.places[NEVER])
        words.append(f"Of the places that have ended, {share} ended without any decision.")
    return Section("places", "What became of the places?", words, (), [_lay_out("Places, by how they ended", release, "places")])


def _tell_days(told: Involvement, release: Release) -> Section:
    heading = "How soon did people decide?"
    days = told.days
    if days is None or days.places < FEWEST or _show(release, "places")[DECIDED] == HIDDEN:
        return Section("days", heading, ["There are too few decisions to say."])
    words = [
        "Days are counted from the morning after the night on which the family got its place, to the first decision. "
        f"{percent(days.soon, days.places)} of the decisions came within {SOON_DAYS} days.",
    ]
    rows = (
        ("A quarter of the decisions came within", _days(days.lower)),
        ("Half of the decisions came within", _days(days.median)),
        ("Three quarters of the decisions came within", _days(days.upper)),
    )
    return Section("days", heading, words, (), [Table("", ("", ""), rows)])


def _tell_agreement(told: Involvement, release: Release) -> Section:
    heading, shown = "Did people follow the list, or did they judge?", _show_decided(release)
    words = [
        "Neither following the list every time nor never following it is right. People know more than the list does, and it is "
        "they who decide. The list is a help when they mostly agree with it, and when they depart from it with a reason.",
    ]
    if shown is None:
        return Section("agreement", heading, [*words, TOO_FEW])
    words += [
        f"{say_agreement(told, release)} Offers to families that had no place on the list: {release.show('off list')}.",
    ]
    return Section("agreement", heading, words, (), [_lay_out("Places that were decided on", release, "judged")])


def _tell_otherwise(told: Involvement, release: Release) -> Section:
    heading, shown = "When people decided otherwise, why?", _show_decided(release)
    if shown is None or shown[OTHERWISE] == HIDDEN:
        return Section("otherwise", heading, [TOO_FEW])
    if not told.otherwise:
        return Section("otherwise", heading, ["Nobody decided otherwise on any place."])
    words = ["The reasons are those that the team chose from the list of reasons in its workbook."]
    tables = [_lay_out("By reason", release, "reasons"), _lay_out("By decision", release, "otherwise")]
    return Section("otherwise", heading, words, (), tables)


def _tell_groups(told: Involvement, release: Release) -> Section:
    heading = "Was it so for every group?"
    words = [
        "These are counts and no verdict: groups differ in how many families they have, and in what those families need. A group "
        "in which people decide otherwise much more often, or which is often never decided on, is worth a conversation.",
    ]
    shown, decided = _show(release, "places"), _show_decided(release)
    if told.groups.is_empty() or decided is None:
        return Section("groups", heading, [*words, "There is nothing to show by group."])
    columns = {"decided": "Decided on"}
    columns |= {"otherwise": "Decided otherwise"} if decided[OTHERWISE] != HIDDEN else {}
    columns |= {"never": "Never decided on"} if shown[NEVER] != HIDDEN else {}
    return Section("groups", heading, words, (), [
        _lay_out_group(part, columns, release) for part in told.groups.partition_by("group", maintain_order=True)
    ])  # fmt: skip


def _lay_out_group(part: pl.DataFrame, columns: Mapping[str, str], release: Release) -> Table:
    group = part["group"][0]
    rows = tuple(
        (str(value).capitalize(), *(release.show(f"{group}: {value}: {column}") for column in columns)) for value in part["value"]
    )
    return Table(f"By {group.replace('_', ' ')}", ("Group", *columns.values()), rows)


def _tell_roles(told: Involvement, release: Release) -> Section:
    words = ["Every line of the log counts here, also an answer to an earlier offer."]
    if not told.roles:
        return Section("roles", "Who decided?", ["Nobody has written a decision down."])
    return Section("roles", "Who decided?", words, (), [_lay_out("Decisions, by role", release, "roles")])


def _show(release: Release, kind: str) -> dict[str, str]:
    """The counts of a kind by name, as they may be shown."""
    return {cell.partition(": ")[2]: release.show(cell) for cell in release.counts if cell.startswith(f"{kind}: ")}


def _show_decided(release: Release) -> dict[str, str] | None:
    """Decisions on places as they may be shown, or nothing where their total is hidden: it could be worked out from them."""
    return None if _show(release, "places")[DECIDED] == HIDDEN else _show(release, "judged")


def _lay_out(caption: str, release: Release, kind: str) -> Table:
    rows = tuple((name[0].upper() + name[1:], text) for name, text in _show(release, kind).items())
    return Table(caption, ("", "Number"), (*rows, ("All together", release.show(kind))))


def _lists(told: Involvement) -> str:
    return "one list" if told.lists == 1 else f"{told.lists:,} lists"


def _days(days: float) -> str:
    whole = round(days)
    return "the same day" if whole == 0 else f"{whole} day{'' if whole == 1 else 's'}"

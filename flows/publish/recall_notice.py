"""The notice of a recall, for the board: which lists were touched, what came of them, what is to be done. It names no family."""

from collections.abc import Mapping

from flows.publish.board_page import render_board_page
from flows.publish.chance_words import in_words, number
from flows.publish.tables import Section, Table
from flows.recall import NOT_DECIDED, Recalled
from validation.disclosure import FEWEST, HIDDEN, suppress, total

TERMS = {
    "Entry": "one list as it was published, with every chance on it, in the ledger of all lists. A night that was run again with "
    "another result has two.",
    "Extract": "what the case system held at the end of a day. The list of a night is made from it and from those before.",
    "A place": "the family was among those that the list put forward for an offer of help.",
    HIDDEN: f"a count of 1 to {FEWEST - 1}, or one from which such a count could be worked out.",
}


def render_notice(told: Recalled, *, authority: str, invented: bool, head: str) -> str:
    """The page, which needs nothing but itself. It names no family and shows no small number.

    ``head`` is that of the ledger that it was read from.
    """
    return render_board_page(
        "recall.html.j2",
        "involvement.css",
        invented=invented,
        authority=authority,
        what=say_what(told),
        short=in_short(told),
        sections=find_sections(told),
        steps=find_steps(told),
        terms=TERMS,
        head=head,
    )


def say_what(told: Recalled) -> str:
    """What is called back, in a few words."""
    asked = told.asked
    if asked.first is None or asked.last is None:
        return f"model version {asked.model_version}"
    days = in_words(asked.first) if asked.first == asked.last else f"{in_words(asked.first)} to {in_words(asked.last)}"
    return f"table {asked.table} in the extracts of {days}"


def in_short(told: Recalled) -> list[str]:
    """What a board should know first, one sentence each."""
    if told.nights.is_empty():
        return ["No list was made directly from it. What else rests on it stands below."]
    nights = told.nights["night"].unique().sort().to_list()
    when = f"of {in_words(nights[0])}" if len(nights) == 1 else f"from {in_words(nights[0])} to {in_words(nights[-1])}"
    lists = "1 list" if told.nights.height == 1 else f"{told.nights.height:,} lists"
    return [
        f"It touched {lists}, {when}, with chances for {_about(told.children)} children.",
        f"Families that had a place on them: {total(list(told.families.values()))}. What was decided about them stands below.",
        *([f"{_count_later(told)} on it as well."] if told.later else []),
    ]


def find_sections(told: Recalled) -> list[Section]:
    """Every section of the page, in order."""
    return [_tell_nights(told), _tell_families(told), _tell_rest(told), _tell_not_known()]


def find_steps(told: Recalled) -> list[str]:
    """What is to be done, in order."""
    of_a_model = (
        "If the model is still in use: decide whether to retire it, or to go back to the one before. A named person decides, "
        "and says why.",
    )
    of_extracts = (
        "Have the extract put right in the case system or in the export. The next night takes in what has changed, and from "
        "then on lists rest on what is right.",
        "Look at the models that were trained on it (below), and decide whether to train anew.",
    )
    return [
        *(of_a_model if told.asked.table is None else of_extracts),
        "Have a worker look at each family that had a place, or was offered something. Whose they are stands in a file in the "
        "workspace, which only those who must act may open.",
        "An offer that a family has taken up is help that it wanted: a worker and the family decide together whether it goes on.",
        "Decide with the data protection officer whether families are told, and whether it is reported.",
        "Lists of the past are not made anew: the ledger keeps what was shown, as it was shown.",
    ]


def _tell_nights(told: Recalled) -> Section:
    heading = "Which lists were touched?"
    if told.nights.is_empty():
        return Section("nights", heading, ["None."])
    scored = suppress(told.nights["scored"].to_list())
    rows = tuple(
        (in_words(night), str(entry), version, in_words(extract), cases)
        for (entry, night, version, extract), cases in zip(
            told.nights.select("entry", "night", "model_version", "extract_date").iter_rows(), scored, strict=True
        )
    )
    words = [
        "Every case with a chance on such a list is touched, whether its own data was wrong or not: families stand in one "
        "order, so a wrong chance of one can move others.",
        "Page and workbook of each of these nights were open to the front-door team. How many families had a place is told "
        "below, for all lists together: single nights, held against each other, would tell of few families.",
    ]
    header = ("Night", "Entry", "Model version", "Extract of", "Cases with a chance")
    return Section("nights", heading, words, (), [Table("Lists", header, rows)])


def _tell_families(told: Recalled) -> Section:
    heading = "What became of the families that had a place?"
    if not told.families:
        return Section("families", heading, ["No family had a place on these lists."])
    words = [
        "Each family counts once, by the latest decision that came of these lists: one about such a list, or about a place that "
        "the family was given on one and still had later.",
        f"Families without a place that were offered something from these lists: {total([told.off_list])}.",
    ]
    return Section("families", heading, words, (), [_lay_out("Families with a place, by decision", told.families)])


def _tell_rest(told: Recalled) -> Section:
    rest = [*_say_rest(told), *(_say_trained(name, entries) for name, entries in told.trained.items())]
    if told.asked.table is not None and not told.trained:
        rest.append("No registered model was trained on it.")
    return Section("rest", "What else rests on it?", rest or ["Nothing that the ledger knows of."])


def _say_rest(told: Recalled) -> list[str]:
    """Places that went on, and later lists."""
    words = []
    families = sum(told.families.values())
    if told.held_on:
        held = suppress([told.held_on, max(families - told.held_on, 0)])[0]
        words.append(f"Families that kept such a place on a later list, which was not touched itself: {held}.")
    if told.later:
        words.append(
            f"{_count_later(told)} on it as well, from {in_words(told.later[0])} to {in_words(told.later[-1])}: history is kept, "
            "so what a wrong extract brought stays until a later extract puts it right. From the extract that did, lists are "
            "right again."
        )
    return words


def _count_later(told: Recalled) -> str:
    return number(len(told.later), "other night rests", "other nights rest")


def _say_trained(name: str, entries: int) -> str:
    made = "it has made no list" if not entries else f"it has made {number(entries, 'list', 'lists')}, which a recall of it names"
    return f"The model of {name} was trained on it: {made}."


def _tell_not_known() -> Section:
    words = [
        "Who opened a page or a workbook is not recorded, nor is what was said on the telephone. Decisions are known as far as "
        "the team's workbooks were taken in.",
        "Copies outside the workspace, such as workbooks with case numbers, have to be looked for by those who hold them.",
        "Children who were erased since are not counted.",
    ]
    return Section("not-known", "What is not known?", words)


def _lay_out(caption: str, counts: Mapping[str, int]) -> Table:
    shown = suppress(list(counts.values()))
    rows = tuple((_say_answer(name), text) for name, text in zip(counts, shown, strict=True))
    return Table(caption, ("", "Families"), (*rows, ("All together", total(list(counts.values())))))


def _say_answer(name: str) -> str:
    return name[0].upper() + name[1:] if name == NOT_DECIDED else f"Last decision: {name}"


def _about(children: int) -> str:
    """A number of children to the nearest ten, so that lists cannot be held against each other; small ones are hidden."""
    return suppress([children])[0] if children < FEWEST else f"about {max(10, round(children, -1)):,}"

"""The workbook: the same families as the page, numbers as numbers, text as text, room for the answers and for nothing else."""

import dataclasses
import zipfile
from datetime import date, timedelta
from io import BytesIO

import polars as pl
import pytest
from lxml import etree

from flows.publish.night_list import NONE_RECORDED, Changes
from flows.publish.workbook import SHEETS, build_workbook
from flows.publish.workbook_guide import WHAT_HAPPENS, in_capital, write_guide
from flows.publish.workbook_rows import ANSWERS, BY_LAW, COLUMNS, KEYS
from models.team_decisions import DECISIONS, REASONS, ROLES
from tests.unit.night_example import AS_OF, EARLY_HELP, FGC, NIGHT, example, family, pseudonym

NAMES = ("ash", "birch", "cedar", "elm", "fir", "hazel")  # those of the night that the workbook shows, in its order
NUMBERS = {pseudonym(f"{name}{n}"): f"M-{name}{n}" for name in NAMES for n in (0, 1)}


def sheet(book: bytes, name: str = "Families") -> pl.DataFrame:
    """A sheet as a program reads it: the header is the second row."""
    rows = pl.read_excel(BytesIO(book), sheet_name=name, has_header=False, infer_schema_length=0).rows()
    return pl.DataFrame(rows[2:], schema=dict.fromkeys(rows[1], pl.String), orient="row")


def row(book: bytes, name: str) -> dict[str, str | None]:
    """The row of a family."""
    return sheet(book).row(by_predicate=pl.col("Family id") == pseudonym(name), named=True)


def xml(book: bytes, part: str) -> etree._Element:
    with zipfile.ZipFile(BytesIO(book)) as parts:
        return etree.fromstring(parts.read(part))


def found(book: bytes, tag: str, number: int = 1) -> list[etree._Element]:
    """The elements of this name in a sheet; "Families" is the first."""
    return xml(book, f"xl/worksheets/sheet{number}.xml").findall(f".//{{*}}{tag}")


def unlocked(book: bytes, number: int) -> set[str]:
    """The columns of the cells of a sheet that can be changed while it is protected."""
    styles = xml(book, "xl/styles.xml").find("{*}cellXfs")
    free = {str(n) for n, style in enumerate(styles) if style.find("{*}protection") is not None}
    return {cell.get("r").rstrip("0123456789") for cell in found(book, "c", number) if cell.get("s") in free}


def test_the_same_list_gives_the_same_bytes_in_any_order_of_its_rows() -> None:
    mixed = {name: getattr(NIGHT, name).sample(fraction=1, shuffle=True, seed=1) for name in ("families", "cases", "reasons")}
    assert build_workbook(NIGHT) == build_workbook(NIGHT) == build_workbook(dataclasses.replace(NIGHT, **mixed))


def test_a_row_for_each_family_that_is_shown_places_first_and_offers_by_law_last() -> None:
    rows = sheet(build_workbook(NIGHT))
    assert rows.columns == list(COLUMNS)
    assert rows["Family id"].to_list() == [pseudonym(name) for name in NAMES]
    assert rows["Family reference"].to_list() == [pseudonym(name)[:8] for name in NAMES]
    assert rows["What to offer"].to_list() == [
        "Family Group Conference\n(or Restorative early help)",
        "Family Group Conference",
        "Restorative early help",
        "When there is room: Restorative early help",
        "To be renewed by a person: Restorative early help",
        BY_LAW,
    ]


def test_an_offer_by_law_has_no_chance_and_no_reasons() -> None:
    book = build_workbook(NIGHT)
    told = row(book, "hazel")
    assert {name: told[name] for name in ("Chance in words", "What we are worried about", "Note")} == {
        "Chance in words": None, "What we are worried about": None, "Note": None,
    }  # fmt: skip
    children = sheet(book, "Children").filter(pl.col("Family reference") == pseudonym("hazel")[:8])
    assert children["Chance (0 to 1)"].to_list() == [None]
    assert pseudonym("hazel")[:8] not in sheet(book, "Reasons")["Family reference"]


def test_no_family_has_a_number_in_an_order() -> None:
    rows = sheet(build_workbook(NIGHT)).drop(*KEYS)
    assert not any("order" in name.lower() or "rank" in name.lower() or "place" in name.lower() for name in rows.columns)
    assert not any(rows.select((pl.all().str.contains(r"^\d+$")).any()).row(0))


def test_a_chance_is_in_words_and_the_other_childrens_too() -> None:
    book = build_workbook(NIGHT)
    assert row(book, "ash")["Chance in words"] == "About 6 in 10\nOthers: about 2 in 10"
    assert row(book, "birch")["Chance in words"] == "About 4 in 10\nOthers: no chance is given"
    assert row(book, "cedar")["Chance in words"] == "About 4 in 10"


def test_children_are_counted_by_age_and_the_words_say_whose_they_are() -> None:
    cases = NIGHT.cases.with_columns(
        age_band=pl.when(pl.col("person_id") == pseudonym("ash1")).then(pl.lit("unborn")).otherwise("age_band")
    )
    book = build_workbook(dataclasses.replace(NIGHT, cases=cases))
    assert row(book, "ash")["Children"] == (
        "2 children: 1 unborn, 1 aged 5 to 9\nFurthest stage: child in need plan\nThe chance and the words are those of child "
        f'{pseudonym("ash0")[:8]}: see the sheet "Children" for each.'
    )
    assert row(book, "birch")["Children"].startswith("2 children aged 5 to 9\n")
    assert row(book, "cedar")["Children"] == "1 child aged 5 to 9\nFurthest stage: child in need plan"


def test_doubt_is_told_in_sentences() -> None:
    assert row(build_workbook(NIGHT), "ash")["How sure, and what would change it"].split("\n") == [
        "The true number may lie between 3 and 7 in 10.",
        "After 12 quiet months this would be about 4 in 10.",
        "Of 16 equally good models, 14 would have listed this family.",
    ]


def test_both_sides_show_the_weightiest_reasons_of_the_child_whose_chance_it_is() -> None:
    many = [*(("worry", f"worry {n} of {{child}}") for n in range(5)), ("not known", "scale of {child}")]
    book = build_workbook(example({"ash": family("place", 0.2, 0.6, kind=FGC)}, reasons=many))
    told = row(book, "ash")
    assert told["What we are worried about"].split("\n") == [f"worry {n} of ash1" for n in range(3)]
    assert told["What is working well"] == NONE_RECORDED
    assert told["Not known"] == "scale of ash1"
    assert sheet(book, "Reasons").height == 2 * 6


def test_how_a_reason_counts_is_told_in_words() -> None:
    several = [("worry", f"worry {n}") for n in range(5)]  # of 0.5, 0.4 and so on in log-odds: odds times 1.65, 1.49, ... 1.11
    told = sheet(build_workbook(example({"ash": family("place", 0.6, kind=FGC)}, reasons=several)), "Reasons")
    assert told["How much"].to_list() == ["much", "some", "some", "some", "a little"]
    assert told["Makes a return"].to_list() == ["more likely"] * 5


def test_a_child_without_a_chance_is_told_of_under_what_is_not_known() -> None:
    book = build_workbook(NIGHT)
    without = f"No chance is given for child {pseudonym('birch1')[:8]}: the history on record reaches back less than two years"
    assert row(book, "birch")["Not known"].split("\n") == ["not known of birch0", without]
    child = sheet(book, "Children").row(by_predicate=pl.col("Child reference") == pseudonym("birch1")[:8], named=True)
    assert child["Note"] == "No chance is given: the history on record reaches back less than two years"
    assert child["What is working well"] is None  # not "None recorded": nobody has looked


def test_the_note_says_new_drawn_and_since_when() -> None:
    changes = Changes(AS_OF - timedelta(days=1), (pseudonym("ash"),), {pseudonym("cedar"): "it waited before"}, {}, 2, 1)
    book = build_workbook(dataclasses.replace(NIGHT, changes=changes))
    assert row(book, "ash")["Note"] == "New"
    assert row(book, "birch")["Note"] == "On the list since 21 November 2026"
    assert row(book, "cedar")["Note"] == "Since the last list: it waited before\nDrawn by lot"
    assert row(book, "elm")["Note"] == "Not drawn by lot"
    assert row(book, "fir")["Note"].startswith("On the list since 13 October 2026\nNobody has decided.")


def test_each_child_has_a_row_with_its_chance_as_a_number() -> None:
    book = build_workbook(NIGHT)
    rows = pl.read_excel(BytesIO(book), sheet_name="Children", read_options={"header_row": 1})
    assert rows["Child reference"].head(4).to_list() == [pseudonym(child)[:8] for child in ("ash0", "ash1", "birch0", "birch1")]
    assert rows["Chance (0 to 1)"].head(4).to_list() == [0.62, 0.2, 0.41, None]
    first = rows.row(0, named=True)
    assert (first["Days open"], first["Stage"], first["Signs of Safety scale (0 to 10)"]) == (41, "child in need plan", 4)
    assert first["Scaled by and on"] == "family, 4 November 2026"


@pytest.mark.parametrize(
    "words",
    [
        '=HYPERLINK("http://a.example")', "+1", "-1", "@SUM(1)", "=cmd|' /C calc'!A0", "=DDE(\"a\";\"b\")", "http://a.example",
        "mailto:a@b.example", "12", "{=1+1}", "'=1", "<b>&amp;", "_x000D_=1",
    ],
)  # fmt: skip
def test_words_are_never_read_as_a_formula_a_link_or_a_number(words: str) -> None:
    drawn = [("worry", words.replace("{", "{{").replace("}", "}}"))]
    night = example({"ash": family("place", 0.5, kind=FGC)}, reasons=drawn, authority=words, missing_tables=(words,))
    book = build_workbook(night, {pseudonym("ash0"): words})
    told = row(book, "ash")
    assert (told["What we are worried about"], told["Authority"], told["Case numbers"]) == (words, words, words)
    for number in range(1, len(SHEETS) + 1):
        assert not found(book, "f", number)
        assert not found(book, "hyperlink", number)
        assert {cell.get("t") for cell in found(book, "c", number) if cell.find("{*}v") is not None} <= {"s", None}


@pytest.mark.parametrize("control", ["\t", "\r", "\r\n", "\x00", "\x1b"])
def test_a_control_character_cannot_start_or_split_a_cell(control: str) -> None:
    night = example({"ash": family("place", 0.5, kind=FGC)}, reasons=[("worry", f"{control}=1{control}+1")])
    expected = "=1\n+1" if control == "\r\n" else "=1 +1"
    assert row(build_workbook(night), "ash")["What we are worried about"].replace(" \n", "\n") == expected


def test_only_the_answers_can_be_changed_and_rows_can_be_filtered() -> None:
    book = build_workbook(NIGHT)
    answers = {"J", "K", "L", "M", "N"}
    assert [COLUMNS.index(name) for name in ANSWERS] == [ord(letter) - ord("A") for letter in sorted(answers)]
    for number in range(1, len(SHEETS) + 1):
        (protection,) = found(book, "sheetProtection", number)
        assert protection.get("sheet") == "1"
        assert protection.get("password") is None
        assert protection.get("autoFilter") == "0"  # allowed
        assert unlocked(book, number) == (answers if number == 1 else set())
    assert found(book, "autoFilter")[0].get("ref") == "A2:R8"


def test_the_drop_downs_offer_exactly_what_can_be_read_back() -> None:
    book = build_workbook(NIGHT)
    guide = pl.read_excel(BytesIO(book), sheet_name="Guide", has_header=False, infer_schema_length=0).to_series(0).to_list()
    rules = {rule.get("sqref")[0]: rule for rule in found(book, "dataValidation")}
    chosen = {}
    for column, letter in zip(("Decision", "Offer", "Reason", "Role"), "JKLM", strict=True):
        source = rules[letter].findtext("{*}formula1")
        top, bottom = (int(part.rpartition("$")[2]) for part in source.removeprefix("Guide!").split(":"))
        chosen[column] = guide[top - 1 : bottom]
    assert chosen == {
        "Decision": [in_capital(code) for code in DECISIONS],
        "Offer": ["Family Group Conference", "Restorative early help"],
        "Reason": list(REASONS),
        "Role": list(ROLES),
    }
    assert rules["N"].get("type") == "date"
    assert (date(1899, 12, 30) + timedelta(days=int(rules["N"].findtext("{*}formula1")))) == AS_OF


def test_the_guide_says_what_each_decision_does_next() -> None:
    assert set(WHAT_HAPPENS) == set(DECISIONS)
    blocks = write_guide(NIGHT).blocks
    told = dict(blocks["Decisions, and what each does next"])
    assert told["Keep on the list"].endswith("up to 42 days more.")
    assert dict(blocks["Offers"])["Restorative early help"] == "1 slot is left this week, of 2 a week."


def test_without_a_kind_there_is_no_drop_down_of_kinds() -> None:
    night = example({"hazel": family("statutory", 0.7)}, kinds=())
    assert [rule.get("sqref")[0] for rule in found(build_workbook(night), "dataValidation")] == ["J", "L", "M", "N"]


def test_the_keys_are_hidden_and_change_with_what_is_shown() -> None:
    book = build_workbook(NIGHT)
    hidden = [(column.get("min"), column.get("max")) for column in found(book, "col") if column.get("hidden") == "1"]
    assert hidden == [("15", "18")]
    assert sheet(book)["Night"].unique().to_list() == ["2026-11-24"]
    (mark,) = sheet(book)["List"].unique()
    assert sheet(build_workbook(dataclasses.replace(NIGHT, next_families=0)))["List"][0] != mark


def test_the_identified_copy_has_one_column_more() -> None:
    book = build_workbook(NIGHT, NUMBERS)
    assert sheet(book).columns == [*COLUMNS[:2], "Case numbers", *COLUMNS[2:]]
    assert row(book, "ash")["Case numbers"].split("\n") == ["M-ash0", "M-ash1"]  # the child whose chance it is comes first
    assert sheet(book, "Children")["Case numbers"][0] == "M-ash0"
    assert sheet(book).drop("Case numbers").equals(sheet(build_workbook(NIGHT)))
    assert "Holds case numbers" in found(book, "oddFooter")[0].text
    assert "Holds case numbers" not in found(build_workbook(NIGHT), "oddFooter")[0].text


def test_the_header_and_the_reference_stay_in_sight_and_on_each_page() -> None:
    book = build_workbook(NIGHT)
    (pane,) = found(book, "pane")
    assert (pane.get("xSplit"), pane.get("ySplit"), pane.get("state")) == ("2", "2", "frozen")
    names = {name.text for name in xml(book, "xl/workbook.xml").findall(".//{*}definedName")}
    assert {"Families!$A:$B,Families!$1:$2", "Families!$A$1:$N$8"} <= names
    assert {found(book, "pageSetup", number)[0].get("paperSize") for number in range(1, 6)} == {"9"}


def test_the_stamp_heads_every_sheet_and_every_printed_page() -> None:
    book = build_workbook(dataclasses.replace(NIGHT, invented=True, demonstration=True))
    for number, name in enumerate(SHEETS, start=1):
        header = found(book, "oddHeader", number)[0].text
        title = pl.read_excel(BytesIO(book), sheet_name=name, has_header=False).item(0, 0)
        assert "INVENTED DATA" in header
        assert "do not use for any child" in header
        assert title.startswith("Morning list, Borough of Example, 24 November 2026. INVENTED DATA. DEMONSTRATION")


def test_the_last_sheet_says_what_the_list_is_and_where_it_comes_from() -> None:
    about = pl.read_excel(BytesIO(build_workbook(NIGHT)), sheet_name="About this list", has_header=False)
    lines = dict(about.select(pl.nth(0, 1)).rows())
    assert lines["What it is not"].startswith("Not a reason to close a case")
    assert lines["Cases"].startswith("10 open = 8 scored + 2 not scored")


def test_the_date_of_making_is_the_date_of_the_list() -> None:
    created = xml(build_workbook(NIGHT), "docProps/core.xml").findtext("{http://purl.org/dc/terms/}created")
    assert created == "2026-11-24T00:00:00Z"


def test_an_empty_list_says_why_and_keeps_its_columns() -> None:
    rows = sheet(build_workbook(example({})))
    assert rows["What to offer"].to_list() == ["No case was open on 24 November 2026, so there is no family to make an offer to."]
    assert rows.columns == list(COLUMNS)


def test_a_row_is_never_taller_than_a_workbook_can_have() -> None:
    words = [("worry", "a long sentence about what happened " * 60)]
    book = build_workbook(example({"ash": family("place", 0.5, kind=EARLY_HELP)}, reasons=words))
    assert max(float(line.get("ht", 0)) for line in found(book, "row")) == pytest.approx(409, abs=1)

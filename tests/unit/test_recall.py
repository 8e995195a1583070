"""What a bad model or a bad data cut touched: the planted set and nothing else, and a notice that names no family."""

import json
import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows import recalling
from flows.publish.recall_notice import render_notice
from flows.recall import NOT_DECIDED, Asked, Recalled, ask
from flows.recalling import write_recall
from flows.workspace import Workspace, hold, write_json, write_private
from models.team_decisions import DECIDED
from tests.unit.ledger_example import FIRST, Case, enter
from tests.unit.night_example import pseudonym
from validation.errors import BusyError, LedgerError, SettingsError

DAYS = [FIRST + timedelta(days) for days in range(6)]
BAD_MODEL, BAD_DAYS = DAYS[2:4], DAYS[1:3]
TABLE = "ssd_contacts"


def night(at: int) -> list[Case]:
    """Each night has cases of its own, so that one which does not belong would be seen; oak has a place on all of them."""
    return [
        ("ann", "oak", 0.61, "place"),
        (f"child{at}", f"family{at}", 0.52, "place"),
        (f"other{at}", f"waits{at}", 0.123, "waiting"),
        (f"unborn{at}", f"unborn{at}", None, "not scored"),
    ]


def decide(about: date, family: str, decision: str, on: date, children: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "night": about, "family_id": pseudonym(family), "children": [pseudonym(child) for child in children], "standing": "place",
        "listed_kind": "FGC", "decision": decision, "kind": "EH" if decision == "offered" else None, "reason": "Other",
        "role": "Social worker", "decided_on": on, "imported_on": on,
    }  # fmt: skip


DECISIONS = [
    decide(DAYS[1], "family1", "offered", DAYS[2]),
    decide(DAYS[2], "family2", "not suitable", DAYS[3]),
    decide(DAYS[2], "waits2", "offered", DAYS[3]),
    decide(DAYS[4], "oak", "accepted", DAYS[5]),
    decide(DAYS[5], "family5", "offered", DAYS[5]),
]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six nights, of which model version 2 made the third and the fourth; the fourth's extract brought no contacts."""
    place = tmp_path / "workspace"
    for at, day in enumerate(DAYS):
        tables = ("ssd_cin_episodes",) if at == 3 else ("ssd_cin_episodes", TABLE)
        since = {"oak": DAYS[2] if at > 2 else DAYS[0]}  # the bad model gave oak a place that it still has
        enter(place, day, night(at), since, version="2" if day in BAD_MODEL else "1", tables=tables)
        archive(place, day, tables)
    monkeypatch.setattr(recalling, "read_decisions", lambda place: pl.DataFrame(DECISIONS, schema=DECIDED))
    return place


def archive(root: Path, day: date, tables: Sequence[str]) -> None:
    manifest = {
        "authority": "Borough of Example", "origin": "invented", "extract_rule": "overlapping", "window_start": "2020-01-01",
        "extract_date": day.isoformat(), "key_fingerprint": "", "accepted": dict.fromkeys(tables, 1),
    }  # fmt: skip
    write_json(root / "history" / "manifests" / f"{day}.json", manifest)
    for table in tables:
        write_private(root / "history" / table / f"{day}.parquet", pl.DataFrame({"x": [1]}).write_parquet)


def recall(root: Path, asked: Asked) -> pl.DataFrame:
    """Call back, and read the file of those who must act."""
    write_recall(root, asked, root.parent / "notice.html")
    return pl.read_parquet(root / "recall" / f"{asked.name}.parquet")


def model(version: str = "2") -> Asked:
    return ask(version, None, None, None)


def extracts(first: date = BAD_DAYS[0], last: date = BAD_DAYS[-1]) -> Asked:
    return ask(None, TABLE, first, last)


def planted(nights: Sequence[int]) -> set[tuple[date, str]]:
    return {(DAYS[at], pseudonym(child)) for at in nights for child, *_ in night(at)}


def found(cases: pl.DataFrame) -> set[tuple[date, str]]:
    return set(cases.select("night", "person_id").iter_rows())


def notice(root: Path) -> str:
    page = (root.parent / "notice.html").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.partition("</style>")[2]))


@pytest.mark.parametrize(
    ("asked", "nights"),
    [
        (model("2"), [2, 3]),
        (model("1"), [0, 1, 4, 5]),
        (extracts(), [1, 2]),
        (extracts(DAYS[3], DAYS[4]), [4]),  # the extract of the day before brought no contacts
        (ask(None, "ssd_cin_episodes", DAYS[3], DAYS[3]), [3]),
        (extracts(date(2020, 1, 1), date(2030, 1, 1)), [0, 1, 2, 4, 5]),
    ],
    ids=lambda value: value.name if isinstance(value, Asked) else str(value),
)
def test_a_recall_returns_exactly_the_planted_cases(root: Path, asked: Asked, nights: list[int]) -> None:
    cases = recall(root, asked)
    assert found(cases) == planted(nights)
    assert cases.height == 4 * len(nights)
    assert cases["entry"].unique().sort().to_list() == [at + 1 for at in nights]


def test_both_entries_of_a_night_that_was_run_again_are_told_apart(root: Path) -> None:
    enter(root, DAYS[2], night(0), version="1")
    assert recall(root, model("2"))["entry"].unique().sort().to_list() == [3, 4]
    assert recall(root, extracts())["entry"].unique().sort().to_list() == [2, 3, 7]


def test_decisions_come_of_touched_lists_and_of_places_given_on_them(root: Path) -> None:
    answers = recall(root, model("2")).filter(pl.col("decision").is_not_null())
    assert set(answers.select("family_id", "decision", "decided_on", "decided_kind").iter_rows()) == {
        (pseudonym("family2"), "not suitable", DAYS[3], "FGC"),
        (pseudonym("waits2"), "offered", DAYS[3], "EH"),
        (pseudonym("oak"), "accepted", DAYS[5], "FGC"),  # on a later list, about the place that the bad model gave
    }


def test_a_place_that_an_earlier_list_gave_is_no_cause_of_later_decisions(root: Path) -> None:
    answers = recall(root, extracts(DAYS[1], DAYS[1])).filter(pl.col("decision").is_not_null())
    assert set(answers["family_id"]) == {pseudonym("family1")}


def test_a_family_that_is_known_by_another_id_later_is_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = decide(DAYS[3], "united", "declined", DAYS[4], children=["child3", "baby"])
    monkeypatch.setattr(recalling, "read_decisions", lambda place: pl.DataFrame([later], schema=DECIDED))
    answers = recall(root, model("2")).filter(pl.col("decision").is_not_null())
    assert answers.select("family_id", "decision").rows() == [(pseudonym("family3"), "declined")]


def test_an_erased_child_is_not_among_the_cases(root: Path) -> None:
    from flows.ledger import erase_rows

    erase_rows(Workspace(root), [pseudonym("child2")], DAYS[5])
    assert found(recall(root, model("2"))) == planted([2, 3]) - {(DAYS[2], pseudonym("child2"))}


def test_the_file_with_pseudonyms_is_for_its_owner_alone(root: Path) -> None:
    recall(root, model("2"))
    assert (root / "recall").stat().st_mode & 0o777 == 0o700
    assert (root / "recall" / "model-version-2.parquet").stat().st_mode & 0o777 == 0o600


def test_the_words_say_what_was_found_and_where(root: Path) -> None:
    out = root.parent / "notice.html"
    assert write_recall(root, model("2"), out) == (
        f"2 lists, 8 cases on them (6 with a chance), 3 families with a place: {out}\n"
        f"whose they are: {root}/recall/model-version-2.parquet"
    )


def test_the_notice_names_no_child_and_no_small_number(root: Path) -> None:
    recall(root, model("2"))
    page = (root.parent / "notice.html").read_text(encoding="utf-8")
    head = re.search(r"Its head: <code>([0-9a-f]{64})", page)
    assert head
    assert not re.search(r"[0-9a-f]{32}", page.replace(head[1], ""))
    assert "Families that had a place on them: c." in notice(root)
    assert "from 24 November 2026 to 25 November 2026, with chances for c children" in notice(root)
    assert "INVENTED DATA" in page


def test_the_notice_of_a_data_cut_says_what_else_rests_on_it(root: Path) -> None:
    lineage = {"vintages_sha256": {f"{TABLE}/{DAYS[0]}": "", f"{TABLE}/{DAYS[1]}": ""}}
    write_json(root / "training" / "2" / "run.json", {"lineage": lineage})
    write_json(root / "training" / "3" / "run.json", {"lineage": {"vintages_sha256": {f"{TABLE}/{DAYS[0]}": ""}}})
    write_json(root / "training" / "refused-2026-11-23" / "run.json", {"lineage": lineage})
    recall(root, extracts())
    told = notice(root)
    assert "Recall: table ssd_contacts in the extracts of 23 November 2026 to 24 November 2026" in told
    assert "3 other nights rest on it as well, from 25 November 2026 to 27 November 2026" in told
    assert "The model of new_referral_within_12_months, version 2 was trained on it: it has made 2 lists" in told
    assert "version 3" not in told
    assert "refused" not in told


def test_an_extract_that_only_a_training_took_in_is_called_back_as_well(root: Path) -> None:
    archive(root, date(2026, 11, 1), [TABLE])
    assert recall(root, extracts(date(2026, 11, 1), date(2026, 11, 1))).is_empty()
    assert "6 other nights rest on it as well" in notice(root)


def large(**different: Any) -> Recalled:
    nights = pl.DataFrame(
        {"entry": [4, 5], "night": DAYS[:2], "model_version": ["2", "2"], "extract_date": DAYS[:2], "scored": [1204, 1203]}
    )  # fmt: skip
    families = {"offered": 12, "accepted": 7, "not suitable": 3, NOT_DECIDED: 9}
    given: dict[str, Any] = {
        "asked": model("2"), "nights": nights, "cases": pl.DataFrame(), "children": 1206, "families": families, "off_list": 2,
        "held_on": 30, "later": [], "trained": {},
    }  # fmt: skip
    return Recalled(**given | different)


def cells(told: Recalled, name: str) -> list[str]:
    page = render_notice(told, authority="Borough of Example", invented=False, head="0" * 64)
    row = re.search(rf'<th scope="row">{re.escape(name)}</th>(.*?)</tr>', page)
    assert row, name
    return re.findall(r"<td[^>]*>([^<]*)</td>", row[1])


def test_a_small_number_of_the_notice_is_hidden_with_another() -> None:
    names = ["Last decision: offered", "Last decision: accepted", "Last decision: not suitable", "Nobody has decided yet"]
    shown = [cells(large(), name)[0] for name in (*names, "All together")]
    assert shown[2] == "c"
    assert shown.count("c") == 2
    assert set(shown) < {"12", "7", "9", "31", "c"}


def test_each_touched_list_is_told() -> None:
    assert cells(large(), "22 November 2026") == ["4", "2", "22 November 2026", "1,204"]
    assert cells(large(), "23 November 2026") == ["5", "2", "23 November 2026", "1,203"]


def test_what_is_left_of_the_families_is_no_small_number_either() -> None:
    told = re.sub(r"\s+", " ", render_notice(large(), authority="", invented=False, head=""))
    assert "kept such a place on a later list, which was not touched itself: c." in told  # else one of 31 did not
    assert "were offered something from these lists: c." in told
    assert "chances for about 1,210 children" in told


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((None, None, None, None), "A recall is of one thing"),
        (("2", TABLE, DAYS[0], DAYS[1]), "A recall is of one thing"),
        (("2", None, DAYS[0], DAYS[1]), "A recall is of one thing"),
        ((None, TABLE, None, None), "A recall is of one thing"),
        ((None, TABLE, DAYS[0], None), "A recall is of one thing"),
        ((None, "contacts", DAYS[0], DAYS[1]), "'--table' is 'contacts', which the contract does not know"),
        ((None, TABLE, DAYS[1], DAYS[0]), "end before they begin"),
    ],
)
def test_what_is_called_back_must_be_one_thing(given: tuple[Any, Any, Any, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        ask(*given)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (model("9"), "No list was made by model version '9': versions in the ledger are 1, 2"),
        (extracts(date(2020, 1, 1), date(2020, 1, 2)), "those in the ledger are of 2026-11-22 to 2026-11-27"),
        (ask(None, "ssd_missing", DAYS[0], DAYS[1]), "the ledger has none at all"),
    ],
    ids=["model", "days", "table"],
)
def test_nothing_to_call_back_is_said(root: Path, asked: Asked, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        recall(root, asked)
    assert not (root / "recall").exists()


def test_a_notice_is_a_web_page(root: Path) -> None:
    with pytest.raises(SettingsError, match=r"ends in '\.html'"):
        write_recall(root, model("2"), root / "notice.md")


def test_a_folder_that_is_no_workspace_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no history"):
        write_recall(tmp_path / "nowhere", model("2"), tmp_path / "notice.html")
    assert not (tmp_path / "nowhere").exists()


def test_a_changed_ledger_is_not_called_back_from(root: Path) -> None:
    link = next((root / "ledger").glob("000002.*")) / "link.json"
    link.write_text(json.dumps(json.loads(link.read_text())))
    with pytest.raises(LedgerError, match="Entry 2"):
        recall(root, model("2"))


def test_a_workspace_in_use_is_not_called_back_from(root: Path) -> None:
    with hold(Workspace(root)), pytest.raises(BusyError):
        recall(root, model("2"))

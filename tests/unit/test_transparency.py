"""``transparency.toml``: what only the council can say; all faults together, nothing unknown, no placeholder."""

from pathlib import Path

import pytest

from flows.publish.record_fields import COUNCIL, RUN, read_fields
from flows.transparency import FILE_NAME, LONGEST, read_transparency, read_transparency_of
from validation.errors import SettingsError


def refused(text: str) -> str:
    with pytest.raises(SettingsError) as refusal:
        read_transparency(text)
    assert refusal.value.exit_code == 10
    return str(refusal.value)


def test_without_the_file_nothing_is_answered(tmp_path: Path) -> None:
    assert read_transparency_of(tmp_path) == {}


def test_answers_are_read_under_the_names_of_their_fields(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('[owner]\nteam = " Front door "\n[record]\nwebsite = "https://example.org/a"\n')
    assert read_transparency_of(tmp_path) == {"owner.team": "Front door", "record.website": "https://example.org/a"}


def test_every_field_of_the_council_can_be_answered_and_none_of_the_run() -> None:
    plain = {"record.website": "https://example.org", "record.contact": "team@example.org"}
    for field in read_fields():
        section, name = field.key.split(".")
        text = f'[{section}]\n{name} = "{plain.get(field.key, "An answer")}"\n'
        if field.answered_by == COUNCIL:
            assert read_transparency(text) == {field.key: plain.get(field.key, "An answer")}
        else:
            assert f"'{field.key}' is filled in from the run: take it out" in refused(text)


def test_all_faults_are_told_together() -> None:
    message = refused(
        f'loose = "x"\n[owner]\nteam = "TBC"\nchief = "Ann"\nsenior_responsible_owner = 3\n[record]\nwebsite = "example.org"\n'
        f'contact = "nobody"\n[supplier]\nname = "=1+1"\nrole = "{"a" * (LONGEST + 1)}"\n[model]\nname = "Ours"\n'
    )
    for fault in (
        "'loose' is unknown: allowed are [assessments], [data]",
        "'owner.team' holds 'TBC', which is no answer",
        "'owner.chief' is unknown: allowed are owner.senior_responsible_owner, owner.team",
        "'owner.senior_responsible_owner' is no text",
        "'record.website' is not an address that begins with https://",
        "'record.contact' is not an e-mail address",
        "'supplier.name' begins with '='",
        f"'supplier.role' has {LONGEST + 1} characters: allowed are {LONGEST}",
        "'model.name' is filled in from the run",
    ):
        assert fault in message


@pytest.mark.parametrize("text", ["", "  ", "-", "?", "...", "tbc", "TBD", "To do", "n/a", "xxx", "to be confirmed", "Pending"])
def test_a_placeholder_is_no_answer(text: str) -> None:
    assert "which is no answer" in refused(f'[owner]\nteam = "{text}"\n')


@pytest.mark.parametrize("text", ["None", "No supplier is involved", "Not applicable: nothing was bought", "TBC Ltd"])
def test_a_short_answer_is_one(text: str) -> None:
    assert read_transparency(f'[supplier]\nname = "{text}"\n') == {"supplier.name": text}


def test_a_file_that_is_no_toml_is_refused() -> None:
    assert "cannot be read" in refused("[owner\n")


def test_fields_are_declared_once_and_say_what_is_wanted_of_the_council() -> None:
    fields = read_fields()
    assert len({field.key for field in fields}) == len(fields)
    assert {field.answered_by for field in fields} == {RUN, COUNCIL}
    assert [field.key for field in fields if (field.answered_by == COUNCIL) != bool(field.wanted)] == []
    assert {field.tier for field in fields if field.record == "atrs"} == {"", "1", "2"}

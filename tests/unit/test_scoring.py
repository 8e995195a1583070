"""What is new and gone on the list since the last one."""

from pathlib import Path

import polars as pl
import pytest

from flows.scoring import Offered, _changes

Families = dict[str, tuple[list[str], bool]]  # pseudonym: children with an open case, and whether it is listed


def families(drawn: Families) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "family_id": list(drawn),
            "rank": range(1, len(drawn) + 1),
            "children": [children for children, _ in drawn.values()],
            "listed": [listed for _, listed in drawn.values()],
        },
        schema={"family_id": pl.String, "rank": pl.Int64, "children": pl.List(pl.String), "listed": pl.Boolean},
    )


@pytest.mark.parametrize(
    ("then", "now", "new", "gone"),
    [
        ({"f": (["a"], True)}, {"f": (["a"], True)}, (), {}),
        ({"f": (["b"], True)}, {"a": (["a", "b"], True)}, (), {}),  # a new sister has the smaller pseudonym
        ({"f": (["a"], True)}, {"f": (["b"], True)}, (), {}),  # one child's case closed, another's opened
        ({}, {"f": (["a"], True)}, ("f",), {}),
        ({"f": (["a"], True)}, {}, (), {"f": "no case of the family is open now"}),
        ({"f": (["a"], True)}, {"f": (["a"], False)}, (), {"f": "other families have a higher chance now"}),
        ({"f": (["a"], False)}, {"f": (["a"], True)}, ("f",), {}),
    ],
)
def test_a_family_is_known_by_its_pseudonym_or_its_children(
    tmp_path: Path, then: Families, now: Families, new: tuple[str, ...], gone: dict[str, str]
) -> None:
    night = tmp_path / "2026-11-23"
    night.mkdir()
    families(then).write_parquet(night / "list.parquet")
    found = _changes(Offered(pl.DataFrame(), pl.DataFrame(), families(now)), night)
    assert found is not None
    assert (found.new, found.gone) == (new, gone)

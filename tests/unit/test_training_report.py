"""What a board reads after a retrain: every number is there, nothing is silently left out, and nothing shows a child."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markupsafe import escape

from features.catalogue import BY_NAME
from flows.publish.door import hide, hush, let_out
from flows.publish.model_card import find_card, render_model_card
from flows.publish.printed import count, interval, needed, number, percent, signed
from flows.publish.shapes import find_shapes
from flows.publish.tables import lay_out
from flows.publish.training_report import PARTS, lay_out_card, render_report, render_scorecard, write_training_report
from flows.publish.what_changed import tell_changes
from tests.unit.record_example import facts
from tests.unit.report_example import evaluation, small_model, small_scorecard

FIRST = tell_changes(None, facts().now)
NAMES = ("report.html", "scorecard.html", "model_card.md", "model_card.html")


def rendered(told: dict[str, Any]) -> tuple[str, str]:
    """The report, with empty frames for pictures of terms, and the model card."""
    model, shapes = small_model(), find_shapes(small_model())
    pictures = {shape.name: "<svg></svg>" for shape in shapes}
    told = let_out(told)
    return render_report(told, model, shapes, pictures), render_model_card(told, model, shapes, FIRST)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, str]:
    write_training_report(folder, evaluation(), small_model(), small_scorecard(), FIRST)
    return {name: (folder / name).read_text(encoding="utf-8") for name in NAMES}


def test_the_pages_and_a_picture_of_every_term_are_written_for_the_owner_alone(folder: Path, pages: dict[str, str]) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    names = {str(path.relative_to(folder)) for path in files}
    shapes = {f"shapes/{shape.name}.svg" for shape in find_shapes(small_model())}
    assert names == {*pages, "shapes/most_important.svg", *shapes}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_the_report_holds_every_criterion_and_every_result(pages: dict[str, str]) -> None:
    told, page = evaluation(), pages["report.html"]
    for finding in told["criteria"]["findings"]:
        assert finding["criterion"] in page
        assert f"{finding['limit']:.3f}" in page
    for result in told["results"]:
        for name in ("auc", "average_precision"):
            shown = f"{result[name]:.3f} ({result[f'{name}_low']:.3f} to {result[f'{name}_high']:.3f})"
            assert shown in page
            assert shown in pages["model_card.md"]
        assert f"{result['brier_skill']:+.3f}" in page
        assert f"{1 / result['precision_at_capacity']:.1f}" in page
    for row in told["comparisons"]:
        assert f"{row['difference']:+.3f}" in page
    for row in told["selection"]:
        assert row["words"] in page
    assert told["criteria"]["sha256"] in page
    assert "The price of transparency" in page
    assert "3,990" not in page  # agreement is told as a share
    assert "99.8 % agree" in page


def test_the_rows_add_up_and_small_counts_cannot_be_found_by_subtraction(pages: dict[str, str]) -> None:
    page = pages["report.html"]
    assert "All rows are accounted for: 1,500 = the parts below." in page
    assert re.search(r"child has overlapping episodes</th><td[^>]*>c</td>", page)
    assert re.search(r"turns 18 in the window</th><td[^>]*>c</td>", page)  # the next smallest: else 3 = 1,500 - 900 - 597
    assert re.search(r"died</th><td[^>]*>c</td>", page)
    assert re.search(r"moved to another authority</th><td[^>]*>c</td>", page)
    assert "An offer was made to c of 300 families" in page
    for text in pages.values():
        assert "family 1" not in text
        assert "child 1" not in text


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        (0.31, "the model said about 31 % and 30 % (25 to 36) came back. That lies inside the interval"),
        (0.22, "the model said about 22 % and 30 % (25 to 36) came back. That is below the interval"),
        (0.44, "the model said about 44 % and 30 % (25 to 36) came back. That is above the interval"),
        (None, "The list would have put no family first in the test year"),
    ],
)
def test_the_chances_of_listed_families_are_held_against_what_happened(chance: float | None, said: str) -> None:
    told = evaluation()
    box = next(result for result in told["results"] if result["candidate"] == "glass_box")
    box |= {"chance_at_capacity": chance, "precision_at_capacity": 0.3}
    box |= {"precision_at_capacity_low": 0.25, "precision_at_capacity_high": 0.36}
    assert said in rendered(told)[0]


def test_rows_that_do_not_add_up_are_called_a_fault() -> None:
    told = evaluation()
    told["rows"]["used"] = 890
    assert "A fault: the parts below make 1,490 and not 1,500." in rendered(told)[0]


def test_a_part_that_is_not_there_is_named_and_never_silently_left_out(pages: dict[str, str]) -> None:
    parts = {part for _, part, _, _ in PARTS} | {"seconds", "decay"}
    kept = evaluation()
    assert parts <= set(kept)
    for part in parts:
        assert f"nothing under &#34;{part}&#34;" not in pages["report.html"]
    bare = {"outcome": kept["outcome"]}
    report, card = rendered(bare)
    for part in parts - {"outcome", "decay"}:
        assert f"holds nothing under &#34;{part}&#34;" in report
    assert 'holds nothing under "results"' in card
    assert "Stability: not measured in this run." in card
    aged, _ = rendered({name: value for name, value in kept.items() if name != "decay"})
    assert "so whether the model ages was not judged" in aged


def test_the_pages_need_nothing_but_themselves(pages: dict[str, str]) -> None:
    for name in ("report.html", "scorecard.html", "model_card.html"):
        page = pages[name]
        assert not re.search(r"https?://|src=|url\((?!#)|@import|<link|<script", page)
        assert "default-src 'none'" in page
        assert "INVENTED DATA" in page


def test_what_others_wrote_is_escaped() -> None:
    told = evaluation()
    told["criteria"]["findings"] = [
        {"criterion": "a <b>trick</b>", "met": False, "value": 0.1, "limit": 0.2, "words": "<script>alert(1)</script> | [x](y)"}
    ]
    report, card = rendered(told)
    assert "<script>" not in report
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in report
    assert "a &lt;b&gt;trick&lt;/b&gt;" in card
    assert r"&lt;script&gt;alert(1)&lt;/script&gt; \| \[x\](y)" in card
    assert "The model missed 1 of 1 criteria" in report


def test_groups_are_told_by_the_fairness_report_alone() -> None:
    for page in rendered(evaluation()):
        assert "fairness.html" in page
        assert "sex: " not in page


def test_the_scorecard_gives_every_step_its_points_and_every_sum_its_chance(pages: dict[str, str]) -> None:
    card, page = small_scorecard(), pages["scorecard.html"]
    for total, chance in card.chances_by_points().iter_rows():
        assert re.search(rf'<th scope="row">{total}</th><td>{re.escape(percent(chance))}</td>', page)
    for _, points in card.cards_.values():
        assert f"<strong>+{points.max():.0f}</strong>" in page
    assert "Circle one box in each row" in page
    none = render_scorecard(let_out(evaluation()), small_model(), None, [])
    assert "This run fitted no points scorecard" in none


@pytest.mark.parametrize(
    ("edges", "points", "boxes"),
    [
        ([0, 1, 3], [0, 1, 2, 3, 1], [("0", "0"), ("1", "1"), ("2 to 3", "2"), ("4+", "3"), ("not known", "1")]),
        ([0, 1, 3], [0, 0, 2, 2, 1], [("1 or less", "0"), ("2+", "2"), ("not known", "1")]),
        ([0, 1, 3], [0, 1, 1, 0, 0], [("0", "0"), ("1 to 3", "1"), ("4+", "0"), ("not known", "0")]),
        ([0, 1, 3], [1, 1, 1, 1, 0], [("any value", "1"), ("not known", "0")]),
    ],
)
def test_neighbours_on_the_scorecard_that_give_the_same_points_are_one_box(
    edges: list[float], points: list[float], boxes: list[tuple[str, str]]
) -> None:
    feature = BY_NAME["contacts_in_last_365_days"]
    assert lay_out_card(feature, np.array(edges, dtype=float), np.array(points, dtype=float), always_known=False) == (
        feature,
        boxes,
    )


def test_a_scorecard_on_paper_says_whose_it_is(pages: dict[str, str]) -> None:
    for blank in ("Case reference", "Date", "Filled in by (role)"):
        assert f"<li>{blank}</li>" in pages["scorecard.html"]


def test_the_model_card_names_every_feature_under_its_family(pages: dict[str, str]) -> None:
    card = pages["model_card.md"]
    assert [line for line in card.splitlines() if line.startswith("# ")] == ["# Model card: a new referral within 12 months"]
    for heading in ("Purpose", "Not for", "Data", "Performance", "Calibration", "Criteria", "Groups", "Limits", "Who decides"):
        assert f"\n## {heading}\n" in card
    for name in small_model().features:
        assert card.count(f"| {name} |") == 1
    assert "### The case now (1)" in card
    tables = re.findall(r"(?:^\|.*\n)+", card, flags=re.MULTILINE)
    assert tables
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_single_numbers() -> None:
    assert [count(value) for value in (0, 1, 5, 6, 1234, None)] == ["0", "c", "c", "6", "1,234", "-"]
    assert [percent(value) for value in (None, 0.0, 0.001, 0.256, 1.0)] == ["-", "0 %", "under 1 %", "26 %", "100 %"]
    assert hush("of 412 offers 3 were drawn; 5 families, 15 families, 2 of 9 rows") == (
        "of 412 offers c were drawn; c families, 15 families, c of 9 rows"
    )


def test_what_was_hidden_at_the_door_is_printed_as_hidden() -> None:
    assert {show("c") for show in (count, needed, number, percent, signed)} == {"c"}
    assert interval("c", "c") == ""


def test_any_part_is_laid_out_with_small_counts_hidden() -> None:
    part = {"words": "left to others", "families": 4, "months": 4, "share": 0.5, "by": [{"rows": 3}, {"rows": 30}]}
    tables = lay_out(hide(part), "It")
    assert [table.rows for table in tables] == [(("families", "c"), ("months", "4"), ("share", "c")), (("c",), ("30",))]
    side = lay_out({"policies": {"naive": {"auc": 0.7}, "corrected": {"auc": 0.71}}}, "It")
    assert side[0].header == ("", "naive", "corrected")
    assert side[0].rows == (("auc", "0.700", "0.710"),)


def test_the_card_as_a_page_says_what_the_card_says(pages: dict[str, str]) -> None:
    page = pages["model_card.html"]
    for section in find_card(let_out(evaluation()), small_model(), find_shapes(small_model()), FIRST):
        assert f'<h2 id="{section.key}">{escape(section.heading)}</h2>' in page
        for sentence in (*section.words, *section.points):
            assert str(escape(sentence)) in page
        for table in section.tables:
            for row in table.rows:
                assert all(f">{escape(cell)}</t" in page for cell in row)

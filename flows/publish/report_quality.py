"""The parts of a training report that say how well the candidates did, and whether the chances are true."""

from collections.abc import Iterable, Sequence

from flows.publish.measured import UNRESTRICTED, Measured, Result, day, name_of, say_lead, say_price, span, span_hundred
from flows.publish.pictures import draw_calibration, draw_decay, draw_differences
from flows.publish.printed import count, hundred, interval, needed, number, percent, signed, turn
from flows.publish.tables import Section, Table
from models.candidates import HUMBLE
from validation.disclosure import HIDDEN, NOTHING

SHARES = (5, 10, 20)  # per cent of the rows of one date
CALIBRATION = "Are the chances true, and do they stay so?"


def tell_candidates(measured: Measured) -> Section:
    """How every candidate did, the gain over the humble rankers, the price of transparency."""
    leads, pictures, words = measured.leads, [], []
    years = list(dict.fromkeys(result["test_from"] for result in measured.results))
    for name in (*(name for name in HUMBLE if name in leads), *(name for name in leads if name not in HUMBLE)):
        row = leads[name]
        words.append(f"{name_of(name).capitalize()}: {say_lead(row)}.")
    if UNRESTRICTED in leads:
        words.append(f"The price of transparency: {say_price(leads[UNRESTRICTED])}.")
    drawn = [dict(row) | {"name": name_of(row["candidate"])} for row in leads.values() if row["low"] is not None]
    if drawn:
        tested = "all test years together" if len(years) > 1 else "in the one test year"
        caption = f"Lead of the glass box over each candidate, {tested}, with its 95 % interval. Right of zero: better."
        pictures.append((draw_differences(drawn, caption), caption))
    together = "all years" if len(years) > 1 else "the one year"
    ahead = tuple(
        (name_of(row["candidate"]), together if row["split"] == "all" else f"from {day(row['split'])}",
         signed(row["difference"]), interval(row["low"], row["high"]) or NOTHING)
        for row in measured.evaluation.get("comparisons") or []
        if row["split"] == "all" or len(years) > 1
    )  # fmt: skip
    behind = [
        Table(
            "Lead of the glass box in average precision, paired by family", ("Candidate", "Test", "Lead", "95 % interval"), ahead
        )
    ]
    tables = [_lay_out_quality(measured.latest.values(), f"The latest test year, from {day(years[0])}")]
    for start in years:
        results = [result for result in measured.results if result["test_from"] == start]
        behind += [_lay_out_quality(results, f"Test from {day(start)}")] * (start != years[0]) + [
            _lay_out_chances(results, start)
        ]
    return Section("candidates", "How every candidate did", words, pictures, tables, [table for table in behind if table.rows])


def _lay_out_quality(results: Iterable[Result], caption: str) -> Table:
    rows = tuple(
        (
            name_of(result["candidate"]),
            number(result["auc"]) + span(result["auc_low"], result["auc_high"]),
            number(result["average_precision"]) + span(result["average_precision_low"], result["average_precision_high"]),
            signed(result["brier_skill"]),
            number(result["calibration_error"]),
        )
        for result in results
    )
    return Table(caption, ("Candidate", "AUC", "Average precision", "Brier skill", "Calibration error"), rows)


def _lay_out_chances(results: Sequence[Result], start: str) -> Table:
    rows = tuple(
        (
            name_of(result["candidate"]), count(result["rows"]), count(result["families"]), percent(result["base_rate"]),
            number(result["brier"]), number(result["log_loss"]), number(result["calibration_slope"], 2),
            number(result["calibration_intercept"], 2), number(result["auc_once_per_family"]),
            number(result["average_precision_once_per_family"]),
        )
        for result in results
    )  # fmt: skip
    header = ("Candidate", "Rows", "Families", "Came back", "Brier", "Log loss", "Slope", "Intercept", "AUC, once per family",
              "Average precision, once per family")  # fmt: skip
    return Table(f"Test from {day(start)}: chances, and each family once", header, rows)


def tell_needed(measured: Measured) -> Section:
    """Numbers needed to approach, at capacity and at 5, 10 and 20 %."""
    results = list(measured.latest.values())
    capacity = results[0]["capacity"]
    rows = tuple(
        (
            name_of(result["candidate"]),
            needed(result["precision_at_capacity"])
            + span(turn(result["precision_at_capacity_high"]), turn(result["precision_at_capacity_low"]), 1),
            *(needed(result[f"precision_at_{share}_percent"]) for share in SHARES),
        )
        for result in results
    )  # fmt: skip
    header = ("Candidate", f"At capacity ({capacity} a week)", *(f"Highest {share} %" for share in SHARES))
    detail = tuple(
        (
            name_of(result["candidate"]), f"{share} %", percent(result[f"precision_at_{share}_percent"]),
            " to ".join(percent(result[f"precision_{ties}_at_{share}_percent"]) for ties in ("worst", "best")),
            percent(result[f"recall_at_{share}_percent"]), number(result[f"lift_at_{share}_percent"], 2),
        )
        for result in results
        for share in SHARES
    )  # fmt: skip
    words = [
        "Lower is better. At capacity, the test year is replayed week by week and no family is offered anything twice; the other "
        "columns take the highest rows of single dates."
    ]
    if box := measured.box:
        words.append(
            f"The glass box would have made {count(box['offers'])} offers in the year; {percent(box['precision_at_capacity'])}"
            f"{span_hundred(box['precision_at_capacity_low'], box['precision_at_capacity_high'])} of them would have "
            f"reached a family with a return. The top 10 % of rows hold {percent(box['recall_at_10_percent'])} of all returns."
        )
    behind = [
        Table("Single dates: ties from worst to best", ("Candidate", "Highest", "Precision", "Ties", "Recall", "Lift"), detail)
    ]
    return Section(
        "needed", "How many families are approached for one that comes back", words, (), [Table("", header, rows)], behind
    )


def _say_listed(box: Result) -> str:
    """Whether the chances of the families at the head of the list were true: those that a team would have read."""
    expected, low, high = (
        box[name] for name in ("chance_at_capacity", "precision_at_capacity_low", "precision_at_capacity_high")
    )
    if expected is None:
        return (
            "The list would have put no family first in the test year, so nothing is said of the chances that a team would read."
        )
    if isinstance(low, str):
        return (
            "Too few families of those that the list would have put first came back, or did not, for their chances to be judged."
        )
    told = f"{percent(expected)} and {percent(box['precision_at_capacity'])}{span_hundred(low, high)} came back"
    where = "inside" if low <= expected <= high else "below" if expected < low else "above"
    just = "just " if percent(expected) in (percent(low), percent(high)) else ""
    meaning = {
        "inside": "That lies inside the interval, so the chances that a team reads are not shown to be wrong",
        "below": f"That is {just}below the interval, so the chances that a team reads were too low",
        "above": f"That is {just}above the interval, so the chances that a team reads were too high",
    }
    return (
        f"Of the families that the list would have put first in the test year, the model said about {told}. {meaning[where]}. "
        "A family is told the highest chance among its children, and has come back when any of them has."
    )


def _find_mean(curve: Sequence[Result]) -> float | None:
    """The mean chance of the tenths that may be shown."""
    rows = sum(point["rows"] for point in curve)
    return sum(point["chance"] * point["rows"] for point in curve) / rows if rows else None


def tell_calibration(measured: Measured) -> Section:
    """Calibration curve, and decay by months since training."""
    box = measured.box
    if box is None:
        return Section(
            "calibration",
            CALIBRATION,
            [f"This run's results hold none of the {name_of(measured.model.name)}, so this section is left out."],
        )
    curve = [point for point in box["calibration_curve"] if HIDDEN not in point.values()]
    gap = "Dots above the line came back more often than the model said, dots below it less often."
    said = f"Calibration in the test from {day(box['test_from'])}: each dot is a tenth of the rows. {gap}"
    words = [
        f"The model gave a chance of {percent(_find_mean(curve))} on average; {percent(box['base_rate'])} came back. Over tenths "
        f"of the rows the two lie {number(hundred(box['calibration_error']), 1)} points apart on average. A slope of 1 is right; "
        f"above 1 chances are too timid, below 1 too bold. Here it is {number(box['calibration_slope'], 2)}.",
    ]
    words.append(_say_listed(box))
    humble = sorted(
        (name for name in HUMBLE if name in measured.latest),
        key=lambda name: measured.latest[name]["average_precision"],
        reverse=True,
    )
    points = [
        {
            "months": month["months_since_training"],
            "value": month[field],
            "series": series,
            "test": result["test_from"],
        }
        for series, candidate, field in (
            ("glass box", measured.model.name, "average_precision"),
            *((name_of(name), name, "average_precision") for name in humble[:1]),
            ("an order by chance", measured.model.name, "base_rate"),
        )
        for result in measured.results
        if result["candidate"] == candidate
        for month in result["by_month"]
        if isinstance(month[field], float)
    ]
    decay = "Average precision on each test date by months since training. A line that falls says that the model ages."
    pictures = [(draw_calibration(curve, said), said)] if curve else []
    pictures += [(draw_decay(points, decay), decay)] if points else []
    if found := measured.evaluation.get("decay"):
        words.append(
            f"Over the test years AUC goes from {number(found['earlier_auc'])} in the first half to "
            f"{number(found['later_auc'])} in the second: {signed(found['change'])}{span(found['low'], found['high'])}. The "
            "more it falls, the sooner a model has to be trained anew."
        )
    else:
        words.append('This run\'s evaluation holds nothing under "decay", so whether the model ages was not judged.')
    tenths = tuple((percent(point["chance"]), percent(point["rate"]), count(point["rows"])) for point in box["calibration_curve"])
    behind = [Table("Calibration curve", ("Chance", "Came back", "Rows"), tenths)]
    behind += [
        Table(
            f"By date, test from {day(box['test_from'])}",
            ("Date", "Rows", "Families", "Came back", "Mean chance", "AUC", "Average precision"),
            tuple(
                (day(month["as_of"]), count(month["rows"]), count(month["families"]), percent(month["base_rate"]),
                 percent(month["mean_chance"]), number(month["auc"]), number(month["average_precision"]))
                for month in box["by_month"]
            ),
        ),
    ]  # fmt: skip
    return Section("calibration", CALIBRATION, words, pictures, (), behind)

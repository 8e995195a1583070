"""What an invented council would publish of a year, counted from its census returns as a clerk would: child by child.

It shares nothing with ``validation/returns/`` but the names of the lines, the code lists and the bank holidays: it reads the XML
that went to the Department, not the tables, and counts in plain Python. That both arrive at the same figures is a real test.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import parse

from flows.workspace import write_private
from validation.codes import codes
from validation.disclosure import suppress
from validation.returns.measures import ALL, MEASURES
from validation.returns.years import bank_holidays

Line = tuple[str, str, str]
AFTER_ASSESSMENT = {"RC8", "RC9"}
FOSTERED = {"8B", "8C", "8D", "8E", "8F"}
HEADER = "year,measure,breakdown,code,published"


@dataclass
class _Year:
    """The lines counted so far of a year to 31 March."""

    first: date
    last: date
    counts: Counter[Line]

    def __contains__(self, day: date | None) -> bool:
        return day is not None and self.first <= day <= self.last

    def until(self, element: Element, place: str) -> date | None:
        """A day that has come by the end of the year: what a later return knows of afterwards is left out."""
        day = _day(element, place)
        return day if day is not None and day <= self.last else None

    def add(self, measure: str, breakdown: str = ALL, code: str = ALL) -> None:
        self.counts[measure, breakdown, code] += 1


def write_return(files: Mapping[int, Path], years: Iterable[int], path: Path) -> None:
    """Write the published return of ``years`` from the census ``files`` by year, small numbers hidden as the Department does."""
    lines = [HEADER]
    for year in years:
        counts = count_return(files, year)
        for measure in MEASURES.values():
            for name, listed in [(ALL, [ALL]), *((part.name, list(part.codes)) for part in measure.breakdowns)]:
                shown = suppress([counts[measure.name, name, code] for code in listed])
                lines += [f"{year},{measure.name},{name},{code},{text.replace(',', '')}"
                          for code, text in zip(listed, shown, strict=True)]  # fmt: skip
    write_private(path, lambda beside: beside.write_text("\n".join([*lines, ""]), encoding="utf-8"))


def count_return(files: Mapping[int, Path], year: int) -> Counter[Line]:
    """Every line of the year, from its census file and the one before it (for referrals that led to another within a year)."""
    counted = _Year(date(year - 1, 4, 1), date(year, 3, 31), Counter())
    earlier: dict[str, list[date]] = {}
    for child in _children(files[year - 1]) if year - 1 in files else ():
        earlier[_text(child, "ChildIdentifiers/LAchildID")] = [_referred(case) for case in child.iterfind("CINdetails")]
    for child in _children(files[year]):
        _count_child(child, earlier.get(_text(child, "ChildIdentifiers/LAchildID"), []), counted)
    return counted.counts


def _children(path: Path) -> Iterator[Element]:
    yield from parse(path).getroot().iterfind("Children/Child")


def _text(element: Element, place: str) -> str:
    return (element.findtext(place) or "").strip()


def _day(element: Element, place: str) -> date | None:
    text = _text(element, place)
    return date.fromisoformat(text) if text else None


def _referred(case: Element) -> date:
    return date.fromisoformat(_text(case, "CINreferralDate"))


def _count_child(child: Element, earlier: list[date], year: _Year) -> None:
    was: set[str] = set()  # what is counted once for the child
    seen: set[date] = set()
    all_cases = (case for case in child.iterfind("CINdetails") if _referred(case) <= year.last)
    cases = sorted(all_cases, key=lambda case: (_referred(case), _text(case, "ReferralNFA") in {"1", "true"}))
    known = sorted({*earlier, *map(_referred, cases)})
    for case in cases:
        if _referred(case) not in seen:
            seen.add(_referred(case))
            was |= _count_case(child, case, known, year)
        _count_work(case, was, year)
    for measure in was:
        year.add(measure)


def _count_case(child: Element, case: Element, known: list[date], year: _Year) -> set[str]:
    """Referral and episode of need; returns what they make of the child."""
    was: set[str] = set()
    day, end = _referred(case), year.until(case, "CINclosureDate")
    without, reason = _text(case, "ReferralNFA") in {"1", "true"}, _text(case, "ReasonForClosure") if end else ""
    if day in year:
        year.add("referrals")
        year.add("referrals", "month", day.strftime("%B").lower())
        source = codes("referral_source").get(_text(case, "ReferralSource"))
        year.add("referrals", "source", source.group.lower().replace(" ", "_") if source else "unknown")
        was.add("children_referred")
        if any(timedelta(0) < day - other <= timedelta(days=365) for other in known):
            year.add("re_referrals")
            was.add("children_re_referred")
        if without:
            year.add("referrals_no_further_action")
        elif reason in AFTER_ASSESSMENT:
            year.add("referrals_not_in_need")
    if without or reason in AFTER_ASSESSMENT or (end is not None and end < year.first):
        return was
    year.add("episodes_of_need")
    was.add("children_in_need")
    if day in year:
        year.add("episodes_of_need_started")
        was.add("children_in_need_started")
    if end is None:
        _count_open(child, case, year)
        return was
    year.add("episodes_of_need_ended")
    year.add("episodes_of_need_ended", "duration", _band(day, end))
    year.add("episodes_of_need_ended", "reason", reason or "unknown")
    return was | {"children_in_need_ended"}


def _count_open(child: Element, case: Element, year: _Year) -> None:
    """A case that is open on 31 March, by what is known of the child."""
    stock = "children_in_need_31_march"
    year.add(stock)
    year.add(stock, "primary_need", _text(case, "PrimaryNeedCode") or "N0")
    year.add(stock, "duration", _band(_referred(case), year.last))
    born = _day(child, "ChildIdentifiers/PersonBirthDate")
    unborn = born is None or born > year.last
    age = -1 if born is None or unborn else year.last.year - born.year - ((born.month, born.day) > (3, 31))
    ages = {-1: "unborn", 0: "under_1", 4: "1_to_4", 9: "5_to_9", 15: "10_to_15", 999: "16_and_over"}
    year.add(stock, "age", next(code for most, code in ages.items() if age <= most))
    sex = _text(child, "ChildIdentifiers/Sex") or {"1": "M", "2": "F"}.get(_text(child, "ChildIdentifiers/GenderCurrent"), "")
    year.add(stock, "sex", "unborn" if unborn else sex if sex in {"F", "M"} else "unknown")
    group = codes("ethnicity").get(_text(child, "ChildCharacteristics/Ethnicity"))
    year.add(stock, "ethnicity", group.group.lower().replace(" ", "_") if group else "not_known")
    disabilities = {(found.text or "").strip() for found in child.iterfind("ChildCharacteristics/Disabilities/Disability")} - {
        "NONE"
    }
    if disabilities:
        year.add("children_in_need_disabled")
    for code in disabilities:
        year.add("children_in_need_disabled", "disability", code)


def _count_work(case: Element, was: set[str], year: _Year) -> None:
    """Assessments, enquiries, conferences and plans of a case."""
    factors: set[str] = set()
    for assessment in case.iterfind("Assessments"):
        begun, done = _day(assessment, "AssessmentActualStartDate"), _day(assessment, "AssessmentAuthorisationDate")
        if done in year and begun and done:
            year.add("assessments")
            year.add("assessments", "duration", "up_to_45" if _working_days(begun, done) <= 45 else "over_45")
            factors |= {(found.text or "").strip() for found in assessment.iter("AssessmentFactors")} - {"21", "-", ""}
    if factors:
        year.add("episodes_with_factors")
    for code in {"8" if factor in FOSTERED else factor for factor in factors}:
        year.add("episodes_with_factors", "factor", code)
    for enquiry in case.iterfind("Section47"):
        begun, held = _day(enquiry, "S47ActualStartDate"), _day(enquiry, "DateOfInitialCPC")
        if begun in year:
            year.add("section_47_enquiries")
            was.add("children_with_section_47")
        if held in year and held and begun:
            days = _working_days(begun, held)
            bands = {10: "up_to_10", 15: "11_to_15", 20: "16_to_20", 9999: "over_20"}
            year.add("conferences")
            year.add("conferences", "duration", next(code for most, code in bands.items() if days <= most))
            was.add("children_with_conference")
    for plan in case.iterfind("ChildProtectionPlans"):
        _count_plan(plan, year)


def _count_plan(plan: Element, year: _Year) -> None:
    begun, end = year.until(plan, "CPPstartDate"), year.until(plan, "CPPendDate")
    if begun is None or (end is not None and end < year.first):
        return
    category = _text(plan, "InitialCategoryOfAbuse") or "unknown"
    year.add("plans")
    if begun in year:
        year.add("plans_started")
        year.add("plans_started", "category", category)
        if int(_text(plan, "NumberOfPreviousCPP") or 0):
            year.add("plans_second_or_later")
    if end is None:
        year.add("plans_31_march")
        year.add("plans_31_march", "category", category)
        year.add("plans_31_march", "duration", _band(begun, year.last))
    else:
        year.add("plans_ended")
        year.add("plans_ended", "duration", _band(begun, end))


def _working_days(begin: date, end: date) -> int:
    days = (begin + timedelta(days=n) for n in range(1, (end - begin).days + 1))
    return sum(day.weekday() < 5 and day not in bank_holidays(day.year) for day in days)


def _band(begin: date, end: date) -> str:
    """How long something lasted, in whole months and years as birthdays are counted."""
    months = 12 * (end.year - begin.year) + end.month - begin.month
    whole = months - (begin.day > end.day and (end + timedelta(days=1)).month == end.month)
    exact = begin.day == end.day or (begin.day > end.day and whole == months)
    if whole < 3 or (whole == 3 and exact):
        return "up_to_3_months"
    if whole < 6 or (whole == 6 and exact):
        return "3_to_6_months"
    return "6_to_12_months" if whole < 12 else "1_to_2_years" if whole < 24 else "2_years_or_more"

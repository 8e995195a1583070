"""What ``rereferral synthesise`` is asked for, and what makes no sense to ask for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from features.outcomes import NEW_REFERRAL, latest_mature
from flows.census_xml import FIRST_YEAR
from flows.forms import File, Form
from flows.pseudonymising import refuse_inside_workspace
from validation.errors import SettingsError
from validation.extract import ExtractRule
from validation.synthetic.habits import ORDINARY, Habits
from validation.synthetic.plants import Plants
from validation.synthetic.profiles import PROFILES
from validation.synthetic.recording import first_day_of_window

AT_ONCE = 1_000_000  # residents that are held in memory; only a plain extract is written for more
DAYS_BETWEEN = 28  # of the training grid


@dataclass(frozen=True)
class Request:
    """What is asked for. Refused by :func:`refuse_nonsense` where it makes none.

    ``out`` is the folder to write, ``truth`` that of the truth; ``check`` compares the true history with the published
    figures. ``nights`` of 0 makes ``out`` itself one extract, a larger number a folder in it for each of the last nights.
    ``truth_dates`` dates, 28 days apart and the last one that is mature first, and the last day have true chances, from
    ``copies`` lives each. ``returns`` is a file for what the council would have published of its census years.
    """

    end: date
    out: Path | None = None
    profile: str = "nel"
    residents: int = 33_522
    years: int = 6
    rule: ExtractRule = ExtractRule.STARTED_OR_OPEN
    seed: int = 1
    form: Form = Form.SSD
    file: File = File.PARQUET
    census_tables: bool = False
    nights: int = 0
    habits: Habits = ORDINARY
    plants: Plants = field(default_factory=Plants)
    faults: Mapping[str, int] = field(default_factory=dict)
    truth: Path | None = None
    truth_dates: int = 13
    copies: int = 200
    check: bool = False
    returns: Path | None = None

    @property
    def last(self) -> date:
        """The last day that is lived: ``end``, or the last 31 March up to it for a census."""
        if self.form is not Form.CENSUS or self.end == date(self.end.year, 3, 31):
            return self.end
        return date(self.end.year - (self.end < date(self.end.year, 3, 31)), 3, 31)

    @property
    def plain(self) -> bool:
        """Is it one extract in Parquet and nothing else? Only that can be written part by part."""
        more = (self.nights, self.faults, self.census_tables, self.truth is not None, self.check, self.returns is not None)
        return self.form is Form.SSD and self.file is File.PARQUET and not any(more)

    @property
    def start(self) -> date:
        """The first day of the window of the first extract."""
        return first_day_of_window(self.last - timedelta(days=max(self.nights - 1, 0)), self.years)

    @property
    def census_years(self) -> list[int]:
        """The years to 31 March that are wholly known, with the year before each."""
        return [year for year in range(self.start.year, self.last.year + 1)
                if self.start <= date(year - 2, 4, 1) and date(year, 3, 31) <= self.last]  # fmt: skip

    @property
    def dates(self) -> list[date]:
        """The dates of the true chances, in order."""
        newest = latest_mature(NEW_REFERRAL, self.last)
        return [newest - timedelta(days=DAYS_BETWEEN * number) for number in reversed(range(self.truth_dates))] + [self.last]


def fault_counts(texts: Sequence[str]) -> dict[str, int]:
    """Read what is to be planted into the extract: kind and count, written ``nfa-missing=3``."""
    counts = {}
    for text in texts:
        kind, _, count = text.partition("=")
        if not count.isdecimal():
            raise SettingsError(f"The fault '{text}' cannot be read: write KIND=COUNT, for example 'nfa-missing=3'.")
        counts[kind] = int(count)
    return counts


def refuse_nonsense(request: Request) -> None:
    """Raise ``SettingsError`` for a request that makes no sense, or a folder that already holds something."""
    fault = next(_faults(request), None)
    if fault is not None:
        raise SettingsError(fault)
    if request.out is not None:
        _refuse_full(request.out)
    if request.returns is not None and request.returns.exists():
        raise SettingsError(f"'{request.returns}' exists already. Name a new file, or remove this one.")
    if request.truth is not None:
        _refuse_full(request.truth)
        refuse_inside_workspace(request.truth, "The truth folder")


def _faults(request: Request) -> Iterator[str]:
    """Sentences that say what is wrong with a request."""
    if request.profile not in PROFILES:
        yield f"Profile '{request.profile}' is unknown. Allowed are {', '.join(map(repr, PROFILES))}."
    for option, value, least, most in (
        ("--children", request.residents, 500, 15_000_000),
        ("--years", request.years, 1, 15),
        ("--nights", request.nights, 0, 366),
        ("--truth-dates", request.truth_dates, 1, 26),
        ("--copies", request.copies, 2, 100_000),
    ):
        if not least <= value <= most:
            yield f"'{option}' is {value}; allowed are {least} to {most}."
    yield from _misfits(request)
    yield from _misplaced(request)
    yield from _outside(request)


def _misfits(request: Request) -> Iterator[str]:
    """Options that do not go together."""
    only_ssd = {
        "--nights": request.nights,
        "--fault": request.faults,
        "--census-tables": request.census_tables,
        "--file csv": request.file is File.CSV,
    }
    for option, given in only_ssd.items():
        if given and request.form is not Form.SSD:
            yield f"'{option}' goes with the form 'ssd' only, and '--form' is '{request.form}'. Leave one of the two out."
    if request.form is Form.CENSUS and request.last.year - request.years + 1 < FIRST_YEAR:
        yield f"'--years' reaches back before the census of {FIRST_YEAR}. Ask for fewer years."
    if request.out is None and not request.check:
        yield "There is nothing to do: name a folder with '--out', or ask for '--check'."
    if request.out is None and request.truth is not None:
        yield "'--truth' goes with '--out': the truth is about what is written. Name a folder with '--out'."
    if request.returns is not None and (request.out is None or not request.census_years):
        yield "'--returns' goes with '--out' and needs two whole census years, to 31 March. Name a folder, or ask for more years."
    if request.faults and request.truth is None:
        yield "'--fault' needs '--truth': the labels of the faults go there. Name a folder with '--truth'."
    if request.residents > AT_ONCE and not request.plain:
        yield (
            f"'--children' is {request.residents}; above {AT_ONCE} only one extract of the form 'ssd' can be written, in Parquet "
            "and without '--nights', '--fault', '--census-tables', '--truth', '--returns' and '--check'. "
            "Ask for fewer children or for less."
        )


def _misplaced(request: Request) -> Iterator[str]:
    """The truth may not lie where a pipeline command could read it."""
    if request.out is None or request.truth is None:
        return
    out, truth = request.out.resolve(), request.truth.resolve()
    if truth.is_relative_to(out) or out.is_relative_to(truth):
        yield f"The truth folder '{request.truth}' and '{request.out}' lie one in the other. Choose a place of its own for each."


def _outside(request: Request) -> Iterator[str]:
    """Days that the authority does not know."""
    if request.truth is not None and request.dates[0] < request.start:
        yield (
            f"'--truth-dates' of {request.truth_dates} reach back to {request.dates[0]}, and the extract begins on "
            f"{request.start}. Ask for fewer dates, or for more years."
        )
    migration = request.habits.migration
    if migration is not None and not request.start <= migration <= request.last:
        yield f"'--migration' is {migration}; allowed is a day from {request.start} to {request.last}. Choose one of them."
    planted = request.plants
    since = [change.since for change in (planted.threshold, planted.new_team, planted.offer) if change is not None]
    for day in [*since, *([planted.nfa_abolished] if planted.nfa_abolished is not None else [])]:
        if day > request.last:
            yield f"What '--plant' begins on {day} comes after the last day, {request.last}, and would change nothing."


def _refuse_full(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"'{folder}' exists already and is not empty. Name a new folder, or remove this one.")

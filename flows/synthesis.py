"""``rereferral synthesise``: an invented authority, checked, written in the form of a council, and the truth about it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.annex_a import write_annex_a
from flows.census_return import write_return
from flows.census_tables import as_census
from flows.census_xml import write_census
from flows.forms import Form
from flows.parts import write_parts
from flows.raw_dialects import System
from flows.raw_forms import write_raw
from flows.request import Request, refuse_nonsense
from flows.sources.folder import write_folder
from flows.truth_folder import truth_of, write_truth
from flows.workspace import make_private_folder
from validation.errors import CriterionError
from validation.extract import Extract
from validation.synthetic.authority import tables_of, together
from validation.synthetic.figures import OUT, compare, measure
from validation.synthetic.lived import Lived, live, parts_of
from validation.synthetic.planting import LABELS_SCHEMA, Planted, plant
from validation.synthetic.profiles import PROFILES
from validation.synthetic.recording import Records, first_day_of_window, nights, record, shown

CHECKED_YEARS = 8  # enough to follow closed cases for six years, and to see rare things


@dataclass(frozen=True)
class Made:
    """What :func:`synthesise` wrote (``paths``), the true ``chances`` if asked for, and the compared ``figures``."""

    paths: Sequence[Path] = ()
    chances: pl.DataFrame | None = None
    figures: pl.DataFrame | None = None


def synthesise(request: Request) -> Made:
    """Invent the authority, write what is asked for and say what was made. The same request gives the same bytes.

    The form ``ssd`` is a folder of tables and a manifest, the extract of the last day, with several files for each table where
    the authority is large; ``census`` one file ``cin_<year>.xml`` for each of the last census years, whatever the rule says;
    ``annex-a`` a workbook; the others a raw folder as that case system exports it. Nothing is written before figures have been
    compared, faults planted and true chances drawn.
    Raises ``SettingsError`` when the request makes no sense or a folder already holds something.
    """
    refuse_nonsense(request)
    if request.out is not None and request.plain and len(parts_of(request.residents, request.seed)) > 1:
        write_parts(request, request.out)
        return Made([request.out])
    figures = _figures(request) if request.check else None
    if request.out is None:
        return Made(figures=figures)
    parts = _lived(request, request.start, request.dates if request.truth is not None else [])
    records = _record(request, together([tables_of(part) for part in parts]))
    last = _last_night(request, records)
    if request.truth is None:
        paths = [*WRITERS[request.form](request, request.out, records, last.extract), *_write_returns(request, records)]
        return Made(paths, figures=figures)
    truth = truth_of(parts, request.dates, request.copies)
    paths = WRITERS[request.form](request, request.out, records, last.extract)
    write_truth(truth, records.slips, last.labels, request.truth)
    return Made([*paths, *_write_returns(request, records), request.truth], truth.chances, figures)


def _lived(request: Request, start: date, watched: Sequence[date]) -> list[Lived]:
    return [
        live(PROFILES[request.profile], residents, start, request.last, seed, request.plants, watched)
        for residents, seed in parts_of(request.residents, request.seed)
    ]


def _figures(request: Request) -> pl.DataFrame:
    """The figures of an authority that is lived for the check alone: long enough to follow closed cases for six years."""
    start = first_day_of_window(request.last, max(request.years, CHECKED_YEARS))
    history = together([tables_of(part) for part in _lived(request, start, [])])
    return compare(measure(history, request.residents, start, request.last), request.profile)


def stop_if_out(figures: pl.DataFrame, profile: str) -> None:
    """Raise :class:`CriterionError` when a figure is further from the published one than is allowed."""
    out = figures.filter(pl.col("verdict") == OUT).select(pl.format("'{}: {}'", "group", "figure")).to_series().to_list()
    if out:
        raise CriterionError(
            f"{len(out)} of {figures.height} figures of '{profile}' lie further from the published ones than is allowed: "
            f"{', '.join(out)}. The table says by how much. Plant nothing, or adjust the profile."
        )


def _record(request: Request, history: Mapping[str, pl.DataFrame]) -> Records:
    """The history as it is recorded; in census returns a child keeps one number for good."""
    if request.form is not Form.CENSUS:
        return record(history, request.habits, request.seed)
    one_number = {**history, "ext_person_links": history["ext_person_links"].clear()}
    return record(one_number, replace(request.habits, merged_children=0.0), request.seed)


def _nights(request: Request, records: Records, before: int) -> Iterator[Extract]:
    """The extracts of the nights from ``before`` days before the last one; of 0, the last one alone."""
    first = request.last - timedelta(days=before)
    whose = partial(nights, records, profile=request.profile, seed=request.seed, rule=request.rule, years=request.years)
    for extract in whose(first=first, last=request.last):
        yield as_census(extract) if request.census_tables else extract


def _last_night(request: Request, records: Records) -> Planted:
    """The extract of the last night, with the faults that it is to have."""
    (extract,) = _nights(request, records, before=0)
    if not request.faults:
        return Planted(extract, pl.DataFrame(schema=LABELS_SCHEMA))
    return plant(extract, request.faults, request.seed)


def _write_ssd(request: Request, out: Path, records: Records, last: Extract) -> list[Path]:
    if not request.nights:
        write_folder(last, out, request.file)
        return [out]
    paths = []
    for extract in _nights(request, records, before=request.nights - 1):
        day = extract.manifest.extract_date
        paths.append(out / day.isoformat())
        write_folder(last if day == request.last else extract, paths[-1], request.file)
    return paths


def _write_census(request: Request, out: Path, records: Records, last: Extract) -> list[Path]:
    make_private_folder(out)
    years = range(request.last.year - request.years + 1, request.last.year + 1)
    for year in years:
        write_census(shown(records, date(year, 3, 31)), year, out / f"cin_{year}.xml")
    return [out / f"cin_{year}.xml" for year in years]


def _write_returns(request: Request, records: Records) -> list[Path]:
    """What the council would have published of its census years, each counted from the return that it sent at the end of July."""
    if request.returns is None:
        return []
    with TemporaryDirectory() as folder:
        files = {}
        for year in [request.census_years[0] - 1, *request.census_years]:
            files[year] = Path(folder) / f"cin_{year}.xml"
            write_census(shown(records, min(date(year, 7, 31), request.last)), year, files[year])
        write_return(files, request.census_years, request.returns)
    return [request.returns]


def _write_annex_a(request: Request, out: Path, records: Records, last: Extract) -> list[Path]:
    write_annex_a(shown(records, request.last), request.last, out / "annex_a.xlsx")
    return [out / "annex_a.xlsx"]


def _write_raw(system: System, request: Request, out: Path, records: Records, last: Extract) -> list[Path]:
    write_raw(last, system, request.seed, out)
    return [out]


# Each writes one form from the records, or from the extract of the last night, and gives what it wrote.
WRITERS: Mapping[Form, Callable[[Request, Path, Records, Extract], list[Path]]] = {
    Form.SSD: _write_ssd,
    Form.CENSUS: _write_census,
    Form.ANNEX_A: _write_annex_a,
    Form.SYSTEMC: partial(_write_raw, System.SYSTEMC),
    Form.MOSAIC: partial(_write_raw, System.MOSAIC),
    Form.ECLIPSE: partial(_write_raw, System.ECLIPSE),
}

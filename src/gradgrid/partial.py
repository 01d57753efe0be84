"""A report from what is there of a grid that is not all trained yet.

Everything is written to a place of its own, so that a finished report stays as it is and nothing that the workflow
makes is touched; runs that no longer belong to the configuration, or not yet, are left out.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from gradgrid.analysis.cells import write_cells
from gradgrid.analysis.collect import collect, collect_runs
from gradgrid.analysis.statistics import write_statistics
from gradgrid.core import bundle_files, provenance
from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.config import Config
from gradgrid.core.errors import GradgridError
from gradgrid.core.figures import figures
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.part import Part
from gradgrid.core.plan import BUNDLE_TABLES, plan
from gradgrid.core.prepared import RECORD
from gradgrid.core.reasons import in_words
from gradgrid.core.states import table_files
from gradgrid.core.status import Status
from gradgrid.core.usage import usage
from gradgrid.core.work import Work
from gradgrid.data import DatasetProvenance
from gradgrid.figures.draw import draw
from gradgrid.report import build
from gradgrid.report.inputs import BOOK_READ, LABORATORY_READ, beside

FOLDER = Path("results/partial")
"""Where tables, figures and provenance go, from the folder of the workflow."""
REPORT = Path("report/partial.html")

_CHAPTERS = {"book": (BOOK_TABLES, BOOK_READ), "laboratory": (LABORATORY_TABLES, LABORATORY_READ)}
"""Of each chapter beside the grid all tables, and what the page reads of them."""


def report(config: Config, config_file: Path) -> Part:
    """Write tables, figures and page from the runs that are there; returns how many of what they are.

    The text of ``config_file`` is shown. Raises GradgridError if no run is there.
    """
    status = Status.of(config)
    works = [work for work in status.works if work.kept]
    if not works:
        raise GradgridError(
            f"nothing to report: no run of this configuration is there ({in_words(status.works)})"
        )
    shutil.rmtree(FOLDER, ignore_errors=True)
    part = Part.of(plan(config), sum(len(work.kept) for work in works))
    bundles = [_fresh_files(work) for work in works]
    _tables(bundles, config, part)
    record = FOLDER / "provenance.json"
    whole = [work.bundle for work in works if not work.trained]
    jobs = usage(config, status.dataset, whole)
    runs = [files["runs"] for files in bundles]
    provenance.write(record, dataset=RECORD, config=config, bundles=runs, jobs=jobs)
    chapters = {name: _chapter(name, status.dataset) for name in _CHAPTERS if getattr(config, name)}
    build(FOLDER / "tables", list(_figures(chapters)), record, config_file, REPORT, **chapters)
    return part


def _fresh_files(work: Work) -> Mapping[str, Path]:
    """A bundle's files by table; where they hold other runs than those to keep, copies with these alone."""
    if not work.needed:
        return table_files(work.bundle.key)
    copies, fingerprints, rows = table_files(work.bundle.key, FOLDER / "grid"), {}, []
    try:
        for key, runs in work.held.items():
            files = table_files(key)
            held = bundle_files.fingerprints(files)
            fingerprints |= {run: held[run] for run in runs}
            rows.append(bundle_files.read_rows(files, runs))
    except (OSError, pa.ArrowException, KeyError) as error:
        raise GradgridError(
            f"{work.bundle.key}: its files changed while they were read; report again"
        ) from error
    bundle_files.write_bundle(work.bundle.key, fingerprints, copies, rows)
    return copies


def _tables(bundles: Sequence[Mapping[str, Path]], config: Config, part: Part) -> None:
    """The tables of the grid; that of the cells has a row for those too that have no run."""
    files = {table: [of_bundle[table] for of_bundle in bundles] for table in BUNDLE_TABLES}
    out = {table: FOLDER / "tables" / f"{table}.parquet" for table in (*BUNDLE_TABLES, "cells")}
    collect_runs(files["runs"], files["gradients"], out["runs"], part.metadata, config.verdicts)
    for table in ("gradients", "accuracy", "clipping"):
        collect(table, files[table], out[table], part.metadata)
    asked = pd.DataFrame([{"cell_id": cell.cell_id, **cell.labels} for cell in plan(config).cells])
    write_cells(out["runs"], out["cells"], asked, part.metadata)
    write_statistics(out["runs"], FOLDER / "tables", part.metadata)


def _chapter(name: str, dataset: str) -> Path | None:
    """The folder of a chapter's tables, or None unless all are there, on the grid's dataset."""
    folder, (tables, read) = Path("results") / name, _CHAPTERS[name]
    if not all((folder / f"{table}.parquet").is_file() for table in tables):
        return None
    try:
        beside(folder, read, dataset)
    except GradgridError:
        return None
    return folder


def _figures(chapters: Mapping[str, Path | None]) -> Iterator[Path]:
    """Draw the figures of the grid and of the chapters that are there; gives their sidecars."""
    folders = {"grid": FOLDER / "tables", **chapters}
    notice = DatasetProvenance.read(RECORD).message
    for name, spec in figures().items():
        if folder := folders.get(spec.part):
            stem = FOLDER / "figures" / name
            draw(name, folder, stem, notice)
            yield stem.with_suffix(".json")

"""Reads what the report is made from; whatever is missing or does not fit together is a GradgridError."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gradgrid.core import sidecars
from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.errors import GradgridError
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.numbers import listed
from gradgrid.core.part import Part
from gradgrid.core.provenance import without_paths
from gradgrid.core.results import RESULTS
from gradgrid.core.sidecars import Sidecar
from gradgrid.core.statistics_tables import STATISTICS_TABLES
from gradgrid.report.findings import book_cell

PARTS = ("time", "versions", "hardware", "operating_system", "git", "dataset", "config", "training")
"""What a provenance file must hold."""
BOOK_READ = {
    "accuracy": ["dataset", "depth", "seed", "epoch", "split", "accuracy"],
    "initialization": ["dataset", "width", "initializer", "seed", "epoch", "split", "accuracy"],
    "initial_speed": ["dataset", "depth", "seed", "layer", "bias_gradient_norm"],
    "training_speed": ["dataset", "depth", "activation", "seed", "step"],
    "chain": ["kind", "chain", "layer"],
    "problems": list(BOOK_TABLES["problems"].schema.names),
    "claims": list(BOOK_TABLES["claims"].schema.names),
}
"""The tables of the book's chapter that the page speaks of, and the columns that it needs."""
NETWORK = ["width", "activation", "initializer", "seed"]
MEASURES = ["layer", "activation_std", "gradient_std", "saturated_fraction", "nonfinite"]
LABORATORY_READ = {
    "linear": ["kind", "precision", "scale", "seed", "layer"],
    "propagation": [*NETWORK, *MEASURES],
    "overflow": list(LABORATORY_TABLES["overflow"].schema.names),
    "by_hand": list(LABORATORY_TABLES["by_hand"].schema.names),
    "tutorial": list(LABORATORY_TABLES["tutorial"].schema.names),
    "gains": list(LABORATORY_TABLES["gains"].schema.names),
    "theory": list(LABORATORY_TABLES["theory"].schema.names),
    "phase": ["sigma_w2", "sigma_b2"],
    "trainability": ["dataset", "sigma_w2", "sigma_b2", "depth", "seed"],
    "remedies": list(LABORATORY_TABLES["remedies"].schema.names),
    "recurrent": ["dataset", "sequence", "spectral_radius", "seed"],
    "recurrent_training": ["dataset", "sequence", "spectral_radius", "clipping", "seed", "step", "status"],
}
"""The same of the laboratory."""
CLIPPED = ("clipped_fraction", "gradient_norm_median", "gradient_norm_p95", "gradient_norm_max")
RUN = ["cell_id", "seed"]
MEASURED = {
    "gradients": [*RUN, "step", "epoch", "layer", "bias_gradient_norm"],
    "accuracy": [*RUN, "step", "epoch", "split", "accuracy"],
    "clipping": [*RUN, "epoch", *CLIPPED],
}
"""What the explorer shows of every run over its training, by table."""
AT_ONCE = 500_000
"""Rows of measurements that are read at a time."""
NO_IMAGES = {"", "standard_normal"}
"""What stands for the data of rows that no images went into."""


@dataclass(frozen=True)
class Measured:
    """A table of measurements over training, read piece by piece: that of the gradients may be larger than memory.

    ``time`` is the column that says when: step, or where there is none epoch.
    """

    path: Path
    columns: Sequence[str]

    @property
    def time(self) -> str:
        return "step" if "step" in self.columns else "epoch"

    def pieces(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """All rows in order, at most ``AT_ONCE`` at a time, some columns or all that are shown; texts as categories.

        Raises GradgridError for a table that cannot be read.
        """
        with _reading(self.path), pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(AT_ONCE, columns=list(columns or self.columns)):
                yield batch.to_pandas()

    @cached_property
    def times(self) -> pd.DataFrame:
        """The steps, ascending, and their epochs; for a table without steps the epochs alone."""
        columns = list(dict.fromkeys([self.time, "epoch"]))
        found = [piece.drop_duplicates(self.time) for piece in self.pieces(columns)]
        found = pd.concat(found) if found else pd.DataFrame(columns=columns)
        return found.drop_duplicates(self.time).sort_values(self.time, ignore_index=True)


@dataclass(frozen=True)
class Results:
    """What the grid came to. ``accuracy`` holds the rows of the book's cell only, or none.

    ``statistics`` holds the tables of the statistics by name, which may have no rows.
    ``part`` says what was asked for if only a part of it is there; ``cells`` then has those without a run too.
    """

    runs: pd.DataFrame
    cells: pd.DataFrame
    accuracy: pd.DataFrame
    statistics: Mapping[str, pd.DataFrame]
    epochs: int
    dataset: str
    provenance: Mapping[str, Any]
    part: Part | None

    @property
    def found(self) -> pd.DataFrame:
        """The cells that have runs."""
        return self.cells[self.cells["seeds"] > 0]


@dataclass(frozen=True)
class Inputs(Results):
    """Everything that was read for the page.

    ``measured`` holds the tables of every run's measurements over its training by name.
    ``book`` and ``laboratory`` hold the tables of these chapters by name, or are None where they were left out.
    """

    measured: Mapping[str, Measured]
    figures: tuple[tuple[Sidecar, Path], ...]
    config_name: str
    config_text: str
    book: Mapping[str, pd.DataFrame] | None
    laboratory: Mapping[str, pd.DataFrame] | None


def read(
    tables: Path,
    figures: Sequence[Path],
    provenance: Path,
    config: Path,
    book: Path | None = None,
    laboratory: Path | None = None,
) -> Inputs:
    """Read the tables, the figures' sidecars, the provenance and the text of the configuration."""
    known = results(tables, provenance)
    return Inputs(
        **vars(known),
        measured={name: Measured(tables / f"{name}.parquet", columns) for name, columns in MEASURED.items()},
        figures=_figures(figures),
        config_name=config.name,
        config_text=without_paths(_text(config)),
        book=None if book is None else beside(book, BOOK_READ, known.dataset),
        laboratory=None if laboratory is None else beside(laboratory, LABORATORY_READ, known.dataset),
    )


def results(tables: Path, provenance: Path) -> Results:
    """Read the grid's tables but for what was measured while it trained, and the provenance.

    Raises GradgridError for a table that is missing, damaged, of an older version, or without runs.
    """
    runs, cells = (whole(tables, name) for name in ("runs", "cells"))
    if runs.empty:
        raise GradgridError(f"{tables / 'runs.parquet'}: no runs in it; train the grid first")
    accuracy, epochs = _accuracy(tables / "accuracy.parquet", book_cell(cells[cells["seeds"] > 0]))
    record = _record(provenance)
    return Results(
        runs=runs,
        cells=cells,
        accuracy=accuracy,
        statistics={name: whole(tables, name) for name in STATISTICS_TABLES},
        epochs=epochs,
        dataset=_dataset(runs, record, tables / "runs.parquet", provenance),
        provenance=record,
        part=Part.read(_table(tables / "runs.parquet", columns=[]).schema.metadata),
    )


def beside(folder: Path, read: Mapping[str, Sequence[str]], dataset: str) -> dict[str, pd.DataFrame]:
    """The tables of a chapter beside the grid, of the grid's dataset or of no images at all.

    Raises GradgridError for a table that is missing, empty or of another dataset.
    """
    tables = {name: _frame(folder / f"{name}.parquet", columns) for name, columns in read.items()}
    for name, frame in tables.items():
        used = set(frame.get("dataset", frame.get("inputs", []))) - NO_IMAGES - {dataset}
        if frame.empty or used:
            found = " and ".join(sorted(used)) or "no rows"
            raise GradgridError(
                f"{folder / name}.parquet holds {found}, but the grid was trained on {dataset}; "
                "delete it and run again"
            )
    return tables


def whole(tables: Path, name: str) -> pd.DataFrame:
    """One of the grid's tables; a GradgridError unless it has all columns that this version gives it."""
    path = tables / f"{name}.parquet"
    frame = _frame(path)
    missing = [column for column in RESULTS[name].schema.names if column not in frame]
    if missing:
        raise GradgridError(
            f"{path}: written by another version of gradgrid, without {listed(missing)}; run snakemake again"
        )
    return frame


def _frame(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """A table with its texts as plain objects: categories would add levels that a selection lacks."""
    frame = _table(path, columns=columns).to_pandas()
    texts = frame.select_dtypes("category").columns
    return frame.astype(dict.fromkeys(texts, object))


def _table(path: Path, **options: object) -> pa.Table:
    with _reading(path):
        return pq.read_table(path, **options)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong with the file is a GradgridError."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise GradgridError(f"{path}: cannot be read ({error}); collect the tables again") from error


def _accuracy(path: Path, cell: pd.Series | None) -> tuple[pd.DataFrame, int]:
    """The accuracy table's rows of one cell, and the number of epochs of the longest run of all."""
    epochs = int(pc.max(_table(path, columns=["epoch"])["epoch"]).as_py() or 0)
    wanted = pc.field("cell_id") == ("" if cell is None else cell["cell_id"])
    found = _table(path, columns=["cell_id", "epoch", "split", "accuracy"], filters=wanted)
    return found.to_pandas().astype({"cell_id": object, "split": object}), epochs


def _dataset(runs: pd.DataFrame, record: Mapping[str, Any], table: Path, provenance: Path) -> str:
    """The one dataset of all runs, which must be that of the provenance."""
    used = sorted(runs["dataset"].unique())
    recorded = record["dataset"]["dataset"]
    if used != [recorded]:
        raise GradgridError(
            f"{table} holds runs on {' and '.join(used)}, but {provenance} records {recorded}; "
            "train the grid, collect the tables and write the provenance again"
        )
    return recorded


def _figures(files: Sequence[Path]) -> tuple[tuple[Sidecar, Path], ...]:
    """Sidecar and path without suffix of each figure, in the order that the sidecars give."""
    found = [(sidecars.read(path), path.with_suffix("")) for path in files]
    return tuple(sorted(found, key=lambda figure: (figure[0].order, figure[0].name)))


def _record(path: Path) -> Mapping[str, Any]:
    """The provenance, with every part that the page shows."""
    try:
        record = json.loads(_text(path))
    except ValueError as error:
        raise GradgridError(f"{path}: not JSON ({error}); write it again") from error
    missing = [part for part in PARTS if not isinstance(record, dict) or part not in record]
    if missing:
        raise GradgridError(f"{path}: lacks {', '.join(missing)}; write it again")
    return record


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise GradgridError(f"{path}: cannot be read ({error})") from error

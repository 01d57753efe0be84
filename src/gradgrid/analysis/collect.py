"""The files of the bundles, gathered into one file a table.

Files are read one after the other and written in row groups of about ``ROW_GROUP`` rows, so that memory does
not grow with the grid (docs/adr/0011). The rows keep the order of the files given.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from gradgrid.analysis.slope import gradient_slope
from gradgrid.analysis.verdicts import DEFAULTS, judged
from gradgrid.core.bundle_files import bundle_of
from gradgrid.core.errors import GradgridError
from gradgrid.core.files import replacing
from gradgrid.core.parquet import COMPRESSION, to_arrow
from gradgrid.core.tables import JUDGED_RUNS, RUNS, TABLES, Table
from gradgrid.core.verdicts import Verdicts

ROW_GROUP = 65_536
"""Rows that are in memory at a time, and those of one bundle more."""

Part = TypeVar("Part")

_REMEDY = "delete it and run again: its bundle is then trained again"

_VERDICT_GRADIENTS = [
    "run_id",
    "depth",
    "step",
    "layer",
    "bias_gradient_norm",
    "saturated_fraction",
    "dead_fraction",
]


def collect(
    table: str, files: Sequence[Path], out: Path, metadata: Mapping[bytes, str] | None = None
) -> None:
    """Gather the bundle files of one table into ``out``, whole or not at all; ``metadata`` joins the schema's own.

    Raises GradgridError, naming the file, for one that is missing, damaged, of another schema or of another bundle.
    """
    _write((_read(file, TABLES[table]) for file in files), TABLES[table], out, metadata)


def collect_runs(
    runs_files: Sequence[Path],
    gradients_files: Sequence[Path],
    out: Path,
    metadata: Mapping[bytes, str] | None = None,
    limits: Verdicts = DEFAULTS,
) -> None:
    """Gather the runs table, with gradient slope and verdict filled in from the gradients of the same bundle.

    They are worked out here and not in training, so that a changed rule or limit retrains nothing. Both sequences
    must list the same bundles in the same order.
    """
    bundles = (_bundle(*pair) for pair in zip(runs_files, gradients_files, strict=True))
    # Several at a time, because pandas takes as long for one bundle as for ten.
    several = _batches(bundles, lambda bundle: len(bundle[1]))
    finished = (finish_runs(*map(_joined, zip(*batch, strict=True)), limits) for batch in several)
    _write(finished, JUDGED_RUNS, out, metadata)


def finish_runs(runs: pa.Table, gradients: pa.Table, limits: Verdicts = DEFAULTS) -> pa.Table:
    """The runs with gradient_slope, verdict and its reason worked out from their rows of the gradients table."""
    frame = runs.to_pandas()
    measured = gradients.select(_VERDICT_GRADIENTS).to_pandas()
    frame["gradient_slope"] = frame["run_id"].astype(object).map(gradient_slope(measured))
    frame[["verdict", "verdict_reason"]] = judged(frame, measured, limits)
    return to_arrow(frame, JUDGED_RUNS)


def _bundle(runs_file: Path, gradients_file: Path) -> tuple[pa.Table, pa.Table]:
    """The runs of a bundle, and of their gradients what verdicts are made of."""
    runs = _read(runs_file, RUNS)
    gradients = _read(gradients_file, TABLES["gradients"], _VERDICT_GRADIENTS)
    without = set(runs["run_id"].to_pylist()) - set(gradients["run_id"].unique().to_pylist())
    if without:
        raise GradgridError(
            f"{gradients_file}: no gradients of {len(without)} runs of {runs_file}, such as {min(without)}; "
            f"the two files are not of one training; {_REMEDY}"
        )
    return runs, gradients


def _read(file: Path, table: Table, columns: list[str] | None = None) -> pa.Table:
    """A bundle file's table (or some columns of it) in the table's types."""
    try:
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
        _check(parquet.schema_arrow, table, file)
        found = parquet.read(columns=columns)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise GradgridError(f"{file}: cannot be read ({_one_line(error)}); {_REMEDY}") from error
    schema = table.schema
    if columns is None:
        return found.cast(schema).replace_schema_metadata(schema.metadata)
    return found.cast(pa.schema([schema.field(name) for name in found.schema.names]))


def _check(found: pa.Schema, table: Table, file: Path) -> None:
    """Refuse a file of another bundle, or whose columns differ in name, order or type, but for the encoding of text."""
    bundle = bundle_of(found)
    if bundle and not file.with_suffix("").as_posix().endswith(bundle):
        raise GradgridError(f"{file}: holds the runs of {bundle}; {_REMEDY}")
    expected = [(field.name, _plain(field.type)) for field in table.schema]
    actual = [(field.name, _plain(field.type)) for field in found]
    if actual == expected:
        return
    differing = [name for name, _ in set(expected) ^ set(actual)]
    named = sorted(set(differing)) or ["their order"]
    raise GradgridError(
        f"{file}: not a {table.name} table of this version of GradGrid (columns that differ: "
        f"{', '.join(named)}); {_REMEDY}"
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.string() if pa.types.is_large_string(kind) else kind


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _write(parts: Iterable[pa.Table], table: Table, out: Path, metadata: Mapping[bytes, str] | None) -> None:
    schema = table.schema.with_metadata({**table.schema.metadata, **(metadata or {})})
    with (
        replacing(out) as part,
        pq.ParquetWriter(part, schema, compression=COMPRESSION) as writer,
    ):
        for group in map(_joined, _batches(parts, len)):
            writer.write_table(group, row_group_size=len(group))


def _joined(tables: Iterable[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).unify_dictionaries()


def _batches(parts: Iterable[Part], rows: Callable[[Part], int]) -> Iterator[list[Part]]:
    """Neighbours together until they have ROW_GROUP rows; a part with more is not split."""
    waiting, count = [], 0
    for part in parts:
        waiting.append(part)
        count += rows(part)
        if count >= ROW_GROUP:
            yield waiting
            waiting, count = [], 0
    if count:
        yield waiting

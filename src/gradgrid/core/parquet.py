"""Frames to parquet files with the schema of their table, and back."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gradgrid.core.errors import GradgridError
from gradgrid.core.files import replacing
from gradgrid.core.tables import Table

COMPRESSION = "zstd"


def to_arrow(frame: pd.DataFrame, table: Table) -> pa.Table:
    """The table's columns of a frame, in the table's order, types and metadata; NaN becomes null.

    Raises KeyError if the frame lacks a column; a column that the table does not know is left out.
    """
    schema = table.schema
    # As objects, because a column of nulls alone has a numeric type, of which arrow makes no dictionary.
    text = {field.name: frame[field.name].astype(object) for field in schema if _is_text(field)}
    columns = frame[schema.names].assign(**text)
    arrow = pa.Table.from_pandas(columns, schema=schema, preserve_index=False)
    return arrow.replace_schema_metadata(schema.metadata)


def _is_text(field: pa.Field) -> bool:
    return pa.types.is_dictionary(field.type)


def write_frame(
    frame: pd.DataFrame, table: Table, out: Path, metadata: Mapping[bytes, str] | None = None
) -> None:
    """Write a frame as one parquet file, whole or not at all; ``metadata`` is added to the schema's own."""
    arrow = to_arrow(frame, table)
    arrow = arrow.replace_schema_metadata({**arrow.schema.metadata, **(metadata or {})})
    with replacing(out) as part:
        pq.write_table(arrow, part, compression=COMPRESSION)


def gather(parts: Iterable[Path], table: Table, out: Path) -> None:
    """Write the rows of several files of a table as one file."""
    write_frame(pd.concat([read_frame(part) for part in parts], ignore_index=True), table, out)


def read_frame(path: Path) -> pd.DataFrame:
    """A table as a frame; a GradgridError names the file that cannot be read."""
    try:
        return pq.read_table(path, partitioning=None).to_pandas()
    except (OSError, pa.ArrowException) as error:
        raise GradgridError(f"{path}: cannot be read ({error}); delete it and run again") from error

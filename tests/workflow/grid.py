"""The files that bundles write, and whether two of them say the same."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gradgrid.core.plan import BUNDLE_TABLES


def files(folder: Path, key: str) -> dict[str, Path]:
    """The files of a bundle by table."""
    return {table: folder / "results" / "grid" / table / f"{key}.parquet" for table in BUNDLE_TABLES}


def numbers(file: Path) -> pa.Table:
    """All that a file says but for how long it took."""
    table = pq.read_table(file, partitioning=None).replace_schema_metadata(None)
    return table.drop_columns([name for name in ("seconds",) if name in table.column_names])


def assert_same_numbers(one: Path, other: Path, key: str) -> None:
    """A bundle's four tables are the same in two folders, bit for bit."""
    for table, file in files(one, key).items():
        assert numbers(file).equals(numbers(files(other, key)[table])), f"{table} of {key}"


def stamps(folder: Path, keys: list[str]) -> dict[Path, tuple[bytes, int]]:
    """Bytes and time of last change of the bundles' files."""
    paths = [path for key in keys for path in files(folder, key).values()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}

"""The parquet files of a bundle: which runs they hold, with which fingerprints, and new runs among them."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gradgrid.core.parquet import COMPRESSION
from gradgrid.core.provenance import TRAINING_KEY
from gradgrid.core.tables import TABLES

FINGERPRINTS_KEY = b"gradgrid.fingerprints"
"""Key of the parquet metadata with the fingerprint of each run in the file, as JSON."""
BUNDLE_KEY = b"gradgrid.bundle"
"""Key of the parquet metadata with the bundle's own key, as JSON."""


def fingerprints(files: Mapping[str, Path]) -> dict[str, str]:
    """Fingerprints by run of the runs that every one of a bundle's files holds; files of another schema hold none."""
    held = [set(_fingerprints(path, table).items()) for table, path in files.items()]
    return dict(set.intersection(*held))


def _fingerprints(path: Path, table: str) -> dict[str, str]:
    try:
        schema = pq.read_schema(path)
        return json.loads(schema.metadata[FINGERPRINTS_KEY]) if _is_current(schema, table) else {}
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):
        return {}


def _is_current(schema: pa.Schema, table: str) -> bool:
    return schema.remove_metadata().equals(TABLES[table].schema.remove_metadata())


def bundle_of(schema: pa.Schema) -> str | None:
    """The key of the bundle of which a file is; None where it does not say."""
    said = (schema.metadata or {}).get(BUNDLE_KEY)
    return None if said is None else str(json.loads(said))


def read_kept(path: Path, runs: Collection[str]) -> pa.Table:
    """The rows of some runs in a bundle's file. Raises OSError or ArrowException if its bytes have changed."""
    table = pq.read_table(path, partitioning=None, page_checksum_verification=True)
    return table.filter(pc.is_in(table["run_id"].cast(pa.string()), pa.array(runs, pa.string())))


def trainings(path: Path, runs: Collection[str]) -> list[dict]:
    """What trained some runs of a file: facts with the list of their ``runs``."""
    entries = json.loads((pq.read_schema(path).metadata or {})[TRAINING_KEY])
    kept = ({**entry, "runs": [run for run in entry["runs"] if run in runs]} for entry in entries)
    return [entry for entry in kept if entry["runs"]]


def write(
    parts: Sequence[pa.Table], table: str, order: Sequence[str], facts: Mapping[bytes, object], out: Path
) -> None:
    """Write the rows of all runs, run by run in this order, as one file."""
    whole = pa.concat_tables(part.replace_schema_metadata(None) for part in parts)
    position = pc.index_in(whole["run_id"].cast(pa.string()), pa.array(order, pa.string()))
    whole = whole.take(pc.sort_indices(position))  # stable: rows of a run keep their order
    texts = {key: json.dumps(value) for key, value in facts.items()}
    whole = whole.unify_dictionaries().cast(TABLES[table].schema)
    whole = whole.replace_schema_metadata({**TABLES[table].schema.metadata, **texts})
    pq.write_table(whole, out, compression=COMPRESSION, write_page_checksum=True)

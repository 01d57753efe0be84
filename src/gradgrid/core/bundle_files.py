"""The parquet files of a bundle: which runs they hold, with which fingerprints, and new runs among them."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gradgrid.core.files import replacing
from gradgrid.core.parquet import COMPRESSION
from gradgrid.core.tables import TABLES
from gradgrid.core.trainings import TRAINING_KEY

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


@dataclass(frozen=True)
class Rows:
    """Some runs of a bundle: their rows in each table, and what trained them, facts with the list of ``runs``."""

    tables: Mapping[str, pa.Table]
    trainings: Sequence[dict]


def read_rows(files: Mapping[str, Path], runs: Collection[str]) -> Rows:
    """The rows of some runs in a bundle's files. Raises OSError or ArrowException if their bytes have changed."""
    return Rows(
        {name: _filtered(path, runs) for name, path in files.items()}, _trainings(files["runs"], runs)
    )


def _filtered(path: Path, runs: Collection[str]) -> pa.Table:
    table = pq.read_table(path, partitioning=None, page_checksum_verification=True)
    return table.filter(pc.is_in(table["run_id"].cast(pa.string()), pa.array(runs, pa.string())))


def _trainings(path: Path, runs: Collection[str]) -> list[dict]:
    entries = json.loads((pq.read_schema(path).metadata or {})[TRAINING_KEY])
    kept = ({**entry, "runs": [run for run in entry["runs"] if run in runs]} for entry in entries)
    return [entry for entry in kept if entry["runs"]]


def write_bundle(
    key: str, fingerprints: Mapping[str, str], files: Mapping[str, Path], parts: Sequence[Rows]
) -> None:
    """Write the rows of all runs, in the order of their ``fingerprints``; the old files stand until all are written."""
    trainings = [entry for part in parts for entry in part.trainings]
    facts = {BUNDLE_KEY: key, FINGERPRINTS_KEY: fingerprints, TRAINING_KEY: trainings}
    texts = {name: json.dumps(value) for name, value in facts.items()}
    with ExitStack() as replaced:
        for table, path in files.items():
            rows = pa.concat_tables(part.tables[table].replace_schema_metadata(None) for part in parts)
            out = replaced.enter_context(replacing(path))
            schema = TABLES[table].schema
            rows = _ordered(rows, list(fingerprints)).unify_dictionaries().cast(schema)
            rows = rows.replace_schema_metadata({**schema.metadata, **texts})
            pq.write_table(rows, out, compression=COMPRESSION, write_page_checksum=True)


def _ordered(rows: pa.Table, runs: Sequence[str]) -> pa.Table:
    """Run by run; sorting is stable, so that rows of a run keep their order."""
    position = pc.index_in(rows["run_id"].cast(pa.string()), pa.array(runs, pa.string()))
    return rows.take(pc.sort_indices(position))

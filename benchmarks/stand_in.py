"""A stand-in for training: writes a bundle's files as a job does, through the same writers, with made-up numbers.

No image is looked at and nothing is trained, so that what is measured around it is the workflow. Rows, columns,
metadata and states are those of a true bundle; so is, nearly, the number of bytes, because noise compresses as
badly as measurements.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
import pyarrow as pa

from gradgrid.core.basis import Basis
from gradgrid.core.bundle_files import Rows, write_bundle
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.parquet import to_arrow
from gradgrid.core.plan import BundleJob, Run
from gradgrid.core.schedule import epochs, measured_steps, steps_per_epoch
from gradgrid.core.states import GRID, State, sizes, state_file, table_files
from gradgrid.core.tables import FACTOR_NAMES, TABLES

_OF_A_RUN = ("run_id", "cell_id", "dataset", *FACTOR_NAMES, "seed")
_FACTS = {"device": "cpu", "torch": "none", "peak_memory_mib": 0, "seconds": 0.0}


def stand_in(
    job: BundleJob, generation: int, dataset: tuple[str, str], source: TrainingSource, grid: Path = GRID
) -> None:
    """Write the files and the state of a bundle, all of its runs new, as if trained on ``dataset`` (name, digest)."""
    runs, training = job.bundle.runs, job.training
    basis = Basis.of(runs, training, *dataset, source)
    fingerprints = {run.run_id: basis.fingerprint(run) for run in runs}
    files = table_files(job.bundle.key, grid)
    facts = _FACTS | {"runs": list(fingerprints)}
    tables = _tables(job, dataset[0], fingerprints)
    write_bundle(job.bundle.key, fingerprints, files, [Rows(tables, [facts])])
    State(generation, basis, tuple(fingerprints), sizes(files)).write(state_file(job.bundle.key, grid))


def _tables(job: BundleJob, dataset: str, fingerprints: Mapping[str, str]) -> dict[str, pa.Table]:
    """The four tables of a bundle."""
    runs, training, layers = job.bundle.runs, job.training, job.bundle.depth + 1
    made = np.random.default_rng(crc32(job.bundle.key.encode()))
    frame = _frame(runs, dataset, fingerprints, made)
    each = to_arrow(frame, TABLES["runs"])
    epoch, steps = steps_per_epoch(training, dataset), np.array(measured_steps(training, dataset))
    ends = np.arange(epochs(training, dataset) + 1)
    clipped = [number for number, run in enumerate(runs) if run.cell.clipping is not None]
    measured = {"step": np.repeat(steps, layers), "layer": np.tile(np.arange(1, layers + 1), len(steps))}
    seen = {"step": np.append(np.repeat(ends * epoch, 2), ends[-1] * epoch)}
    seen["split"] = np.array([*["train", "validation"] * len(ends), "test"])
    for columns in (measured, seen):
        columns["epoch"] = columns["step"] / epoch
    everyone = range(len(runs))
    return {
        "runs": each,
        "gradients": _rows("gradients", each, everyone, measured, made),
        "accuracy": _rows("accuracy", each, everyone, seen, made),
        "clipping": _rows("clipping", each, clipped, {"epoch": ends[1:]}, made),
    }


def _frame(
    runs: Sequence[Run], dataset: str, fingerprints: Mapping[str, str], made: np.random.Generator
) -> pd.DataFrame:
    """The runs table; accuracies between 10 and 100 %, none diverged."""
    labels = [
        {"run_id": run.run_id, "cell_id": run.cell.cell_id, **run.cell.labels, "seed": run.seed}
        for run in runs
    ]
    known = {
        "dataset": dataset,
        "status": "completed",
        "seconds": 0.0,
        "fingerprint": [*fingerprints.values()],
    }
    frame = pd.DataFrame(labels).assign(**known)
    for name in TABLES["runs"].schema.names:
        if name.endswith("accuracy"):
            frame[name] = made.uniform(0.1, 1.0, len(runs))
    return frame.reindex(columns=TABLES["runs"].schema.names)


def _rows(
    name: str, runs: pa.Table, chosen: Sequence[int], own: Mapping[str, np.ndarray], made: np.random.Generator
) -> pa.Table:
    """For each of the chosen runs the rows ``own``; whatever a table has beside them is drawn from U(0, 1)."""
    schema, height = TABLES[name].schema, len(next(iter(own.values())))
    shared = runs.take(pa.array(np.repeat(np.asarray(chosen, np.int64), height)))
    columns = {}
    for column in schema.names:
        if column in own:
            columns[column] = np.tile(own[column], len(chosen))
        elif column in _OF_A_RUN:
            columns[column] = shared[column].combine_chunks()
        else:
            columns[column] = made.random(len(shared))
    return pa.table(columns).cast(schema)

"""A bundle's job: keep the runs whose fingerprint holds, train the others, and write one file a table."""

import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from gradgrid.core import bundle_files
from gradgrid.core.basis import Basis
from gradgrid.core.bundle_files import Rows, read_rows, write_bundle
from gradgrid.core.errors import GradgridError
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.parquet import to_arrow
from gradgrid.core.plan import BundleJob, Run
from gradgrid.core.reasons import in_words
from gradgrid.core.states import GRID, State, sizes, state_file, table_files
from gradgrid.core.tables import TABLES
from gradgrid.core.work import DAMAGED, FORCED, RETRAIN, Work, examine

if TYPE_CHECKING:
    from gradgrid.train.images import Data

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class DataFile:
    """The prepared data: its dataset and digest, and how to load it, which takes a while."""

    name: str
    digest: str
    load: Callable[[], "Data"]


def train_bundle(job: BundleJob, generation: int, data: DataFile, grid: Path = GRID) -> None:
    """Bring a bundle's files up to date: they end up as if all its runs had just been trained.

    A diverged run is a result, not a failure. Raises GradgridError if the device is not there.
    """
    basis = Basis.of(job.bundle.runs, job.training, data.name, data.digest, TrainingSource())
    files = table_files(job.bundle.key, grid)
    todo, kept = _kept(_work(job, basis, grid), grid)
    _LOG.info("%s: %s", job.bundle.key, in_words([todo]))
    if todo.needed:
        fingerprints = {run.run_id: basis.fingerprint(run) for run in job.bundle.runs}
        checkpoints = _checkpoints(job, grid)
        trained = _train(todo.trained, fingerprints, job, data, checkpoints)
        write_bundle(job.bundle.key, fingerprints, files, [*kept, *trained])
        shutil.rmtree(checkpoints, ignore_errors=True)
    for path in files.values():
        path.touch()  # made anew, as far as anyone downstream is concerned
    runs = tuple(run.run_id for run in job.bundle.runs)
    State(generation, basis, runs, sizes(files)).write(state_file(job.bundle.key, grid))


def _work(job: BundleJob, basis: Basis, grid: Path) -> Work:
    """What is to be done; no run is kept on the word of the state alone, the files must say it too."""
    todo = examine(job.bundle, basis, grid)
    if not {"all", job.bundle.key}.isdisjoint(os.environ.get(RETRAIN, "").splitlines()):
        shutil.rmtree(_checkpoints(job, grid), ignore_errors=True)
        return replace(todo, reasons={run.run_id: (FORCED,) for run in job.bundle.runs}, moved={})
    found: dict[str, str] = {}
    for key, runs in todo.held.items():
        held = bundle_files.fingerprints(table_files(key, grid))
        found |= {run: held[run] for run in runs if run in held}
    lost = [run.run_id for run in todo.kept if found.get(run.run_id) != basis.fingerprint(run)]
    return _without(todo, lost)


def _kept(todo: Work, grid: Path) -> tuple[Work, list[Rows]]:
    """The work and what is kept; of files that cannot be read after all, nothing is kept."""
    kept = []
    for key, runs in todo.held.items():
        try:
            kept.append(read_rows(table_files(key, grid), runs))
        except (OSError, pa.ArrowException):
            todo = _without(todo, runs)
    return todo, kept


def _without(todo: Work, lost: Sequence[str]) -> Work:
    """The work where some runs' files turn out to be damaged."""
    moved = {run: key for run, key in todo.moved.items() if run not in lost}
    return replace(todo, reasons={**todo.reasons, **dict.fromkeys(lost, (DAMAGED,))}, moved=moved)


def _checkpoints(job: BundleJob, grid: Path) -> Path:
    return grid / "checkpoints" / job.bundle.key


def _train(
    runs: Sequence[Run], fingerprints: Mapping[str, str], job: BundleJob, data: DataFile, checkpoints: Path
) -> list[Rows]:
    """The tables of some runs, and what trained them; nothing where there are none."""
    if not runs:
        return []
    import torch  # only where something is trained: it takes seconds

    from gradgrid.train.checkpoints import Checkpoints
    from gradgrid.train.device import device_facts, find_device
    from gradgrid.train.images import Images
    from gradgrid.train.runs import train_runs

    began = time.monotonic()
    torch.set_num_threads(1)
    device = find_device(job.device)
    every = job.execution.checkpoint_every
    kept = Checkpoints(checkpoints, every, fingerprints) if every else None
    try:
        images = Images.of(data.load(), device)
    except torch.OutOfMemoryError as error:
        raise GradgridError(
            f"the images of {data.name} do not fit into the memory of {device.type}; other jobs may hold it: run "
            "fewer at a time, or set device: cpu"
        ) from error
    frames = train_runs(runs, job.bundle.key, images, job.training, kept)
    seconds = time.monotonic() - began + (kept.seconds if kept else 0.0)
    fingerprint = frames["runs"]["run_id"].map(fingerprints)
    frames["runs"] = frames["runs"].assign(seconds=seconds / len(runs), fingerprint=fingerprint)
    facts = device_facts(device) | {"seconds": round(seconds, 1), "runs": [run.run_id for run in runs]}
    return [Rows({name: to_arrow(frame, TABLES[name]) for name, frame in frames.items()}, [facts])]

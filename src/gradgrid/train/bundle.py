"""A bundle's job: train its runs and write one file a table."""

import json
import logging
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import torch

from gradgrid.core.errors import GradgridError
from gradgrid.core.fingerprints import TrainingSource, run_fingerprint
from gradgrid.core.jobs import Progress
from gradgrid.core.parquet import write_frame
from gradgrid.core.plan import BUNDLE_TABLES, BundleJob
from gradgrid.core.provenance import TRAINING_KEY
from gradgrid.core.schedule import epochs, total_steps
from gradgrid.core.tables import TABLES
from gradgrid.train.images import Data, Images
from gradgrid.train.stack import alike
from gradgrid.train.trainer import train

_LOG = logging.getLogger(__name__)

_MEASURED_AT_ONCE = 2**27
"""Numbers that the activations, slopes and deltas of a stack may take while it is measured: half a gigabyte."""
_LARGEST_STACK = 64
"""Runs beyond which a step of one run gets hardly any cheaper (benchmarks/training.py)."""


def train_bundle(settings: str, data: Data, outputs: Mapping[str, Path]) -> None:
    """Train every run of a bundle and write its tables, one parquet file each.

    ``settings`` is ``Bundle.settings``; ``outputs`` names the files by table. A diverged run is a result, not a
    failure. Raises GradgridError if the device is not there.
    """
    began = time.monotonic()
    job = BundleJob.from_settings(settings)
    torch.set_num_threads(1)
    device = find_device(job.device)
    images = Images.of(data, device)
    tables = _train(job, images)
    tables["runs"]["fingerprint"] = tables["runs"]["run_id"].map(_fingerprints(job, images))
    tables["runs"]["seconds"] = (time.monotonic() - began) / len(job.bundle.runs)
    facts = {TRAINING_KEY: json.dumps(_facts(device, time.monotonic() - began))}
    for name in BUNDLE_TABLES:
        write_frame(tables[name], TABLES[name], outputs[name], facts)


def find_device(name: str) -> torch.device:
    """The device of a name in config.yaml; ``auto`` is CUDA where there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise GradgridError("device cuda: PyTorch finds no CUDA device here; set device: auto, or cpu")
    if name == "mps":
        raise GradgridError(
            "device mps: it has no double precision, which weight decay needs; set device: cpu"
        )
    return torch.device(name)


def largest_stack(job: BundleJob) -> int:
    """Runs to train at a time: bounded, so that memory does not grow with the grid."""
    measured = 3 * job.bundle.depth * job.bundle.width * 1000
    return max(1, min(_LARGEST_STACK, _MEASURED_AT_ONCE // measured))


def _train(job: BundleJob, images: Images) -> dict[str, pd.DataFrame]:
    bundle, training = job.bundle, job.training
    steps = total_steps(training, images.name, images.size) * len(bundle.runs)
    title = f"{bundle.key}: {len(bundle.runs)} runs of {epochs(training, images.name)} epochs"
    progress = Progress(title, steps, "run-steps")
    stacks = alike(bundle.runs, training.weight_decay / images.size, largest_stack(job))
    parts = [train(runs, images, training, progress).tables() for runs in stacks]
    whole = {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in BUNDLE_TABLES}
    diverged = int((whole["runs"]["status"] == "diverged").sum())
    _LOG.info("%s trained on %s, %d diverged", title, images.name, diverged)
    blank = {"gradient_slope": None, "verdict": None}
    return whole | {"runs": whole["runs"].assign(**blank)}


def _fingerprints(job: BundleJob, images: Images) -> dict[str, str]:
    source, training = TrainingSource(), job.training
    return {
        run.run_id: run_fingerprint(
            run, training, images.name, images.digest, source.of_run(run, training.loss)
        )
        for run in job.bundle.runs
    }


def _facts(device: torch.device, seconds: float) -> dict[str, str | float]:
    """What trained the bundle, for the provenance."""
    kilobyte = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {
        "device": name,
        "torch": torch.__version__,
        "seconds": round(seconds, 1),
        "peak_memory_mib": round(peak / 2**20),
    }

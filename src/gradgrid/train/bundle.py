"""A bundle's job: train its runs and write one file a table."""

import json
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from gradgrid.core.errors import GradgridError
from gradgrid.core.fingerprints import TrainingSource, run_fingerprint
from gradgrid.core.parquet import write_frame
from gradgrid.core.plan import BUNDLE_TABLES, BundleJob
from gradgrid.core.provenance import TRAINING_KEY
from gradgrid.core.tables import TABLES
from gradgrid.train.images import Data, Images
from gradgrid.train.runs import train_runs


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
    tables = train_runs(job.bundle.runs, job.bundle.key, images, job.training)
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

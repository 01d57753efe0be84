"""The device that trains, and what is recorded of it."""

import logging
import resource
import sys
import time

import torch

from gradgrid.core import gpus
from gradgrid.core.errors import GradgridError
from gradgrid.train.native import find_kernel

_LOG = logging.getLogger(__name__)


def find_device(name: str) -> torch.device:
    """The device of a name in config.yaml; ``auto`` is CUDA where there is one, else the CPU.

    Of several GPUs the process takes one for itself (core/gpus.py). Products on it are in float32: TF32, with 10 bits
    for 23, is off, whatever the environment says.
    """
    if name == "cpu":
        return torch.device(name)
    claim = gpus.claim()  # before CUDA is asked for its devices
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("highest")
        _tell(claim)
        return torch.device("cuda")
    if name == "cuda":
        raise GradgridError("device cuda: PyTorch finds no CUDA device here; set device: auto, or cpu")
    return torch.device("cpu")


def _tell(claim: gpus.Claim | None) -> None:
    _LOG.info("trains on %s (%s)", torch.cuda.get_device_name(), claim.gpu if claim else "the one given")
    if claim and claim.others:
        told = "%s: other jobs train on this GPU: %d. Its time is divided; docs/gpu.md says how to bound them"
        _LOG.warning(told, claim.gpu, claim.others)


def device_facts(device: torch.device) -> dict[str, str | int]:
    """Device, compiled kernel, version of PyTorch, the peaks of memory and the time, for the provenance.

    ``ended`` is in seconds since 1970: asked for when a training is over, it tells which runs a workflow reused.
    """
    kilobyte = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte
    facts = {"torch": torch.__version__, "peak_memory_mib": round(peak / 2**20), "ended": int(time.time())}
    if device.type != "cuda":
        kernel = find_kernel()
        return {"device": "cpu", "kernel": kernel.name if kernel else "none", **facts}
    on_device = round(torch.cuda.max_memory_reserved(device) / 2**20)
    return {"device": torch.cuda.get_device_name(device), **facts, "peak_device_memory_mib": on_device}

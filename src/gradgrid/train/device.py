"""The device that trains, and what is recorded of it."""

import resource
import sys

import torch

from gradgrid.core.errors import GradgridError


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


def device_facts(device: torch.device) -> dict[str, str | int]:
    """Device, version of PyTorch and the process's peak of memory, for the provenance."""
    kilobyte = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {"device": name, "torch": torch.__version__, "peak_memory_mib": round(peak / 2**20)}

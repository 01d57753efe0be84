"""The GPUs of a machine, shared out among the jobs on it.

A job sees one of them, by CUDA_VISIBLE_DEVICES, which has to be set before CUDA is asked for its devices.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count, takewhile
from pathlib import Path
from typing import TextIO

VISIBLE = "CUDA_VISIBLE_DEVICES"
PLACES = Path(tempfile.gettempdir(), f"gradgrid-gpus-{os.getuid()}")
"""One file for each place on a GPU, locked by the job that has it: jobs of one user on one machine see each other."""
_UUID = re.compile(r"\(UUID: ((?:GPU|MIG)-[^)]+)\)")
_PATIENCE = 60
"""Seconds that a driver may take to list its GPUs: it may have to wake them up."""


@dataclass(frozen=True)
class Claim:
    """A GPU by its name in CUDA_VISIBLE_DEVICES, and how many other jobs have it; held while ``place`` is open."""

    gpu: str
    others: int
    place: TextIO


@cache
def claim() -> Claim | None:
    """Let this process see one GPU alone, that which the fewest jobs have; it keeps it until it ends, however it ends.

    None, and nothing changes, where there is none, or where CUDA_VISIBLE_DEVICES names one already, as on a cluster.
    Jobs beyond the number of GPUs share them evenly: how many run at a time is for whoever started them to say, and
    a job that waited here would hold its core, and on a cluster its time, for nothing.
    """
    names = visible()
    if not names or os.environ.get(VISIBLE) == names[0]:
        return None
    PLACES.mkdir(mode=0o700, exist_ok=True)
    taken = next(_free(names))
    os.environ[VISIBLE] = taken.gpu
    return taken


def visible() -> list[str]:
    """The GPUs that this process may use: those that CUDA_VISIBLE_DEVICES names, else all that the driver lists."""
    named = os.environ.get(VISIBLE)
    if named is not None:
        names = (name.strip() for name in named.split(","))
        return list(takewhile(lambda name: name not in ("", "-1"), names))  # as CUDA reads it
    command = shutil.which("nvidia-smi")
    return listed(_said(command, "-L")) if command else []


def listed(text: str) -> list[str]:
    """The UUIDs in what ``nvidia-smi -L`` says; of a GPU that is cut into instances (MIG), those of the instances."""
    found: list[str] = []
    for uuid in _UUID.findall(text):
        if uuid.startswith("MIG-") and found and found[-1].startswith("GPU-"):
            found.pop()
        found.append(uuid)
    return found


def _free(gpus: Sequence[str]) -> Iterator[Claim]:
    """Every GPU's first place, if it is free, then every second one, and so on without end."""
    for others in count():
        for gpu in gpus:
            if place := _locked(PLACES / f"{gpu.replace('/', '_')}.{others}"):
                yield Claim(gpu, others, place)


def _said(*command: str) -> str:
    """What a command says; nothing if it fails, as it does where a driver is installed and no GPU."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return ended.stdout


def _locked(path: Path) -> TextIO | None:
    """The file, open and locked; None if another process has it. The kernel unlocks it when this one ends."""
    place = path.open("a")
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        place.close()
        return None
    return place

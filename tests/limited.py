"""A process whose memory is bounded: ``python limited.py FILE`` trains 32 runs in it and writes their tables.

300 MiB above what is in use, their stack does not fit: the initial parameters take 85 MiB, their stack as much,
and as much again what the compiled kernel keeps and what it copies, or the copy from which a divergence is located. Nor
does one run of width 4,000, whose stack is filled up to eight: 610 MiB.
"""

import logging
import pickle
import re
import resource
import sys
from pathlib import Path

import torch
import training

from gradgrid.core.config import Training
from gradgrid.core.errors import GradgridError
from gradgrid.core.plan import Run
from gradgrid.train.runs import train_runs

WIDE = Run(training.cell(width=4000), 0)
RUNS = [Run(training.cell(width=512, learning_rate=0.001 * (i + 1)), 0) for i in range(32)]
IMAGES = training.images_of(training.dataset(images=20), torch.float32)


def trained(runs=RUNS):
    """Their tables."""
    return train_runs(runs, "bundle", IMAGES, Training(digits_epochs=1, minibatch=20))


def _bound() -> None:
    """Let the process have 300 MiB more than it has."""
    used = int(re.search(r"VmSize:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) * 2**10
    resource.setrlimit(resource.RLIMIT_AS, (used + 300 * 2**20, resource.RLIM_INFINITY))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    _bound()
    Path(sys.argv[1]).write_bytes(pickle.dumps(trained()))
    print("trained")
    try:
        trained([WIDE])
    except GradgridError as error:
        print(error)

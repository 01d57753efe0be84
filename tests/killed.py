"""Runs whose training is killed: ``python killed.py FOLDER WHAT WHEN`` trains them until it kills itself.

WHAT is ``step``, and WHEN the number of run-steps; or ``writing``, and WHEN says which checkpoint is half written.
"""

import os
import signal
import sys
from pathlib import Path

import pandas as pd
import torch
import training

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.jobs import Progress
from gradgrid.core.plan import BUNDLE_TABLES, Run
from gradgrid.core.tables import TABLES
from gradgrid.train.checkpoints import Checkpoints
from gradgrid.train.runs import train_runs

IMAGES = training.images_of(training.dataset(images=57), torch.float32)
SETTINGS = Training(digits_epochs=3, minibatch=10)
STEPS = 6
"""Steps in an epoch."""
CLIPPINGS = [None, Entry.of("norm", {"threshold": 0.5}), Entry.of("value", {"threshold": 1e-3})]
INITIALIZERS = [Entry("lecun_normal"), Entry.of("normal", {"std": 1e18})]


def some_runs(**changes):
    """Six runs, of every kind of clipping; with an unbounded activation some diverge."""
    cells = [
        training.cell(initializer=initializer, clipping=clipping, width=7, **changes)
        for initializer in INITIALIZERS
        for clipping in CLIPPINGS
    ]
    return [Run(cell, 0) for cell in cells]


TWO_STACKS = [
    run
    for optimizer in ("sgd", "adam")
    for run in some_runs(activation=Entry("relu"), optimizer=Entry(optimizer), learning_rate=0.01)
]


def checkpoints(folder, runs=TWO_STACKS, every=1):
    """The checkpoints of runs, with fingerprints of their own."""
    return Checkpoints(folder, every, {run.run_id: run.run_id[::-1] for run in runs})


def trained(folder=None):
    """The tables of both stacks, with checkpoints in a folder."""
    return train_runs(TWO_STACKS, "bundle", IMAGES, SETTINGS, folder and checkpoints(folder))


def assert_identical(found, expected):
    """Compare the tables of bundles bit for bit, but for what is filled in later."""
    later = {"gradient_slope", "verdict", "seconds", "fingerprint"}
    for name in BUNDLE_TABLES:
        columns = [column.name for column in TABLES[name].columns if column.name not in later]
        pd.testing.assert_frame_equal(found[name][columns], expected[name][columns], check_exact=True)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _killing(method, last):
    """A method that kills the process when it was called so often, or told so much."""

    def killing(self, amount):
        nonlocal last
        last -= amount if isinstance(amount, int) else amount.suffix == ".pt"  # no other file counts
        if last <= 0:
            _kill()
        return method(self, amount)

    return killing


if __name__ == "__main__":
    folder, what, when = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    owner, name = {"step": (Progress, "__call__"), "writing": (Path, "replace")}[what]
    setattr(owner, name, _killing(getattr(owner, name), when))
    trained(folder)

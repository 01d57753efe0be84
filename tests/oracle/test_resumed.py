"""A training that was killed and goes on from its checkpoints gives, bit for bit, what an undisturbed one gives."""

import signal
import subprocess
import sys

import killed
import pandas as pd
import pytest
import torch
import training
from drawings import telling
from killed import IMAGES, SETTINGS, STEPS, assert_identical, some_runs

from gradgrid.core.entries import Entry
from gradgrid.core.jobs import Progress
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries
from gradgrid.train.trainer import train


class Killed(BaseException):
    """What stops a training."""


def killing_after(steps):
    """A progress that kills the training after so many run-steps."""

    def progress(amount):
        nonlocal steps
        steps -= amount
        if steps < 0:
            raise Killed

    return progress


def resumed(runs, folder, settings=SETTINGS, own_images=False):
    """The tables of a training that is killed in its second and in its third epoch; those of an undisturbed one."""
    expected = train(runs, IMAGES, settings, lambda steps: None, own_images).tables()
    for epochs_behind in (0, 1):
        checkpoint = killed.checkpoints(folder, runs).of(runs, torch.device("cpu"), 3)
        assert checkpoint.epoch == epochs_behind
        with pytest.raises(Killed):
            train(runs, IMAGES, settings, killing_after(STEPS * len(runs)), own_images, checkpoint)
    checkpoint = killed.checkpoints(folder, runs).of(runs, torch.device("cpu"), 3)
    found = train(runs, IMAGES, settings, lambda steps: None, own_images, checkpoint).tables()
    assert_identical(found, expected)
    return found


@pytest.mark.parametrize("normalization", [None, *entries("normalization")])
@pytest.mark.parametrize("optimizer", telling(entries("optimizers"), "sgd", "adam"))
def test_every_optimizer_and_normalization(tmp_path, optimizer, normalization):
    kind = Entry(normalization) if normalization else None
    changes = {"optimizer": Entry(optimizer), "normalization": kind, "learning_rate": 0.01}
    resumed(some_runs(residual=True, **changes), tmp_path)


def test_strong_weight_decay_and_the_dense_update(tmp_path):
    resumed(some_runs(learning_rate=2.0), tmp_path)


def test_runs_with_their_own_images(tmp_path):
    cells = [run.cell for run in some_runs()[:2]]
    resumed([Run(cell, seed) for cell in cells for seed in range(3)], tmp_path, own_images=True)


@pytest.mark.parametrize("optimizer", entries("optimizers"))
def test_runs_of_several_seeds(tmp_path, optimizer):
    changes = {"optimizer": Entry(optimizer), "normalization": Entry("batch"), "learning_rate": 0.01}
    cells = [run.cell for run in some_runs(**changes)]
    resumed([Run(cell, seed) for seed in range(2) for cell in cells], tmp_path)


def test_runs_that_diverge_in_every_epoch(tmp_path):
    given = ((1.0, 0.01), (1.0, 0.1), (1.0, 0.3), (1e5, 0.3))
    cells = [
        training.cell(
            activation=Entry("identity"), initializer=Entry.of("normal", {"std": std}), learning_rate=rate
        )
        for std, rate in given
    ]
    found = resumed([Run(cell, 0) for cell in cells], tmp_path)["runs"]
    assert ((found.diverged_at_step - 1) // STEPS).tolist() == [pd.NA, 2, 1, 0]


def kill(folder, what, when):
    """Train in a process that kills itself."""
    arguments = [sys.executable, killed.__file__, str(folder), what, str(when)]
    assert subprocess.run(arguments, timeout=100, check=False).returncode == -signal.SIGKILL


def test_a_process_killed_between_steps_and_while_it_writes(tmp_path, monkeypatch):
    runs = len(killed.TWO_STACKS) // 2
    kill(tmp_path, "step", (STEPS + 1) * runs)
    kill(tmp_path, "writing", 4)  # two more of the first stack, one of the second, and half of its next
    assert sorted(path.name.count(".part") for path in tmp_path.iterdir()) == [0, 0, 1]
    told = []
    monkeypatch.setattr(Progress, "__call__", lambda self, amount: told.append(amount))
    assert_identical(killed.trained(tmp_path), killed.trained())
    undisturbed = 2 * 3 * STEPS * runs
    assert sum(told) == undisturbed + 2 * STEPS * runs

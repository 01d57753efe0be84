"""A run's numbers are the same, bit for bit, whichever runs share its stack and in whatever order."""

import numpy as np
import pytest
import torch
import training

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries
from gradgrid.train.trainer import train

IMAGES = training.images_of(training.dataset(images=57), torch.float32)
SETTINGS = Training(digits_epochs=2, minibatch=10)
CLIPPINGS = [None, Entry.of("norm", {"threshold": 0.5}), Entry.of("value", {"threshold": 1e-3})]
TABLES = ("runs", "gradients", "accuracy", "clipping")


def neighbours(**changes):
    """Runs of every initializer and clipping; the large normal ones overflow with unbounded activations."""
    huge = [Entry.of("normal", {"std": 1e18}), Entry.of("constant", {"value": 1e30})]
    initializers = [*map(Entry, entries("initializers")), *huge]
    return [
        Run(training.cell(initializer=initializer, clipping=clipping, **changes), 0)
        for initializer in initializers
        for clipping in CLIPPINGS
    ]


def tables_by_run(runs):
    found = train(runs, IMAGES, SETTINGS, lambda steps: None).tables()
    return {run.run_id: [found[name][found[name].run_id == run.run_id] for name in TABLES] for run in runs}


def assert_identical(found, expected):
    for one, other in zip(found, expected, strict=True):
        columns = [name for name in one if name != "run"]
        for name in columns:
            left, right = one[name].to_numpy(), other[name].to_numpy()
            same = np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
            assert same or one[name].astype(str).tolist() == other[name].astype(str).tolist(), name


@pytest.mark.parametrize("activation", entries("activations"))
def test_alone_shuffled_and_among_others(activation):
    runs = neighbours(activation=Entry(activation), depth=3, width=7)
    together = tables_by_run(runs)
    shuffled = tables_by_run([runs[i] for i in np.random.default_rng(1).permutation(len(runs))])
    for run in runs:
        assert_identical(shuffled[run.run_id], together[run.run_id])
    for run in runs[::7]:
        assert_identical(tables_by_run([run])[run.run_id], together[run.run_id])


@pytest.mark.parametrize("width", [1, 30, 33])
@pytest.mark.parametrize("optimizer", entries("optimizers"))
def test_every_optimizer_and_odd_widths(optimizer, width):
    runs = neighbours(optimizer=Entry(optimizer), width=width, learning_rate=0.01)
    together = tables_by_run(runs)
    for part in (runs[:1], runs[3:5], runs[4:37]):
        alone = tables_by_run(part)
        for run in part:
            assert_identical(alone[run.run_id], together[run.run_id])


@pytest.mark.parametrize(
    ("normalization", "residual"),
    [(None, True), *((name, residual) for name in entries("normalization") for residual in (False, True))],
)
@pytest.mark.parametrize(
    ("activation", "width", "optimizer"),
    [("relu", 1, "adam"), ("sigmoid", 7, "sgd"), ("elu", 33, "momentum")],
)
def test_normalized_and_residual_layers(normalization, residual, activation, width, optimizer):
    kind = Entry(normalization) if normalization else None
    changes = {"normalization": kind, "residual": residual, "activation": Entry(activation), "width": width}
    runs = neighbours(optimizer=Entry(optimizer), learning_rate=0.01, **changes)
    together = tables_by_run(runs)
    for part in (runs[:1], runs[3:5], runs[::-1]):
        alone = tables_by_run(part)
        for run in part:
            assert_identical(alone[run.run_id], together[run.run_id])


def test_an_overflowing_neighbour_is_there():
    runs = neighbours(activation=Entry("relu"), depth=3)
    status = train(runs, IMAGES, SETTINGS, lambda steps: None).tables()["runs"].status
    assert (status == "diverged").any()
    assert (status == "completed").any()

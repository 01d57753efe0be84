"""A run's numbers are the same, bit for bit, whichever runs share its stack and in whatever order."""

from itertools import cycle, product

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


HUGE = [Entry.of("normal", {"std": 1e18}), Entry.of("constant", {"value": 1e30})]
"""With unbounded activations these overflow."""
INITIALIZERS = [*map(Entry, entries("initializers")), *HUGE]


def neighbours(pairs=None, **changes):
    """A run of each pair of initializer and clipping; of every initializer, the clippings in turn, unless given."""
    return [
        Run(training.cell(initializer=initializer, clipping=clipping, **changes), 0)
        for initializer, clipping in pairs or zip(INITIALIZERS, cycle(CLIPPINGS), strict=False)
    ]


def tables_of(runs):
    """What is measured of runs that are trained together, sorted by run."""
    found = train(runs, IMAGES, SETTINGS, lambda steps: None).tables()
    assert len(found["runs"]) == len(runs)
    return [found[name].sort_values("run_id", kind="stable") for name in TABLES]


def assert_identical(found, expected):
    """Of the runs that were found, the same was expected; how a run is numbered in its stack does not count."""
    for one, other in zip(found, expected, strict=True):
        other = other[other.run_id.isin(found[0].run_id)]
        for name in (name for name in one if name != "run"):
            left, right = one[name].to_numpy(), other[name].to_numpy()
            same = np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
            assert same or one[name].astype(str).tolist() == other[name].astype(str).tolist(), name


@pytest.mark.parametrize("activation", entries("activations"))
def test_alone_shuffled_and_among_others(activation):
    pairs = list(product(INITIALIZERS, CLIPPINGS))
    runs = neighbours(pairs, activation=Entry(activation), depth=3, width=7)
    together = tables_of(runs)
    shuffled = [runs[i] for i in np.random.default_rng(1).permutation(len(runs))]
    for part in (shuffled, *([run] for run in runs[::7])):
        assert_identical(tables_of(part), together)


@pytest.mark.parametrize("width", [1, 30, 33])
@pytest.mark.parametrize("optimizer", entries("optimizers"))
def test_every_optimizer_and_odd_widths(optimizer, width):
    runs = neighbours(optimizer=Entry(optimizer), width=width, learning_rate=0.01)
    together = tables_of(runs)
    for part in (runs[:1], runs[3:5], runs[4:13]):
        assert_identical(tables_of(part), together)


@pytest.mark.parametrize(
    ("normalization", "residual"),
    [(None, True), *((name, residual) for name in entries("normalization") for residual in (False, True))],
)
@pytest.mark.parametrize(
    ("activation", "width", "optimizer"),
    [
        pytest.param("relu", 1, "adam", marks=pytest.mark.slow),
        ("sigmoid", 7, "sgd"),
        pytest.param("elu", 33, "momentum", marks=pytest.mark.slow),
    ],
)
def test_normalized_and_residual_layers(normalization, residual, activation, width, optimizer):
    kind = Entry(normalization) if normalization else None
    changes = {"normalization": kind, "residual": residual, "activation": Entry(activation), "width": width}
    runs = neighbours(optimizer=Entry(optimizer), learning_rate=0.01, **changes)
    together = tables_of(runs)
    for part in (runs[:1], runs[3:5], runs[::-1]):
        assert_identical(tables_of(part), together)


def test_an_overflowing_neighbour_is_there():
    runs = neighbours(activation=Entry("relu"), depth=3)
    status = train(runs, IMAGES, SETTINGS, lambda steps: None).tables()["runs"].status
    assert (status == "diverged").any()
    assert (status == "completed").any()

"""Every figure of grids of every kind: drawn, and legible, so that no text runs into another."""

from functools import cache

import numpy as np
import pytest
import synthetic
from drawings import ALL_ACTIVATIONS, ALL_INITIALIZERS, NAMES, NOTICE, assert_legible, drawn, telling

ONE = {"activations": ("relu",), "initializers": ("kaiming_normal",), "clippings": ("none",)}
FEW = {"activations": ("sigmoid", "relu"), "initializers": ("normal", "lsuv"), "seeds": 2}
GRIDS = {
    "one level each": {**ONE, "depths": (2,), "seeds": 1},
    "depth 1 only": {**FEW, "depths": (1,)},
    "deep": {**FEW, "depths": (2, 30), "clippings": ("none",)},
    "everything diverged": {**FEW, "depths": (1, 4), "all_diverge": True},
    "clipping only": {**FEW, "depths": (4,), "clippings": ("norm=1",)},
    "further factors": {
        **FEW,
        "depths": (1, 4),
        "widths": (10, 30),
        "optimizers": ("sgd", "adam"),
        "learning_rates": (0.01, 0.1, 1.0),
    },
    "remedies": {
        **FEW,
        "depths": (1, 4),
        "normalizations": ("none", "batch", "layer"),
        "residuals": ("no", "yes"),
    },
    "long labels": {
        "depths": (1, 4),
        "activations": ("leaky_relu(negative_slope=0.1)", "elu(alpha=0.5)"),
        "initializers": ("normal(std=0.05)", "uniform(low=-0.5, high=0.5)", "kaiming_normal"),
        "dataset": "digits",
        "seeds": 2,
        "epochs": 40,
    },
}


@pytest.fixture(scope="module")
def grids(tmp_path_factory):
    """Folders of tables by the name of their grid, made when first asked for."""
    return cache(lambda kind: synthetic.write(tmp_path_factory.mktemp("grid"), **GRIDS[kind]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", telling(GRIDS, "one level each", "everything diverged", "further factors"))
def test_every_figure_of_every_kind_of_grid_is_drawn_and_legible(kind, name, grids, monkeypatch):
    made = drawn(grids(kind), name, NOTICE if kind == "long labels" else None)
    assert_legible(made, monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_grid_is_legible(name, default_grid, monkeypatch):
    assert_legible(drawn(default_grid, name), monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_largest_grid_is_legible(name, tmp_path_factory, monkeypatch):
    folder = synthetic.write(
        tmp_path_factory.mktemp("large"), activations=ALL_ACTIVATIONS, initializers=ALL_INITIALIZERS, seeds=2
    )
    assert_legible(drawn(folder, name), monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_nulls_is_drawn_or_explained(name, tmp_path):
    made = synthetic.tables(depths=(2,), activations=("relu",), initializers=("lsuv",), seeds=2)
    for frame in made.values():
        measured = frame.select_dtypes("float32").columns.difference(["epoch"])
        frame[measured] = np.nan
    assert drawn(synthetic.write(tmp_path, made), name).caption


def test_of_very_many_levels_left_out_the_number_is_said(grids, monkeypatch):
    monkeypatch.setattr("gradgrid.figures.source.MOST_NAMED", 1)
    assert (
        "clipping none (not shown: 2 other levels)" in drawn(grids("further factors"), "final_accuracy").shown
    )


def test_what_is_left_out_is_said(grids):
    shown = drawn(grids("further factors"), "final_accuracy").shown
    assert "clipping none (not shown: norm=1, value=0.1)" in shown
    assert "learning rate 0.01 (not shown: 0.1, 1.0)" in shown
    assert "normalization" not in shown
    assert "residual" not in shown
    shown = drawn(grids("remedies"), "final_accuracy").shown
    assert "normalization none (not shown: batch, layer) · residual connections: no (not shown: yes)" in shown

"""For the tests of the figures of the book's trainings: tables of many kinds, and what stands in a panel."""

import numpy as np

from gradgrid.core.references import references

SMALL = {"seeds": 5, "steps": 500, "chains": 2}
QUICK = {"seeds": 3, "steps": 4, "chains": 2}
KINDS = {
    "one of everything": {
        **QUICK, "seeds": 1, "depths": (2,), "widths": (30,), "initializers": ("normal",), "speed_depths": (3,),
        "training_depths": (2,), "activations": ("sigmoid",), "epochs": 1, "steps": 1,
    },
    "depth 1": {**QUICK, "depths": (1,), "speed_depths": (1,), "training_depths": (1,), "epochs": 2},
    "unpublished": {
        **QUICK, "depths": (3, 9), "widths": (17,), "initializers": ("uniform(low=-0.5, high=0.5)", "lsuv"),
        "speed_depths": (5, 30), "training_depths": (12,), "epochs": 40,
        "activations": ("tanh", "leaky_relu(negative_slope=0.3)"),
    },
    "many": {
        **QUICK, "depths": range(1, 11), "widths": (10, 30, 100, 300), "speed_depths": range(2, 11),
        "training_depths": (2, 3, 4, 6, 8), "activations": ("sigmoid", "tanh", "relu", "elu", "gelu", "softplus"),
    },
    "digits": {**QUICK, "dataset": "digits", "epochs": 8},
    "some diverged": {**QUICK, "diverged": 2, "epochs": 12},
    "all diverged": {**QUICK, "diverged": 3, "epochs": 12},
}  # fmt: skip


def points(axes):
    """The book's points of a panel, as pairs, sorted."""
    lines = [line for line in axes.lines if line.get_marker() == "D"]
    return sorted((float(x), float(y)) for line in lines for x, y in zip(*line.get_data(), strict=True))


def band(axes, number):
    """Lower and upper edge of a panel's band."""
    polygon = axes.collections[number].get_paths()[0].vertices
    x = np.unique(polygon[:, 0])
    return np.array(
        [[polygon[polygon[:, 0] == at, 1].min(), polygon[polygon[:, 0] == at, 1].max()] for at in x]
    ).T


def book(reference):
    return np.array(references()[reference].numbers)


def assert_inside(axes):
    """Every point that is drawn lies within the axes."""
    for plotted in axes.lines:
        x, y = (np.asarray(values, float) for values in plotted.get_data())
        keep = np.isfinite(y)
        assert (x[keep] >= axes.get_xlim()[0]).all()
        assert (x[keep] <= axes.get_xlim()[1]).all()
        assert (y[keep] >= axes.get_ylim()[0]).all()
        assert (y[keep] <= axes.get_ylim()[1]).all()

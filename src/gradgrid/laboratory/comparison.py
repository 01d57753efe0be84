"""Mean-field theory beside measurement: the factor by which a layer multiplies the gradient's size.

The size is the root mean square over inputs and neurons. The factor is the geometric mean over a stretch of layers; in
theory along the orbit of variances that begins with the actual inputs, so that no layer need be left out for being an
early one. The stretch is the longest run of layers in which the sizes of every seed's gradient and pre-activations
stay two decades away from the ends of float32's normal numbers: what happens beyond, where digits get lost, is no
matter of theory.
"""

import itertools
import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from gradgrid.analysis.intervals import mean_with_interval
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Cell, Run
from gradgrid.theory.meanfield import limit, orbit
from gradgrid.theory.variances import bias_variance, variance
from gradgrid.train.images import CLASSES, Images, ProbeBlock
from gradgrid.train.initialization import initialize
from gradgrid.train.stack import Stack

SMALLEST, LARGEST = 1e-36, 1e36
"""Sizes within which float32 holds values with all their digits: its normal numbers lie between 1e-38 and 3e38."""
LEAST = 5
"""Layers of the shortest stretch that is measured."""
GRID_DEPTH, GRID_WIDTH, GRID_SEEDS = 8, 30, 50
"""The deepest networks of the grid as it comes, and how many of each kind are measured."""
NO_THEORY = "no theory: weights are not independent draws of mean 0 with a variance known beforehand"
TOO_SHORT = f"not measured: fewer than {LEAST} layers within the range of float32"

_EXPECTED = (
    "sigma_w2", "sigma_b2", "q_star", "stability", "chi_1", "first_layer", "last_layer", "factor_predicted", "note",
)  # fmt: skip


class Networks(NamedTuple):
    """Networks of one kind, with the variances of theory.

    ``sigma_w2`` and ``sigma_b2`` are those of the hidden layers, ``q1`` is that of the first layer's pre-activations.
    Where the theory does not apply, ``sigma_w2`` and ``q1`` are None.
    """

    width: int
    activation: Entry
    initializer: Entry
    sigma_w2: float | None
    sigma_b2: float
    q1: float | None

    @property
    def labels(self) -> dict[str, int | str]:
        """Values of the tables' columns."""
        entries = {"activation": self.activation.label, "initializer": self.initializer.label}
        return {"width": self.width, **entries}


def theory(propagation: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """The rows of table ``laboratory/theory`` on the networks of table ``laboratory/propagation``.

    ``settings`` are the propagation's. Its inputs are standard normal, and there are no biases. The gradient is that
    with respect to activations; from layer l+1 to layer l it is multiplied by √chi of layer l+1.
    """
    tables = dict(iter(propagation.groupby(["width", "activation", "initializer"], observed=True)))
    kinds, gradients, stretches = [], [], []
    for width, (activation, initializer) in itertools.product(settings["width"], _pairs(settings)):
        sigma_w2 = variance(initializer, activation, width, width)
        kinds.append(Networks(width, activation, initializer, sigma_w2, 0.0, sigma_w2))
        rows = tables[tuple(kinds[-1].labels.values())]
        sizes = rows.pivot(index="layer", columns="seed", values=["gradient_std", "preactivation_std"])
        gradients.append(sizes["gradient_std"])
        stretches.append(stretch(sizes))
    return compare(kinds, gradients, stretches, ahead=1).assign(inputs="standard_normal")


def grid_theory(images: Images, settings: dict) -> pd.DataFrame:
    """The rows of the same table on networks as in the grid: 8 hidden layers of 30 neurons, biases N(0, 1).

    Of ``settings``, the propagation's, activations and initializers are taken. The gradients are the deltas of single
    images, the first 250 probe images; from layer l+1 to layer l they are multiplied by √chi of layer l.
    """
    block = images.probes.blocks[0]
    x = images.probes.dense[: len(block.labels)].double()
    kinds = [_in_the_grid(*pair, x.shape[1], float(x.square().mean())) for pair in _pairs(settings)]
    gradients = [_deltas(kind, images, block) for kind in kinds]
    return compare(kinds, gradients, list(map(stretch, gradients)), ahead=0).assign(inputs=images.name)


def stretch(sizes: pd.DataFrame) -> tuple[int, int] | None:
    """First and last layer of the longest run of layers whose ``sizes`` [layers, any] all lie within float32's range.

    None where it has fewer than ``LEAST`` layers.
    """
    held = ((sizes >= SMALLEST) & (sizes <= LARGEST)).all(axis=1)
    runs = [list(layers) for inside, layers in itertools.groupby(held.index, held.get) if inside]
    longest = max(runs, key=len, default=[])
    return (longest[0], longest[-1]) if len(longest) >= LEAST else None


def compare(
    kinds: Sequence[Networks],
    gradients: Sequence[pd.DataFrame],
    stretches: Sequence[tuple[int, int] | None],
    ahead: int,
) -> pd.DataFrame:
    """The rows of table ``laboratory/theory``, but for the inputs.

    Each kind of networks has the sizes of its ``gradients`` [layers, seeds], which √chi of layer l + ``ahead``
    multiplies from layer l+1 to layer l.
    """
    logs = [_log_factors(*pair) for pair in zip(gradients, stretches, strict=True)]
    found = mean_with_interval(pd.concat(dict(enumerate(logs))).groupby(level=0))
    measured = np.exp(found[["mean", "low", "high"]]).set_axis(["factor_measured", "low", "high"], axis=1)
    rows = [kind.labels | _expected(kind, of, ahead) for kind, of in zip(kinds, stretches, strict=True)]
    expected = pd.DataFrame(rows, columns=[*kinds[0].labels, *_EXPECTED])
    return expected.join(measured).assign(spread=found["std"])


def _log_factors(gradient: pd.DataFrame, layers: tuple[int, int] | None) -> pd.Series:
    """ln of the factor that each seed's networks have; NaN without a stretch of layers."""
    if layers is None:
        return pd.Series(math.nan, gradient.columns)
    first, last = layers
    return np.log(gradient.loc[first] / gradient.loc[last]) / (last - first)


def _expected(kind: Networks, layers: tuple[int, int] | None, ahead: int) -> dict:
    """What theory says of one kind of networks, over a stretch of layers."""
    row: dict = {"sigma_b2": kind.sigma_b2, "note": None if layers else TOO_SHORT}
    if layers:
        row |= {"first_layer": layers[0], "last_layer": layers[1]}
    if kind.sigma_w2 is None:
        return row | {"note": NO_THEORY}
    variances = kind.activation, kind.sigma_w2, kind.sigma_b2, kind.q1
    end = limit(*variances)
    q_star = end.q if end.q < math.inf else None
    row |= {"sigma_w2": kind.sigma_w2, "q_star": q_star, "stability": end.stability, "chi_1": end.chi}
    if layers:
        factors = _chi(*variances, layers[1])[layers[0] - 1 + ahead : layers[1] - 1 + ahead]
        row["factor_predicted"] = math.exp(np.log(factors).mean() / 2)
    return row


@cache
def _chi(activation: Entry, sigma_w2: float, sigma_b2: float, q1: float, layers: int) -> tuple[float, ...]:
    """chi of layers 1, 2, …"""
    return orbit(activation, sigma_w2, sigma_b2, q1, layers - 1).chi


def _pairs(settings: dict) -> list[tuple[Entry, Entry]]:
    """Every activation with every initializer."""
    levels = (map(Entry.from_written, settings[name]) for name in ("activation", "initializer"))
    return list(itertools.product(*levels))


def _in_the_grid(activation: Entry, initializer: Entry, inputs: int, mean_square: float) -> Networks:
    """Networks of the grid, whose inputs have the given number and mean square."""
    first = variance(initializer, activation, inputs, GRID_WIDTH)
    sigma_w2 = variance(initializer, activation, GRID_WIDTH, GRID_WIDTH)
    sigma_b2 = bias_variance("normal")
    q1 = None if first is None else first * mean_square + sigma_b2
    return Networks(GRID_WIDTH, activation, initializer, sigma_w2, sigma_b2, q1)


@torch.inference_mode()
def _deltas(kind: Networks, images: Images, block: ProbeBlock) -> pd.DataFrame:
    """Root mean square [hidden layers, seeds] of the untrained networks' deltas on a block of probe images."""
    cell = Cell(GRID_DEPTH, kind.activation, kind.initializer, None, GRID_WIDTH, Entry("sgd"), 0.0)
    runs = [Run(cell, seed) for seed in range(GRID_SEEDS)]
    drawn = [initialize(run, "normal", images.probes.dense.float(), CLASSES) for run in runs]
    like = images.training.targets
    parameters = [[(w.to(like), b.to(like)) for w, b in layers] for layers in drawn]
    stack = Stack(runs, parameters, "cross_entropy", 0.0, images.sizes())
    deltas = stack.network.backward(stack.forward(block)).layers[:-1]
    sizes = torch.stack([delta.double().square().mean((1, 2)).sqrt() for delta in deltas])
    return pd.DataFrame(sizes[:, : len(runs)].numpy(), index=range(1, GRID_DEPTH + 1))

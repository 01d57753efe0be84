"""The gradient of a network as a product of matrices (equation 124), and the singular values of its factors.

delta^l = Σ'(z^l) (w^{l+1})ᵀ Σ'(z^{l+1}) (w^{l+2})ᵀ … Σ'(z^L) ∇_a C, with Σ'(z) the diagonal matrix of the σ'(z).
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import expit
from torch import Tensor, nn

from gradgrid.book.problems import Problem, slope
from gradgrid.book.recipe import SIGMOID, run
from gradgrid.train import reference
from gradgrid.train.images import CLASSES, Images
from gradgrid.train.initialization import initialize
from gradgrid.train.network import Parameters

DEPTHS = (1, 2, 3, 4)
"""The book's networks."""
IMAGES = 3
"""Of each network the gradient is factored for so many training images, the first ones."""


@dataclass(frozen=True)
class Factors:
    """One network's factors for one image.

    ``slopes`` σ'(z^l) [neurons] of all layers, ``weights`` (w^{l+1})ᵀ [neurons, neurons of the next layer] of the
    hidden layers l, ``cost_gradient`` ∇_a C [classes] of the cross-entropy.
    """

    slopes: list[np.ndarray]
    weights: list[np.ndarray]
    cost_gradient: np.ndarray

    @cached_property
    def steps(self) -> list[np.ndarray]:
        """Σ'(z^l) (w^{l+1})ᵀ of the hidden layers."""
        return [s[:, None] * w for s, w in zip(self.slopes[:-1], self.weights, strict=True)]

    @cached_property
    def products(self) -> list[np.ndarray]:
        """Of each hidden layer the product of all steps from it to the output layer."""
        return list(itertools.accumulate(self.steps[::-1], lambda product, step: step @ product))[::-1]

    @cached_property
    def deltas(self) -> list[np.ndarray]:
        """delta^l of all layers, by equation 124."""
        last = self.slopes[-1] * self.cost_gradient
        return [*(product @ last for product in self.products), last]

    def named(self) -> Iterator[tuple[int, str, np.ndarray]]:
        """Layer, name and matrix of every factor in the table; the output layer has slopes alone."""
        for layer, slopes in enumerate(self.slopes, start=1):
            yield layer, "slopes", np.diag(slopes)
        for name, matrices in (("weights", self.weights), ("step", self.steps), ("product", self.products)):
            yield from ((layer, name, matrix) for layer, matrix in enumerate(matrices, start=1))


def factors(parameters: Parameters, image: Tensor, target: Tensor) -> Factors:
    """The factors in float64, from weights [out, in] and biases [out], pixels [inputs] and one-hot target."""
    layers = [(w.double().numpy(), b.double().numpy()) for w, b in parameters]
    a, y, slopes = image.double().numpy(), target.double().numpy(), []
    for w, b in layers:
        z = w @ a + b
        slopes.append(slope(z))
        a = expit(z)
    return Factors(slopes, [w.T for w, _ in layers[1:]], (a - y) / slopes[-1])


def autograd_deltas(parameters: Parameters, image: Tensor, target: Tensor) -> list[np.ndarray]:
    """dC/db of all layers for one image by automatic differentiation, in float64."""
    network = reference.build([(w.double(), b.double()) for w, b in parameters], SIGMOID)
    reference.mean_cost("cross_entropy", network(image.double()[None]), target.double()[None]).backward()
    return [layer.bias.grad.numpy() for layer in network if isinstance(layer, nn.Linear)]


def table(seeds: Sequence[int], images: Images) -> tuple[pd.DataFrame, list[Problem]]:
    """The singular values (table ``book/matrix``), and the rows of ``book/problems`` on the factored networks."""
    frames, errors, ratios = [], [], []
    for depth, seed in itertools.product(DEPTHS, seeds):
        parameters = initialize(run(depth, seed), "normal", images.probes.dense, CLASSES)
        for number in range(IMAGES):
            shown = images.probes.dense[number], images.training.targets[number].cpu()
            found = factors(parameters, *shown)
            frames.append(_spectra(found).assign(depth=depth, seed=seed, image=number))
            errors += _errors(found.deltas, autograd_deltas(parameters, *shown))
            ratios += _ratios(found.deltas)
    values = pd.concat(frames, ignore_index=True)
    return values, [_check(errors), *_spectrum_rows(values), _shrinkage(ratios)]


def _spectra(found: Factors) -> pd.DataFrame:
    spectra = []
    for layer, name, matrix in found.named():
        values = np.linalg.svd(matrix, compute_uv=False)
        ranks = np.arange(1, len(values) + 1)
        spectra.append(
            pd.DataFrame({"rank": ranks, "singular_value": values}).assign(layer=layer, factor=name)
        )
    return pd.concat(spectra)


def _errors(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> list[float]:
    """‖found - expected‖ ÷ ‖expected‖, layer by layer."""
    return [np.linalg.norm(f - e) / np.linalg.norm(e) for f, e in zip(found, expected, strict=True)]


def _ratios(deltas: Sequence[np.ndarray]) -> list[float]:
    """‖delta^l‖ ÷ ‖delta^{l+1}‖ of the hidden layers l."""
    return [np.linalg.norm(a) / np.linalg.norm(b) for a, b in itertools.pairwise(deltas)]


def _check(errors: Sequence[float]) -> Problem:
    return Problem(
        "matrix form",
        "largest relative difference of delta by equation 124 from autograd",
        float(max(errors)),
        0.0,
        f"‖difference‖ ÷ ‖delta‖ over the layers, depths {DEPTHS[0]} to {DEPTHS[-1]}, all seeds, {IMAGES} images each",
    )


def _spectrum_rows(values: pd.DataFrame) -> Iterator[Problem]:
    top = values[values["rank"] == 1]
    largest = {name: rows["singular_value"] for name, rows in top.groupby("factor", observed=True)}
    square = top[(top["factor"] == "weights") & (top["layer"] < top["depth"])]["singular_value"]
    yield Problem(
        "matrix form", "largest slope of any neuron", largest["slopes"].max(), 0.25, "a bound: σ'(z) ≤ 1/4"
    )
    yield Problem(
        "matrix form",
        "median largest singular value of the weights between hidden layers",
        square.median(),
        2.0,
        "the limit for large square matrices of N(0, 1/n) (Geman, 1980)",
    )
    yield Problem(
        "matrix form",
        "largest singular value of any step Σ'(z) wᵀ",
        largest["step"].max(),
        np.nan,
        f"at most a quarter of the weights' largest singular value; below 1, so that no gradient grows, in "
        f"{100 * (largest['step'] < 1).mean():.1f} % of the steps",
    )
    deepest = top[(top["factor"] == "product") & (top["depth"] == DEPTHS[-1]) & (top["layer"] == 1)]
    yield Problem(
        "matrix form",
        f"median largest singular value of the product of all steps, depth {DEPTHS[-1]}, back to layer 1",
        deepest["singular_value"].median(),
        np.nan,
        f"a product of {DEPTHS[-1]} steps",
    )


def _shrinkage(ratios: Sequence[float]) -> Problem:
    return Problem(
        "matrix form",
        "median ‖delta^l‖ ÷ ‖delta^{l+1}‖",
        float(np.median(ratios)),
        np.nan,
        f"hidden layers l; below 1 in {100 * np.mean(np.less(ratios, 1)):.1f} % of the cases",
    )

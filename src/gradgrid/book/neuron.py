"""The book's problem of the identity neuron: w2 σ(w1 x + b) ≈ x for x in [0, 1], and how well it can be done.

Taken literally it has a best answer, and that is not very good: σ is never 0, so the output at x = 0 is above 0. With
a constant that the next bias can add, w2 σ(w1 x + b) + c, the error falls with w1² and has no smallest value.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import OptimizeResult, minimize_scalar, root
from scipy.special import expit

from gradgrid.book.problems import Problem, curve

X = np.linspace(0, 1, 201)
HALF = X[1:] / 2
"""Distances Δ from x = 1/2, without 0, where an odd function is right whatever its scale."""
SMALL_WEIGHTS = np.geomspace(0.01, 0.1, 11)
"""The w1 from which the order of the error is read."""


class Neuron(NamedTuple):
    """w2 σ(w1 x + b), and its largest error |w2 σ(w1 x + b) - x| for x in [0, 1]."""

    w1: float
    w2: float
    b: float
    error: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The output for ``x``."""
        return self.w2 * expit(self.w1 * x + self.b)


def best_scale(g: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """The factor w2 that makes max |w2 g - x| smallest, and that maximum; all g are above 0.

    An error E can be had if (x - E)/g at every point is at most (x' + E)/g' at every other one; so the least E is the
    largest (x g' - x' g)/(g + g') of any two points.
    """
    errors = (x[:, None] * g - x * g[:, None]) / (g[:, None] + g)
    upper, _ = np.unravel_index(errors.argmax(), errors.shape)
    return (x[upper] - errors.max()) / g[upper], errors.max()


def _least(error: Callable[[float], float], low: float, high: float) -> OptimizeResult:
    """Where between two numbers an error, which may have a kink there, is least."""
    return minimize_scalar(error, bounds=(low, high), method="bounded", options={"xatol": 1e-8})


def literal(w1: float) -> Neuron:
    """The best neuron with this ``w1``, to about 1e-5.

    For small w1 the best b is -∞, where the neuron is an exponential function; b ends 20 below the bend.
    """
    found = _least(lambda b: best_scale(expit(w1 * X + b), X)[1], -w1 - 20, 0)
    return Neuron(w1, best_scale(expit(w1 * X + found.x), X)[0], found.x, found.fun)


def best_literal() -> Neuron:
    """The best neuron of all: its deviation from x is +E, -E, E, -E at 0, at two turning points and at 1.

    Solved for these conditions from the best neuron on the grid. No other neuron can be better: its difference from
    this one would have at least three zeros between those points, but w2 σ(u) - w2' σ(u') is a positive multiple of
    w2 - w2' + w2 exp(-u') - w2' exp(-u), a sum of three exponential functions of x, which has at most two.
    """
    start = literal(_least(lambda w1: literal(w1).error, 2, 12).x)
    found = root(_alternation, [*start, 0.2, 0.8], tol=1e-13)
    return Neuron(*found.x[:4])


def _alternation(unknown: np.ndarray) -> np.ndarray:
    neuron, turns = Neuron(*unknown[:4]), unknown[4:]
    points = np.array([0, *turns, 1])
    a = neuron(turns)
    errors = neuron(points) - points - neuron.error * np.array([1, -1, 1, -1])
    return np.concatenate([errors, neuron.w1 * a * (1 - a / neuron.w2) - 1])


def best_exponential() -> float:
    """The least error of A exp(w1 x): the limit of w2 → ∞ with b → -∞."""
    return _least(lambda w1: best_scale(np.exp(w1 * X), X)[1], 0.1, 8).fun


def best_tangent() -> Neuron:
    """The best neuron with the hint's two terms, value and slope of x at x = 1/2.

    With z = w1/2 + b they are w2 σ(z) = 1/2 and w1 w2 σ'(z) = 1; hence w1 = 2/(1 - σ(z)), which is above 2.
    """
    return _tangent(_least(lambda z: _tangent(z).error, -5, 5).x)


def _tangent(z: float) -> Neuron:
    w1 = 2 / expit(-z)
    neuron = Neuron(w1, 1 / (2 * expit(z)), z - w1 / 2, np.nan)
    return neuron._replace(error=float(np.abs(neuron(X) - X).max()))


def errors_with_constant(w1: float) -> tuple[float, float]:
    """Largest error of w2 σ(w1 x + b) + c with b = -w1/2 and c = 1/2 - w2/2: for w2 = 4/w1, and for the best w2.

    With x = 1/2 + Δ the deviation is w2 tanh(w1 Δ/2)/2 - Δ, odd in Δ. Taylor: -w1² Δ³/12 for w2 = 4/w1, hence w1²/96
    at Δ = 1/2; the best w2 makes of the cubic a Chebyshev polynomial, hence w1²/384. It deviates by ±E at four points
    in turn, so no other b and c are better (as for :func:`best_literal`, with powers of exp(-w1 x)).
    """
    odd = np.tanh(w1 * HALF / 2) / 2
    return float(np.abs(4 / w1 * odd - HALF).max()), best_scale(odd, HALF)[1]


def problems() -> list[Problem]:
    """The rows on the identity neuron."""
    return [*_literal_rows(), *_constant_rows()]


def curves() -> list[pd.DataFrame]:
    """Largest errors against w1, the best literal neuron's included, and that neuron itself.

    ``identity_error_literal``: w2 σ(w1 x + b), best w2 and b; ``identity_error_with_constant`` and
    ``identity_error_taylor``: with a constant, for the best w2 and for w2 = 4/w1;
    ``identity_neuron_literal``: the best literal neuron's output against x.
    """
    neuron = best_literal()
    weights = np.sort([*np.geomspace(0.01, 100, 81), neuron.w1])
    taylor, best = np.transpose([errors_with_constant(w1) for w1 in weights])
    return [
        curve("identity_error_literal", weights, [literal(w1).error for w1 in weights]),
        curve("identity_error_with_constant", weights, best),
        curve("identity_error_taylor", weights, taylor),
        curve("identity_neuron_literal", X, neuron(X)),
    ]


def _literal_rows() -> Iterator[Problem]:
    problem, best = "identity neuron, taken literally", best_literal()
    yield Problem(
        problem,
        "least largest error of w2 σ(w1 x + b) for x in [0, 1]",
        best.error,
        0.0,
        "Nielsen, ch. 5, problems: ≈ x. No w1, w2 and b bring the error lower; at x = 0 it is w2 σ(b)",
    )
    symmetric = "symmetric about x = 1/2: w2 = 1 and b = -w1/2; w1 is not small, as in the book's hint it is"
    for name in ("w1", "w2", "b"):
        yield Problem(problem, f"{name} of that neuron", getattr(best, name), np.nan, symmetric)
    yield Problem(
        problem,
        "least largest error in the limit w2 → ∞, b → -∞",
        best_exponential(),
        np.nan,
        "there the neuron is A exp(w1 x)",
    )
    tangent = best_tangent()
    yield Problem(
        problem,
        "least largest error with value and slope right at x = 1/2",
        tangent.error,
        0.0,
        f"the hint's two terms without a constant: w2 σ = 1/2 and w1 w2 σ' = 1 ask for w1 = 2/(1 - σ), which is "
        f"above 2 and never small; here {tangent.w1:.4g}",
    )


def _constant_rows() -> Iterator[Problem]:
    problem = "identity neuron, with a constant"
    found = np.transpose([errors_with_constant(w1) for w1 in SMALL_WEIGHTS])
    choices = (("w2 = 4/w1", 1 / 96), ("the best w2, b and c", 1 / 384))
    for errors, (choice, coefficient) in zip(found, choices, strict=True):
        order, _ = np.polyfit(np.log(SMALL_WEIGHTS), np.log(errors), 1)
        yield Problem(
            problem,
            f"order of the largest error in w1, {choice}",
            order,
            2.0,
            f"w2 σ(w1 x + b) + c, b = -w1/2, c = 1/2 - w2/2 in the next bias; w1 from {SMALL_WEIGHTS[0]:g} to "
            f"{SMALL_WEIGHTS[-1]:g}",
        )
        yield Problem(
            problem,
            f"largest error ÷ w1², {choice}, w1 = {SMALL_WEIGHTS[0]:g}",
            errors[0] / SMALL_WEIGHTS[0] ** 2,
            coefficient,
            f"Taylor series: 1/{1 / coefficient:.0f}; so the error has no smallest value, and w2 grows as 4/w1",
        )

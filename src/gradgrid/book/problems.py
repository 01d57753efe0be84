"""The book's problems: the sigmoid's slope, and the activations for which |w σ'(wa + b)| ≥ 1.

Also the rows of the tables ``book/problems`` and ``book/curves``, which all identities fill.
"""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit

from gradgrid.core.entries import Entry
from gradgrid.core.references import references
from gradgrid.train.gains import largest_slope

CHECKED_WEIGHTS = (4.5, 6.9, 20.0, 100.0)
SPACING = 1 / 2_000
"""Distance of the activations between 0 and 1 with which equation 123 is checked."""
STEEPNESS = (2.0, 4.0, 8.0)


class Problem(NamedTuple):
    """A row of ``book/problems``; ``expected`` is NaN where there is nothing to compare with."""

    problem: str
    quantity: str
    value: float
    expected: float
    source: str

    @classmethod
    def published(cls, problem: str, quantity: str, value: float, reference: str, note: str = "") -> Self:
        """A value beside the number of ``core.references`` with this id."""
        found = references()[reference]
        return cls(
            problem, quantity, value, found.numbers[0], f"{found.source}; {note}" if note else found.source
        )


def curve(name: str, x: ArrayLike, y: ArrayLike) -> pd.DataFrame:
    """The rows of one curve in ``book/curves``."""
    return pd.DataFrame({"curve": name, "x": x, "y": y})


def shares(name: str, values: ArrayLike, at: ArrayLike) -> pd.DataFrame:
    """The curve of the share of ``values`` that are at most x, for each x of ``at``."""
    return curve(name, at, np.searchsorted(np.sort(values), at, side="right") / len(values))


def largest_difference(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest relative difference of two arrays, element by element."""
    return float(np.abs(found / expected - 1).max())


def slope(z: ArrayLike) -> np.ndarray:
    """σ'(z) = σ(z) (1 - σ(z)), with 1 - σ(z) as σ(-z), which keeps its digits for large z."""
    return expit(z) * expit(np.negative(z))


def steepest() -> float:
    """The largest σ'(z)."""
    return -minimize_scalar(lambda z: -slope(z), bracket=(-1, 1)).fun


def width_of_set(weight: ArrayLike) -> np.ndarray:
    """Width of the set of activations a with |w σ'(wa + b)| ≥ 1, for any b (equation 123); 0 for |w| ≤ 4.

    (2/|w|) ln(|w| (1 + √(1 - 4/|w|)) / 2 - 1): the set is an interval around -b/w. Activations lie between 0 and 1,
    so for a bias that puts a part of the interval outside, fewer are left.
    """
    size = np.maximum(np.abs(weight), 4)
    return 2 / size * np.log(size * (1 + np.sqrt(1 - 4 / size)) / 2 - 1)


def width_by_counting(weight: float) -> float:
    """The same by counting activations in [0, 1], a grid of distance SPACING, for the best of many biases."""
    activations = np.arange(0, 1 + SPACING / 2, SPACING)
    biases = np.linspace(-weight, 0, 101)[:, None]
    inside = np.abs(weight * slope(weight * activations + biases)) >= 1
    return float(inside.sum(1).max() * SPACING)


def widest() -> tuple[float, float]:
    """The |w| for which the set is widest, and its width there.

    With ±t the ends of the set of weighted inputs, |w| = 1/σ'(t) = 4 cosh²(t/2) and the width is 2t/|w|, which is
    largest where its derivative vanishes: t tanh(t/2) = 1.
    """
    t = brentq(lambda t: t * np.tanh(t / 2) - 1, 1, 2, xtol=1e-15)
    weight = 4 * np.cosh(t / 2) ** 2
    return float(weight), float(2 * t / weight)


def problems() -> list[Problem]:
    """The rows on the sigmoid's slope and on equation 123."""
    return [*_slope_rows(), *_width_rows()]


def curves() -> list[pd.DataFrame]:
    """``sigmoid_slope``: σ'(z) against z; ``width_of_set``: equation 123 against |w|, its largest value included."""
    z, weight = np.linspace(-8, 8, 321), np.sort([*np.geomspace(4, 100, 301), widest()[0]])
    return [curve("sigmoid_slope", z, slope(z)), curve("width_of_set", weight, width_of_set(weight))]


def _slope_rows() -> Iterator[Problem]:
    yield Problem.published("slope", "largest σ'(z)", steepest(), "identity-sigmoid-slope", "at z = 0")
    for steepness in STEEPNESS:
        yield Problem(
            "slope",
            f"largest slope of σ({steepness:g} z)",
            largest_slope(Entry.of("sigmoid", {"steepness": steepness})),
            steepness / 4,
            f"a quarter of the steepness: |w| ≥ {4 / steepness:g} is then enough for a factor of 1",
        )


def _width_rows() -> Iterator[Problem]:
    problem, (weight, width) = "width of the set", widest()
    yield Problem.published(
        problem, "smallest |w| with |w σ'(wa + b)| ≥ 1", 1 / steepest(), "identity-smallest-weight"
    )
    yield Problem.published(problem, "|w| for which the set is widest", weight, "identity-widest-weight")
    yield Problem.published(problem, "width of the widest set", width, "identity-widest-set")
    worst = max(abs(width_by_counting(w) - width_of_set(w)) for w in CHECKED_WEIGHTS)
    yield Problem(
        problem,
        "largest difference of equation 123 from counting activations",
        float(worst),
        0.0,
        f"for |w| = {', '.join(f'{w:g}' for w in CHECKED_WEIGHTS)}; counting is exact to {SPACING:g}",
    )

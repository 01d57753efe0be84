"""Mean-field theory of wide random networks: how the size of a signal, and of its gradient, changes layer by layer.

Weights are independent with mean 0 and variance ``sigma_w2``/fan_in, biases N(0, ``sigma_b2``). In the limit of wide
layers the pre-activations of a layer are N(0, q), and the next layer's are N(0, V(q)) with the length map

    V(q) = sigma_w2 E[f(u)²] + sigma_b2,   u ~ N(0, q)    (Poole et al., 2016; Schoenholz et al., 2017).

``chi`` = sigma_w2 E[f'(u)²] (there chi_1) is the factor by which a layer multiplies the *squared* norm of the deltas
of one image on their way back; the norm itself is multiplied by ``gradient_factor`` = √chi.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import brentq

from gradgrid.core.entries import Entry
from gradgrid.core.errors import GradgridError
from gradgrid.theory.gaussian import expectation, slope, value

NEUTRAL = 1e-12
"""Relative change of q in one layer below which q stands still."""
MARGINAL = 1e-9
"""Distance from 1 within which a factor counts as 1."""
GRID = np.logspace(-12, 30, 253)
"""The q between which fixed points are looked for, six a decade."""
_LARGEST = 1e60
"""A q above is ∞."""


@dataclass(frozen=True)
class FixedPoint:
    """A q with V(q) = q, and what happens near it.

    - ``q``: variance of the pre-activations; may be 0, or ∞ for an orbit that grows for ever.
    - ``stability``: ``stable``: orbits near by end here, exponentially fast; ``unstable``: they leave; ``neutral``:
      V'(q) = 1, on ReLU's critical line because every q stands still; ``collapses``: q = 0 and the signal dies
      out; ``diverges``: q = ∞.
    - ``slope``: V'(q), the factor a layer by which a small distance from q changes. Where it is 1 at ``collapses``
      or ``diverges``, the orbit gets there more slowly than exponentially: for tanh at sigma_w2 = 1, q ~ 1/layers.
    - ``chi``: sigma_w2 E[f'(u)²], the factor a layer of the squared norm of the deltas.
    """

    q: float
    stability: str
    slope: float
    chi: float

    @property
    def gradient_factor(self) -> float:
        """√chi = ‖delta of layer l‖ ÷ ‖delta of layer l+1‖: below 1 gradients vanish, above 1 they explode."""
        return math.sqrt(self.chi)

    @property
    def gradient_slope(self) -> float:
        """-log10 √chi, decades a layer: positive where gradients vanish, as in the tables of runs."""
        return math.log10(1 / self.chi) / 2 if self.chi else math.inf

    @property
    def depth_scale(self) -> float:
        """ξ_q: layers in which a small distance from q changes e-fold (Schoenholz et al., 2017)."""
        return depth_scale(self.slope)


@dataclass(frozen=True)
class Orbit:
    """Pre-activations and gradients through consecutive layers.

    ``q``: variances of the pre-activations, the given one and those of the layers after it; ``chi``: of each of these,
    sigma_w2 E[f'(u)²]. All lie in tuples of layers + 1 numbers.
    """

    q: tuple[float, ...]
    chi: tuple[float, ...]

    @property
    def gradient_factors(self) -> tuple[float, ...]:
        """√chi of every layer but the last: ‖delta of layer l‖ ÷ ‖delta of layer l+1‖ with both layers on the orbit."""
        return tuple(math.sqrt(chi) for chi in self.chi[:-1])

    @property
    def gradient_factor(self) -> float:
        """‖delta of the first layer‖ ÷ ‖delta of the last‖: the product of all factors."""
        return math.prod(self.gradient_factors)


def length_map(activation: Entry, sigma_w2: float, sigma_b2: float, q: float) -> float:
    """V(q) = sigma_w2 E[f(u)²] + sigma_b2; ∞ where it passes 1e60."""
    f = value(activation)
    result = sigma_w2 * expectation(lambda u: f(u).square(), q) + sigma_b2
    return result if result <= _LARGEST else math.inf


def length_slope(activation: Entry, sigma_w2: float, q: float) -> float:
    """V'(q) = sigma_w2 E[u f(u) f'(u)]/q.

    By Stein's identity this is chi + sigma_w2 E[f(u) f''(u)] (Schoenholz et al., 2017), with no need of a
    second derivative. At q = 0 (for f(0) = 0) and q = ∞ it is equal to chi.
    """
    if q in (0, math.inf):
        return chi(activation, sigma_w2, q)
    f, df = value(activation), slope(activation)
    return sigma_w2 * expectation(lambda u: u * f(u) * df(u), q) / q


def chi(activation: Entry, sigma_w2: float, q: float) -> float:
    """sigma_w2 E[f'(u)²], u ~ N(0, q): the factor a layer of the *squared* norm of the deltas (see √chi above)."""
    df = slope(activation)
    return sigma_w2 * expectation(lambda u: df(u).square(), q)


def depth_scale(factor: float) -> float:
    """1/|log factor|: layers after which something that is multiplied by ``factor`` a layer has changed e-fold.

    ∞ for a factor of 1, to 1e-9.
    """
    if abs(factor - 1) < MARGINAL:
        return math.inf
    return 1 / abs(math.log(factor)) if factor > 0 else 0.0


def orbit(activation: Entry, sigma_w2: float, sigma_b2: float, q0: float, layers: int) -> Orbit:
    """The variances q0, V(q0), V(V(q0)), … of ``layers`` further layers, and their factors chi.

    ``q0`` belongs to pre-activations: for inputs x it is sigma_w2 |x|²/fan_in + sigma_b2 of the first layer.
    """
    _check(sigma_w2, sigma_b2, q0)
    q = [float(q0)]
    for _ in range(layers):
        q.append(length_map(activation, sigma_w2, sigma_b2, q[-1]))
    return Orbit(tuple(q), tuple(chi(activation, sigma_w2, length) for length in q))


def limit(activation: Entry, sigma_w2: float, sigma_b2: float, q0: float = 1.0) -> FixedPoint:
    """Where the orbit from ``q0`` ends, in the limit of many layers.

    V increases, so that an orbit moves one way only: to the next fixed point, to 0 or to ∞. Raises GradgridError
    for an activation whose V does not increase.
    """
    _check(sigma_w2, sigma_b2, q0)
    moves = direction(length_map(activation, sigma_w2, sigma_b2, q0), q0)
    if moves == 0:
        return _fixed_point(activation, sigma_w2, q0)
    roots = _roots(activation, sigma_w2, sigma_b2, q0)
    if moves < 0:
        q = max((root for root in roots if root < q0), default=0.0)
        return _fixed_point(activation, sigma_w2, q, "" if q else "collapses")
    q = min((root for root in roots if root > q0), default=math.inf)
    return _fixed_point(activation, sigma_w2, q, "" if q < math.inf else "diverges")


def fixed_points(activation: Entry, sigma_w2: float, sigma_b2: float) -> tuple[FixedPoint, ...]:
    """Every q ≥ 0 with V(q) = q at which V(q) - q changes sign, in order, and q = 0 where V(0) = 0.

    Two fixed points within a sixth of a decade are overlooked, and so are any in 0 < q < 1e-12. Where every q is
    a fixed point (ReLU's critical line), the list holds 0 alone, as neutral.
    """
    _check(sigma_w2, sigma_b2, 1.0)
    points = [_fixed_point(activation, sigma_w2, q) for q in _roots(activation, sigma_w2, sigma_b2)]
    if length_map(activation, sigma_w2, sigma_b2, 0.0) == 0:
        _, signs = _sides(activation, sigma_w2, sigma_b2)
        word = {-1: "collapses", 1: "unstable"}[signs[1]] if len(signs) > 1 else "neutral"
        points.insert(0, _fixed_point(activation, sigma_w2, 0.0, word))
    return tuple(points)


def direction(after: float | np.ndarray, before: float | np.ndarray) -> np.ndarray:
    """1 where q grows, -1 where it shrinks, 0 where it changes by less than 1e-12 of itself."""
    return np.where(np.abs(after - before) <= NEUTRAL * before, 0, np.sign(after - before))


def crossings(change: Callable[[float], float], q: np.ndarray, signs: np.ndarray) -> list[float]:
    """The roots of ``change`` between every two neighbouring q at which its ``signs`` are opposite."""
    return [
        brentq(change, q[i], q[i + 1], xtol=1e-300, rtol=1e-14)
        for i in np.flatnonzero(signs[:-1] * signs[1:] < 0)
    ]


def _fixed_point(activation: Entry, sigma_w2: float, q: float, stability: str = "") -> FixedPoint:
    derivative = length_slope(activation, sigma_w2, q)
    if not stability:
        stability = "stable" if derivative < 1 else "unstable"
        stability = "neutral" if abs(derivative - 1) < MARGINAL else stability
    return FixedPoint(q, stability, derivative, chi(activation, sigma_w2, q))


def _sides(
    activation: Entry, sigma_w2: float, sigma_b2: float, *also: float
) -> tuple[np.ndarray, np.ndarray]:
    """The q at 0, on the grid, and ``also`` given, without those that stand still; and the sign of V(q) - q there."""
    at_zero, moments = _second_moments(activation)
    q = np.array([*GRID, *also])
    extra = [length_map(activation, sigma_w2, sigma_b2, x) for x in also]
    signs = direction(np.array([*(sigma_w2 * moments + sigma_b2), *extra]), q)
    moving = [i for i in q.argsort() if signs[i]]
    return np.array([0.0, *q[moving]]), np.array([np.sign(sigma_w2 * at_zero + sigma_b2), *signs[moving]])


def _roots(activation: Entry, sigma_w2: float, sigma_b2: float, *also: float) -> list[float]:
    """The q > 0 where V(q) - q changes its sign from one of these q to the next."""
    sides = _sides(activation, sigma_w2, sigma_b2, *also)
    return crossings(lambda q: length_map(activation, sigma_w2, sigma_b2, q) - q, *sides)


@cache
def _second_moments(activation: Entry) -> tuple[float, np.ndarray]:
    """E[f(u)²] at q = 0 and on the grid of q."""
    moments = np.array([length_map(activation, 1.0, 0.0, q) for q in (0.0, *GRID)])
    if np.any(np.diff(moments) < -NEUTRAL * moments[1:]):
        raise GradgridError(
            f"{activation.label}: E[f(u)²] does not increase with the variance of u, as it must here"
        )
    return float(moments[0]), moments[1:]


def _check(sigma_w2: float, sigma_b2: float, q0: float) -> None:
    if not (0 <= sigma_w2 < math.inf and 0 <= sigma_b2 < math.inf):
        raise GradgridError(f"sigma_w2 = {sigma_w2} and sigma_b2 = {sigma_b2} must be finite, from 0 upwards")
    if not 0 < q0 <= _LARGEST:
        raise GradgridError(f"q0 = {q0} must lie above 0, up to {_LARGEST:g}")

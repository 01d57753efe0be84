"""Expectations over normal variables, by adaptive Gauss–Lobatto quadrature in double precision.

The interval z in [-9, 9] is cut at ±4^j/std and at 0, so that the scales of the function (around u = 0) and of the
normal density (around its mean) are both resolved however far apart they lie; panels are then halved until halving
changes nothing, which finds every kink and jump that is not at a cut.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.polynomial import legendre
from torch import Tensor

from gradgrid.core.entries import Entry
from gradgrid.core.errors import GradgridError
from gradgrid.train.gains import activation_function

Function = Callable[[Tensor], Tensor]
"""A real function, element by element on float64 tensors of any shape."""

_REACH = 9.0
"""Standard deviations beyond which the density, below 1e-18, is left out."""
_CUTS = torch.tensor([-_REACH, -5.0, -2.5, -1.0, 0.0, 1.0, 2.5, 5.0, _REACH], dtype=torch.float64)
_TOLERANCE, _OUTER_TOLERANCE = 1e-12, 1e-10
"""Largest change by halving a panel that is let stand, relative to the integral of the absolute value. The outer one
of two integrals tolerates more, so as not to chase the errors of the inner one."""
_MOST_PANELS = 100_000
_NEAR_ZERO, _FAR = 1e-200, 1e100


def _rule(count: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights on [-1, 1] of Gauss–Lobatto quadrature, its first and last nodes moved inwards by 2e-10.

    Without nodes at the ends, a jump near an end or the middle of a panel goes unnoticed when the panel is halved;
    quite at the end, a node would see the jump at a cut, which belongs to the other panel.
    """
    inner = np.sort(legendre.Legendre.basis(count - 1).deriv().roots())
    nodes = np.array([2e-10 - 1, *inner, 1 - 2e-10])
    weights = np.linalg.solve(legendre.legvander(nodes, count - 1).T, 2 * np.eye(count)[0])
    return torch.from_numpy(nodes), torch.from_numpy(weights)


_NODES, _WEIGHTS = _rule(18)


def value(activation: Entry) -> Function:
    """The activation f itself."""
    function = activation_function(activation)
    return lambda u: function(u)[0]


def slope(activation: Entry) -> Function:
    """The activation's derivative f'."""
    function = activation_function(activation)
    return lambda u: function(u)[1]


def expectation(function: Function, q: float, tolerance: float = _TOLERANCE) -> float:
    """E[g(u)], u ~ N(0, q), with an error below 1e-12 of E|g(u)| if g is smooth but for kinks or jumps at 0 or ±4^j.

    So are the activations of the registry and their slopes; with kinks or jumps elsewhere it is below 1e-9. g may not
    grow faster than a power of u, nor vary around 0 on a smaller scale than about 1e-5. ``q`` = 0 and ``q`` = ∞ stand
    for the limits: the mean of g on both sides of 0, and far away. ``tolerance``: see the constant. Raises
    GradgridError where g is not finite or the panels grow too many.
    """
    if q in (0, math.inf):
        end = _NEAR_ZERO if q == 0 else _FAR
        return float(function(torch.tensor([-end, end], dtype=torch.float64)).mean())
    return float(smoothed(function, torch.zeros(1, dtype=torch.float64), math.sqrt(q), tolerance))


def joint_expectation(f: Function, g: Function, q: float, c: float) -> float:
    """E[f(u) g(v)], u and v ~ N(0, q) with correlation c, -1 ≤ c ≤ 1; error below 1e-9 of √(E f² · E g²).

    Given u, v is N(c u, (1 - c²) q): an expectation within an expectation.
    """
    if abs(c) == 1:
        return expectation(lambda u: f(u) * g(c * u), q)
    std = math.sqrt(q * (1 - c) * (1 + c))
    return expectation(lambda u: f(u) * smoothed(g, c * u, std), q, _OUTER_TOLERANCE)


def smoothed(function: Function, mean: Tensor, std: float, tolerance: float = _TOLERANCE) -> Tensor:
    """E[g(mean + std · z)], z standard normal, for every element of ``mean`` (float64, any shape); std > 0."""
    means = mean.flatten()

    def integrals(low: Tensor, high: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
        half = (high - low) / 2
        z = torch.outer(half, _NODES) + (low + half)[:, None]
        terms = function(means[owner, None] + std * z) * torch.exp(-z * z / 2)
        return (terms @ _WEIGHTS) * half, (terms.abs() @ _WEIGHTS) * half

    result = torch.zeros_like(means)
    low, high, owner = _panels(means, std)
    whole, size = integrals(low, high, owner)
    stands = tolerance * torch.zeros_like(means).index_add_(0, owner, size).max() + 1e-290
    while len(low):
        middle = (low + high) / 2
        ends, owners = (torch.cat([low, middle]), torch.cat([middle, high])), owner.repeat(2)
        halves, _ = integrals(*ends, owners)
        both = halves.view(2, -1).sum(0)
        done = ((both - whole).abs() <= stands) | (middle <= low) | (middle >= high)
        result.index_add_(0, owner[done], both[done])
        left = ~done.repeat(2)
        low, high, owner, whole = ends[0][left], ends[1][left], owners[left], halves[left]
        if len(low) > _MOST_PANELS:
            raise GradgridError("a normal expectation does not converge: is the function finite everywhere?")
    return result.view_as(mean) / math.sqrt(2 * math.pi)


def _panels(means: Tensor, std: float) -> tuple[Tensor, Tensor, Tensor]:
    """Lower and upper ends in z of the panels of every mean, and the index of the mean to which each belongs."""
    first = math.floor(math.log(min(1.0, std), 4)) - 4
    last = math.ceil(math.log(float(means.abs().max()) + _REACH * std, 4))
    powers = 4.0 ** torch.arange(first, last + 1, dtype=torch.float64)
    scales = torch.cat([-powers, powers, torch.zeros(1, dtype=torch.float64)])
    inner = ((scales - means[:, None]) / std).clamp(-_REACH, _REACH)
    cuts = torch.cat([_CUTS.expand(len(means), -1), inner], 1).sort(1).values
    low, high = cuts[:, :-1], cuts[:, 1:]
    kept = high > low
    owner = torch.arange(len(means))[:, None].expand_as(low)
    return low[kept], high[kept], owner[kept]

"""Normal expectations against high-precision integrals, closed forms and identities."""

import math

import numpy as np
import pytest
import torch
from mpmath import mp, mpf

from gradgrid.core.entries import Entry
from gradgrid.core.errors import GradgridError
from gradgrid.core.registry import entries
from gradgrid.theory.gaussian import expectation, joint_expectation, slope, value

ACTIVATIONS = list(entries("activations"))
VARIANCES = [1e-12, 0.02, 1.0, 50.0, 1e12]
ALPHA, SCALE = mpf("1.6732632423543772"), mpf("1.0507009873554805")


def logistic(u):
    return 1 / (1 + mp.exp(-u))


def elu(u, alpha=1):
    return (u, mpf(1)) if u > 0 else (alpha * mp.expm1(u), alpha * mp.exp(u))


EXACT = {
    "identity": lambda u: (u, mpf(1)),
    "sigmoid": lambda u: (logistic(u), logistic(u) * logistic(-u)),
    "tanh": lambda u: (mp.tanh(u), mp.sech(u) ** 2),
    "lecun_tanh": lambda u: (
        mpf("1.7159") * mp.tanh(2 * u / 3),
        mpf("1.7159") * 2 / 3 * mp.sech(2 * u / 3) ** 2,
    ),
    "hardtanh": lambda u: (max(-1, min(1, u)), mpf(abs(u) < 1)),
    "softsign": lambda u: (u / (1 + abs(u)), (1 + abs(u)) ** -2),
    "relu": lambda u: (max(0, u), mpf(u > 0)),
    "leaky_relu": lambda u: (u, mpf(1)) if u > 0 else (u / 100, mpf(1) / 100),
    "elu": elu,
    "selu": lambda u: tuple(SCALE * part for part in elu(u, ALPHA)),
    "gelu": lambda u: (u * mp.ncdf(u), mp.ncdf(u) + u * mp.npdf(u)),
    "silu": lambda u: (u * logistic(u), logistic(u) + u * logistic(u) * logistic(-u)),
    "softplus": lambda u: (u + mp.log1p(mp.exp(-u)) if u > 0 else mp.log1p(mp.exp(u)), logistic(u)),
}
"""The pair f(u), f'(u) of every activation, written anew in arithmetic of 18 digits."""

QUANTITIES = {
    "f²": lambda f, df, u: f * f,
    "f'²": lambda f, df, u: df * df,
    "u f f'": lambda f, df, u: u * f * df,
}


def exact(integrand, q):
    """E[g(u)], u ~ N(0, q), by tanh-sinh quadrature between the kinks and on the scales of f and of the density."""
    std = mp.sqrt(q)
    ends = sorted({mpf(end) for end in (0, 1, 4, 16, 64) if end < 10 * std} | {k * std for k in (1, 4, 10)})
    ends = [-end for end in reversed(ends[1:])] + ends
    return float(mp.quad(lambda u: integrand(u) * mp.npdf(u, 0, std), ends))


@pytest.mark.parametrize("q", VARIANCES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_expectations_against_arithmetic_of_18_digits(name, q):
    f, df = value(Entry(name)), slope(Entry(name))
    with mp.workdps(18):
        for quantity, combine in QUANTITIES.items():
            found = expectation(lambda u, combine=combine: combine(f(u), df(u), u), q)
            expected = exact(lambda u, combine=combine: combine(*EXACT[name](u), u), q)
            size = expectation(lambda u, combine=combine: combine(f(u), df(u), u).abs(), q)
            assert found == pytest.approx(expected, rel=0, abs=1e-12 * size), quantity


def relu_kernel(c):
    return (math.sqrt(1 - c * c) + c * (math.pi - math.acos(c))) / (2 * math.pi)


CLOSED = {
    "indicator": (lambda u: (u > 0.3).double(), lambda q: math.erfc(0.3 / math.sqrt(2 * q)) / 2),
    "absolute value": (torch.abs, lambda q: math.sqrt(2 * q / math.pi)),
    "cosine": (torch.cos, lambda q: math.exp(-q / 2)),
    "erf²": (lambda u: torch.erf(u).square(), lambda q: 2 / math.pi * math.asin(2 * q / (1 + 2 * q))),
    "eighth power": (lambda u: u**8, lambda q: 105 * q**4),
}


@pytest.mark.parametrize("q", [1e-3, 0.7, 20.0])
@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(name, q):
    function, expected = CLOSED[name]
    assert expectation(function, q) == pytest.approx(expected(q), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("place", np.random.default_rng(0).uniform(-3, 3, 20))
def test_kinks_and_jumps_are_found_wherever_they_are(place):
    beyond = math.erfc(place / math.sqrt(2)) / 2
    density = math.exp(-place * place / 2) / math.sqrt(2 * math.pi)
    assert expectation(lambda u: (u > place).double(), 1.0) == pytest.approx(beyond, rel=1e-9)
    kinked = expectation(lambda u: (u - place).clamp(min=0), 1.0)
    assert kinked == pytest.approx(density - place * beyond, rel=1e-9)


def test_kinks_are_found_in_the_inner_integral_too():
    """v > 1.3 where u > 0.7: the quadrant's probability from Plackett's identity, in arithmetic of 18 digits."""
    a, b, c, q = 0.7, 1.3, 0.6, 2.0
    with mp.workdps(18):
        tails = mp.ncdf(-a / mp.sqrt(q)) * mp.ncdf(-b / mp.sqrt(q))
        expected = tails + mp.quad(
            lambda r: (
                mp.exp(-(a * a - 2 * r * a * b + b * b) / (2 * q * (1 - r * r)))
                / (2 * mp.pi * mp.sqrt(1 - r * r))
            ),
            [0, c],
        )
    found = joint_expectation(lambda u: (u > a).double(), lambda v: (v > b).double(), q, c)
    assert found == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("steepness", [1e-3, 30.0, 1e5])
def test_a_steep_sigmoid_is_a_plain_one_of_wider_inputs(steepness):
    steep = slope(Entry.of("sigmoid", {"steepness": steepness}))
    plain = slope(Entry("sigmoid"))
    for q in (1e-4, 1.0, 1e4):
        expected = expectation(lambda u: plain(u).square(), q * steepness**2) * steepness**2
        assert expectation(lambda u: steep(u).square(), q) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_variance_and_infinite_variance_are_limits(name):
    df = slope(Entry(name))
    for q, near, tolerance in ((0.0, 1e-24, 1e-8), (math.inf, 1e24, 1e-8)):
        limit, close = (expectation(lambda u: df(u).square(), variance) for variance in (q, near))
        assert limit == pytest.approx(close, abs=tolerance)


def test_relu_at_both_ends():
    df = slope(Entry("relu"))
    assert expectation(df, 0.0) == expectation(df, math.inf) == 0.5


def test_what_is_not_finite_is_refused():
    with pytest.raises(GradgridError, match="finite"):
        expectation(torch.log, 1.0)


JOINT = {
    "relu": (value(Entry("relu")), lambda q, c: q * relu_kernel(c)),
    "relu'": (slope(Entry("relu")), lambda q, c: (math.pi - math.acos(c)) / (2 * math.pi)),
    "identity": (value(Entry("identity")), lambda q, c: q * c),
    "erf": (torch.erf, lambda q, c: 2 / math.pi * math.asin(2 * q * c / (1 + 2 * q))),
    "leaky_relu": (
        value(Entry.of("leaky_relu", {"negative_slope": 0.3})),
        lambda q, c: q * ((1 + 0.3**2) * relu_kernel(c) - 2 * 0.3 * relu_kernel(-c)),
    ),
}


@pytest.mark.parametrize("q", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("name", JOINT)
def test_joint_expectations_in_closed_form(name, q):
    function, expected = JOINT[name]
    for c in (-1.0, -0.99, -0.3, 0.0, 0.5, 0.999, 1 - 1e-9, 1.0):
        found = joint_expectation(function, function, q, c)
        assert found == pytest.approx(expected(q, c), rel=1e-9, abs=1e-9 * expected(q, 1.0)), c


@pytest.mark.parametrize("name", ["tanh", "gelu", "silu", "sigmoid", "softplus"])
def test_joint_expectations_against_gauss_hermite(name):
    f, q, c = value(Entry(name)), 0.3, 0.95
    z, weights = np.polynomial.hermite_e.hermegauss(150)
    u = math.sqrt(q) * torch.from_numpy(z)[:, None].expand(-1, len(z))
    v = c * u + math.sqrt(1 - c * c) * u.T
    weights = torch.from_numpy(weights / weights.sum())
    expected = float(weights @ (f(u) * f(v)) @ weights)
    assert joint_expectation(f, f, q, c) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_joint_expectations_satisfy_prices_theorem(name):
    """E[f f] at c = 1/2 is (E f)² + q ∫ E[f' f'] dc: values and slopes come together."""
    f, df, q = value(Entry(name)), slope(Entry(name)), 2.0
    nodes, weights = np.polynomial.legendre.leggauss(8)
    integral = sum(
        w / 4 * joint_expectation(df, df, q, (1 + x) / 4) for x, w in zip(nodes, weights, strict=True)
    )
    expected = expectation(f, q) ** 2 + q * integral
    assert joint_expectation(f, f, q, 0.5) == pytest.approx(expected, rel=1e-9)

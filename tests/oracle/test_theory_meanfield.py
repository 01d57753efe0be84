"""Length map, fixed points, depth scales and the critical line: published points, closed forms, long orbits."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from gradgrid.core.entries import Entry
from gradgrid.core.errors import GradgridError
from gradgrid.core.registry import entries
from gradgrid.theory import meanfield
from gradgrid.theory.correlation import correlation_limit, correlation_map, correlation_slope
from gradgrid.theory.critical import critical_sigma_w2
from gradgrid.theory.gaussian import expectation, value
from gradgrid.theory.meanfield import chi, depth_scale, fixed_points, length_map, length_slope, limit, orbit
from gradgrid.train import activations

ACTIVATIONS = list(entries("activations"))


@pytest.mark.parametrize("q", [1e-4, 0.3, 2.0, 1e3])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_slope_of_the_length_map_is_its_derivative(name, q):
    """Central differences at two steps, extrapolated to none: the error is of the fourth order."""
    activation = Entry(name)
    steps = 0.02 * q, 0.01 * q
    ahead, behind = (
        [length_map(activation, 1.7, 0.1, q + sign * step) for step in steps] for sign in (1, -1)
    )
    coarse, fine = ((a - b) / (2 * step) for a, b, step in zip(ahead, behind, steps, strict=True))
    assert length_slope(activation, 1.7, q) == pytest.approx((4 * fine - coarse) / 3, rel=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_length_map_increases(name):
    """What :func:`limit` builds on."""
    assert all(length_slope(Entry(name), 1.0, q) > 0 for q in np.logspace(-6, 6, 37))


SETTINGS = [(0.5, 0.0), (0.9, 0.3), (1.5, 0.0), (1.5, 1.0), (2.5, 0.0), (3.0, 0.2), (30.0, 1.0)]


@pytest.mark.parametrize("q0", [0.02, 30.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_orbits_end_where_the_limit_says(name, q0):
    for sigma_w2, sigma_b2 in SETTINGS:
        end, q = limit(Entry(name), sigma_w2, sigma_b2, q0), q0
        for _ in range(120):
            q = length_map(Entry(name), sigma_w2, sigma_b2, q)
        if end.stability == "stable":
            assert q == pytest.approx(end.q, rel=10 * end.slope**120 + 1e-9)
            assert length_map(Entry(name), sigma_w2, sigma_b2, end.q) == pytest.approx(end.q, rel=1e-12)
        else:
            reached = {
                "collapses": q < 1e-3 * q0,
                "diverges": q > 1e3 * q0,
                "neutral": q == pytest.approx(q0),
            }
            assert reached[end.stability], (sigma_w2, sigma_b2, end, q)


def test_relu_on_and_off_its_critical_line():
    relu = Entry("relu")
    assert [limit(relu, w, 0.0, q0=3.0).stability for w in (1.9, 2.0, 2.1)] == [
        "collapses",
        "neutral",
        "diverges",
    ]
    on, q = limit(relu, 2.0, 0.0, q0=3.0), 3.0
    assert (on.q, on.depth_scale) == (q, math.inf)
    assert (on.slope, on.chi, on.gradient_factor) == pytest.approx((1, 1, 1), abs=1e-12)
    assert fixed_points(relu, 2.0, 0.0)[0].stability == "neutral"
    linear = limit(relu, 2.0, 0.1)
    assert (linear.stability, linear.q, linear.slope) == ("diverges", math.inf, pytest.approx(1, abs=1e-12))
    assert limit(relu, 1.5, 0.1).q == pytest.approx(0.1 / (1 - 1.5 / 2), rel=1e-12)


@pytest.mark.parametrize("sigma_w2", [0.7, 2.6])
def test_relu_multiplies_by_half_of_sigma_w2(sigma_w2):
    end = limit(Entry("relu"), sigma_w2, 0.0)
    assert end.chi == pytest.approx(sigma_w2 / 2, rel=1e-12)
    assert end.gradient_factor == pytest.approx(math.sqrt(sigma_w2 / 2), rel=1e-12)
    assert end.gradient_slope == pytest.approx(-math.log10(sigma_w2 / 2) / 2, rel=1e-10)
    assert end.depth_scale == pytest.approx(1 / abs(math.log(sigma_w2 / 2)), rel=1e-10)


def test_tanh_at_its_critical_point_collapses_like_one_over_twice_the_layers():
    """E[tanh²] = q - 2q² + …, so that 1/q grows by 2 a layer in the end."""
    end = limit(Entry("tanh"), 1.0, 0.0)
    assert (end.stability, end.q, end.slope, end.chi) == ("collapses", 0, 1, 1)
    assert end.depth_scale == math.inf
    q = orbit(Entry("tanh"), 1.0, 0.0, 0.01, 1000).q
    assert 1 / q[1000] - 1 / q[500] == pytest.approx(1000, rel=0.02)


def test_selu_has_its_fixed_point_at_variance_one():
    """Klambauer et al., 2017: mean 0 and variance 1 with weights of variance 1/fan_in."""
    assert expectation(value(Entry("selu")), 1.0) == pytest.approx(0, abs=1e-12)
    end = limit(Entry("selu"), 1.0, 0.0, q0=1.7)
    assert (end.q, end.stability) == (pytest.approx(1, abs=1e-12), "stable")
    assert 0 < end.slope < 1 < end.chi


def test_every_fixed_point_is_listed_in_order():
    below, above = fixed_points(Entry("gelu"), 2.5, 0.0)
    assert (below.q, below.stability, above.stability) == (0, "collapses", "unstable")
    assert limit(Entry("gelu"), 2.5, 0.0, 0.99 * above.q).stability == "collapses"
    assert limit(Entry("gelu"), 2.5, 0.0, 1.01 * above.q).stability == "diverges"
    zero, one = fixed_points(Entry("tanh"), 2.0, 0.0)
    assert (zero.q, zero.stability, zero.chi, one.stability) == (0, "unstable", 2, "stable")
    assert fixed_points(Entry("hardtanh"), 1.0, 0.0)[0].stability == "collapses"


def test_an_orbit_has_the_factors_of_its_own_lengths():
    path = orbit(Entry("tanh"), 3.0, 0.1, 0.2, 4)
    assert path.q[0] == 0.2
    assert path.q[1:] == tuple(length_map(Entry("tanh"), 3.0, 0.1, q) for q in path.q[:-1])
    assert path.chi == tuple(chi(Entry("tanh"), 3.0, q) for q in path.q)
    assert path.gradient_factor**2 == pytest.approx(math.prod(path.chi[:-1]))
    assert len(path.gradient_factors) == 4


def test_orbits_may_run_out_of_the_numbers():
    assert orbit(Entry("relu"), 20.0, 0.0, 1.0, 100).q[-1] == math.inf
    assert orbit(Entry("relu"), 0.02, 0.0, 1.0, 200).q[-1] == 0


@pytest.mark.parametrize(("sigma_w2", "sigma_b2"), [(1.3, 0.1), (1.7, 0.0), (1.7, 0.2)])
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "selu", "softsign"])
def test_the_length_depth_scale_is_the_rate_of_an_orbit(name, sigma_w2, sigma_b2):
    end = limit(Entry(name), sigma_w2, sigma_b2)
    assert end.stability == "stable"
    q = np.array(orbit(Entry(name), sigma_w2, sigma_b2, 1.001 * end.q, 6).q)
    rate = np.abs(q - end.q)[6] / np.abs(q - end.q)[5]
    assert -1 / math.log(rate) == pytest.approx(end.depth_scale, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "sigma_w2", "sigma_b2"), [("tanh", 3.0, 0.05), ("sigmoid", 200.0, 1.0), ("tanh", 1.2, 0.3)]
)
def test_the_correlation_depth_scale_is_the_rate_of_the_correlation(name, sigma_w2, sigma_b2):
    activation = Entry(name)
    end, q = correlation_limit(activation, sigma_w2, sigma_b2), limit(activation, sigma_w2, sigma_b2).q
    c = [end.c - 1e-4]
    for _ in range(3):
        c.append(correlation_map(activation, sigma_w2, sigma_b2, q, c[-1]))
    rate = (c[3] - end.c) / (c[2] - end.c)
    assert -1 / math.log(rate) == pytest.approx(end.depth_scale, rel=2e-3)
    assert correlation_map(activation, sigma_w2, sigma_b2, q, end.c) == pytest.approx(end.c, abs=1e-9)


def test_where_correlations_end():
    ordered = correlation_limit(Entry("tanh"), 1.5, 0.05)
    assert (ordered.c, ordered.chi) == (1, limit(Entry("tanh"), 1.5, 0.05).chi)
    assert correlation_limit(Entry("tanh"), 3.0, 0.0).c == 0, "odd, without biases: to orthogonal"
    chaotic = correlation_limit(Entry("tanh"), 3.0, 0.05)
    assert 0 < chaotic.c < 1
    assert chaotic.chi < 1 < limit(Entry("tanh"), 3.0, 0.05).chi
    assert correlation_limit(Entry("relu"), 2.0, 0.0).depth_scale == math.inf
    assert math.isnan(correlation_limit(Entry("relu"), 2.5, 0.0).depth_scale)


@pytest.mark.parametrize("name", ["tanh", "hardtanh", "relu", "gelu"])
def test_the_correlation_map_ends_at_one_with_slope_chi(name):
    q = limit(Entry(name), 1.9, 0.3).q
    assert correlation_map(Entry(name), 1.9, 0.3, q, 1.0) == pytest.approx(1, abs=1e-9)
    assert correlation_slope(Entry(name), 1.9, q, 1.0) == pytest.approx(chi(Entry(name), 1.9, q), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "sigma_b2", "expected"),
    [
        ("relu", 0.0, 2),
        ("relu", 0.3, 2),
        ("tanh", 0.0, 1),
        ("identity", 0.0, 1),
        ("hardtanh", 0.0, 1),
        ("elu", 0.0, 1),
    ],
)
def test_critical_points_in_closed_form(name, sigma_b2, expected):
    assert critical_sigma_w2(Entry(name), sigma_b2) == pytest.approx(expected, rel=1e-12)


def test_the_critical_point_of_tanh_with_the_biases_of_the_literature():
    assert critical_sigma_w2(Entry("tanh"), 0.05) == pytest.approx(1.76, abs=0.005)


def test_the_numbers_in_the_methods():
    page = (Path(__file__).parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")
    header, *rows = re.findall(r"^\| σ_b² (?:\|.*|= .*)", page.split("## Theory")[1], re.MULTILINE)
    names = [name.strip() for name in header.split("|")[2:-1]]
    for row in rows:
        sigma_b2, *written = (float(cell.rpartition("=")[2]) for cell in row.split("|")[1:-1])
        found = [critical_sigma_w2(Entry(name), sigma_b2) for name in names]
        assert written == pytest.approx(found, abs=6e-5)
    assert len(rows) == 3
    factor, decades = map(float, re.search(r"√χ is (\d\.\d+), (\d\.\d+) decades", page).groups())
    book = limit(Entry("sigmoid"), 1.0, 1.0)
    assert (factor, decades) == pytest.approx((book.gradient_factor, book.gradient_slope), abs=6e-5)


def test_a_steep_sigmoid_is_critical_with_smaller_weights():
    """σ(s z) with sigma_w2/s² and sigma_b2/s² is the plain sigmoid."""
    plain = critical_sigma_w2(Entry("sigmoid"), 1.0)
    steep = critical_sigma_w2(Entry.of("sigmoid", {"steepness": 4}), 1 / 16)
    assert steep == pytest.approx(plain / 16, rel=1e-9)


@pytest.mark.parametrize("sigma_b2", [0.01, 0.1, 1.0, 5.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_chi_is_one_on_the_critical_line_and_below_one_before_it(name, sigma_b2):
    if (critical := critical_sigma_w2(Entry(name), sigma_b2)) is None:
        assert name in ("gelu", "silu"), "only these leap over it"
        return
    assert limit(Entry(name), critical, sigma_b2).chi == pytest.approx(1, abs=1e-9)
    assert limit(Entry(name), 0.97 * critical, sigma_b2).chi < 1
    assert limit(Entry(name), 0.5 * critical, sigma_b2).chi < 1


def test_gelu_leaps_over_its_critical_line_without_biases():
    assert critical_sigma_w2(Entry("gelu"), 0.0) is None
    before, after = (limit(Entry("gelu"), sigma_w2, 0.0) for sigma_w2 in (2.0, 2.5))
    assert before.chi < 0.6
    assert after.chi > 1.2


def test_where_gelu_has_chi_equal_to_the_slope_of_its_length_map():
    """With f'' = (2 - u²) φ(u), E[f f''] is 0 at q = (3 + √17)/2."""
    q = (3 + math.sqrt(17)) / 2
    assert length_slope(Entry("gelu"), 1.0, q) == pytest.approx(chi(Entry("gelu"), 1.0, q), rel=1e-12)


def test_depth_scales_of_single_factors():
    assert depth_scale(math.exp(-1 / 7)) == pytest.approx(7)
    assert depth_scale(math.exp(1 / 7)) == pytest.approx(7)
    assert (depth_scale(1.0), depth_scale(0.0)) == (math.inf, 0)


@pytest.mark.parametrize(
    "wrong", [(-1.0, 0.0, 1.0), (1.0, -0.1, 1.0), (math.nan, 0.0, 1.0), (1.0, 0.0, 0.0), (1.0, 0.0, math.inf)]
)
def test_what_has_no_meaning_is_refused(wrong):
    with pytest.raises(GradgridError, match=r"sigma_w2|q0"):
        limit(Entry("tanh"), *wrong)


def test_an_activation_whose_length_map_does_not_increase_is_refused(monkeypatch):
    monkeypatch.setattr(activations, "tanh", lambda z: (torch.exp(-z * z), -2 * z * torch.exp(-z * z)))
    meanfield._second_moments.cache_clear()
    with pytest.raises(GradgridError, match=r"tanh: .* does not increase"):
        limit(Entry("tanh"), 1.0, 0.0)
    meanfield._second_moments.cache_clear()

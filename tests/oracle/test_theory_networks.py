"""The theory against networks 1,000 neurons wide: lengths, gradients and correlations measured layer by layer.

The theory holds for infinite width. At this width a layer's mean square is uncertain by some 4 % in one network, the
gradient's growth from end to end by some 20 %, hence 1 % a layer, and the inner product of two deltas by more than
that. Tolerances are for the mean of three networks.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import init

from gradgrid.core.entries import Entry
from gradgrid.theory.correlation import correlation_limit, correlation_slope
from gradgrid.theory.meanfield import chi, limit, orbit
from gradgrid.theory.variances import variance
from gradgrid.train.gains import activation_function, gain

WIDTH, LAYERS, SEEDS, IMAGES = 1000, 25, 3, 8
SETTINGS = [
    ("tanh", 1.5, 0.05),
    ("tanh", 4.0, 0.05),
    ("relu", 2.0, 0.0),
    ("relu", 1.2, 0.3),
    ("selu", 1.0, 0.0),
    ("sigmoid", 16.0, 1.0),
    ("gelu", 2.0, 0.3),
    ("softplus", 1.5, 0.0),
]


@dataclass
class Network:
    """Pre-activations of every layer [layers + 1, images, width], and deltas likewise, from one drawn at the top."""

    z: Tensor
    deltas: Tensor


def network(activation: Entry, sigma_w2: float, sigma_b2: float, z: Tensor, seed: int, like=None) -> Network:
    """Weights N(0, sigma_w2/width), unless ``like`` fills them in; the images share one delta at the top."""
    generator, function = torch.Generator().manual_seed(seed), activation_function(activation)
    signals, weights, slopes = [z], [], []
    for _ in range(LAYERS):
        a, slope = function(signals[-1])
        weight = torch.randn(z.shape[1], z.shape[1], generator=generator) * math.sqrt(sigma_w2 / z.shape[1])
        weights.append(weight if like is None else like(weight))
        slopes.append(slope)
        biases = torch.randn(z.shape[1], generator=generator) * math.sqrt(sigma_b2)
        signals.append(a @ weights[-1].T + biases)
    deltas = [torch.randn(z.shape[1], generator=generator).expand_as(z)]
    for weight, slope in zip(reversed(weights), reversed(slopes), strict=True):
        deltas.insert(0, (deltas[0] @ weight) * slope)
    return Network(torch.stack(signals), torch.stack(deltas))


def images(q: float, seed: int, correlation: float = 0.0, width: int = WIDTH) -> Tensor:
    """Pre-activations [images, width] of variance q, every two of them with the given correlation."""
    generator = torch.Generator().manual_seed(1000 + seed)
    shared, own = (torch.randn(count, width, generator=generator) for count in (1, IMAGES))
    return math.sqrt(q) * (math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own)


def growth(deltas: Tensor) -> float:
    """Mean log of ‖delta of layer l‖ ÷ ‖delta of layer l+1‖."""
    norms = deltas.norm(dim=2)
    return float((norms[0] / norms[-1]).log().mean()) / LAYERS


@pytest.fixture(scope="module", params=SETTINGS, ids=lambda setting: "-".join(map(str, setting)))
def setting(request):
    """A setting and the networks drawn for it."""
    name, *sigmas = request.param
    drawn = [network(Entry(name), *sigmas, images(1.0, seed), seed) for seed in range(SEEDS)]
    return Entry(name), *sigmas, drawn


def test_gradients_grow_by_the_square_root_of_chi(setting):
    activation, sigma_w2, sigma_b2, drawn = setting
    measured = math.exp(np.mean([growth(net.deltas) for net in drawn]))
    expected = orbit(activation, sigma_w2, sigma_b2, 1.0, LAYERS).gradient_factor ** (1 / LAYERS)
    assert measured == pytest.approx(expected, rel=0.01)


def test_lengths_follow_the_orbit(setting):
    activation, sigma_w2, sigma_b2, drawn = setting
    measured = np.mean([net.z.square().mean((1, 2)).numpy() for net in drawn], 0)
    ratio = measured / np.array(orbit(activation, sigma_w2, sigma_b2, 1.0, LAYERS).q)
    assert ratio.mean() == pytest.approx(1, abs=0.08)
    assert np.abs(ratio - 1).max() < 0.3, "on ReLU's critical line deviations add up from layer to layer"


def test_long_after_the_start_the_fixed_point_tells_the_gradient():
    activation, sigma_w2, sigma_b2 = Entry("tanh"), 2.5, 0.1
    end = limit(activation, sigma_w2, sigma_b2)
    drawn = [network(activation, sigma_w2, sigma_b2, images(end.q, seed), seed) for seed in range(SEEDS)]
    slopes = [-growth(net.deltas) / math.log(10) for net in drawn]
    assert np.mean(slopes) == pytest.approx(end.gradient_slope, abs=0.004)
    assert math.sqrt(chi(activation, sigma_w2, end.q)) == end.gradient_factor


def test_correlations_end_where_the_theory_says():
    activation, sigma_w2, sigma_b2 = Entry("tanh"), 4.0, 0.05
    end, q = correlation_limit(activation, sigma_w2, sigma_b2), limit(activation, sigma_w2, sigma_b2).q
    tops = [
        network(activation, sigma_w2, sigma_b2, images(q, seed, 0.6), seed).z[-1] for seed in range(SEEDS)
    ]
    assert np.mean([pairs(top) / (WIDTH * q) for top in tops]) == pytest.approx(end.c, abs=0.03)


def pairs(rows: Tensor) -> float:
    """Mean inner product of two different rows."""
    gram = rows @ rows.T
    return float((gram.sum() - gram.trace()) / (len(rows) * (len(rows) - 1)))


def test_inner_products_of_deltas_shrink_by_the_slope_of_the_correlation_map():
    """In the chaotic phase single deltas grow and their mean over images may yet vanish."""
    activation, sigma_w2, sigma_b2 = Entry("tanh"), 2.0, 0.05
    end, q = correlation_limit(activation, sigma_w2, sigma_b2), limit(activation, sigma_w2, sigma_b2).q
    drawn = [network(activation, sigma_w2, sigma_b2, images(q, seed, end.c), seed) for seed in range(SEEDS)]
    factor = np.mean([pairs(net.deltas[0]) / pairs(net.deltas[-1]) for net in drawn]) ** (1 / LAYERS)
    assert factor == pytest.approx(correlation_slope(activation, sigma_w2, q, end.c), rel=0.02)
    assert factor < 1 < math.exp(np.mean([growth(net.deltas) for net in drawn]))


def test_orthogonal_weights_have_the_same_lengths_and_gradients():
    activation, width = Entry("tanh"), 400
    sigma_w2 = variance(Entry("orthogonal"), activation, width, width)

    def orthogonal(weight: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(int(weight.abs().sum()))
        return init.orthogonal_(torch.empty_like(weight), gain(activation), generator=generator)

    net = network(activation, sigma_w2, 0.1, images(1.0, 0, width=width), 0, orthogonal)
    expected = orbit(activation, sigma_w2, 0.1, 1.0, LAYERS)
    assert math.exp(growth(net.deltas)) == pytest.approx(expected.gradient_factor ** (1 / LAYERS), rel=0.01)
    assert net.z[1:].square().mean() == pytest.approx(np.mean(expected.q[1:]), rel=0.05)

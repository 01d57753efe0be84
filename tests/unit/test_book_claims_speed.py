"""The book's claims on the speed of learning, the neurons and the chains, by small tables and numbers by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_book_claims import FAILS, HOLDS, NOT_JUDGED, ON_AVERAGE, table

from gradgrid.book import chain_claims, speed_claims
from gradgrid.core.references import references


def initial(speeds, *, dataset="mnist"):
    """Speeds [seeds, hidden layers] of one depth; the output layer's is far away."""
    speeds = np.asarray(speeds, float)
    depth = speeds.shape[1]
    rows = [
        (depth, seed, layer, speed)
        for seed, hidden in enumerate(speeds)
        for layer, speed in enumerate([*hidden, 1e-9], start=1)
    ]
    frame = pd.DataFrame(rows, columns=["depth", "seed", "layer", "bias_gradient_norm"])
    return frame.astype({"bias_gradient_norm": np.float32}).assign(dataset=dataset)


def untrained(*speeds, **keywords):
    return table(speed_claims.before_training(pd.concat(initial(s, **keywords) for s in speeds)))


def test_every_hidden_layer_before_training_against_the_next():
    found = untrained([[1, 4, 12], [1, 6, 18]])
    assert found.loc["initial-order-3", ["value", "verdict"]].tolist() == [pytest.approx(3), HOLDS]
    assert found.loc["initial-ratio-3", "value"] == pytest.approx(np.sqrt(12 * 18))
    book = references()["book-speed-3-epoch-0"].numbers
    assert found.loc["initial-order-3", "published"] == pytest.approx(
        min(book[1] / book[0], book[2] / book[1])
    )
    assert found.loc["initial-ratio-3", "published"] == pytest.approx(book[2] / book[0])
    found = untrained([[1, 4, 3.9], *[[1, 4, s] for s in np.linspace(12, 16, 9)]])
    assert found.loc["initial-order-3", ["verdict", "share_of_seeds"]].tolist() == [ON_AVERAGE, 0.9]


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(31, FAILS), (32, HOLDS), (100, HOLDS), (316, HOLDS), (317, FAILS)]
)
def test_roughly_a_hundred_is_half_a_decade_up_or_down(ratio, verdict):
    speeds = [[1, 2, 3, ratio * luck] for luck in (0.9999, 1, 1.0001)]
    assert untrained(speeds).loc["initial-hundred", "verdict"] == verdict


def test_the_factor_of_vanishing_and_whether_it_is_constant():
    found = untrained([[1, 3, 15, 75], [1, 3.04, 15.2, 76]], np.cumprod(np.full((2, 6), 4.0), axis=1))
    assert found.loc["vanishing-factor-4", "value"] == pytest.approx((75 * 76) ** (1 / 6))
    constant = found.loc["vanishing-constant-4"]
    assert constant["value"] == pytest.approx(np.sqrt(5 / 3 * 5 / 3.04))
    assert constant["verdict"] == HOLDS
    steps = np.divide(*np.array([references()["book-speed-4-epoch-0"].numbers[i:][:3] for i in (1, 0)]))
    assert constant["published"] == pytest.approx(steps.max() / steps.min())
    assert found.loc["vanishing-factor-4", "published"] == pytest.approx(stats.gmean(steps))
    assert found.loc["vanishing-factor-6", "value"] == pytest.approx(4)
    assert np.isnan(found.loc["vanishing-factor-6", "published"])
    found = untrained([[1, 2, 10, 50], [1, 2.1, 10.5, 50]])
    assert found.loc["vanishing-constant-4", "verdict"] == FAILS


def test_a_depth_without_pairs_of_layers_makes_no_claim():
    assert untrained([[1.0], [2.0]]).empty
    assert untrained([[1, 2], [1, 3]]).index.tolist() == ["initial-order-2", "initial-ratio-2"]


def test_a_layer_without_gradient_has_no_ratio():
    found = untrained([[0, 1, 2, 3], [0, 1, 2, 3]])
    assert found.loc["initial-ratio-4", ["verdict", "share_of_seeds"]].tolist() == [FAILS, 0.0]
    assert found.loc["vanishing-constant-4", "verdict"] == FAILS
    assert "2 of 2 seeds without a number" in found.loc["vanishing-factor-4", "measure"]
    found = untrained([[0, 3, 15, 75], [1, 0, 15, 75], *[[1, 3, 15, 75]] * 38])
    assert found.loc["vanishing-constant-4", "value"] == pytest.approx(5 / 3)
    assert "2 of 40 seeds without a number" in found.loc["vanishing-constant-4", "measure"]


def followed(ratios, *, depth=2, activation="sigmoid"):
    """Ratios [seeds, steps] of the last to the first hidden layer's speed."""
    rows = [
        (depth, seed, step, layer, {1: 0.01, depth: 0.01 * ratio}.get(layer, 7.0))
        for seed, steps in enumerate(ratios)
        for step, ratio in enumerate(steps)
        for layer in range(1, depth + 2)
    ]
    frame = pd.DataFrame(rows, columns=["depth", "seed", "step", "layer", "bias_gradient_norm"])
    frame = frame.astype({"bias_gradient_norm": np.float32})
    return frame.assign(dataset="mnist", activation=pd.Categorical([activation] * len(frame)))


def in_training(*frames):
    return table(speed_claims.through_training(pd.concat(frames)))


def test_through_training_step_0_other_activations_and_later_steps_are_passed_over():
    ratios = np.full((2, 510), 3.0)
    ratios[:, 0], ratios[:, 500:], ratios[0, 100] = 0.5, 0.5, 6.0
    found = in_training(followed(ratios), followed(1 / ratios, activation="tanh"))
    assert found.loc["training-order-2", ["value", "verdict"]].tolist() == [pytest.approx(3), HOLDS]
    mean = 3 * 2 ** (1 / 499 / 2)
    assert found.loc["training-ratio-2", "value"] == pytest.approx(mean)
    assert "steps 1 to 499" in found.loc["training-order-2", "measure"]
    assert found.loc["training-ratio-2-step-100", "value"] == pytest.approx(np.sqrt(18))
    for step in (100, 250, 499):
        first, last = references()[f"book-speed-2-epoch-{step}"].numbers
        assert found.loc[f"training-ratio-2-step-{step}", "published"] == pytest.approx(last / first)


def test_one_step_is_enough_to_break_through_it_all():
    ratios = np.random.default_rng(0).uniform(3, 4, (10, 500))
    ratios[0, 77] = 0.9
    found = in_training(followed(ratios))
    assert found.loc["training-order-2", ["verdict", "share_of_seeds"]].tolist() == [ON_AVERAGE, 0.9]
    assert found.loc["training-ratio-2", ["verdict", "share_of_seeds"]].tolist() == [HOLDS, 1.0]
    ratios[0, 77] = np.nan
    found = in_training(followed(ratios))
    assert set(found["verdict"][["training-order-2", "training-ratio-2"]]) == {FAILS}


def test_fewer_steps_than_the_books_are_shown_and_not_judged():
    found = in_training(followed(np.full((2, 120), 3.0), depth=4))
    assert found.index.tolist() == [
        "training-order-4", "training-ratio-4", "training-hundred", "training-ratio-4-step-100"
    ]  # fmt: skip
    assert set(found["verdict"]) == {NOT_JUDGED}
    assert "trained for 120 steps, the book's for 500" in found["rule"].iloc[0]
    assert in_training(followed(np.full((2, 1), 3.0))).empty


def test_neurons_are_compared_pair_by_pair():
    rng = np.random.default_rng(0)
    sizes = {1: rng.normal(0, 1, (4, 3)), 2: rng.normal(0, 3, (4, 3))}
    rows = [
        (seed, layer, neuron + 1, sizes[layer][seed, neuron])
        for layer, seed, neuron in itertools.product((1, 2), range(4), range(3))
    ]
    frame = pd.DataFrame(rows, columns=["seed", "layer", "neuron", "bias_gradient"]).assign(dataset="mnist")
    found = table(speed_claims.neurons(frame))
    shares = [
        sum(abs(b) > abs(a) for a, b in itertools.product(sizes[1][seed], sizes[2][seed])) / 9
        for seed in range(4)
    ]
    mostly, median = found.loc["neurons-mostly"], found.loc["neurons-median"]
    assert mostly["value"] == pytest.approx(np.mean(shares))
    assert mostly["share_of_seeds"] == np.mean([share > 0.5 for share in shares])
    ratios = np.median(np.abs(sizes[2]), 1) / np.median(np.abs(sizes[1]), 1)
    assert median["value"] == pytest.approx(stats.gmean(ratios))
    assert median["share_of_seeds"] == np.mean(ratios > 1)


def chain(kind, factors, gradients, weights=4.0):
    """Chains [chains, layers]."""
    rows = [
        (kind, chain, layer + 1, factor, gradients[chain][layer])
        for chain, layers in enumerate(factors)
        for layer, factor in enumerate(layers)
    ]
    frame = pd.DataFrame(rows, columns=["kind", "chain", "layer", "factor", "gradient"])
    return frame.assign(weight=weights)


def of_chains(factors, gradients, explosion=(15625.0, 625.0, 25.0, 1.0), weights=4.0):
    exploding = chain("exploding", [[25.0] * 4], [explosion], 100.0)
    return table(chain_claims.chains(pd.concat([chain("normal", factors, gradients, weights), exploding])))


def test_factors_are_counted_without_the_one_from_the_input():
    factors = [[9.0, 0.1, -0.2, 0.25], [9.0, -0.3, 0.1, 0.2]] * 50
    found = of_chains(factors, [[0.01, 0.1, -0.16, 1.0], [0.01, 0.1, 0.1599, 1.0]] * 50)
    usually = found.loc["chain-factor-usually"]
    assert (usually["value"], usually["seeds"]) == (pytest.approx(4 / 6), 100)
    low, high = stats.binomtest(2, 3).proportion_ci(0.95, method="wilson")
    assert low < usually["low"] < 4 / 6 < usually["high"] < high
    assert found.loc["chain-two-layers", ["value", "share_of_seeds", "verdict"]].tolist() == [0.5, 0.5, FAILS]
    assert set(found["dataset"]) == {""}


def test_the_sigmoid_is_nowhere_steeper_than_a_quarter():
    gradients = [[1.0, 1.0, 1.0, 1.0]] * 2
    found = of_chains([[9.0, 1.0, 0.2, 0.1], [9.0, -1.0, 0.2, 0.1]], gradients).loc["chain-factor-always"]
    assert found[["value", "published", "verdict"]].tolist() == [0.25, 0.25, HOLDS]
    found = of_chains([[9.0, 1.0, 0.2, 0.1], [9.0, -1.001, 0.2, 0.1]], gradients).loc["chain-factor-always"]
    assert found[["share_of_seeds", "verdict"]].tolist() == [0.5, FAILS]


def test_the_exploding_chain_grows_by_25_a_layer():
    one = ([[1.0] * 4] * 2, [[1.0] * 4] * 2)
    found = of_chains(*one).loc["chain-explodes"]
    assert found[["value", "published", "verdict"]].tolist() == [pytest.approx(25), 25, HOLDS]
    found = of_chains(*one, explosion=(15625.1, 625.0, 25.0, 1.0)).loc["chain-explodes"]
    assert found["verdict"] == FAILS

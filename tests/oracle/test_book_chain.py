"""The book's chain against autograd, neuron by neuron, and against its formula written out."""

import math

import numpy as np
import pytest
import torch

from gradgrid.book import chain
from gradgrid.core.book_tables import CHAIN
from gradgrid.core.parquet import to_arrow
from gradgrid.core.references import references

CHAINS = 2_000
TABLE = chain.table(CHAINS)
NORMAL, EXPLODING = (TABLE[TABLE["kind"] == kind] for kind in ("normal", "exploding"))
PROBLEMS = {(row.problem, row.quantity): row for row in chain.problems(TABLE)}


def by_layer(rows, column):
    return rows[column].to_numpy().reshape(-1, chain.LAYERS)


def value(problem, words):
    (found,) = (
        row.value for (name, quantity), row in PROBLEMS.items() if name == problem and words in quantity
    )
    return found


def drawn(number):
    chains = chain.random_chains(CHAINS)
    return chains.weights[number], chains.biases[number], chains.inputs[number], chains.targets[number]


@pytest.mark.parametrize("number", [0, 1, 7, CHAINS - 1])
def test_gradients_are_what_autograd_gives_for_scalar_neurons(number):
    w, b, a, target = drawn(number)
    b = [torch.tensor(bias, dtype=torch.float64, requires_grad=True) for bias in b]
    for weight, bias in zip(w, b, strict=True):
        a = 1 / (1 + torch.exp(-(weight * a + bias)))
    ((a - target) ** 2 / 2).backward()
    expected = [bias.grad.item() for bias in b]
    assert by_layer(NORMAL, "gradient")[number] == pytest.approx(expected, rel=1e-11)
    assert by_layer(NORMAL, "gradient_autograd")[number] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("number", [0, 5])
def test_the_books_expression_written_out(number):
    (w1, w2, w3, w4), (b1, b2, b3, b4), a0, y = drawn(number)

    def s(z):
        return 1 / (1 + math.exp(-z))

    def ds(z):
        return s(z) * (1 - s(z))

    z1 = w1 * a0 + b1
    z2 = w2 * s(z1) + b2
    z3 = w3 * s(z2) + b3
    z4 = w4 * s(z3) + b4
    cost = s(z4) - y
    expected = [
        ds(z1) * w2 * ds(z2) * w3 * ds(z3) * w4 * ds(z4) * cost,
        ds(z2) * w3 * ds(z3) * w4 * ds(z4) * cost,
        ds(z3) * w4 * ds(z4) * cost,
        ds(z4) * cost,
    ]
    assert by_layer(NORMAL, "gradient")[number] == pytest.approx(expected, rel=1e-11)
    assert by_layer(NORMAL, "weighted_input")[number] == pytest.approx([z1, z2, z3, z4], rel=1e-13)
    assert by_layer(NORMAL, "factor")[number, 1] == pytest.approx(w2 * ds(z2), rel=1e-13)
    assert expected[0] / expected[2] == pytest.approx(ds(z1) * w2 * ds(z2) * w3, rel=1e-13)


def test_the_identity_checks_hold_to_rounding():
    checks = [row for row in PROBLEMS.values() if "relative difference" in row.quantity]
    assert len(checks) == 3
    assert all(0 <= row.value < 1e-10 and row.expected == 0 for row in checks)


def test_a_wrong_gradient_is_seen():
    wrong = TABLE.assign(gradient=TABLE["gradient"].where(TABLE.index != 17, TABLE["gradient"] * 1.001))
    found = next(row for row in chain.problems(wrong) if "of dC/db from autograd" in row.quantity)
    assert found.value == pytest.approx(0.001, rel=1e-6)


def test_a_chain_does_not_depend_on_the_number_of_chains():
    few, many = chain.random_chains(3), chain.random_chains(50)
    for name in ("weights", "biases", "inputs", "targets"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:3])


def test_the_draws_are_standard_normal_and_uniform():
    chains = chain.random_chains(20_000)
    for values in (chains.weights, chains.biases):
        assert values.mean() == pytest.approx(0, abs=0.02)
        assert values.std() == pytest.approx(1, abs=0.02)
    for values in (chains.inputs, chains.targets):
        assert (values.min(), values.max()) == pytest.approx((0, 1), abs=1e-3)
    assert abs(np.corrcoef(chains.weights[:, 1], chains.biases[:, 1])[0, 1]) < 0.03


def test_the_exploding_chain_grows_by_the_books_factor_a_layer():
    assert (EXPLODING["weighted_input"] == 0).all()
    gradient = by_layer(EXPLODING, "gradient_autograd")[0]
    (factor,) = references()["identity-exploding-chain"].numbers
    assert gradient[:-1] / gradient[1:] == pytest.approx([factor] * 3, rel=1e-14)
    assert value("exploding chain", "dC/db ÷") == pytest.approx(factor, rel=1e-14)


def test_shares_and_medians_agree_with_a_simulation_of_its_own():
    random = np.random.default_rng(99)
    count = 200_000
    a, sizes, ratio = random.random(count), [], np.ones(count)
    for layer in range(1, chain.LAYERS + 1):
        w, b = random.standard_normal((2, count))
        a = 1 / (1 + np.exp(-(w * a + b)))
        slope = a * (1 - a)
        ratio *= {1: slope, 2: w * slope, 3: w}.get(layer, 1)
        sizes += [np.abs(w * slope)] * (layer > 1)
    sizes, ratio = np.concatenate(sizes), np.abs(ratio)
    assert value("chain", "below 0.25") == pytest.approx((sizes < 0.25).mean(), abs=0.025)
    assert value("chain", "below 1,") == pytest.approx((sizes < 1).mean(), abs=0.001)
    assert value("chain", "median |w") == pytest.approx(np.median(sizes), abs=0.01)
    assert value("chain", "at least 16 times") == pytest.approx((ratio <= 1 / 16).mean(), abs=0.03)
    assert value("chain", "median of") == pytest.approx(np.median(1 / ratio), rel=0.15)


def test_the_shares_are_at_least_what_the_weights_alone_make_certain():
    for bound in (0.25, 1):
        certain = (np.abs(by_layer(NORMAL, "weight")[:, 1:]) < 4 * bound).mean()
        assert certain <= value("chain", f"below {bound:g},") <= 1


def test_the_distributions_are_the_shares():
    curves = {frame["curve"].iloc[0]: frame.set_index("x")["y"] for frame in chain.curves(TABLE)}
    assert all(frame.is_monotonic_increasing and frame.between(0, 1).all() for frame in curves.values())
    factors = curves["factor_distribution"]
    assert factors.iloc[factors.index.get_indexer([0.25], method="nearest")[0]] == pytest.approx(
        value("chain", "below 0.25"), abs=1e-12
    )
    gradient = by_layer(NORMAL, "gradient")
    expected = (
        np.abs(gradient[:, 0]) <= np.abs(gradient[:, 2]) * curves["ratio_distribution"].index[100]
    ).mean()
    assert curves["ratio_distribution"].iloc[100] == pytest.approx(expected, abs=1e-12)


def test_the_table_has_its_columns():
    arrow = to_arrow(TABLE, CHAIN)
    assert arrow.num_rows == (CHAINS + 1) * chain.LAYERS
    assert arrow.column("gradient").null_count == 0

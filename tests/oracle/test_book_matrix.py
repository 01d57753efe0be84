"""The matrix form of the gradient (equation 124) against autograd and against plain products of full matrices."""

import functools
import itertools

import numpy as np
import pytest
import torch
import training

from gradgrid.book import matrix, recipe
from gradgrid.book.identities import identities
from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.parquet import to_arrow

IMAGES = training.images_of(training.dataset(images=20), torch.float32)
SEEDS = [0, 3]


@pytest.fixture(scope="module")
def made():
    values, rows = matrix.table(SEEDS, IMAGES)
    return values, {row.quantity: row for row in rows}


def shown(number):
    return IMAGES.probes.dense[number], IMAGES.training.targets[number]


def parameters(depth, seed=3):
    return training.initial(recipe.run(depth, seed), IMAGES)


def by_hand(depth, number):
    """dC/db and dC/da of the outputs by autograd of a network written out in float64, and all z."""
    weights = [(w.double(), b.double().requires_grad_()) for w, b in parameters(depth)]
    image, y = (tensor.double() for tensor in shown(number))
    a, zs = image, []
    for w, b in weights:
        zs.append(w @ a + b)
        a = 1 / (1 + torch.exp(-zs[-1]))
    cost = -(y * torch.log(a) + (1 - y) * torch.log(1 - a)).sum()
    *deltas, last = torch.autograd.grad(cost, [b for _, b in weights] + [a])
    return [delta.numpy() for delta in deltas], last.numpy(), [z.detach().numpy() for z in zs]


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("number", [0, 2])
def test_equation_124_is_autograd(depth, number):
    expected, cost_gradient, _ = by_hand(depth, number)
    found = matrix.factors(parameters(depth), *shown(number))
    assert len(found.deltas) == depth + 1
    np.testing.assert_allclose(found.cost_gradient, cost_gradient, rtol=1e-10)
    for deltas in (found.deltas, matrix.autograd_deltas(parameters(depth), *shown(number))):
        for delta, wanted in zip(deltas, expected, strict=True):
            np.testing.assert_allclose(delta, wanted, rtol=0, atol=1e-11 * np.abs(wanted).max())


def test_equation_124_multiplied_out():
    """Every delta of a network of depth 3, with full diagonal matrices, from the left."""
    expected, cost_gradient, zs = by_hand(3, 1)
    sigma = [np.diag(np.exp(-z) / (1 + np.exp(-z)) ** 2) for z in zs]
    w = [weights.double().numpy() for weights, _ in parameters(3)]
    found = matrix.factors(parameters(3), *shown(1))
    for layer in range(4):
        terms = [sigma[layer]]
        for later in range(layer + 1, 4):
            terms += [w[later].T, sigma[later]]
        product = functools.reduce(np.matmul, terms)
        np.testing.assert_allclose(product @ cost_gradient, expected[layer], rtol=1e-9)
        if layer < 3:
            np.testing.assert_allclose(found.products[layer] @ sigma[3], product, rtol=1e-9, atol=1e-18)


def test_the_check_is_made_on_every_network_and_sees_a_wrong_slope(made, monkeypatch):
    check = "largest relative difference of delta by equation 124 from autograd"
    assert 0 <= made[1][check].value < 1e-12
    right = matrix.slope
    monkeypatch.setattr(matrix, "slope", lambda z: right(z) * (1.01 if len(z) == recipe.WIDTH else 1))
    _, rows = matrix.table([0], IMAGES)
    worst = next(row.value for row in rows if row.quantity == check)
    assert worst == pytest.approx(1.01 ** max(matrix.DEPTHS) - 1, rel=1e-6)


def test_the_singular_values_are_those_of_the_factors(made):
    rows = made[0].query("depth == 2 and seed == 3 and image == 1")
    _, _, zs = by_hand(2, 1)
    slopes = [np.exp(-z) / (1 + np.exp(-z)) ** 2 for z in zs]
    w = [weights.double().numpy() for weights, _ in parameters(2)]
    last = np.diag(slopes[1]) @ w[2].T
    first = np.diag(slopes[0]) @ w[1].T
    expected = {
        (1, "weights"): w[1], (2, "weights"): w[2], (1, "step"): first, (2, "step"): last,
        (1, "product"): first @ last, (2, "product"): last,
    }  # fmt: skip
    expected |= {(layer, "slopes"): np.diag(s) for layer, s in enumerate(slopes, start=1)}
    assert set(zip(rows["layer"], rows["factor"], strict=True)) == set(expected)
    for (layer, factor), full in expected.items():
        found = rows[(rows["layer"] == layer) & (rows["factor"] == factor)]
        values = np.sqrt(np.linalg.eigvalsh(full.T @ full)[::-1][: min(full.shape)])
        assert found["rank"].tolist() == list(range(1, min(full.shape) + 1))
        np.testing.assert_allclose(found["singular_value"], values, rtol=1e-5, atol=1e-8)


def test_the_singular_values_keep_their_bounds(made):
    top = (
        made[0].query("rank == 1").set_index(["depth", "seed", "image", "layer", "factor"])["singular_value"]
    )
    top = top.unstack("factor")
    assert (top["slopes"] <= 0.25).all()
    assert (top["step"].dropna() <= (top["slopes"] * top["weights"]).dropna() * (1 + 1e-12)).all()
    steps = top["step"].groupby(["depth", "seed", "image"]).prod()
    assert (top["product"].xs(1, level="layer") <= steps * (1 + 1e-12)).all()


def test_the_rows_are_the_tables(made):
    values, rows = made
    top = values[values["rank"] == 1]
    steps = top[top["factor"] == "step"]["singular_value"]
    assert rows["largest singular value of any step Σ'(z) wᵀ"].value == steps.max()
    assert f"{100 * (steps < 1).mean():.1f} %" in rows["largest singular value of any step Σ'(z) wᵀ"].source
    ratios = []
    for depth, seed, number in itertools.product(matrix.DEPTHS, SEEDS, range(matrix.IMAGES)):
        deltas = matrix.autograd_deltas(parameters(depth, seed), *shown(number))
        ratios += [np.linalg.norm(a) / np.linalg.norm(b) for a, b in itertools.pairwise(deltas)]
    assert rows["median ‖delta^l‖ ÷ ‖delta^{l+1}‖"].value == pytest.approx(np.median(ratios), rel=1e-12)


def test_all_identities_have_their_tables():
    tables = identities({"chains": 2, "seeds": [1]}, IMAGES)
    assert set(tables) == {"chain", "matrix", "problems", "curves"}
    for name, frame in tables.items():
        arrow = to_arrow(frame.assign(dataset="digits"), BOOK_TABLES[name])
        nulls = {column: arrow.column(column).null_count for column in arrow.column_names}
        assert not any(count for column, count in nulls.items() if column != "expected")
    assert not tables["problems"].duplicated(["problem", "quantity"]).any()
    assert (tables["problems"]["source"].str.len() > 5).all()
    assert np.isfinite(tables["problems"]["value"]).all()

"""Theory beside measurement: the rule of layers and the factors by hand, networks against autograd and the theory."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
import training
from torch import nn

from gradgrid.core.entries import Entry
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.parquet import to_arrow
from gradgrid.core.plan import Run
from gradgrid.laboratory import comparison
from gradgrid.laboratory.comparison import Networks, compare, grid_theory, stretch, theory
from gradgrid.laboratory.propagation import propagation
from gradgrid.theory.meanfield import chi, length_map
from gradgrid.train import reference

IMAGES = training.images_of(training.dataset(images=57))
TANH, IDENTITY, LECUN = Entry("tanh"), Entry("identity"), Entry("lecun_normal")


def layers_of(*seeds):
    """Sizes [layers, seeds], layers counted from 1."""
    return pd.DataFrame(dict(enumerate(seeds)), index=range(1, len(seeds[0]) + 1))


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ([[1.0] * 7], (1, 7)),
        ([[1e-40, 1e-37, 1e-36, 1e-20, 1.0, 1e30, 1e36, 2e36]], (3, 7)),
        ([[0.0, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, math.nan]], (2, 6)),
        ([[1, 1, 0, 1, 1, 1, 1, 1, math.inf]], (4, 8)),
        ([[1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1]], (1, 6)),
        ([[1, 1, 1, 1, math.nan, 1, 1, 1, 1]], None),
        ([[0.0] * 9], None),
    ],
)
def test_a_stretch_is_the_longest_run_of_layers_in_which_every_seed_is_in_range(seeds, expected):
    assert stretch(layers_of(*seeds)) == expected


def test_factors_by_hand():
    """Each layer of a linear network doubles the gradient; its measured factors are 2, 1.5 and 3."""
    kind = Networks(10, IDENTITY, LECUN, 4.0, 0.0, 7.0)
    factors = np.array([2.0, 1.5, 3.0])
    gradients = layers_of(*(factor ** np.arange(9.0, -1, -1) for factor in factors))
    row = compare([kind], [gradients], [(2, 8)], ahead=1).iloc[0]
    mean, spread = np.log(factors).mean(), np.log(factors).std(ddof=1)
    half = (
        4.302652729911275 * spread / math.sqrt(3)
    )  # 97.5 % quantile of Student's t with 2 degrees of freedom
    assert row["factor_predicted"] == pytest.approx(2, rel=1e-12)
    assert row["factor_measured"] == pytest.approx(9 ** (1 / 3), rel=1e-12)
    assert (row["low"], row["high"]) == pytest.approx((math.exp(mean - half), math.exp(mean + half)))
    assert row["spread"] == pytest.approx(spread)
    assert (row["first_layer"], row["last_layer"], row["stability"], row["chi_1"]) == (2, 8, "diverges", 4)
    assert pd.isna(row["q_star"])
    assert row["note"] is None


@pytest.mark.parametrize("ahead", [0, 1])
def test_the_predicted_factor_is_that_of_a_gradient_that_follows_the_orbit(ahead):
    sigma_w2, sigma_b2, q = 3.0, 0.1, [9.0]
    for _ in range(9):
        q.append(length_map(TANH, sigma_w2, sigma_b2, q[-1]))
    roots = [math.sqrt(chi(TANH, sigma_w2, length)) for length in q]
    gradient = [1.0]
    for layer in range(9, 0, -1):
        gradient.insert(0, gradient[0] * roots[layer - 1 + ahead])
    kind = Networks(10, TANH, LECUN, sigma_w2, sigma_b2, q[0])
    rows = compare([kind] * 2, [layers_of(gradient)] * 2, [(1, 10), (3, 7)], ahead)
    assert rows["factor_measured"].tolist() == pytest.approx(rows["factor_predicted"].tolist(), rel=1e-12)
    assert rows["factor_measured"].nunique() == 2
    assert rows[["low", "high", "spread"]].isna().all(axis=None), "one seed has no interval"


def test_rows_without_theory_or_measurement_say_why():
    without = Networks(10, TANH, Entry("constant"), None, 0.0, None)
    short = Networks(10, TANH, LECUN, 1.0, 0.0, 1.0)
    gradients = [layers_of(0.5 ** np.arange(6.0))] * 2
    rows = compare([without, short], gradients, [(1, 6), None], ahead=1)
    assert rows["note"].tolist() == [comparison.NO_THEORY, comparison.TOO_SHORT]
    assert rows["factor_measured"].tolist() == pytest.approx([2, math.nan], nan_ok=True)
    assert rows["factor_predicted"].isna().all()
    assert rows["chi_1"].tolist() == pytest.approx([math.nan, 1], nan_ok=True)
    assert rows["first_layer"].tolist() == pytest.approx([1, math.nan], nan_ok=True)


def test_a_table_without_any_theory_has_its_columns():
    without = Networks(10, TANH, Entry("constant"), None, 0.0, None)
    rows = compare([without], [layers_of(0.5 ** np.arange(6.0))], [(1, 6)], ahead=1).assign(inputs="digits")
    arrow = to_arrow(rows, LABORATORY_TABLES["theory"])
    nulls = {name for name in arrow.column_names if arrow[name].null_count}
    assert nulls >= {"sigma_w2", "q_star", "stability", "chi_1", "factor_predicted"}
    assert arrow["note"].to_pylist() == [comparison.NO_THEORY]


SETTINGS = {
    "width": [400], "depth": 60, "inputs": 16, "seeds": [0, 1, 2],
    "activation": ["tanh", "relu", "selu"], "initializer": ["lecun_normal", "kaiming_normal", "identity", "sparse"],
}  # fmt: skip


@pytest.fixture(scope="module")
def laboratory():
    return theory(propagation(SETTINGS, 400)["propagation"], SETTINGS)


def test_at_width_400_theory_and_measurement_differ_by_less_than_a_percent(laboratory):
    both = laboratory[laboratory["note"].isna()]
    assert {"lecun_normal", "kaiming_normal"} <= set(both["initializer"])
    assert (both["factor_measured"] / both["factor_predicted"] - 1).abs().max() < 0.01
    assert both["spread"].between(1e-5, 0.01).all()


def test_what_leaves_the_range_of_float32_is_not_measured(laboratory):
    """Weights of standard deviation 0.01: a signal shrinks fivefold a layer, the gradient too."""
    sparse = laboratory[laboratory["initializer"] == "sparse"].reset_index().set_index("activation")
    assert sparse.loc["relu", "note"] == comparison.TOO_SHORT
    assert sparse["factor_measured"].isna().tolist() == sparse["note"].notna().tolist()
    others = laboratory.drop(sparse["index"])
    assert set(others["note"].dropna()) == {comparison.NO_THEORY}


def test_every_activation_has_every_initializer_once(laboratory):
    assert len(laboratory) == 12
    assert not laboratory.duplicated(["width", "activation", "initializer"]).any()
    arrow = to_arrow(laboratory, LABORATORY_TABLES["theory"])
    assert arrow["first_layer"].null_count == laboratory["first_layer"].isna().sum()
    assert set(arrow["inputs"].to_pylist()) == {"standard_normal"}


GRID = {"activation": ["tanh", "softplus"], "initializer": ["xavier_normal", "constant"]}


@pytest.fixture(scope="module")
def grid():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "GRID_SEEDS", 3)
        yield grid_theory(IMAGES, GRID)


def plain_deltas(activation, seed):
    """Root mean square of dC/dz of each hidden layer, C an image's own cost, by autograd."""
    run = Run(
        training.cell(depth=8, width=30, activation=activation, initializer=Entry("xavier_normal")), seed
    )
    network = reference.build(training.initial(run, IMAGES), activation)
    z, x = [], IMAGES.probes.dense
    for module in network:
        x = module(x)
        if isinstance(module, nn.Linear):
            z.append(x)
    targets = IMAGES.training.targets[: len(x)]
    cost = nn.functional.binary_cross_entropy_with_logits(x, targets, reduction="sum")
    return [delta.square().mean().sqrt().item() for delta in torch.autograd.grad(cost, z[:-1])]


@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_in_the_grid_the_deltas_of_single_images_are_measured(grid, activation):
    sizes = [plain_deltas(Entry(activation), seed) for seed in range(3)]
    logs = [math.log(of[0] / of[-1]) / 7 for of in sizes]
    row = grid.query("activation == @activation and initializer == 'xavier_normal'").iloc[0]
    assert row["factor_measured"] == pytest.approx(math.exp(np.mean(logs)), rel=1e-9)
    assert row["spread"] == pytest.approx(np.std(logs, ddof=1), rel=1e-6)


@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_in_the_grid_the_orbit_begins_with_the_images(grid, activation):
    gain = {
        "tanh": 5 / 3,
        "softplus": comparison.variance(Entry("kaiming_normal"), Entry("softplus"), 1, 1) ** 0.5,
    }
    mean_square = float(IMAGES.probes.dense.square().mean())
    q = [gain[activation] ** 2 * 2 * 784 / (784 + 30) * mean_square + 1.0]
    sigma_w2 = gain[activation] ** 2
    for _ in range(6):
        q.append(length_map(Entry(activation), sigma_w2, 1.0, q[-1]))
    expected = math.prod(chi(Entry(activation), sigma_w2, length) for length in q) ** (1 / 14)
    row = grid.query("activation == @activation and initializer == 'xavier_normal'").iloc[0]
    assert row["factor_predicted"] == pytest.approx(expected, rel=1e-10)
    assert row["factor_measured"] == pytest.approx(expected, rel=0.2), "a rough guide at width 30"
    assert (row["sigma_b2"], row["width"], row["first_layer"], row["last_layer"]) == (1, 30, 1, 8)


def test_grid_rows_fit_the_table(grid):
    assert set(grid["inputs"]) == {IMAGES.name}
    assert grid["note"].isna().tolist() == [True, False, True, False]
    assert to_arrow(grid, LABORATORY_TABLES["theory"]).num_rows == 4

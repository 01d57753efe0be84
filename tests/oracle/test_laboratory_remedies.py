"""Remedies: every rung ends where the plain loop ends, its slope is the grid's, and the ladders hold what they say."""

import itertools

import pytest
import torch
import training

from gradgrid.analysis.slope import gradient_slope
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.parquet import to_arrow
from gradgrid.core.plan import Run
from gradgrid.core.remedies import effects
from gradgrid.laboratory.ladders import HARD, rungs
from gradgrid.laboratory.remedies import RECIPE, remedies
from gradgrid.train import reference
from gradgrid.train.trainer import data_order, train

DATA = training.dataset(images=2 * RECIPE.minibatch + 7)
IMAGES, FLOAT32 = training.images_of(DATA), training.images_of(DATA, torch.float32)
SETTINGS = {
    "width": 6, "steps": 7, "learning_rate": [0.1, 0.5], "adam_learning_rate": [0.01], "large_learning_rate": 0.3,
    "norm": 0.5, "value": 0.02, "seeds": [0, 3],
}  # fmt: skip
DEPTH = 3
RUNGS = rungs(SETTINGS["norm"], SETTINGS["value"])


@pytest.fixture(scope="module")
def table():
    """All rungs of depth 3, in float64."""
    return remedies(SETTINGS, DEPTH, IMAGES)


def plain(rung, rate, seed):
    """Accuracy and cost of the plain loop on the validation images after two epochs of three minibatches and one."""
    run = Run(rung.cell(DEPTH, SETTINGS["width"], rate), seed)
    cell = run.cell
    network = reference.build(
        training.initial(run, IMAGES), cell.activation, cell.normalization, cell.residual
    )
    dense = torch.from_numpy(IMAGES.training.images.toarray())
    orders = [torch.from_numpy(data_order(seed, epoch, IMAGES.size)) for epoch in (1, 2, 3)]
    cut = [part for order in orders for part in order.split(RECIPE.minibatch)][: SETTINGS["steps"]]
    assert [len(part) for part in cut] == [20, 20, 7, 20, 20, 7, 20]
    pairs = ((dense[part], IMAGES.training.targets[part]) for part in cut)
    reference.train(network, cell, "cross_entropy", 0.0, pairs)
    network.eval()
    with torch.no_grad():
        z = network(torch.from_numpy(DATA.validation_images).double())
    labels = torch.from_numpy(DATA.validation_labels)
    targets = torch.nn.functional.one_hot(labels, 10).double()
    right = (z.argmax(1) == labels).double().mean()
    return right.item(), reference.mean_cost("cross_entropy", z, targets).item()


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: f"{rung.ladder}, {rung.case}: {rung.rung}")
def test_every_rung_ends_where_the_plain_loop_ends(rung, table):
    at = (table[["ladder", "case", "rung"]] == [rung.ladder, rung.case, rung.rung]).all(axis=1)
    found = table[at].sort_values("seed").iloc[-1]
    accuracy, loss = plain(rung, found["learning_rate"], found["seed"])
    assert found["validation_accuracy"] == pytest.approx(accuracy)
    assert found["validation_loss"] == pytest.approx(loss, rel=1e-6)


def test_the_slope_is_that_of_the_grids_own_training(table):
    short = RECIPE.model_copy(update={"digits_epochs": 1})
    for rung in RUNGS:
        if rung.ladder in ("activation", "initializer", "normalization"):
            run = Run(rung.cell(DEPTH, SETTINGS["width"], 0.1), 3)
            (expected,) = gradient_slope(
                train([run], IMAGES, short, lambda taken: None).tables()["gradients"]
            )
            found = table.loc[table["run_id"] == run.run_id, "gradient_slope"]
            assert found.tolist() == pytest.approx([expected] * len(found))
            assert len(found)


def test_a_rung_changes_what_its_ladder_says_and_nothing_else():
    changed = {
        name: {
            factor
            for rung in RUNGS
            if rung.ladder == name
            for factor in HARD
            if rung.factors[factor] != HARD[factor]
        }
        for name in dict.fromkeys(rung.ladder for rung in RUNGS)
    }
    assert changed == {
        "activation": {"activation"}, "initializer": {"activation", "initializer"}, "optimizer": {"optimizer"},
        "clipping": {"activation", "initializer", "clipping"}, "normalization": {"normalization", "residual"},
        "combined": {"activation", "initializer", "optimizer", "normalization", "residual"},
    }  # fmt: skip
    for _, ladder in itertools.groupby(RUNGS, key=lambda rung: (rung.ladder, rung.case)):
        steps = list(ladder)
        assert [rung.position for rung in steps] == list(range(1, len(steps) + 1))
        if steps[0].ladder == "combined":
            pairs = itertools.pairwise(rung.factors for rung in steps)
            assert [sum(one[f] != other[f] for f in HARD) for one, other in pairs] == [1] * 5
        assert len({rung.rung for rung in steps}) == len(steps)


def test_every_rung_is_trained_at_the_rates_of_its_optimizer_and_clipping_at_the_large_one(table):
    for rung, rows in table.groupby("rung"):
        for optimizer, of_optimizer in rows[rows["ladder"] != "clipping"].groupby("optimizer"):
            rates = SETTINGS["adam_learning_rate" if optimizer == "adam" else "learning_rate"]
            assert sorted(of_optimizer["learning_rate"].unique()) == rates, rung
    assert set(table[table["ladder"] == "clipping"]["learning_rate"]) == {0.3}
    assert set(table["seed"]) == {0, 3}
    assert not table.duplicated(["ladder", "case", "rung", "learning_rate", "seed"]).any()


def test_the_best_rate_has_the_fewest_diverged_runs_and_then_the_highest_mean(table):
    for _, rung in table.groupby(["ladder", "case", "rung"]):
        rates = rung.groupby("learning_rate").agg(
            lost=("status", lambda status: (status == "diverged").sum()),
            mean=("validation_accuracy", "mean"), best=("best", "all"), some=("best", "any"),
        )  # fmt: skip
        assert rates["best"].sum() == rates["some"].sum() == 1
        chosen = rates[rates["best"]].iloc[0]
        fewest = rates[rates["lost"] == rates["lost"].min()]
        assert chosen["lost"] == rates["lost"].min()
        assert not (fewest["mean"] > chosen["mean"]).any()


def test_a_run_that_diverges_keeps_its_row_without_accuracy_and_is_not_averaged():
    found = remedies(
        SETTINGS | {"learning_rate": [1e30], "large_learning_rate": 1e30, "steps": 4}, DEPTH, FLOAT32
    )
    lost = found["status"] == "diverged"
    assert lost.any()
    assert not lost.all()
    assert found.loc[lost, ["validation_accuracy", "validation_loss"]].isna().all(axis=None)
    assert found.loc[~lost, "validation_accuracy"].notna().all()
    assert found["gradient_slope"].notna().all()
    arrow = to_arrow(found.assign(dataset="digits"), LABORATORY_TABLES["remedies"])
    assert arrow["validation_accuracy"].null_count == lost.sum()
    rung = effects(found).set_index(["ladder", "case", "rung"])
    assert rung.loc[("initializer", "relu", "normal"), "diverged"] == 2


def test_other_rates_and_seeds_change_nothing_bit_for_bit():
    few = remedies(SETTINGS | {"learning_rate": [0.5], "seeds": [3]}, DEPTH, FLOAT32)
    many = remedies(SETTINGS, DEPTH, FLOAT32)
    measures = ["validation_accuracy", "validation_loss", "gradient_slope"]
    same = many.drop_duplicates("run_id").set_index("run_id").loc[few["run_id"], measures]
    assert same.to_numpy().tolist() == few[measures].to_numpy().tolist()

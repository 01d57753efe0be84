"""Probes, evaluation, clipping records and divergence against the plain loop and autograd, in float64."""

import math

import numpy as np
import pytest
import torch
import training
from torch import nn

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries
from gradgrid.train import reference
from gradgrid.train.evaluation import evaluate
from gradgrid.train.gains import largest_slope
from gradgrid.train.images import BLOCK
from gradgrid.train.probes import SATURATED_BELOW, measure
from gradgrid.train.stack import Stack
from gradgrid.train.trainer import data_order, train

IMAGES = training.images_of(training.dataset(images=57))
SEVERAL_BLOCKS = training.images_of(training.dataset(images=BLOCK + 57))
DECAY = 5.0 / 57
CELL = {"depth": 3, "learning_rate": 0.1}


def reference_network(run, images=IMAGES):
    return reference.build(training.initial(run, images), run.cell.activation)


def layer_outputs(network, x):
    """Activations of the hidden layers and pre-activations of the output layer, by the modules themselves."""
    outputs = []
    for module in network:
        x = module(x)
        if not isinstance(module, nn.Linear):
            outputs.append(x)
    return outputs, x


def expected_measures(run, loss, images):
    network = reference_network(run, images)
    x, targets = images.probes.dense, images.training.targets
    reference.mean_cost(loss, network(x), targets).backward()
    linears = [layer for layer in network if isinstance(layer, nn.Linear)]
    hidden, z = layer_outputs(network, x)
    outputs = torch.softmax(z, -1) if loss == "softmax_cross_entropy" else torch.sigmoid(z)
    gradients = torch.stack([layer.weight.grad.norm() for layer in linears])
    weights = torch.stack([layer.weight.norm() for layer in linears]).detach()
    return {
        "bias_gradient_norm": torch.stack([layer.bias.grad.norm() for layer in linears]),
        "weight_gradient_norm": gradients,
        "weight_norm": weights,
        "update_ratio": run.cell.learning_rate * gradients / weights,
        "activation_mean": torch.stack([a.mean() for a in (*hidden, outputs)]).detach(),
        "activation_std": torch.stack([a.std(correction=0) for a in (*hidden, outputs)]).detach(),
    }


@pytest.mark.parametrize("images", [IMAGES, SEVERAL_BLOCKS], ids=["one block", "several blocks"])
@pytest.mark.parametrize("loss", entries("losses"))
@pytest.mark.parametrize("activation", ["sigmoid", "relu", "gelu"])
def test_probes_measure_what_autograd_gives(activation, loss, images):
    names = ["lecun_normal", "normal", "constant"]
    runs = [Run(training.cell(activation=Entry(activation), initializer=Entry(n), **CELL), 0) for n in names]
    stack = Stack(runs, [training.initial(run, images) for run in runs], loss, DECAY)
    with torch.inference_mode():
        found = measure(stack, images.probes, largest_slope(Entry(activation)))
    for i, run in enumerate(runs):
        for name, expected in expected_measures(run, loss, images).items():
            torch.testing.assert_close(found[name][i], expected, rtol=1e-9, atol=1e-13, msg=name)


@pytest.mark.parametrize("images", [IMAGES, SEVERAL_BLOCKS], ids=["one block", "several blocks"])
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_saturated_and_dead_shares(activation, images):
    cell = training.cell(activation=Entry(activation), initializer=Entry.of("normal", {"std": 3.0}), depth=2)
    run = Run(cell, 1)
    stack = Stack([run], [training.initial(run, images)], "cross_entropy", DECAY)
    found = measure(stack, images.probes, largest_slope(Entry(activation)))
    hidden, _ = layer_outputs(reference_network(run, images), images.probes.dense)
    for layer, a in enumerate(hidden):
        slope = a * (1 - a) if activation == "sigmoid" else (a > 0).double()
        saturated = (slope < SATURATED_BELOW * (0.25 if activation == "sigmoid" else 1)).double().mean()
        assert found["saturated_fraction"][0, layer] == pytest.approx(saturated.item(), abs=1e-6)
        assert found["dead_fraction"][0, layer] == pytest.approx(
            (slope == 0).all(0).double().mean().item(), abs=1e-6
        )
    assert found["saturated_fraction"][0, 0] > 0
    assert found["saturated_fraction"][0, -1].isnan()
    assert found["dead_fraction"][0, -1].isnan()


def test_evaluation_in_blocks_is_that_of_the_whole_split():
    images = training.images_of(training.dataset(images=601))
    run = Run(training.cell(), 0)
    stack = Stack([run], [training.initial(run, images)], "cross_entropy", DECAY)
    loss, accuracy = evaluate(stack, images.splits["validation"])
    data = training.dataset(images=601)
    x, labels = torch.from_numpy(data.validation_images).double(), torch.from_numpy(data.validation_labels)
    network = reference.build(training.initial(run, images), run.cell.activation)
    z = network(x)
    expected = reference.mean_cost("cross_entropy", z, torch.eye(10, dtype=torch.float64)[labels])
    assert len(images.splits["validation"]) == 3
    assert loss.item() == pytest.approx(expected.item(), rel=1e-10)
    assert accuracy.item() == pytest.approx((z.argmax(1) == labels).double().mean().item(), rel=1e-12)


def trained(runs, images=IMAGES, **settings):
    with torch.inference_mode():
        return train(runs, images, Training(minibatch=10, **settings), lambda steps: None).tables()


def epoch(run, number):
    """One epoch's minibatches (images, targets) as the trainer draws them."""
    order = torch.from_numpy(data_order(run.seed, number, IMAGES.size))
    dense = torch.from_numpy(IMAGES.training.images.toarray())[order]
    return zip(dense.split(10), IMAGES.training.targets[order].split(10), strict=True)


def test_the_training_loop_ends_where_the_plain_loop_ends():
    run = Run(training.cell(**CELL), 3)
    tables = trained([run], digits_epochs=2, measure_steps=(7, 12))
    network = reference_network(run)
    minibatches = [pair for number in (1, 2) for pair in epoch(run, number)]
    for step in (7, 12):
        part = minibatches[:7] if step == 7 else minibatches[7:]
        reference.train(network, run.cell, "cross_entropy", DECAY, part)
        norms = [layer.weight.norm().item() for layer in network if isinstance(layer, nn.Linear)]
        rows = tables["gradients"].query("step == @step").sort_values("layer")
        assert rows["weight_norm"].to_numpy() == pytest.approx(norms, rel=1e-9)
        assert rows["epoch"].iloc[0] == pytest.approx(step / 6)
    z = network(torch.from_numpy(training.dataset(images=57).test_images).double())
    expected = (z.argmax(1).numpy() == training.dataset(images=57).test_labels).mean()
    assert tables["runs"]["test_accuracy"].item() == pytest.approx(expected)
    assert sorted(set(tables["gradients"]["step"])) == [0, 7, 12]
    assert sorted(zip(tables["accuracy"]["step"], tables["accuracy"]["split"], strict=True)) == [
        *[(step, split) for step in (0, 6) for split in ("train", "validation")],
        *[(12, split) for split in ("test", "train", "validation")],
    ]


@pytest.mark.parametrize(
    "clipping", [Entry.of("norm", {"threshold": 1.2}), Entry.of("value", {"threshold": 0.05})]
)
def test_clipping_records_against_the_plain_loop(clipping):
    run = Run(training.cell(clipping=clipping, initializer=Entry("normal"), **CELL), 0)
    found = trained([run], digits_epochs=1)["clipping"].iloc[0]
    network, norms, clipped = reference_network(run), [], []
    optimizer = reference._optimizer(network, run.cell, DECAY)
    for images, targets in epoch(run, 1):
        optimizer.zero_grad()
        reference.mean_cost("cross_entropy", network(images), targets).backward()
        before = [p.grad.clone() for p in network.parameters()]
        norms.append(math.sqrt(sum(g.square().sum().item() for g in before)))
        reference.clip(network, clipping)
        clipped.append(
            any(not torch.equal(p.grad, b) for p, b in zip(network.parameters(), before, strict=True))
        )
        optimizer.step()
    assert found["gradient_norm_median"] == pytest.approx(np.median(norms), rel=1e-9)
    assert found["gradient_norm_p95"] == pytest.approx(np.quantile(norms, 0.95), rel=1e-9)
    assert found["gradient_norm_max"] == pytest.approx(max(norms), rel=1e-9)
    assert found["clipped_fraction"] == pytest.approx(np.mean(clipped))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_divergence_is_located_where_the_plain_loop_meets_it(optimizer):
    """By weight decay times a large learning rate, which takes weights out of range whatever sums are rounded to."""
    images = training.images_of(training.dataset(images=57), torch.float32)
    settings = {"depth": 3, "width": 12, "optimizer": Entry(optimizer)}
    cell = training.cell(**settings, learning_rate=1e4)
    run = Run(cell, 0)
    tables = train([run, Run(training.cell(**settings), 0)], images,
                   Training(minibatch=10, digits_epochs=3), lambda steps: None).tables()  # fmt: skip
    bad, good = tables["runs"].iloc[0], tables["runs"].iloc[1]
    assert (bad["status"], good["status"]) == ("diverged", "completed")
    network = reference.build(training.initial(run, images), cell.activation)
    steps = [pair for number in (1, 2, 3) for pair in epoch(run, number)]
    finite = []
    for x, targets in steps:
        reference.train(network, cell, "cross_entropy", DECAY, [(x.float(), targets.float())])
        finite.append(all(torch.isfinite(p).all() for p in network.parameters()))
    assert bad["diverged_at_step"] == finite.index(False) + 1 > 6
    assert 1 <= bad["diverged_layer"] <= 4
    rows = tables["gradients"][tables["gradients"].run_id == run.run_id]
    late = rows["step"] >= bad["diverged_at_step"]
    assert late.any()
    assert rows.loc[late, "weight_norm"].isna().all()
    assert rows.loc[~late, "weight_norm"].notna().all()
    assert math.isnan(bad["validation_accuracy"])
    assert len(rows) == (tables["gradients"].run_id != run.run_id).sum(), "a diverged run keeps all its rows"


def test_seeds_share_their_data_order_and_epochs_do_not():
    assert np.array_equal(data_order(1, 1, 100), data_order(1, 1, 100))
    assert not np.array_equal(data_order(1, 1, 100), data_order(1, 2, 100))
    assert not np.array_equal(data_order(1, 1, 100), data_order(2, 1, 100))
    assert np.array_equal(np.sort(data_order(1, 1, 100)), np.arange(100))


def test_measuring_more_often_changes_no_number():
    run = Run(training.cell(clipping=Entry.of("norm", {"threshold": 1.0})), 0)
    often, seldom = (
        trained([run], digits_epochs=2, measure_steps=steps) for steps in ((1, 2, 3, 6, 12), (12,))
    )
    last = [t["gradients"].query("step == 12").drop(columns="run") for t in (often, seldom)]
    assert np.array_equal(last[0].select_dtypes("number"), last[1].select_dtypes("number"), equal_nan=True)


def test_without_clipping_its_table_is_empty_and_has_its_columns():
    tables = trained([Run(training.cell(), 0)], digits_epochs=1)
    with_clipping = trained(
        [Run(training.cell(clipping=Entry.of("norm", {"threshold": 1.0})), 0)], digits_epochs=1
    )
    assert len(tables["clipping"]) == 0
    assert set(tables["clipping"]) == set(with_clipping["clipping"])

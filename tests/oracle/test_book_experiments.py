"""The chapter's experiments on speed and accuracy against autograd and the plain loop, in float64."""

import pytest
import torch
import training
from torch import nn

from gradgrid.book import recipe
from gradgrid.book.learning import accuracy, initialization
from gradgrid.book.speed import initial_speed, training_speed
from gradgrid.core.entries import Entry
from gradgrid.train import reference
from gradgrid.train.evaluation import evaluate
from gradgrid.train.stack import Stack
from gradgrid.train.trainer import data_order

IMAGES = training.images_of(training.dataset(images=recipe.FULL_BATCH + 41))
SMALL = training.images_of(training.dataset(images=57))


def plain(run, images=IMAGES):
    return reference.build(training.initial(run, images), run.cell.activation)


def probe_gradients(network, images=IMAGES):
    """The network's layers, with the mean gradients on the probe images."""
    network.zero_grad()
    targets = images.training.targets[: len(images.probes.dense)]
    reference.mean_cost("cross_entropy", network(images.probes.dense), targets).backward()
    return [module for module in network if isinstance(module, nn.Linear)]


@pytest.fixture(scope="module")
def untrained():
    return initial_speed({"depth": [1, 3], "steepness": [1.0, 4.0], "seeds": [0, 5]}, IMAGES)


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("seed", [0, 5])
def test_initial_speeds_are_what_autograd_gives(untrained, depth, seed):
    rows = untrained["initial_speed"].query("depth == @depth and seed == @seed").sort_values("layer")
    layers = probe_gradients(plain(recipe.run(depth, seed)))
    assert rows["layer"].tolist() == list(range(1, depth + 2))
    assert rows["bias_gradient_norm"].tolist() == pytest.approx([la.bias.grad.norm().item() for la in layers])
    assert rows["weight_gradient_norm"].tolist() == pytest.approx(
        [la.weight.grad.norm().item() for la in layers]
    )


def test_every_neurons_gradient_is_what_autograd_gives(untrained):
    rows = untrained["neurons"].query("seed == 5").sort_values(["layer", "neuron"])
    first, second, _ = probe_gradients(plain(recipe.run(2, 5)))
    expected = torch.cat([first.bias.grad, second.bias.grad]).tolist()
    assert rows["bias_gradient"].tolist() == pytest.approx(expected)
    assert rows["neuron"].tolist() == [*range(1, 31), *range(1, 31)]


def test_steeper_sigmoids_are_measured_at_the_greatest_depth(untrained):
    steep = untrained["steepness"]
    assert sorted(set(zip(steep["steepness"], steep["depth"], strict=True))) == [(1.0, 3), (4.0, 3)]
    run = recipe.run(3, 0, activation=Entry.of("sigmoid", {"steepness": 4.0}))
    expected = [layer.bias.grad.norm().item() for layer in probe_gradients(plain(run))]
    rows = steep.query("seed == 0 and steepness == 4").sort_values("layer")
    assert rows["bias_gradient_norm"].tolist() == pytest.approx(expected)


def test_speeds_through_training_are_those_of_full_batch_gradient_descent():
    settings = {"depth": 2, "activation": ["sigmoid", "tanh"], "seeds": [0, 3], "steps": 4}
    rows = training_speed(settings, IMAGES)
    assert len(rows) == 2 * 2 * 4 * 3
    batch = IMAGES.probes.dense, IMAGES.training.targets[: recipe.FULL_BATCH]
    for activation in ("sigmoid", "tanh"):
        run = recipe.run(2, 3, activation=Entry(activation))
        network = plain(run)
        for step in range(4):
            layers = probe_gradients(network)
            found = rows.query(f"activation == '{activation}' and seed == 3 and step == {step}").sort_values(
                "layer"
            )
            biases, weights = (
                [getattr(la, p).grad.norm().item() for la in layers] for p in ("bias", "weight")
            )
            assert found["bias_gradient_norm"].tolist() == pytest.approx(biases, rel=1e-8)
            assert found["weight_gradient_norm"].tolist() == pytest.approx(weights, rel=1e-8)
            reference.train(network, run.cell, "cross_entropy", 5.0 / recipe.FULL_BATCH, [batch])


def plainly_trained(run, epochs):
    """A run after some epochs of the book's recipe by the plain loop, as a stack that can be evaluated."""
    network = plain(run, SMALL)
    for epoch in range(1, epochs + 1):
        order = torch.from_numpy(data_order(run.seed, epoch, SMALL.size))
        images = torch.from_numpy(SMALL.training.images.toarray())[order].split(10)
        targets = SMALL.training.targets[order].split(10)
        reference.train(network, run.cell, "cross_entropy", 5.0 / 57, zip(images, targets, strict=True))
    parameters = [(m.weight.data, m.bias.data) for m in network if isinstance(m, nn.Linear)]
    return Stack([run], [parameters], "cross_entropy", 0.0)


def test_accuracy_is_that_of_the_plain_loop_after_every_epoch():
    rows = accuracy({"depth": 2, "seeds": [0, 3], "epochs": 2}, SMALL)
    assert sorted(rows.query("seed == 0")["epoch"]) == [0, 0, 1, 1, 2, 2, 2]
    for epoch in (0, 1, 2):
        _, expected = evaluate(plainly_trained(recipe.run(2, 3), epoch), SMALL.splits["validation"])
        found = rows.query("seed == 3 and epoch == @epoch and split == 'validation'")["accuracy"].item()
        assert found == pytest.approx(expected.item())


def test_the_comparison_of_initial_weights_has_every_width_initializer_and_seed():
    settings = {"width": 8, "initializer": ["normal", "lecun_normal"], "seeds": [0, 1], "epochs": 1}
    rows = initialization(settings, SMALL)
    assert set(rows["width"]) == {8}
    ends = rows.query("epoch == 1 and split == 'validation'")
    assert sorted(zip(ends["initializer"], ends["seed"], strict=True)) == [
        (name, seed) for name in ("lecun_normal", "normal") for seed in (0, 1)
    ]
    run = recipe.run(1, 1, width=8, initializer=Entry("normal"))
    _, expected = evaluate(plainly_trained(run, 1), SMALL.splits["validation"])
    assert ends.query("initializer == 'normal' and seed == 1")["accuracy"].item() == pytest.approx(
        expected.item()
    )

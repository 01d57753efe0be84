"""Normalized and residual hidden layers against ``torch.nn``, the plain loop and autograd, in float64."""

import itertools

import numpy as np
import pytest
import torch
import training
from torch import nn
from training import of_module, of_stack

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries
from gradgrid.train import normalization, reference
from gradgrid.train.evaluation import evaluate
from gradgrid.train.gains import largest_slope
from gradgrid.train.images import BLOCK
from gradgrid.train.initialization import initialize
from gradgrid.train.normalization import Normalization
from gradgrid.train.probes import measure
from gradgrid.train.stack import Stack
from gradgrid.train.trainer import data_order, train

IMAGES = training.images_of(training.dataset(images=57))
SEVERAL_BLOCKS = training.images_of(training.dataset(images=BLOCK + 57))
DECAY = 5.0 / 57
NORMS = nn.BatchNorm1d | nn.LayerNorm
KINDS = [None, *map(Entry, entries("normalization"))]
FORMS = [form for form in itertools.product(KINDS, (False, True)) if form != (None, False)]
CLIPPINGS = [None, *(Entry.of("norm", {"threshold": t}) for t in (0.3, 2.0)),
             *(Entry.of("value", {"threshold": t}) for t in (1e-3, 0.1))]  # fmt: skip
every_form = pytest.mark.parametrize(("kind", "residual"), FORMS)


def runs_of(kind, residual, **changes):
    return [
        Run(training.cell(normalization=kind, residual=residual, clipping=clipping, **changes), seed)
        for seed, clipping in enumerate(CLIPPINGS)
    ]


@every_form
@pytest.mark.parametrize("optimizer", entries("optimizers"))
@pytest.mark.parametrize("activation", ["sigmoid", "relu", "elu"])
@pytest.mark.parametrize("size", [10, 57])
def test_every_optimizer_and_clipping_ends_where_the_plain_loop_ends(
    kind, residual, optimizer, activation, size
):
    rate = 0.01 if optimizer == "adam" else 0.1
    changes = {"optimizer": Entry(optimizer), "activation": Entry(activation), "depth": 3}
    runs = runs_of(kind, residual, learning_rate=rate, **changes)
    network = training.stacked(runs, IMAGES, "cross_entropy", DECAY, size).network
    for i, run in enumerate(runs):
        expected = of_module(training.plainly_trained(run, IMAGES, "cross_entropy", DECAY, size))
        for name, found in of_stack(network, i).items():
            # The gradient of biases before batch normalization is zero; Adam divides two roundings of it.
            adrift = name in ("biases", "means") and kind == Entry("batch") and optimizer == "adam"
            slack = 1e-7 if adrift else 1e-10
            torch.testing.assert_close(found, expected[name], rtol=1e-8, atol=slack, msg=name)
    if kind:
        first = network.normalizations[0]
        assert (first.gains[: len(runs)] != 1).any(2).all(), "gains learn"
        assert (first.shifts[: len(runs)] != 0).any(2).all(), "shifts learn"


@every_form
def test_the_dense_update_of_strong_weight_decay(kind, residual):
    runs = runs_of(kind, residual, learning_rate=0.5)
    network = training.stacked(runs, IMAGES, "quadratic", 0.9, 10).network
    for i, run in enumerate(runs):
        expected = of_module(training.plainly_trained(run, IMAGES, "quadratic", 0.9, 10))
        torch.testing.assert_close(of_stack(network, i), expected, rtol=1e-8, atol=1e-10)


@every_form
def test_evaluation_is_that_of_the_module_in_eval_mode(kind, residual):
    images = training.images_of(training.dataset(images=607))
    data = training.dataset(images=607)
    x, labels = torch.from_numpy(data.validation_images).double(), torch.from_numpy(data.validation_labels)
    runs = runs_of(kind, residual, activation=Entry("tanh"))
    loss, accuracy = evaluate(
        training.stacked(runs, images, "cross_entropy", DECAY, 10), images.splits["validation"]
    )
    for i, run in enumerate(runs):
        network = training.plainly_trained(run, images, "cross_entropy", DECAY, 10).eval()
        z = network(x)
        expected = reference.mean_cost("cross_entropy", z, torch.eye(10, dtype=torch.float64)[labels])
        assert loss[i].item() == pytest.approx(expected.item(), rel=1e-8)
        assert accuracy[i].item() == pytest.approx((z.argmax(1) == labels).double().mean().item())


@every_form
def test_before_any_step_running_statistics_are_zero_and_one(kind, residual):
    run = runs_of(kind, residual)[0]
    stack = Stack([run], [training.initial(run, IMAGES)], "cross_entropy", DECAY)
    loss, _ = evaluate(stack, IMAGES.splits["train"])
    network = training.plain(run, IMAGES).eval()
    z = network(IMAGES.probes.dense)
    expected = reference.mean_cost("cross_entropy", z, IMAGES.training.targets)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-10)


def expected_measures(network, cell, images):
    """What autograd gives in training mode, block by block, and the hidden activations."""
    hidden, linears = [], [module for module in network.modules() if isinstance(module, nn.Linear)]
    blocks = images.probes.dense.split(BLOCK), images.training.targets.split(BLOCK)
    for x, targets in zip(*blocks, strict=True):
        z = network.train()(x)
        (reference.mean_cost("cross_entropy", z, targets) * len(x) / images.size).backward()
        hidden.append(hidden_activations(network, x))
    norms = [module for module in network.modules() if isinstance(module, NORMS)]
    shifts = [*(norms or linears[:-1]), linears[-1]]
    activations = [torch.cat(of_blocks) for of_blocks in zip(*hidden, strict=True)]
    return {
        "bias_gradient_norm": torch.stack([module.bias.grad.norm() for module in shifts]),
        "weight_gradient_norm": torch.stack([linear.weight.grad.norm() for linear in linears]),
        "activation_mean": torch.stack([a.mean() for a in activations]),
        "activation_std": torch.stack([a.std(correction=0) for a in activations]),
    }, linears


def hidden_activations(network, x):
    """Outputs of the hidden layers, by the modules themselves."""
    outputs = []
    for module in network[:-1]:
        x = module(x)
        if not isinstance(module, nn.Linear | NORMS):
            outputs.append(x.detach())
    return outputs


@every_form
@pytest.mark.parametrize("images", [IMAGES, SEVERAL_BLOCKS], ids=["one block", "several blocks"])
@pytest.mark.parametrize("activation", ["sigmoid", "gelu"])
def test_probes_measure_what_autograd_gives_in_training_mode(kind, residual, images, activation):
    cell = training.cell(normalization=kind, residual=residual, activation=Entry(activation), depth=3)
    runs = [Run(cell, seed) for seed in range(3)]
    stack = Stack(runs, [training.initial(run, images) for run in runs], "cross_entropy", DECAY)
    before = [of_stack(stack.network, i) for i in range(len(runs))]
    found = measure(stack, images.probes, largest_slope(cell.activation))
    for i, run in enumerate(runs):
        expected, linears = expected_measures(training.plain(run, images), cell, images)
        for name, values in expected.items():
            hidden = slice(None, len(values))
            torch.testing.assert_close(found[name][i][hidden], values, rtol=1e-8, atol=1e-12, msg=name)
        if kind == Entry("batch"):
            assert all(linear.bias.grad.norm() < 1e-13 for linear in linears[:-1]), "dC/db is zero"
        torch.testing.assert_close(of_stack(stack.network, i), before[i], rtol=0, atol=0)


@pytest.mark.parametrize("name", entries("normalization"))
@pytest.mark.parametrize("shape", [(3, 7, 5), (2, 2, 30)])
def test_forward_and_backward_of_one_layer(name, shape):
    runs, _, width = shape
    random = torch.Generator().manual_seed(1)
    z, outer = (torch.randn(shape, generator=random, dtype=torch.float64) for _ in range(2))
    layer = Normalization(getattr(normalization, name)(), torch.zeros(runs, 1, width, dtype=torch.float64))
    layer.gains, layer.shifts = (
        torch.randn(runs, 1, width, generator=random, dtype=torch.float64) for _ in range(2)
    )
    y, standard = layer.forward(z, running=False)
    layer.remember(standard)
    back = layer.backward(outer, standard)
    for run in range(runs):
        module = reference._NORMALIZATIONS[name](width, dtype=torch.float64)
        module.weight.data, module.bias.data = layer.gains[run, 0].clone(), layer.shifts[run, 0].clone()
        x = z[run].clone().requires_grad_()
        expected = module(x)
        expected.backward(outer[run])
        torch.testing.assert_close(y[run], expected)
        gradients = (x.grad, module.weight.grad[None], module.bias.grad[None])
        torch.testing.assert_close(tuple(found[run] for found in back), gradients)
        torch.testing.assert_close(layer.forward(z, running=True)[0][run], module.eval()(x))


@every_form
def test_lsuv_sees_the_inputs_that_the_layer_has(kind, residual):
    cell = training.cell(
        normalization=kind, residual=residual, initializer=Entry("lsuv"), activation=Entry("relu"),
        depth=4, width=20,
    )  # fmt: skip
    parameters = initialize(Run(cell, 0), "normal", IMAGES.probes.dense.float(), training.CLASSES)
    network = reference.build(parameters, cell.activation, kind, residual)
    inputs = hidden_activations(network, IMAGES.probes.dense.float())
    for (weight, _), a in zip(parameters[1:], inputs, strict=True):
        assert (a @ weight.T).var(correction=0).item() == pytest.approx(1, abs=0.021)


@every_form
def test_divergence_is_located_where_the_plain_loop_meets_it(kind, residual):
    images = training.images_of(training.dataset(images=57), torch.float32)
    changes = {"normalization": kind, "residual": residual, "activation": Entry("relu"), "depth": 3}
    runs = [Run(training.cell(learning_rate=rate, **changes), 0) for rate in (1e18, 0.1)]
    tables = train(runs, images, Training(minibatch=10, digits_epochs=2), lambda steps: None).tables()
    bad, good = tables["runs"].iloc[0], tables["runs"].iloc[1]
    assert (bad["status"], good["status"]) == ("diverged", "completed")
    network, finite = training.plain(runs[0], images), []
    for number in (1, 2):
        order = torch.from_numpy(data_order(0, number, images.size))
        dense = torch.from_numpy(images.training.images.toarray())[order]
        for step in zip(dense.split(10), images.training.targets[order].split(10), strict=True):
            reference.train(network, runs[0].cell, "cross_entropy", DECAY, [step])
            finite.append(all(torch.isfinite(p).all() for p in network.parameters()))
    assert bad["diverged_at_step"] == finite.index(False) + 1
    assert 1 <= bad["diverged_layer"] <= 4
    assert np.isfinite(good["validation_accuracy"])

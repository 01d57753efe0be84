"""Deep narrow networks: the plain loop's accuracy, where they begin in the phase diagram, and what seeds share."""

import itertools
import math

import pytest
import torch
import training
from torch import nn

from gradgrid.core.entries import Entry
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.parquet import to_arrow
from gradgrid.laboratory.trainability import MINIBATCH, Point, initial, minibatches, stacked, trainability
from gradgrid.theory.correlation import correlation_limit
from gradgrid.train import reference
from gradgrid.train.trainer import data_order

DATA = training.dataset(images=2 * MINIBATCH + 7)
IMAGES, FLOAT32 = training.images_of(DATA), training.images_of(DATA, torch.float32)
SETTINGS = {
    "sigma_w2": [1.0, 3.0], "sigma_b2": [0.05], "depth": [1, 4], "width": 9, "steps": 8, "learning_rate": 0.5,
    "seeds": [0, 3],
}  # fmt: skip
POINTS = [Point(sigma_w2, 0.05, seed) for sigma_w2 in (1.0, 3.0) for seed in (0, 3)]


def plain_accuracy(point, depth):
    """Of the plain loop, on the probe images, after SETTINGS' steps: two epochs of three minibatches, and two more."""
    (run,) = stacked([point], depth, SETTINGS, IMAGES).runs
    network = reference.build(initial(run, point, IMAGES), run.cell.activation)
    dense = torch.from_numpy(IMAGES.training.images.toarray())
    orders = [torch.from_numpy(data_order(point.seed, epoch, IMAGES.size)) for epoch in (1, 2, 3)]
    cut = [part for order in orders for part in order.split(MINIBATCH)][: SETTINGS["steps"]]
    assert [len(part) for part in cut] == [50, 50, 7, 50, 50, 7, 50, 50]
    pairs = ((dense[part], IMAGES.training.targets[part]) for part in cut)
    reference.train(network, run.cell, "softmax_cross_entropy", 0.0, pairs)
    right = network(IMAGES.probes.dense).argmax(1) == IMAGES.training.targets.argmax(1)
    return right.double().mean().item()


def test_every_network_ends_where_the_plain_loop_ends():
    rows = trainability(SETTINGS, IMAGES).set_index(["sigma_w2", "seed", "depth"])["accuracy"]
    assert len(rows) == 8
    for point, depth in itertools.product(POINTS, SETTINGS["depth"]):
        found = rows[point.sigma_w2, point.seed, depth]
        assert found == pytest.approx(plain_accuracy(point, depth)), (point, depth)
    assert rows.nunique() > 4, "the networks must differ for this test to say anything"


def test_the_reach_of_theory_is_that_of_the_correlations():
    rows = trainability(SETTINGS | {"steps": 1, "depth": [1], "seeds": [0]}, IMAGES).set_index("sigma_w2")
    for sigma_w2 in SETTINGS["sigma_w2"]:
        expected = correlation_limit(Entry("tanh"), sigma_w2, 0.05).depth_scale
        assert rows.loc[sigma_w2, "xi_c"] == pytest.approx(expected, rel=1e-5)


def test_parameters_step_by_step_are_those_of_the_plain_loop():
    stack = stacked(POINTS, 4, SETTINGS, IMAGES)
    for minibatch in itertools.islice(minibatches(stack, IMAGES), 3):
        stack.step(minibatch)
    order = torch.from_numpy(data_order(3, 1, IMAGES.size)).split(MINIBATCH)
    dense = torch.from_numpy(IMAGES.training.images.toarray())
    network = reference.build(initial(stack.runs[3], POINTS[3], IMAGES), stack.runs[3].cell.activation)
    pairs = ((dense[part], IMAGES.training.targets[part]) for part in order)
    reference.train(network, stack.runs[3].cell, "softmax_cross_entropy", 0.0, pairs)
    linears = [module for module in network if isinstance(module, nn.Linear)]
    for (weights, biases), linear in zip(stack.network.parameters(3), linears, strict=True):
        torch.testing.assert_close(weights, linear.weight.data)
        torch.testing.assert_close(biases, linear.bias.data)


def test_networks_begin_at_their_point_of_the_phase_diagram():
    settings = SETTINGS | {"width": 400}
    point = Point(2.5, 0.3, 1)
    (run,) = stacked([point], 3, settings, IMAGES).runs
    for weights, biases in initial(run, point, IMAGES)[:-1]:
        assert weights.var().item() * weights.shape[1] == pytest.approx(2.5, rel=0.02)
        assert biases.var().item() == pytest.approx(0.3, rel=0.25)
        assert weights.mean().item() == pytest.approx(0, abs=0.01)


def test_a_seed_has_the_same_draws_at_every_point():
    points = [Point(1.0, 1.0, 3), Point(4.0, 0.25, 3), Point(1.0, 1.0, 0)]
    runs = stacked(points, 4, SETTINGS, IMAGES).runs
    drawn = [initial(run, point, IMAGES) for run, point in zip(runs, points, strict=True)]
    for (w, b), (v, c), (x, _) in zip(*drawn, strict=True):
        assert torch.equal(2 * w, v)
        assert torch.equal(0.5 * b, c)
        assert not torch.equal(w, x), "another seed has other draws"


def test_other_levels_change_nothing_bit_for_bit():
    few = trainability(SETTINGS | {"sigma_w2": [3.0], "depth": [4], "seeds": [3]}, FLOAT32)
    many = trainability(SETTINGS | {"sigma_w2": [0.5, 3.0, 1.0], "sigma_b2": [0.0, 0.05]}, FLOAT32)
    same = many.merge(few[["sigma_w2", "sigma_b2", "depth", "seed"]])
    assert same["accuracy"].tolist() == few["accuracy"].tolist()
    stacks = [stacked(points, 4, SETTINGS, FLOAT32) for points in (POINTS, POINTS[3:])]
    for stack in stacks:
        for minibatch in itertools.islice(minibatches(stack, FLOAT32), 5):
            stack.step(minibatch)
    for one, other in zip(stacks[0].network.parameters(3), stacks[1].network.parameters(0), strict=True):
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


def test_a_network_that_diverges_has_no_accuracy():
    rows = trainability(SETTINGS | {"learning_rate": 1e39, "depth": [4], "steps": 3}, FLOAT32)
    assert rows["accuracy"].isna().all()
    arrow = to_arrow(rows.assign(dataset="digits"), LABORATORY_TABLES["trainability"])
    assert arrow["accuracy"].null_count == len(rows)


def test_near_the_critical_point_deeper_networks_can_be_trained():
    """ξ_c is 1.2 layers at sigma_w2 = 0.5 and above 100 at 1.8: see the tests of theory."""
    settings = SETTINGS | {
        "sigma_w2": [0.5, 1.8],
        "depth": [20],
        "width": 30,
        "steps": 300,
        "learning_rate": 0.02,
    }
    easy = training.dataset(images=200)
    easy.train_images[:, :10] = (
        torch.nn.functional.one_hot(torch.from_numpy(easy.train_labels), 10).numpy() * 5.0
    )
    rows = trainability(settings, training.images_of(easy, torch.float32))
    accuracy = rows.groupby("sigma_w2")["accuracy"].mean()
    assert accuracy[0.5] < 0.25 < 0.6 < accuracy[1.8]
    assert not math.isnan(accuracy[0.5])

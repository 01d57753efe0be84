"""Dense stacks of several seeds: the plain loop's numbers, called or replayed, and all that a training measures."""

import gc
import itertools
import weakref

import numpy as np
import pandas as pd
import pytest
import tape
import torch
import training

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries
from gradgrid.train import reference
from gradgrid.train.dense import DenseStack, halves, seeds_of, side_by_side
from gradgrid.train.optimizers import State
from gradgrid.train.replay import WARM_UP, ReplayedSteps
from gradgrid.train.trainer import data_order, train

DATA = training.dataset(images=57)
IMAGES, SINGLE = training.images_of(DATA), training.images_of(DATA, torch.float32)
DECAY, SEEDS, EPOCHS = 5.0 / 57, (0, 3, 4), 5
CLIPPINGS = [None, Entry.of("norm", {"threshold": 0.05}), Entry.of("value", {"threshold": 1e-3})]
RATES = {"adam": 0.001}
SIZES = [1, 10, 57, 80]


def seed_by_seed(**changes):
    """Every kind of clipping, each at its own learning rate, of three seeds."""
    rate = RATES.get(changes.get("optimizer", Entry("sgd")).name, 0.05)
    cells = [
        training.cell(**({"depth": 3, "clipping": clipping, "learning_rate": rate * (i + 1)} | changes))
        for i, clipping in enumerate(CLIPPINGS)
    ]
    return [Run(cell, seed) for seed in SEEDS for cell in cells]


def orders(runs, epoch):
    return np.stack([data_order(seed, epoch, IMAGES.size) for seed in seeds_of(runs)])


@torch.inference_mode()
def stepped(runs, size, epochs=EPOCHS, images=IMAGES):
    """The stack after some epochs, and what clipping did in them."""
    parameters = [training.initial(run, images) for run in runs]
    stack = DenseStack(runs, parameters, "cross_entropy", DECAY, len(SEEDS))
    steps, clipping = ReplayedSteps(stack, images.training, size), []
    for epoch in range(1, epochs + 1):
        steps.begin(orders(runs, epoch))
        clipping.append(steps.take(-(-images.size // size)))
    return stack, clipping


def plain(run, size, epochs=EPOCHS):
    """A run's network after the same epochs of the plain loop."""
    network, dense = training.plain(run, IMAGES), torch.from_numpy(IMAGES.training.images.toarray())
    order = [torch.from_numpy(data_order(run.seed, epoch, 57)) for epoch in range(1, epochs + 1)]
    steps = itertools.chain.from_iterable(
        zip(dense[each].split(size), IMAGES.training.targets[each].split(size), strict=True) for each in order
    )
    reference.train(network, run.cell, "cross_entropy", DECAY, steps)
    return network


def assert_ends_where_the_plain_loop_ends(stack, size):
    for number, run in enumerate(stack.runs):
        expected = training.of_module(plain(run, size))
        torch.testing.assert_close(training.of_stack(stack.network, number), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("replayed", [False, True])
@pytest.mark.parametrize("normalization", [None, *entries("normalization")])
@pytest.mark.parametrize("optimizer", entries("optimizers"))
def test_every_optimizer_clipping_and_normalization(optimizer, normalization, replayed, monkeypatch):
    tapes = tape.record(monkeypatch) if replayed else []
    kind = {"normalization": Entry(normalization), "residual": True} if normalization else {}
    stack, _ = stepped(seed_by_seed(optimizer=Entry(optimizer), **kind), 10)
    assert_ends_where_the_plain_loop_ends(stack, 10)
    # five epochs of five whole minibatches and a smaller one
    assert [each.replays for each in tapes] == ([5 * EPOCHS - WARM_UP, EPOCHS - WARM_UP] if replayed else [])


@pytest.mark.parametrize("replayed", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_minibatches_of_every_size(size, replayed, monkeypatch):
    tapes = tape.record(monkeypatch) if replayed else []
    stack, _ = stepped(seed_by_seed(optimizer=Entry("adam")), size)
    assert_ends_where_the_plain_loop_ends(stack, size)
    assert len(tapes) == (1 + (size == 10)) * replayed


def test_one_run_of_each_seed():
    stack, _ = stepped(seed_by_seed()[::4], 10)
    assert_ends_where_the_plain_loop_ends(stack, 10)


def test_a_number_that_python_counts_would_show(monkeypatch):
    """The stand-in for a graph sees what it is there for."""
    tape.record(monkeypatch)
    monkeypatch.setattr("gradgrid.train.dense.State", lambda steps: State(0))
    stack, _ = stepped(seed_by_seed(optimizer=Entry("adam")), 10)
    with pytest.raises(AssertionError, match="not close"):
        assert_ends_where_the_plain_loop_ends(stack, 10)


def test_clipping_is_told_of_each_step():
    runs = seed_by_seed()
    _, clipping = stepped(runs, 10, epochs=1)
    for number, run in enumerate(runs):
        network, norms = training.plain(run, IMAGES), []
        dense = torch.from_numpy(IMAGES.training.images.toarray())[orders(runs, 1)[number // 3]]
        targets = IMAGES.training.targets[orders(runs, 1)[number // 3]]
        for x, y in zip(dense.split(10), targets.split(10), strict=True):
            z = network(x)
            cost = torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum") / len(x)
            found = torch.autograd.grad(cost, list(network.parameters()))
            norms.append(torch.cat([gradient.flatten() for gradient in found]).norm())
            reference.train(network, run.cell, "cross_entropy", DECAY, [(x, y)])
        torch.testing.assert_close(clipping[0].norms[:, number], torch.stack(norms), rtol=1e-8, atol=0)
        assert clipping[0].clipped[:, number].all() == (run.cell.clipping is not None)


@pytest.mark.parametrize("optimizer", entries("optimizers"))
def test_every_tensor_stays_where_it_is(optimizer):
    runs = seed_by_seed(optimizer=Entry(optimizer), normalization=Entry("batch"))
    stack = DenseStack(
        runs, [training.initial(run, SINGLE) for run in runs], "cross_entropy", DECAY, len(SEEDS)
    )
    steps = ReplayedSteps(stack, SINGLE.training, 10)

    def places():
        kept = [tensor for state in stack.update.states for tensor in (state.steps, *state.averages.values())]
        return [tensor.data_ptr() for tensor in (*stack.network.state(), *kept, steps.orders)]

    found = []
    for epoch in (1, 2, 3):
        steps.begin(orders(runs, epoch))
        steps.take(6)
        found.append(places())
    assert found[0] == found[1] == found[2]


def test_nothing_is_kept_of_what_has_trained():
    """A GPU's memory is needed for the next stack, and no collector of garbage knows of it."""
    runs = seed_by_seed()
    gc.disable()
    try:
        stack, clipping = stepped(runs, 10)
        weights = weakref.ref(stack.network.first)
        del stack, clipping
        assert weights() is None
    finally:
        gc.enable()


def tables(runs, images=IMAGES, **settings):
    recipe = Training(digits_epochs=3, minibatch=10, **settings)
    return train(runs, images, recipe, lambda steps: None, compiled=False).tables()


def assert_close(found, expected):
    """The same tables but for rounding, whatever the order of their runs."""
    for name, rows in expected.items():
        keys = [key for key in ("run_id", "step", "epoch", "layer", "split") if key in rows]
        one, other = (
            table.drop(columns="run", errors="ignore").sort_values(keys).reset_index(drop=True)
            for table in (found[name], rows)
        )
        pd.testing.assert_frame_equal(one, other, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("replayed", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {"normalization": Entry("batch")},
        {"normalization": Entry("layer"), "residual": True, "optimizer": Entry("momentum")},
        {"initializer": Entry.of("normal", {"std": 1e200}), "activation": Entry("relu")},
        {"learning_rate": 1e6, "activation": Entry("relu"), "depth": 4},
    ],
    ids=str,
)
def test_a_training_measures_what_one_of_each_seed_alone_measures(changes, replayed, monkeypatch):
    runs = seed_by_seed(**changes)
    parts = [tables([run for run in runs if run.seed == seed]) for seed in SEEDS]
    expected = {name: pd.concat([part[name] for part in parts]) for name in parts[0]}
    if replayed:
        tape.record(monkeypatch)
    found = tables(runs)
    assert_close(found, expected)
    diverging = "initializer" in changes or changes.get("learning_rate") == 1e6
    assert (found["runs"]["status"] == "diverged").any() == diverging


def test_runs_stand_seed_by_seed_equally_many_of_each():
    runs = seed_by_seed()
    assert seeds_of(runs) == list(SEEDS)
    for wrong in (runs[:-1], [runs[0], runs[3], runs[1], runs[4]]):
        with pytest.raises(ValueError, match="equally many"):
            tables(wrong)


def test_runs_are_grouped_without_regard_to_their_seeds():
    cells = [training.cell(learning_rate=0.1 * (i + 1)) for i in range(3)]
    whole = [Run(cell, seed) for cell in cells for seed in (0, 1, 2, 3)]
    other = [Run(cells[0], 9), Run(training.cell(optimizer=Entry("adam")), 0)]

    def of(seeds):
        return [Run(cell, seed) for seed in seeds for cell in cells]

    assert side_by_side([*whole, *other], 4096) == [of(range(4)), [other[0]], [other[1]]]
    assert side_by_side(whole, 7) == [of((0, 1)), of((2, 3))]
    assert side_by_side(whole, 2) == [part for seed in range(4) for part in (of([seed])[:2], of([seed])[2:])]
    assert halves(of(range(3))) == (of([0]), of([1, 2]))
    assert halves(of([5])) == (of([5])[:1], of([5])[1:])

"""Runs that each see their own images: the plain loop's numbers, and no neighbour's."""

import numpy as np
import pytest
import torch
import training

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.train import reference
from gradgrid.train.stack import Stack
from gradgrid.train.trainer import data_order, train

IMAGES = training.images_of(training.dataset(images=57))
SINGLE = training.images_of(training.dataset(images=57), torch.float32)
DECAY = 5.0 / 57
NORM = Entry.of("norm", {"threshold": 0.5})


def trained(runs, images, **settings):
    recipe = Training(digits_epochs=2, **({"minibatch": 10} | settings))
    return train(runs, images, recipe, lambda steps: None, own_images=True).tables()


def plain(run, size):
    """A run's network after two epochs of the plain loop, each in the order of its seed."""
    network = reference.build(training.initial(run, IMAGES), run.cell.activation)
    for epoch in (1, 2):
        order = torch.from_numpy(data_order(run.seed, epoch, IMAGES.size))
        images = torch.from_numpy(IMAGES.training.images.toarray())[order].split(size)
        targets = IMAGES.training.targets[order].split(size)
        reference.train(network, run.cell, "cross_entropy", DECAY, zip(images, targets, strict=True))
    return network


@pytest.mark.parametrize("size", [1, 7, 10, 57])
@pytest.mark.parametrize("clipping", [None, NORM])
def test_every_seed_ends_where_the_plain_loop_ends(clipping, size):
    runs = [Run(training.cell(clipping=clipping, depth=3), seed) for seed in (0, 3, 4)]
    rows = trained(runs, IMAGES, minibatch=size)["gradients"]
    for run in runs:
        norms = [p.norm().item() for p in plain(run, size).parameters() if p.dim() == 2]
        last = rows[(rows["run_id"] == run.run_id) & (rows["step"] == rows["step"].max())]
        assert last.sort_values("layer")["weight_norm"].to_numpy() == pytest.approx(norms, rel=1e-9)


def test_a_run_does_not_depend_on_its_neighbours():
    huge = Run(
        training.cell(initializer=Entry.of("normal", {"std": 1e30}), activation=Entry("relu"), depth=3), 7
    )
    runs = [Run(training.cell(activation=Entry("relu"), depth=3), seed) for seed in range(6)]
    together = trained([*runs, huge], SINGLE)
    assert together["runs"].set_index("run_id")["status"][huge.run_id] == "diverged"
    for part in ([runs[4]], [runs[5], runs[2]]):
        alone = trained(part, SINGLE)
        for run in part:
            for name in ("gradients", "accuracy"):
                one, other = (t[name][t[name]["run_id"] == run.run_id] for t in (alone, together))
                drop = {"columns": ["run"]}
                assert (
                    one.drop(**drop).reset_index(drop=True).equals(other.drop(**drop).reset_index(drop=True))
                )


def test_each_seed_sees_its_own_order_and_idle_runs_see_nothing():
    orders = np.stack([data_order(seed, 1, 57) for seed in (0, 1, 2)])
    steps = [step for some in IMAGES.training.own_minibatches(orders, 10, 8) for step in some]
    dense = IMAGES.training.images.toarray()
    assert [step.size for step in steps] == [10] * 5 + [7]
    for run in range(3):
        seen = torch.cat([step.images[run] for step in steps])
        assert np.array_equal(seen.numpy(), dense[orders[run]])
        assert torch.equal(
            torch.cat([step.targets[run] for step in steps]), IMAGES.training.targets[orders[run]]
        )
    assert all(not step.images[3:].any() and not step.targets[3:].any() for step in steps)


@pytest.mark.parametrize(
    "other",
    [
        {"learning_rate": 0.2},
        {"optimizer": Entry("adam")},
        {"clipping": Entry.of("value", {"threshold": 0.1})},
        {"normalization": Entry("layer")},
        {"residual": True},
    ],
)
def test_what_cannot_train_side_by_side_is_refused(other):
    runs = [Run(training.cell(), 0), Run(training.cell(**other), 1)]
    with pytest.raises(ValueError, match="their own images"):
        Stack(runs, [training.initial(run, IMAGES) for run in runs], "cross_entropy", DECAY, own_images=True)

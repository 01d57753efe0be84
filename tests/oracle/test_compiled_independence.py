"""The compiled kernel: a run's numbers are the same bits whatever trains beside it and however steps are asked for."""

import kernel_runs
import numpy as np
import pytest
import torch
import training
from kernel_runs import CLIPPINGS, HUGE, compiled_stack, parameters, tables_of

from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries

pytestmark = kernel_runs.built


@pytest.mark.usefixtures("_instruction_set")
def test_a_run_does_not_depend_on_its_neighbours():
    cells = [
        training.cell(initializer=initializer, clipping=clipping, activation=Entry("relu"), depth=3, width=7)
        for initializer in (Entry("lecun_normal"), HUGE)
        for clipping in CLIPPINGS
    ]
    runs = [Run(cell, 0) for cell in cells]
    together = tables_of(runs)
    assert 0 < (together["runs"]["status"] == "diverged").sum() < len(runs)
    for part in ([runs[4], runs[0]], *([run] for run in runs)):
        for name, alone in tables_of(part).items():
            expected = together[name][together[name]["run_id"].isin({run.run_id for run in part})]
            drop = alone.columns.intersection(["run"])
            one, other = (t.drop(columns=drop).reset_index(drop=True) for t in (alone, expected))
            assert one.equals(other), name


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("width", [6, 40])
@pytest.mark.parametrize("optimizer", entries("optimizers"))
def test_how_many_steps_are_asked_for_at_a_time_does_not_matter(optimizer, width):
    """Nor how long weights are left behind that no image needs: at most until the steps asked for have been taken."""
    runs = [
        Run(training.cell(clipping=clipping, optimizer=Entry(optimizer), width=width), 0)
        for clipping in CLIPPINGS
    ]
    stacks = whole, parts, singly = [compiled_stack(runs, size=2) for _ in range(3)]
    order = np.concatenate([training.order(57, seed)[:50] for seed in range(6)])
    whole.train([order])
    for begin, end in ((0, 2), (2, 70), (70, 300)):
        parts.train([order[begin:end]])
    for begin in range(0, 300, 2):
        singly.train([order[begin : begin + 2]])
    for found in zip(*map(parameters, stacks), strict=True):
        for one, *others in zip(*found, strict=True):
            assert all(torch.equal(one, other) for other in others)


def test_each_run_can_see_its_own_images():
    runs = [Run(training.cell(clipping=clipping), seed) for clipping in CLIPPINGS for seed in (0, 1)]
    orders = [training.order(57, run.seed) for run in runs]
    together = compiled_stack(runs)
    clipping = together.train(orders)
    for number, (run, found) in enumerate(zip(runs, parameters(together), strict=True)):
        alone = compiled_stack([run])
        clipped = alone.train([orders[number]])
        assert all(map(torch.equal, found, parameters(alone)[0]))
        if clipped:
            assert torch.equal(clipping.norms[:, number], clipped.norms[:, 0])

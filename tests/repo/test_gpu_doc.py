"""docs/gpu.md and docs/methods.md say of GPUs what the source says."""

import re
from pathlib import Path

import agreement
import numpy as np
import pytest
import torch
import training
from held import Operations

from gradgrid.core.entries import Entry
from gradgrid.core.gpu_times import OPERATIONS, OPTIMIZER_OPERATIONS
from gradgrid.core.plan import Run
from gradgrid.core.resources import run_bytes
from gradgrid.core.shares import TOGETHER_ON_GPU
from gradgrid.train.dense import DenseStack
from gradgrid.train.replay import ReplayedSteps
from gradgrid.train.runs import largest_stack_on

DOCS = Path(__file__).parents[2] / "docs"
PAGE, METHODS = ((DOCS / name).read_text(encoding="utf-8") for name in ("gpu.md", "methods.md"))
ROW = re.compile(r"^\| (\d+) \| (\d+) \| ([\d.]+) \| ([\d,]+) \| ([\d,]+) \|$", re.MULTILINE)


@pytest.mark.parametrize("row", ROW.findall(PAGE))
def test_memory(row, monkeypatch):
    depth, width, mebibytes, *held = (float(number.replace(",", "")) for number in row)
    assert round(run_bytes(int(depth), int(width), 10) / 2**20, 2) == mebibytes
    for gibibytes, runs in zip((8, 24), held, strict=True):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=gibibytes * 2**30: (free, free))
        cell = training.cell(depth=int(depth), width=int(width))
        assert largest_stack_on(torch.device("cuda"), cell, 10) == runs
    assert f"up to {TOGETHER_ON_GPU:,} runs" in PAGE


@pytest.mark.parametrize("depth", [1, 4])
def test_operations_of_a_step(depth):
    fixed, each = map(int, re.search(r"is (\d+) \+ (\d+) × depth operations", PAGE).groups())
    clippings = [None, Entry.of("norm", {"threshold": 1.0}), Entry.of("value", {"threshold": 0.1})]
    cells = [training.cell(depth=depth, width=30, clipping=each) for each in clippings]
    with Operations() as counted:
        next_step = second_step([Run(cell, seed) for seed in (0, 1) for cell in cells])
        counted.number = 0
        next_step()
    assert counted.number == fixed + each * depth


@pytest.mark.parametrize("clipping", OPERATIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZER_OPERATIONS)
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_operations_of_the_model(depth, optimizer, clipping):
    threshold = None if clipping == "none" else Entry.of(clipping, {"threshold": 1.0})
    cell = training.cell(depth=depth, width=30, optimizer=Entry(optimizer), clipping=threshold)
    with Operations() as counted:
        next_step = second_step([Run(cell, seed) for seed in (0, 1)])
        counted.number = 0
        next_step()
    parts = OPERATIONS[clipping], OPTIMIZER_OPERATIONS[optimizer]
    assert counted.number == sum(fixed + each * depth for fixed, each in parts)


@torch.inference_mode()
def second_step(runs):
    """Take a step of a dense stack of two seeds; what takes the next."""
    images = training.images_of(training.dataset(images=20), torch.float32)
    stack = DenseStack(runs, [training.initial(run, images) for run in runs], "cross_entropy", 1e-4, 2)
    steps = ReplayedSteps(stack, images.training, 10)
    steps.begin(np.stack([training.order(20, seed) for seed in (0, 1)]))
    steps.step(10)
    return torch.inference_mode()(lambda: steps.step(10))


def test_tolerances():
    said = re.search(r"to (\S+) of each; to (\S+) if the slope of the activation jumps \((.*)\),", METHODS)
    assert tuple(map(float, said.groups()[:2])) == (agreement.TOLERANCE, agreement.TOLERANCE_OF_KINKED)
    assert re.findall(r"`(\w+)`", said[3]) == list(agreement.KINKED)
    assert f"{agreement.STEPS} steps" in METHODS

"""docs/gpu.md and docs/methods.md say of GPUs what the source says."""

import re
from pathlib import Path

import agreement
import pytest
import torch
import training
from held import Operations

from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.core.resources import run_bytes
from gradgrid.core.shares import TOGETHER_ON_GPU
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
    runs = [Run(training.cell(depth=depth, width=30, clipping=each), 0) for each in clippings]
    images = training.images_of(training.dataset(images=20), torch.float32)
    with torch.inference_mode():
        stack = training.stacked(runs, images, "cross_entropy", 1e-4, 10)
        minibatch = next(images.training.minibatches(training.order(20), 10))[0]
        with Operations() as counted:
            stack.step(minibatch)
    assert counted.number == fixed + each * depth


def test_tolerances():
    said = re.search(r"to (\S+) of each; to (\S+) if the slope of the activation jumps \((.*)\),", METHODS)
    assert tuple(map(float, said.groups()[:2])) == (agreement.TOLERANCE, agreement.TOLERANCE_OF_KINKED)
    assert re.findall(r"`(\w+)`", said[3]) == list(agreement.KINKED)
    assert f"{agreement.STEPS} steps" in METHODS

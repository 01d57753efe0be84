"""CUDA and the CPU agree within a tolerance; and what the tolerance lets pass, seen on the CPU alone."""

from functools import cache

import agreement
import pandas as pd
import pytest
import torch
import training
from agreement import CPU, apart, tolerance, trained

from gradgrid.core.config import Training
from gradgrid.core.plan import Run
from gradgrid.core.resources import run_bytes
from gradgrid.train import runs
from gradgrid.train.device import find_device
from gradgrid.train.images import Images
from gradgrid.train.runs import train_runs

CASES = agreement.cases()
FEW = ["sigmoid", "relu", "gelu", "adam", "batch"]
CUDA = torch.device("cuda")
on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device here")


@cache
def on_the_cpu(case):
    return trained(CASES[case])


@pytest.mark.parametrize(
    "case", [*FEW, *(pytest.param(c, marks=pytest.mark.slow) for c in CASES if c not in FEW)]
)
def test_the_tolerance_lets_rounding_pass(case):
    """By half, because two devices may round to two sides."""
    exact = trained(CASES[case], CPU, torch.float64)
    assert apart(on_the_cpu(case), exact).max() < tolerance(case) / 2


@pytest.mark.parametrize("case", FEW)
def test_the_tolerance_lets_nothing_else_pass(case, monkeypatch):
    expected = on_the_cpu(case)
    agreement.as_by_tf32(monkeypatch)
    assert apart(trained(CASES[case]), expected).max() > tolerance(case)


@on_cuda
@pytest.mark.parametrize("case", CASES)
def test_cuda_agrees_with_the_cpu(case):
    assert apart(trained(CASES[case], find_device("cuda")), on_the_cpu(case)).max() < tolerance(case)


@on_cuda
@pytest.mark.parametrize("case", CASES)
def test_cuda_gives_the_same_numbers_again(case):
    pd.testing.assert_frame_equal(trained(CASES[case], CUDA), trained(CASES[case], CUDA), check_exact=True)


@on_cuda
def test_a_stack_that_does_not_fit_into_the_memory_of_cuda_is_halved(caplog, monkeypatch):
    images = Images.of(agreement.DATA, CUDA)
    cells = [training.cell(width=100, learning_rate=0.001 * (i + 1)) for i in range(256)]
    monkeypatch.setattr(runs, "largest_stack_on", lambda device, cell, minibatch: len(cells))
    room = torch.cuda.memory_reserved() + 100 * run_bytes(2, 100, 10)
    torch.cuda.set_per_process_memory_fraction(room / torch.cuda.get_device_properties(CUDA).total_memory)
    try:
        train_runs([Run(cell, 0) for cell in cells], "many", images, Training(digits_epochs=1))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "a stack of 256 runs does not fit into memory: halved" in caplog.text

"""CUDA and the CPU agree within a tolerance; and what the tolerance lets pass, seen on the CPU alone."""

import dataclasses
from functools import cache

import agreement
import pandas as pd
import pytest
import torch
import training
from agreement import CPU, apart, tolerance, trained

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.core.resources import run_bytes
from gradgrid.train import replay, runs
from gradgrid.train.checkpoints import Checkpoints
from gradgrid.train.device import find_device
from gradgrid.train.images import Images
from gradgrid.train.replay import WARM_UP
from gradgrid.train.runs import train_runs
from gradgrid.train.trainer import train

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


def several_seeds(case):
    """The runs of a case, of three seeds, seed by seed."""
    return [dataclasses.replace(run, seed=seed) for seed in range(3) for run in CASES[case]]


@pytest.mark.parametrize("case", FEW)
def test_seeds_side_by_side_agree_with_each_alone(case):
    """What CUDA trains by, on the CPU; in double precision, because rectifiers are chaotic and some seed always is."""
    runs = several_seeds(case)
    alone = [trained(some, CPU, torch.float64) for some in (runs[:3], runs[3:6], runs[6:])]
    together = trained(runs, CPU, torch.float64)
    assert apart(sorted_rows(together), sorted_rows(pd.concat(alone))).max() < tolerance(case) / 100


@on_cuda
@pytest.mark.parametrize("case", FEW)
def test_seeds_side_by_side_on_cuda_agree_with_the_cpu(case):
    runs = several_seeds(case)
    found = trained(runs, find_device("cuda"))
    assert apart(sorted_rows(found), sorted_rows(trained(runs))).max() < tolerance(case)


def sorted_rows(table):
    keys = ["run_id", "step", "layer", "split"]
    return table.sort_values(keys).reset_index(drop=True)


@on_cuda
@pytest.mark.parametrize("case", FEW)
def test_a_replayed_step_is_the_step_that_was_captured(case, monkeypatch):
    replayed = trained(several_seeds(case), find_device("cuda"))
    monkeypatch.setattr(replay, "WARM_UP", 10**9)  # it is called every time
    assert apart(replayed, trained(several_seeds(case), CUDA)).max() < tolerance(case)


@on_cuda
def test_a_last_smaller_minibatch_and_a_divergence_on_cuda():
    cells = [
        training.cell(activation=Entry("relu"), depth=3, learning_rate=rate, initializer=initializer)
        for rate, initializer in ((0.05, Entry("kaiming_normal")), (0.05, Entry.of("normal", {"std": 1e30})))
    ]
    some = [Run(cell, seed) for seed in (0, 1) for cell in cells]
    recipe = Training(digits_epochs=WARM_UP + 3, minibatch=7)  # 200 images: the last minibatch has four
    tables = [
        train(some, Images.of(agreement.DATA, device), recipe, lambda steps: None).tables()
        for device in (find_device("cuda"), CPU)
    ]
    columns = ["run_id", "status", "diverged_at_step", "diverged_layer"]
    pd.testing.assert_frame_equal(*(table["runs"][columns] for table in tables))
    found, expected = (table["accuracy"]["loss"].to_numpy() for table in tables)
    assert found == pytest.approx(expected, rel=agreement.TOLERANCE_OF_KINKED, nan_ok=True)


@on_cuda
def test_a_training_on_cuda_goes_on_from_a_checkpoint(tmp_path):
    some, images = several_seeds("adam"), Images.of(agreement.DATA, find_device("cuda"))
    cut = [Training(digits_epochs=count) for count in (2, 5)]
    whole = train(some, images, cut[1], lambda steps: None).tables()
    fingerprints = {run.run_id: run.run_id for run in some}

    def going_on(recipe):
        kept = Checkpoints(tmp_path, 1, fingerprints).of(some, CUDA, 5)
        return train(some, images, recipe, lambda steps: None, checkpoint=kept).tables()

    going_on(cut[0])
    found, expected = (
        table["gradients"].query("epoch > 2").reset_index(drop=True) for table in (going_on(cut[1]), whole)
    )
    pd.testing.assert_frame_equal(found, expected)


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

"""A stack that does not fit into memory is halved; the tables stay what they are."""

import logging
import os
import subprocess
import sys

import killed
import limited
import pandas as pd
import pytest
import torch
from killed import assert_identical

from gradgrid.core.errors import GradgridError
from gradgrid.core.jobs import Progress
from gradgrid.train import runs

UNTYPED = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to ..."
ERRORS = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "capture": RuntimeError("CUDA error: operation failed due to a previous error during capture"),
    "driver": RuntimeError(
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at ..."
    ),
    "cublas": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "cpu": RuntimeError(UNTYPED),
    "numpy": MemoryError("Unable to allocate 32.0 GiB for an array"),
}
ERRORS["capture"].__context__ = ERRORS["cuda"]


@pytest.fixture
def memory(monkeypatch):
    """Lets stacks of at most so many runs train; others fail with an error, after some steps."""

    def memory(most, error):
        def train(stack, images, settings, progress, **others):
            def failing(amount):
                progress(amount)
                if len(stack) > most:
                    raise error

            return whole(stack, images, settings, failing, **others)

        whole = runs.train
        monkeypatch.setattr(runs, "train", train)

    return memory


@pytest.fixture
def shares(monkeypatch):
    """The shares that a progress comes to."""
    shares = []

    class Watched(Progress):
        def __call__(self, amount):
            super().__call__(amount)
            shares.append(self.done / self.total)

    monkeypatch.setattr(runs, "Progress", Watched)
    return shares


@pytest.mark.parametrize("kind", ERRORS)
def test_a_stack_that_does_not_fit_is_halved_and_the_tables_are_the_same(memory, shares, caplog, kind):
    expected = killed.trained()
    shares.clear()
    memory(2, ERRORS[kind])
    assert_identical(killed.trained(), expected)
    told = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    stacks = [text.split(": ")[2] for text in told]
    assert stacks == [f"a stack of {n} runs does not fit into memory" for n in (6, 3, 3) * 2]
    assert max(shares) == shares[-1] == 1.0


def test_a_run_alone_that_does_not_fit_is_a_problem_of_the_user(memory):
    memory(0, ERRORS["cpu"])
    with pytest.raises(GradgridError) as caught:
        killed.trained()
    assert str(caught.value) == (
        "one run of depth 2 and width 7 does not fit into the memory of cpu; "
        "set a smaller factors.width, factors.depth or training.minibatch, or give it more memory"
    )


def test_any_other_error_is_one(memory):
    memory(2, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        killed.trained()


def test_halves_have_checkpoints_of_their_own(memory, shares, tmp_path):
    expected = killed.trained()
    memory(2, ERRORS["cpu"])
    assert_identical(killed.trained(tmp_path), expected)
    shares.clear()
    assert_identical(killed.trained(tmp_path), expected)
    assert len(shares) == 6, "steps are taken of the stacks that do not fit alone"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the memory of a process so")
def test_in_a_process_whose_memory_is_bounded(tmp_path):
    out = tmp_path / "tables.pickle"
    command = [sys.executable, limited.__file__, str(out)]
    # Large pieces of memory go back to the system as soon as they are free.
    own = os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=own)
    assert done.returncode == 0, done.stderr
    few, none = done.stdout.splitlines()
    assert "a stack of 32 runs does not fit into memory: halved" in done.stderr
    assert few == "trained"
    assert none.startswith("one run of depth 2 and width 4,000 does not fit into the memory of cpu")
    assert_identical(pd.read_pickle(out), limited.trained())

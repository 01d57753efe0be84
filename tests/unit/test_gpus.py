"""Jobs share a machine's GPUs out among themselves; the driver's list of them is made up."""

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest
import torch

from gradgrid.core import gpus
from gradgrid.train.device import find_device

TWO = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-f63a8c6d-5b0e-9d6c-4a8b-4b9f4a3c2d10)
"""
FIRST, SECOND = "GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f", "GPU-f63a8c6d-5b0e-9d6c-4a8b-4b9f4a3c2d10"
CUT = """\
GPU 0: NVIDIA A30 (UUID: GPU-1)
  MIG 2g.12gb     Device  0: (UUID: MIG-a)
  MIG 2g.12gb     Device  1: (UUID: MIG-b)
GPU 1: NVIDIA A30 (UUID: GPU-2)
"""
JOB = """\
import os, sys
from gradgrid.core.gpus import claim
found = claim()
print(found and (found.gpu, found.others), os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine on whose GPUs no job runs; what its driver says can be given."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    monkeypatch.setattr(gpus, "PLACES", tmp_path / gpus.PLACES.name)
    gpus.claim.cache_clear()

    def machine(said, status=0):
        driver = tmp_path / "nvidia-smi"
        driver.write_text(f"#!/bin/sh\ncat <<END\n{said}END\nexit {status}\n")
        driver.chmod(0o755)

    yield machine
    gpus.claim.cache_clear()


@contextmanager
def job():
    """A process that has its GPU until the block ends; what it says of it."""
    command = [sys.executable, "-c", JOB]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def taken(gpu, others):
    return f"('{gpu}', {others}) {gpu}"


def test_each_job_has_a_gpu_of_its_own_and_those_beyond_share_evenly(machine):
    machine(TWO)
    with ExitStack() as running:
        said = [running.enter_context(job())[0] for _ in range(5)]
    assert said == [taken(FIRST, 0), taken(SECOND, 0), taken(FIRST, 1), taken(SECOND, 1), taken(FIRST, 2)]


def test_jobs_that_start_at_once_do_not_meet(machine):
    machine(TWO)
    command = [sys.executable, "-c", JOB]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with ExitStack() as running:
        jobs = [running.enter_context(subprocess.Popen(command, **pipes)) for _ in range(4)]
        said = sorted(each.stdout.readline().strip() for each in jobs)
        for each in jobs:
            each.stdin.close()
    assert said == sorted(taken(gpu, others) for gpu in (FIRST, SECOND) for others in (0, 1))


def test_the_place_of_a_job_that_was_killed_is_free(machine):
    machine(TWO)
    with job() as (_, first), job() as (said, _):
        assert said == taken(SECOND, 0)
        first.kill()
        first.wait()
        with job() as (said, _):
            assert said == taken(FIRST, 0)


@pytest.mark.parametrize("given", ["3", SECOND, "", "-1", "NoDevFiles"])
def test_a_gpu_that_the_job_was_given_is_kept(machine, monkeypatch, given):
    machine(TWO)
    monkeypatch.setenv(gpus.VISIBLE, given)
    assert gpus.claim() is None
    assert os.environ[gpus.VISIBLE] == given


def test_of_several_that_are_named_one_is_taken(machine, monkeypatch):
    machine(TWO)
    monkeypatch.setenv(gpus.VISIBLE, "1, 3,-1,0")
    with job() as (first, _), job() as (second, _), job() as (third, _):
        assert [first, second, third] == [taken(1, 0), taken(3, 0), taken(1, 1)]


def test_where_there_is_no_gpu_nothing_changes(machine):
    assert gpus.claim() is None  # no driver
    gpus.claim.cache_clear()
    machine("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", status=9)
    assert gpus.claim() is None
    assert gpus.VISIBLE not in os.environ
    assert not gpus.PLACES.exists()


def test_of_a_gpu_that_is_cut_up_its_instances_are_shared_out():
    assert gpus.listed(CUT) == ["MIG-a", "MIG-b", "GPU-2"]
    assert gpus.listed(TWO) == [FIRST, SECOND]


def test_a_gpu_is_taken_before_cuda_is_asked_and_sharing_is_told(machine, monkeypatch, caplog):
    def available():
        seen.append(os.environ.get(gpus.VISIBLE))
        return True

    machine(TWO.splitlines()[0] + "\n")
    seen = []
    monkeypatch.setattr(torch.cuda, "is_available", available)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "an accelerator")
    assert find_device("cpu") == torch.device("cpu")
    assert seen == []
    torch.set_float32_matmul_precision("high")  # as in some containers, by a variable of the environment
    with job():
        assert find_device("auto") == torch.device("cuda")
    assert seen == [FIRST]
    assert torch.get_float32_matmul_precision() == "highest"
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert told == [
        f"{FIRST}: other jobs train on this GPU: 1. Its time is divided; docs/gpu.md says how to bound them"
    ]

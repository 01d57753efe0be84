"""The files of checkpoints: when they are written, whom they serve, and what happens to damaged ones."""

import logging
import os
import pickle
import resource

import pytest
import torch
import training

from gradgrid.core.plan import Run
from gradgrid.train import checkpoints
from gradgrid.train.checkpoints import Checkpoints

CPU = torch.device("cpu")
RUNS = [Run(training.cell(), seed) for seed in range(2)]
STATE = {"weights": torch.arange(5000.0), "taken": 6}
EPOCHS = 5


@pytest.fixture
def clock(moved_clock):
    """The clock of checkpoints."""
    return moved_clock(checkpoints)


@pytest.fixture
def begun(tmp_path):
    """The checkpoint of runs in a folder."""

    def begun(every=1, runs=RUNS, fingerprint="f", epochs=EPOCHS):
        kept = Checkpoints(tmp_path / "kept", every, {run.run_id: fingerprint for run in runs})
        return kept.of(runs, CPU, epochs)

    return begun


def kept_epochs(checkpoint, clock=None, seconds=0.0):
    """The epochs at whose end a checkpoint was written."""
    asked = []
    for epoch in range(checkpoint.epoch + 1, EPOCHS + 1):
        if clock:
            clock.now += seconds
        checkpoint.end_epoch(epoch, lambda epoch=epoch: asked.append(epoch) or STATE)
    return asked


def test_what_was_kept_is_given_away_once(begun):
    first = begun()
    assert (first.epoch, first.take()) == (0, None)
    first.end_epoch(3, lambda: STATE)
    again = begun()
    assert again.epoch == 3
    found = again.take()
    assert torch.equal(found["weights"], STATE["weights"])
    assert found["taken"] == 6
    assert again.take() is None


@pytest.mark.parametrize(("every", "expected"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (100, [5])])
def test_every_so_many_epochs_and_at_the_end(begun, every, expected):
    assert kept_epochs(begun(every)) == expected


def test_auto_keeps_every_epoch_once_the_bundle_has_taken_over_a_minute(begun, clock):
    assert kept_epochs(begun("auto"), clock, seconds=12.0) == []
    assert kept_epochs(begun("auto"), clock, seconds=25.0) == [3, 4, 5]


def test_auto_counts_the_time_of_earlier_processes(begun, clock, tmp_path):
    first = begun("auto")
    clock.now += 70.0
    first.end_epoch(1, lambda: STATE)
    clock.now += 1e6
    assert kept_epochs(begun("auto"), clock, seconds=1.0) == [2, 3, 4, 5]
    kept = Checkpoints(tmp_path / "kept", "auto", {run.run_id: "f" for run in RUNS})
    kept.of(RUNS, CPU, EPOCHS)
    assert kept.seconds == 74.0


def test_a_checkpoint_serves_the_same_runs_with_the_same_fingerprints_alone(begun, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "gradgrid")
    begun().end_epoch(3, lambda: STATE)
    assert begun(runs=RUNS[::-1]).epoch == begun(runs=RUNS[:1]).epoch == 0
    assert caplog.messages == []
    assert begun(fingerprint="g").epoch == 0
    monkeypatch.setattr(torch, "__version__", "2.99")
    assert begun().epoch == 0
    monkeypatch.undo()
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "another")
    assert begun().epoch == 0
    assert all("of other settings, source or PyTorch: beginning anew" in text for text in caplog.messages)
    assert len(caplog.messages) == 3
    monkeypatch.undo()
    assert begun().epoch == 3
    begun(fingerprint="g").end_epoch(1, lambda: STATE)
    assert begun(fingerprint="g").epoch == 1


class Bomb:
    """What a pickle of a stranger may do."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


DAMAGED = {
    "empty": lambda data: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "its end missing": lambda data: data[:-100],
    "text": lambda data: b"PAR1 is no checkpoint\n" * 100,
    "a pickle that runs code": lambda data: pickle.dumps({"key": [Bomb()]}, protocol=2),
    "of other content": lambda data: pickle.dumps([1, 2, 3], protocol=2),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_passed_over_and_replaced(begun, tmp_path, monkeypatch, caplog, damage):
    monkeypatch.chdir(tmp_path)
    first = begun()
    first.end_epoch(3, lambda: STATE)
    first.path.write_bytes(DAMAGED[damage](first.path.read_bytes()))
    again = begun()
    assert (again.epoch, again.take()) == (0, None)
    (told,) = caplog.records
    assert told.levelno == logging.WARNING
    assert told.message.startswith(f"{first.path}: the checkpoint cannot be read")
    assert not (tmp_path / "exploded").exists()
    again.end_epoch(1, lambda: STATE)
    assert begun().epoch == 1


def test_code_in_a_file_of_torch_does_not_run(begun, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    first = begun()
    first.path.parent.mkdir()
    torch.save({"key": [Bomb()], "epoch": 3, "seconds": 0.0, "state": {}}, first.path)
    assert begun().epoch == 0
    assert not (tmp_path / "exploded").exists()
    assert "cannot be read" in caplog.text


def test_a_disk_that_is_full_costs_the_checkpoint_alone(begun, caplog):
    first = begun()
    first.end_epoch(1, lambda: STATE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        first.end_epoch(2, lambda: STATE)
        first.end_epoch(3, lambda: STATE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caplog.text.count("the checkpoint cannot be written (File too large): going on without") == 1
    assert "going on without" in caplog.text
    assert [path.name for path in first.path.parent.iterdir()] == [first.path.name]
    assert begun().epoch == 1

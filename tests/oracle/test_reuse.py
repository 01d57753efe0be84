"""A bundle whose runs are partly kept has the files that training all of them at once would give, bit for bit."""

import itertools
import json
import os
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
import training
from configs import config
from pages import change_page

from gradgrid.core.basis import Basis
from gradgrid.core.errors import GradgridError
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.plan import BundleJob, plan
from gradgrid.core.states import State, state_file, table_files
from gradgrid.core.trainings import training as trainings
from gradgrid.core.work import DAMAGED, FORGOTTEN, NEW, RETRAIN, examine
from gradgrid.train import bundle as module
from gradgrid.train import images
from gradgrid.train.bundle import DataFile, train_bundle

DATA = training.dataset(images=57)
OTHER_DATA = training.dataset(images=57, seed=1)
OTHER_DATA.digest = "1" * 32
SETTINGS = {"digits_epochs": 2, "measure_steps": [3], "weight_decay": 0.0}
ALL = {
    "initializer": ["normal", "lecun_normal", "sparse"],
    "clipping": [None, {"norm": 0.5}],
    "learning_rate": [0.1, 900],
}
FEWER = ALL | {"initializer": ["lecun_normal", "normal"], "clipping": None}


class Edited(TrainingSource):
    """The source after an edit of the entry ``normal``."""

    def entries(self, cell, loss):
        found = super().entries(cell, loss)
        return {name: value[::-1] if name.endswith(".normal") else value for name, value in found.items()}


def asked(levels, **training):
    """The one bundle of a small grid, and its job."""
    settings = config(seeds=1, training=SETTINGS | training, depth=2, width=6, activation="tanh", **levels)
    (bundle,) = plan(settings).bundles
    return BundleJob(bundle, settings.training, "cpu", settings.execution)


def loaded(data):
    """Prepared data; ``loads`` of it counts how often it was needed."""

    def load():
        load.count += 1
        return data

    load.count = 0
    return DataFile(data.name, data.digest, load)


def work(job, grid, data=DATA, source=TrainingSource):
    return examine(
        job.bundle, Basis.of(job.bundle.runs, job.training, data.name, data.digest, source()), grid
    )


def trained(job, grid, data=DATA):
    """Bring the bundle up to date as the workflow does; how often the images were loaded, and the work there was."""
    todo = work(job, grid, data, module.TrainingSource)
    file = loaded(data)
    train_bundle(job, todo.generation, file, grid)
    assert not work(job, grid, data, module.TrainingSource).reasons
    return file.load.count, todo


def numbers(job, grid):
    """Everything that a bundle's files say, but for how long it took."""
    tables = {
        name: pq.read_table(path, partitioning=None)
        for name, path in table_files(job.bundle.key, grid).items()
    }
    tables["runs"] = tables["runs"].drop_columns("seconds")
    return {name: table.replace_schema_metadata(None).to_pylist() for name, table in tables.items()}


def assert_as_trained_at_once(job, grid, tmp_path, data=DATA):
    fresh = tmp_path / "fresh"
    trained(job, fresh, data)
    found, expected = numbers(job, grid), numbers(job, fresh)
    assert found["runs"]
    assert str(found) == str(expected)  # as text, because NaN is not equal to itself


def test_more_fewer_and_reordered_runs(tmp_path):
    few, all_of_them = asked(FEWER), asked(ALL)
    assert trained(few, tmp_path / "grid")[0] == 1
    loads, todo = trained(all_of_them, tmp_path / "grid")
    assert (loads, len(todo.kept), len(todo.trained), todo.dropped) == (1, 4, 8, ())
    assert set(todo.reasons.values()) == {(NEW,)}
    assert_as_trained_at_once(all_of_them, tmp_path / "grid", tmp_path)
    loads, todo = trained(few, tmp_path / "grid")
    assert (loads, len(todo.kept), len(todo.dropped)) == (0, 4, 8)
    assert_as_trained_at_once(few, tmp_path / "grid", tmp_path / "few")


def test_nothing_to_do_loads_nothing_and_changes_nothing_but_times(tmp_path):
    job = asked(FEWER)
    trained(job, tmp_path)
    before = {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file()
    }
    loads, todo = trained(job, tmp_path)
    assert (loads, todo.generation) == (0, 1)
    for path, (content, time) in before.items():
        assert path.read_bytes() == content
        assert path.stat().st_mtime_ns > time


def test_an_edited_initializer_trains_its_own_runs(tmp_path, monkeypatch):
    job = asked(ALL)
    trained(job, tmp_path / "grid")
    monkeypatch.setattr(module, "TrainingSource", Edited)
    loads, todo = trained(job, tmp_path / "grid")
    assert (loads, len(todo.trained)) == (1, 4)
    assert set(todo.reasons.values()) == {("initializer normal: source changed",)}
    assert {run.cell.initializer.name for run in todo.trained} == {"normal"}
    assert_as_trained_at_once(job, tmp_path / "grid", tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"digits_epochs": 3}, ("epochs: 3, was 2",)),
        ({"measure_steps": [3, 4]}, ("measured steps changed",)),
        ({"weight_decay": 0.01}, ("weight_decay: 0.01, was 0.0",)),
        ({"epochs": 9}, ()),
    ],
)
def test_the_recipe_concerns_all_runs(tmp_path, change, reason):
    trained(asked(FEWER), tmp_path)
    todo = work(asked(FEWER, **change), tmp_path)
    assert {todo.reasons.get(run.run_id, ()) for run in todo.bundle.runs} == {reason}


def test_other_images_train_all_runs(tmp_path):
    job = asked(FEWER)
    trained(job, tmp_path / "grid")
    loads, todo = trained(job, tmp_path / "grid", OTHER_DATA)
    assert (loads, len(todo.trained)) == (1, 4)
    assert_as_trained_at_once(job, tmp_path / "grid", tmp_path, OTHER_DATA)


def test_forgotten_and_forced_runs_are_trained_again(tmp_path, monkeypatch):
    job = asked(FEWER)
    trained(job, tmp_path)
    path, run = state_file(job.bundle.key, tmp_path), job.bundle.runs[0].run_id
    State.read(path).without([run]).write(path)
    todo = trained(job, tmp_path)[1]
    assert dict(todo.reasons) == {run: (FORGOTTEN,)}
    for asked_for in ("all", f"elsewhere\n{job.bundle.key}"):
        monkeypatch.setenv(RETRAIN, asked_for)
        assert trained(job, tmp_path)[0] == 1
    monkeypatch.setenv(RETRAIN, "elsewhere")
    assert trained(job, tmp_path)[0] == 0


def test_a_job_that_failed_is_told_another_generation(tmp_path):
    trained(asked(FEWER), tmp_path)
    told = work(asked(ALL), tmp_path).generation
    assert work(asked(ALL), tmp_path).generation == told > work(asked(FEWER), tmp_path).generation == 1
    for path in table_files(asked(ALL).bundle.key, tmp_path).values():
        path.write_bytes(path.read_bytes())  # after a failure Snakemake puts back what was there
    assert work(asked(ALL), tmp_path).generation > told


def test_pages_that_changed_though_the_file_did_not_grow_are_trained_again(tmp_path, caplog):
    caplog.set_level("INFO")
    trained(asked(FEWER), tmp_path / "grid")
    change_page(table_files(asked(FEWER).bundle.key, tmp_path / "grid")["accuracy"], "accuracy")
    assert len(work(asked(ALL), tmp_path / "grid").kept) == 4
    trained(asked(ALL), tmp_path / "grid")
    assert "12 runs: 0 fresh, 12 to train" in caplog.text
    assert_as_trained_at_once(asked(ALL), tmp_path / "grid", tmp_path)


@pytest.mark.parametrize("table", ["runs", "gradients", "accuracy", "clipping", "state"])
def test_damaged_files_keep_nothing_and_a_lost_state_loses_nothing(tmp_path, table):
    job = asked(FEWER)
    trained(job, tmp_path / "grid")
    path = {
        **table_files(job.bundle.key, tmp_path / "grid"),
        "state": state_file(job.bundle.key, tmp_path / "grid"),
    }[table]
    path.write_bytes(path.read_bytes()[:-9])
    loads, todo = trained(job, tmp_path / "grid")
    assert todo.generation > 1
    if table == "state":
        assert (loads, todo.reasons) == (0, {})
    else:
        assert (loads, set(todo.reasons.values())) == (1, {(DAMAGED,)})
    assert_as_trained_at_once(job, tmp_path / "grid", tmp_path)


def killed(job, grid, last):
    """Bring the bundle up to date in a process that is killed before the ``last``-th file takes its place."""
    todo = work(job, grid)
    if not (child := os.fork()):
        calls = itertools.count(1)
        replace = Path.replace
        Path.replace = lambda *paths: (
            replace(*paths) if next(calls) < last else os.kill(os.getpid(), signal.SIGKILL)
        )
        train_bundle(job, todo.generation, loaded(DATA), grid)
        os._exit(0)
    return os.waitpid(child, 0)[1]


@pytest.mark.parametrize("last", [1, 2, 3, 4, 5])
def test_a_job_that_is_killed_while_it_writes_is_made_up_for(tmp_path, last):
    trained(asked(FEWER), tmp_path / "grid")
    assert killed(asked(ALL), tmp_path / "grid", last) == signal.SIGKILL
    assert bool(list(tmp_path.rglob(".*.part.*")))
    loads, todo = trained(asked(ALL), tmp_path / "grid")
    assert (loads, len(todo.kept), todo.generation > 1) == (*((0, 12) if last == 5 else (1, 4)), True)
    assert_as_trained_at_once(asked(ALL), tmp_path / "grid", tmp_path)
    assert [path.name for path in tmp_path.rglob(".*")] == []


def test_what_trained_the_runs_is_kept_with_them(tmp_path):
    few, all_of_them = asked(FEWER), asked(ALL)
    trained(few, tmp_path)
    trained(all_of_them, tmp_path)
    path = table_files(all_of_them.bundle.key, tmp_path)["runs"]
    entries = json.loads(pq.read_schema(path).metadata[b"gradgrid.training"])
    assert [len(entry["runs"]) for entry in entries] == [4, 8]
    (merged,) = trainings([path])
    assert (merged["bundles"], merged["runs"]) == (1, 12)


def test_a_device_that_is_not_there_is_said_only_where_something_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    job = asked(FEWER)
    trained(job, tmp_path)
    elsewhere = BundleJob(job.bundle, job.training, "cuda", job.execution)
    assert trained(elsewhere, tmp_path)[0] == 0
    with pytest.raises(GradgridError, match="device cuda"):
        trained(elsewhere, tmp_path / "new")
    assert not list((tmp_path / "new").rglob("*.parquet"))


def test_images_that_fill_the_memory_are_told_in_one_message(tmp_path, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(images.Images, "of", full)
    with pytest.raises(
        GradgridError, match=r"^the images of digits do not fit into the memory of cpu; .*fewer"
    ):
        trained(asked(FEWER), tmp_path)
    assert not list(tmp_path.rglob("*.parquet"))

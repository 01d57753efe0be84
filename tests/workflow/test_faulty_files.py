"""Damaged, foreign and old files, a full or read-only disk, a clock that is put back: mended, or said clearly."""

import os
import shutil
import subprocess
import time
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from faults import NOTHING, RUNS, at_checkpoint, contents, forget, mounted
from grid import files
from pages import change_page

from gradgrid.core.plan import BUNDLE_TABLES
from gradgrid.core.states import state_file


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def foreign(path):
    path.write_bytes(b"nothing of ours\n")


def older(path):
    """A column less."""
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.drop_columns(table.column_names[-1:]), path)


@pytest.fixture
def copied(trained, tmp_path):
    """The finished folder once more."""
    return trained.copy(tmp_path / "grid")


@pytest.mark.slow
@pytest.mark.parametrize("damage", [truncated, foreign, older])
@pytest.mark.parametrize("table", BUNDLE_TABLES)
def test_a_damaged_table_is_trained_again(trained, copied, table, damage):
    damage(files(copied.folder, trained.key)[table])
    said = trained.assert_mended(copied)
    assert "4 to train: the files of its bundle are missing, damaged or of another version (4)" in said


@pytest.mark.slow
@pytest.mark.parametrize("damage", [truncated, foreign])
def test_a_damaged_state_costs_no_run(trained, copied, damage):
    path = state_file(trained.bundle.key, copied.folder / "results" / "grid")
    before = contents(copied, trained.key)
    damage(path)
    refused = forget(copied, trained.bundle.runs[0].run_id)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.endswith(
        ": cannot be read; run the workflow once, which mends it, then forget again\n"
    )
    assert "4 runs, all fresh" in trained.assert_mended(copied)
    assert contents(copied, trained.key) == before
    assert forget(copied, trained.bundle.runs[0].run_id).returncode == 0


@pytest.mark.slow
def test_a_page_that_changed_unseen_is_refused_with_what_to_do_which_does(trained, copied):
    path = files(copied.folder, trained.key)["gradients"]
    change_page(path, "bias_gradient_norm")
    (copied.folder / RUNS).unlink()
    ended = copied.snakemake(RUNS)
    assert ended.status == 1
    assert f"{path.relative_to(copied.folder)}: cannot be read" in ended.output
    assert "; delete it and run again: its bundle is then trained again\n" in ended.output
    path.unlink()
    trained.assert_mended(copied)


def test_a_read_only_folder_is_said_before_anything_is_begun(trained, copied):
    results = copied.folder / "results"
    with mounted(results, "--bind", str(results)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(results)], check=True)
        ended = copied.snakemake(RUNS)
        refused = forget(copied, trained.bundle.runs[0].run_id)
    assert ended.status == 1
    assert ended.output.splitlines()[-1] == f"{results}: cannot be written; make it writable and run again"
    assert refused.returncode == 1
    assert refused.stderr.endswith(
        ": Read-only file system; make it writable and run again: what was complete is kept\n"
    )
    assert NOTHING in copied.snakemake(RUNS, "-n").output


@pytest.mark.slow
def test_a_disk_that_fills_up_costs_nothing_that_was_complete(trained, tmp_path):
    disk = tmp_path / "grid"
    disk.mkdir()
    with mounted(disk, "-t", "tmpfs", "-o", "size=32m", "tmpfs"):
        shutil.copytree(trained.workspace.folder, disk, dirs_exist_ok=True)
        workspace = replace(trained.workspace, folder=disk)
        forget(workspace, trained.bundle.runs[1].run_id)
        before = contents(workspace, trained.key)
        with workspace.started(RUNS) as running:
            at_checkpoint(running, workspace)
            fill(disk)
            ended = running.end()
        assert ended.status == 1
        assert (
            ".parquet: No space left on device; make room and run again: what was complete is kept"
            in ended.output
        )
        assert "Traceback" not in ended.output
        assert contents(workspace, trained.key) == before
        full = workspace.snakemake(RUNS)
        assert full.status == 1
        assert full.output.splitlines()[-1].endswith(": its disk is full; make room and run again")
        (disk / "filler").unlink()
        assert "going on after epoch" in trained.assert_mended(workspace)


def fill(disk):
    """Leave no room for another byte."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            return


DAY = 24 * 60 * 60


@pytest.mark.slow
@pytest.mark.parametrize("where", ["data", "grid", "tables", ""])
@pytest.mark.parametrize("days", [1, -1], ids=["future", "past"])
def test_files_of_another_time_neither_rerun_nor_lose_anything(trained, copied, where, days):
    for path in (copied.folder / "results" / where).rglob("*.*"):
        os.utime(path, (time.time() + days * DAY,) * 2)
    before = contents(copied, trained.key)
    assert "train" not in copied.snakemake(RUNS).jobs
    assert contents(copied, trained.key) == before
    forget(copied, trained.bundle.runs[1].run_id)
    assert "1 to train: forgotten (1)" in trained.assert_mended(copied)

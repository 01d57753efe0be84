"""Trainings in folders of their own, submitted by any scheduler's commands, and results in a storage."""

import importlib.util
import shutil

import pytest
from elsewhere import SETTINGS, Elsewhere
from grid import assert_same_numbers
from workspace import Workspace, copied_source

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not (importlib.util.find_spec("snakemake_storage_plugin_fs") and shutil.which("rsync")),
        reason="needs the plugins and rsync: pip install -e '.[cluster]', apt-get install rsync",
    ),
]

KILLED_AT_FIRST = """\
import os, signal
if snakemake.resources.mem_mb == 2000 and snakemake.wildcards.bundle == BUNDLE:
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """The grid from nothing to the report, then with other settings: its tests stand in this order."""
    return Elsewhere.new(tmp_path_factory.mktemp("elsewhere") / "grid")


def test_from_nothing_to_the_report(grid, tmp_path):
    ended = grid.run()
    assert ended.status == 0, ended.output
    assert ended.jobs["train"] == len(grid.bundles()) == len(grid.asked())
    assert (grid.storage / "report/index.html").is_file()
    assert grid.workspace.made() == []  # everything is in the storage
    local = Workspace.new(tmp_path / "grid", {}, SETTINGS)
    assert local.snakemake("--until", "train").status == 0
    for key in grid.bundles():
        assert_same_numbers(grid.storage, local.folder, key)


def test_where_nothing_changed_nothing_is_done(grid):
    assert grid.run("-n").jobs == {}
    assert grid.here("-n").jobs == {}


def test_more_runs_touch_their_bundles_alone_and_keep_the_others(grid):
    before = grid.bundles()
    more = SETTINGS.replace("depth: [1, 2]", "depth: [1, 2, 3]")
    grid.settings.write_text(more, encoding="utf-8")
    ended = grid.run("--until", "train")
    added = grid.bundles().keys() - before.keys()
    assert (ended.status, ended.jobs) == (0, {"train": len(added)}), ended.output
    grid.settings.write_text(more.replace("lecun_normal", "[lecun_normal, orthogonal]"))
    (first, runs), *_ = sorted(grid.bundles().items())
    ended = grid.run(f"results/grid/runs/{first}.parquet")
    assert (ended.status, ended.jobs) == (0, {"train": 1}), ended.output
    kept, new = len(before[first]), len(runs) - len(before[first])
    assert f"{kept + new} runs: {kept} fresh, {new} to train" in grid.log(first)


def test_a_killed_job_is_tried_again_with_more_and_loses_nothing(grid):
    _, second, *_ = sorted(grid.bundles())
    kept = len(grid.bundles()[second]) // 2
    script = grid.workspace.folder / "workflow/scripts/train.py"
    before = script.read_text(encoding="utf-8")
    script.write_text(KILLED_AT_FIRST.replace("BUNDLE", repr(second)) + before, encoding="utf-8")
    submitted = len(grid.asked())
    ended = grid.run(f"results/grid/runs/{second}.parquet")
    script.write_text(before, encoding="utf-8")
    assert ended.status == 0, ended.output
    assert grid.asked()[submitted:] == ["2000 10", "4000 20"]
    assert f"{kept} fresh" in grid.log(second)


def test_trainings_here_keep_what_is_in_the_storage(grid):
    key = max(grid.bundles())
    kept = len(grid.bundles()[key]) // 2
    ended = grid.here(f"results/grid/runs/{key}.parquet")
    assert (ended.status, ended.jobs) == (0, {"train": 1}), ended.output
    assert f"{kept} fresh" in grid.log(key)


def test_forced_runs_are_trained_again(grid):
    key = max(grid.bundles())
    ended = grid.run(f"results/grid/runs/{key}.parquet", "--forcerun", "train")
    assert ended.status == 0, ended.output
    assert "forced" in grid.log(key)


def test_a_job_with_another_source_refuses(grid, tmp_path):
    other = copied_source(Workspace.new(tmp_path / "other", {}))
    trainer = other.folder / "src/gradgrid/train/trainer.py"
    trainer.write_text(trainer.read_text(encoding="utf-8") + "\nOTHER = 1\n", encoding="utf-8")
    instead = f"export PYTHONPATH={trainer.parents[2]}"
    ended = grid.run("--until", "train", "--retries", "0", "--forcerun", "train", "--precommand", instead)
    assert ended.status != 0
    latest = max(grid.jobs.glob("*/said"), key=lambda file: file.stat().st_mtime_ns)
    assert "This job's gradgrid is not the one that planned it" in latest.read_text(encoding="utf-8")

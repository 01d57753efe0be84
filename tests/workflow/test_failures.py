"""What goes wrong in a job: what is said of it, what goes on, and how it is made up for."""

import shutil

import pyarrow.compute as pc
import pytest
from grid import assert_same_numbers, numbers


def check_failed(workspace, ended, log, message):
    """The message stands in the job's log and on the terminal, and no traceback does."""
    assert ended.status == 1
    for said in (ended.output, (workspace.folder / log).read_text(encoding="utf-8")):
        assert message in said
        assert "Traceback" not in said


def test_without_a_fallback_a_failed_download_ends_the_run_and_leaves_nothing(new):
    workspace = new()
    ended = workspace.snakemake("--config", "dataset={fallback: null}")
    check_failed(workspace, ended, "results/logs/data.log", "MNIST could not be downloaded:\n")
    assert "set dataset.fallback: digits." in ended.output
    assert workspace.made() == ["results/logs/data.log"]


def test_a_device_that_cannot_be_used_ends_the_job_with_its_message(finished, tmp_path):
    workspace = finished.copy(tmp_path / "grid")
    key = finished.plan.bundles[0].key
    ended = workspace.snakemake(f"results/grid/runs/{key}.parquet", "--config", "device=mps")
    check_failed(workspace, ended, f"results/logs/train/{key}.log", "device mps: it has no double precision")


@pytest.fixture
def untrained(finished, tmp_path):
    """The finished folder with its data, but without what training and the jobs after it made."""
    workspace = finished.copy(tmp_path / "grid")
    for folder in ("grid", "tables", "logs"):
        shutil.rmtree(workspace.folder / "results" / folder)
    return workspace


def test_interrupted_and_killed_runs_are_continued_to_the_same_numbers(finished, untrained):
    target = ["results/tables/runs.parquet"]
    narrower = ["--config", "factors={depth: 1}"]
    keys = [bundle.key for bundle in finished.plan.bundles if bundle.depth == 1]
    made = untrained.folder / "results" / "grid"

    with untrained.started(*target, *narrower) as running:
        running.wait_until(lambda: any(untrained.folder.glob("results/logs/train/**/*.log")))
        running.interrupt()
        interrupted = running.end()
    assert interrupted.status == 1
    assert not list(made.rglob("*.parquet"))

    with untrained.started(*target, "--cores", "1", "--keep-going", *narrower) as running:
        running.kill_job("train")
        killed = running.end()
    assert killed.status == 1
    assert len(list(made.glob("runs/**/*.parquet"))) == len(keys) - 1

    ended = untrained.snakemake(*target, *narrower)
    assert (ended.status, ended.jobs["train"]) == (0, 1), ended.output
    for key in keys:
        assert_same_numbers(untrained.folder, finished.workspace.folder, key)
    undisturbed = numbers(finished.workspace.folder / target[0])
    undisturbed = undisturbed.filter(pc.equal(undisturbed["depth"], 1))
    assert numbers(untrained.folder / target[0]).to_pylist() == undisturbed.to_pylist()


@pytest.mark.slow
def test_after_a_power_cut_the_folder_is_unlocked_and_the_run_continued(finished, untrained):
    key = finished.plan.bundles[0].key
    target = f"results/grid/runs/{key}.parquet"
    with untrained.started(target) as running:
        running.wait_until(lambda: any(untrained.folder.glob("results/logs/train/**/*.log")))
    assert "--unlock" in untrained.snakemake(target).output
    assert untrained.snakemake("--unlock").status == 0
    assert untrained.snakemake(target, "--rerun-incomplete").status == 0
    assert_same_numbers(untrained.folder, finished.workspace.folder, key)

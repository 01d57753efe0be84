"""Jobs and Snakemakes that are killed, fail or meet each other: nothing complete is lost, and the next run mends it."""

import pytest
from faults import RUNS, at_checkpoint, contents, forget, kill_all, kill_alone, log
from psutil import wait_procs


@pytest.fixture
def untrained(trained, tmp_path):
    """A folder with the data alone."""
    return trained.untrained(tmp_path / "grid")


@pytest.fixture
def forgotten(trained, tmp_path):
    """A finished folder, but one of the four runs is to be trained again."""
    workspace = trained.copy(tmp_path / "grid")
    assert forget(workspace, trained.bundle.runs[1].run_id).stdout == "1 run will be trained again\n"
    return workspace


def check_unlocked(workspace):
    """The folder is locked by a Snakemake that was killed; that is said, and what to do does it."""
    refused = workspace.snakemake(RUNS)
    assert refused.status == 1
    assert "--unlock" in refused.output
    assert workspace.snakemake("--unlock").status == 0


@pytest.mark.slow
def test_a_killed_job_leaves_nothing_half_and_goes_on_from_its_checkpoint(trained, untrained):
    with untrained.started(RUNS) as running:
        at_checkpoint(running, untrained)
        running.kill_job("train")
        ended = running.end()
    assert ended.status == 1
    assert f"results/logs/train/{trained.key}.log" in ended.output
    assert not list(untrained.folder.glob("results/grid/**/*.parquet"))
    assert "going on after epoch" in trained.assert_mended(untrained)


def test_a_job_that_failed_runs_again_and_what_was_there_is_kept(trained, forgotten):
    before = contents(forgotten, trained.key)
    forgotten.environment["CUDA_VISIBLE_DEVICES"] = ""
    ended = forgotten.snakemake(RUNS, "--config", "device=cuda")
    assert ended.status == 1
    assert "device cuda: PyTorch finds no CUDA device here" in ended.output
    assert contents(forgotten, trained.key) == before
    assert "4 runs: 3 fresh, 1 to train: forgotten (1)" in trained.assert_mended(forgotten)


@pytest.mark.slow
def test_a_job_that_outlives_its_snakemake_has_done_its_work(trained, untrained):
    with untrained.started(RUNS) as running:
        at_checkpoint(running, untrained)
        _, alive = wait_procs(kill_alone(running), timeout=300)
    assert not alive
    check_unlocked(untrained)
    assert "4 runs, all fresh" in trained.assert_mended(untrained)


@pytest.mark.slow
def test_a_second_snakemake_is_refused_and_the_first_goes_on(trained, untrained):
    with untrained.started(RUNS) as running:
        at_checkpoint(running, untrained)
        second = untrained.snakemake(RUNS)
        assert running.end().status == 0
    assert second.status == 1
    assert "make sure that no other Snakemake process" in second.output
    trained.assert_same(untrained)


@pytest.mark.slow
def test_a_snakemake_beside_the_job_of_one_that_was_killed(trained, untrained):
    with untrained.started(RUNS) as running:
        at_checkpoint(running, untrained)
        left = kill_alone(running)
        for process in left:
            process.suspend()
        check_unlocked(untrained)
        assert "going on after epoch" in trained.assert_mended(untrained)
        for process in left:
            process.resume()
        _, alive = wait_procs(left, timeout=300)
    assert not alive
    trained.assert_mended(untrained)


@pytest.mark.slow
def test_a_killed_group_leaves_what_was_there_and_goes_on_from_its_checkpoint(trained, forgotten):
    before = contents(forgotten, trained.key)
    with forgotten.started(RUNS) as running:
        at_checkpoint(running, forgotten)
        kill_all(running)
        running.end()
    assert contents(forgotten, trained.key) == before
    check_unlocked(forgotten)
    assert "going on after epoch" in trained.assert_mended(forgotten)


@pytest.mark.slow
def test_an_interrupted_job_leaves_what_was_there_and_goes_on_from_its_checkpoint(trained, forgotten):
    before = contents(forgotten, trained.key)
    with forgotten.started(RUNS) as running:
        at_checkpoint(running, forgotten)
        running.interrupt()
        ended = running.end()
    assert ended.status == 1
    assert log(forgotten, trained.key).endswith(" interrupted\n")
    assert contents(forgotten, trained.key) == before
    assert "going on after epoch" in trained.assert_mended(forgotten)


FORCED = [
    pytest.param(lambda key: ["--forcerun", "train"], {"train": 1, "runs": 1}, id="a rule"),
    pytest.param(
        lambda key: ["--forcerun", f"results/grid/clipping/{key}.parquet"],
        {"train": 1, "runs": 1},
        id="a file",
    ),
    pytest.param(lambda key: ["--forceall"], {"data": 1, "train": 1, "runs": 1}, id="all"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("forcing", "jobs"), FORCED)
def test_what_is_forced_is_trained_again(trained, tmp_path, forcing, jobs):
    workspace = trained.copy(tmp_path / "grid")
    ended = workspace.snakemake(RUNS, *forcing(trained.key))
    assert (ended.status, ended.jobs) == (0, jobs), ended.output
    said = log(workspace, trained.key)
    assert "4 runs: 0 fresh, 4 to train: forced (4)" in said
    assert "4 runs of 8 epochs trained on digits" in said
    trained.assert_mended(workspace)


@pytest.mark.slow
def test_a_forced_job_that_is_killed_leaves_what_was_there(trained, tmp_path):
    workspace = trained.copy(tmp_path / "grid")
    before = contents(workspace, trained.key)
    with workspace.started(RUNS, "--forcerun", "train") as running:
        at_checkpoint(running, workspace)
        running.kill_job("train")
        assert running.end().status == 1
    assert contents(workspace, trained.key) == before
    assert workspace.snakemake(RUNS).status == 0
    assert contents(workspace, trained.key) == before

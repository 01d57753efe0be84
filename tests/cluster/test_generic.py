"""The profile for any scheduler as it stands, on a true SLURM."""

import importlib.util

import pytest
from grid import assert_same_numbers
from submitted import SETTINGS, Submitted
from workspace import Workspace

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not importlib.util.find_spec("snakemake_executor_plugin_cluster_generic"),
        reason="needs Snakemake's plugin: pip install -e '.[cluster]'",
    ),
]

PROFILE = ("--workflow-profile", "workflow/profiles/generic")
QUICKLY = ("--seconds-between-status-checks", "2", "--latency-wait", "5")


def test_trainings_are_submitted_and_their_numbers_are_those_of_the_other_profile(slurm, submitted, tmp_path):
    grid = Submitted(Workspace.new(tmp_path / "grid", {}, SETTINGS))
    ended = grid.workspace.snakemake("--until", "train", *PROFILE, *QUICKLY)
    assert (ended.status, ended.jobs) == (0, {"data": 1, "train": len(grid.keys)}), ended.output
    asked = {(job.state, job.memory, job.limit) for job in slurm.jobs(grid.folder)}
    assert asked == {("COMPLETED", "2000M", "10:00")}
    for key in grid.keys:
        assert_same_numbers(grid.folder, submitted.folder, key)
    assert grid.workspace.snakemake("-n", "--until", "train", *PROFILE).jobs == {}


def test_a_cancelled_job_is_tried_again_with_more(slurm, tmp_path):
    grid = Submitted(Workspace.new(tmp_path / "grid", {}, SETTINGS.replace("[1, 2, 3]", "2")))
    script = grid.folder / "workflow/scripts/train.py"
    waiting = "import time\nif snakemake.resources.mem_mb == 2000:\n    time.sleep(600)\n"
    script.write_text(waiting + script.read_text(encoding="utf-8"), encoding="utf-8")
    target = f"results/grid/runs/{grid.keys[0]}.parquet"
    with grid.workspace.started(target, *PROFILE, *QUICKLY) as running:
        running.wait_until(lambda: [job.state for job in slurm.jobs(grid.folder)] == ["RUNNING"])
        slurm.cancel(*slurm.jobs(grid.folder))
        ended = running.end()
    assert ended.status == 0, ended.output
    found = [(job.state, job.memory, job.limit) for job in slurm.jobs(grid.folder)]
    assert found == [("CANCELLED", "2000M", "10:00"), ("COMPLETED", "4000M", "20:00")]

"""Jobs that are cancelled or run out of memory or time, and Snakemake killed while its jobs run."""

import re
from pathlib import Path

import pytest
from grid import assert_same_numbers, stamps
from submitted import SETTINGS, Submitted
from workspace import Workspace

from gradgrid.core.states import State

pytestmark = pytest.mark.cluster

TROUBLE = Path(__file__).with_name("trouble.py").read_text(encoding="utf-8")
ERROR = re.compile(
    r"^Error in rule train:\n    message: SLURM-job '(\d+)' failed, SLURM status is: '(\w+)'", re.M
)


def make_trouble(folder):
    """Let the trainings of three seeds go wrong; the script as it was."""
    script = folder / "workflow/scripts/train.py"
    before = script.read_text(encoding="utf-8")
    script.write_text(TROUBLE + before, encoding="utf-8")
    return before


def forget_a_run(folder, key):
    """Something to do for a bundle, and seven of its eight runs to lose."""
    state = folder / f"results/grid/state/{key}.json"
    found = State.read(state)
    found.without(found.runs[:1]).write(state)


def by_seed(jobs):
    """The jobs of each seed of depth 2, first attempt first."""
    return {seed: [job for job in jobs if f"/seeds={seed}of4/" in job.bundle] for seed in range(4)}


def four_are_running(slurm, grid):
    """Whether the jobs of all four seeds have begun."""
    return lambda: [job.state for job in slurm.jobs(grid.folder)].count("RUNNING") == 4


def test_jobs_that_were_ended_are_named_and_tried_again_with_more(slurm, submitted, tmp_path):
    grid = submitted.copy(tmp_path / "grid")
    concerned = [key for key in grid.keys if key.startswith("depth=2")]
    for key in concerned:
        forget_a_run(grid.folder, key)
    make_trouble(grid.folder)
    others = stamps(grid.folder, [key for key in grid.keys if key not in concerned])

    with grid.started("--until", "train") as running:
        running.wait_until(four_are_running(slurm, grid))
        cancelled, killed, late, well = (jobs[0] for jobs in by_seed(slurm.jobs(grid.folder)).values())
        slurm.cancel(cancelled)
        slurm.shorten(late)
        ended = running.end()

    assert (ended.status, ended.jobs) == (0, {"train": 4}), ended.output
    assert dict(ERROR.findall(ended.output)) == {
        cancelled.job: "CANCELLED",
        killed.job: "FAILED",
        late.job: "TIMEOUT",
    }
    for job, said in (
        (cancelled, "CANCELLED"),
        (killed, "exceeded memory limit"),
        (late, "DUE TO TIME LIMIT"),
    ):
        log = next(grid.folder.glob(f".snakemake/slurm_logs/rule_train/*/{job.job}.log"))
        assert job.bundle.replace("/", "_") == log.parent.name
        assert f"{log} (check log file(s) for error details)" in ended.output
        assert said in log.read_text(encoding="utf-8")
    *again, once = by_seed(slurm.jobs(grid.folder)).values()
    assert [(job.state, job.memory, job.limit) for _, *jobs in again for job in jobs] == 3 * [
        ("COMPLETED", "4000M", "20:00")
    ]
    assert [job.job for job in once] == [well.job]
    for key in concerned:  # what they had was not lost
        log = grid.folder / f"results/logs/train/{key}.log"
        assert "8 runs: 7 fresh, 1 to train: forgotten (1)" in log.read_text(encoding="utf-8")
    for key in grid.keys:
        assert_same_numbers(grid.folder, submitted.folder, key)
    assert stamps(grid.folder, [key for key in grid.keys if key not in concerned]) == others
    assert grid.run("-n", "--until", "train").jobs == {}


def test_snakemake_killed_and_started_again_while_jobs_run(slurm, submitted, tmp_path):
    grid = Submitted(Workspace.new(tmp_path / "grid", {}, SETTINGS.replace("[1, 2, 3]", "2")))
    script = make_trouble(grid.folder)
    with grid.started("--until", "train") as running:
        running.wait_until(four_are_running(slurm, grid))

    orphans = by_seed(slurm.jobs(grid.folder))
    slurm.wait_for(lambda: by_seed(slurm.jobs(grid.folder))[3][0].state == "COMPLETED")
    assert by_seed(slurm.jobs(grid.folder))[0][0].state == "RUNNING"
    assert "--unlock" in grid.run("--until", "train").output
    slurm.cancel(*orphans[0], *orphans[2])
    (grid.folder / "workflow/scripts/train.py").write_text(script, encoding="utf-8")
    assert grid.run("--unlock").status == 0

    ended = grid.run("--until", "train")
    assert (ended.status, ended.jobs) == (0, {"train": 3}), ended.output
    assert {seed: len(jobs) for seed, jobs in by_seed(slurm.jobs(grid.folder)).items()} == {
        0: 2,
        1: 2,
        2: 2,
        3: 1,
    }
    for key in grid.keys:
        assert_same_numbers(grid.folder, submitted.folder, key)
    assert grid.run("-n", "--until", "train").jobs == {}

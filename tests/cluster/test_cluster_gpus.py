"""GPUs on a true SLURM: each training asks for one and sees that one alone. The node's two are none; see start.sh."""

import re
from itertools import combinations

import pytest
import yaml
from submitted import SETTINGS, Submitted
from workspace import Workspace

pytestmark = pytest.mark.cluster

LINES = re.compile(r"^# (config:|  device: cuda|set-resources:|  \w+: \{gpu: 1\})$", re.MULTILINE)
SEEN = """\
import os, time
from gradgrid.core.gpus import claim
path = f"seen/{os.environ['SLURM_JOB_ID']}"
os.makedirs("seen", exist_ok=True)
open(path, "w").write(f"{os.environ['CUDA_VISIBLE_DEVICES']} {claim()}")
time.sleep(3)
"""
"""Stands before train.py: what a training sees, and time for another one to begin beside it."""


@pytest.fixture
def grid(slurm, tmp_path):
    """A grid of three bundles, in a folder whose profile has the lines on GPUs; but it trains on the CPU."""
    folder = tmp_path / "grid"
    grid = Submitted(Workspace.new(folder, {}, SETTINGS.replace("seeds: 4", "seeds: 1")))
    profile, script = (
        folder / path for path in ("workflow/profiles/slurm/config.yaml", "workflow/scripts/train.py")
    )
    lines = LINES.sub(r"\1", profile.read_text(encoding="utf-8")).replace("device: cuda", "device: cpu")
    assert len(yaml.safe_load(lines)["set-resources"]) == 5
    profile.write_text(lines, encoding="utf-8")
    script.write_text(SEEN + script.read_text(encoding="utf-8"), encoding="utf-8")
    return grid


def test_each_training_has_a_gpu_that_slurm_gave_it(slurm, grid):
    ended = grid.run("--until", "train")
    assert ended.status == 0, ended.output
    jobs = slurm.jobs(grid.folder)
    seen = {job.job: (grid.folder / "seen" / job.job).read_text(encoding="utf-8") for job in jobs}
    assert set(seen.values()) == {"0 None", "1 None"}
    for one, other in combinations(jobs, 2):
        at_a_time = one.began < other.ended and other.began < one.ended
        assert not (at_a_time and seen[one.job] == seen[other.job]), (one, other)

"""A SLURM of one node, started for the tests, and what it says of their jobs."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CONFIGURATION = Path("/etc/slurm/slurm.conf")
FIELDS = ("%i", "%T", "%k", "%m", "%l", "%S", "%e")
MOST_SECONDS = 240


@dataclass(frozen=True)
class SlurmJob:
    """A job as the queue shows it, ended or not: its memory in MB and its time limit as days, hours and minutes."""

    job: str
    state: str
    comment: str
    memory: str
    limit: str
    began: str
    ended: str

    @property
    def rule(self) -> str:
        """The rule's name, out of the comment that goes with the job."""
        return re.match(r"rule_(\w+?)_wildcards_", self.comment)[1]

    @property
    def bundle(self) -> str:
        """The bundle, whose slashes are not in the comment."""
        return self.comment.partition("_wildcards_")[2].replace("_", "/")


class Slurm:
    """The cluster of these tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self) -> None:
        """Start its daemons, and wait until it takes jobs."""
        self._script("start.sh")

    def stop(self) -> None:
        """End its jobs and its daemons."""
        self._script("stop.sh")

    def _script(self, name: str) -> None:
        out = self.folder.with_suffix(".out")  # no pipe: daemons hold what they are given
        with out.open("a") as said:
            ended = subprocess.run(["bash", HERE / name, self.folder], stdout=said, stderr=said, check=False)
        assert ended.returncode == 0, out.read_text()

    def jobs(self, folder: Path) -> list[SlurmJob]:
        """The jobs of the workflow in a folder, in the order of their submission."""
        form = "|".join((*FIELDS, "%Z"))
        rows = [line.split("|") for line in _said("squeue", "--states=all", "--noheader", f"--format={form}")]
        found = [SlurmJob(*row[:-1]) for row in rows if Path(row[-1]) == folder]
        return sorted(found, key=lambda job: int(job.job))

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Look twice a second until it holds; the test fails if that takes too long."""
        latest = time.monotonic() + MOST_SECONDS
        while not condition():
            assert time.monotonic() < latest
            time.sleep(0.5)

    def cancel(self, *jobs: SlurmJob) -> None:
        """What `scancel` does."""
        _said("scancel", *(job.job for job in jobs))

    def shorten(self, job: SlurmJob) -> None:
        """Allow a job that was submitted no more than a minute."""
        _said("scontrol", "update", f"JobId={job.job}", "TimeLimit=1")


def _said(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def why_not() -> str | None:
    """Why no SLURM can be started here; None where one can."""
    missing = [name for name in ("slurmctld", "slurmd", "munged", "squeue") if not shutil.which(name)]
    if missing:
        return f"needs SLURM, apt-get install slurm-wlm munge: there is no {', '.join(missing)}"
    if os.geteuid() != 0:
        return "needs root: SLURM's daemons start jobs, and look for their configuration in /etc"
    with suppress(ModuleNotFoundError):
        import snakemake_executor_plugin_slurm  # noqa: F401

        return f"there is a cluster already: {CONFIGURATION}" if os.path.lexists(CONFIGURATION) else None
    return "needs Snakemake's plugin for SLURM: pip install -e '.[slurm]'"

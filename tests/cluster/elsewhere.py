"""A small grid whose trainings run elsewhere: in folders of their own, with nothing but a storage in common."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from workspace import Ended, Workspace

from gradgrid.core.config import load
from gradgrid.core.plan import plan

STAND_IN = Path(__file__).with_name("stand_in")
"""Commands that stand for a scheduler's."""

SETTINGS = """\
dataset: {name: digits}
device: cpu
seeds: 2
factors:
  depth: [1, 2]
  activation: tanh
  initializer: lecun_normal
  clipping: [null, {norm: 1.0}]
  learning_rate: 0.1
training: {digits_epochs: 1}
book: null
laboratory: null
"""

GENERIC = (
    *("--workflow-profile", "workflow/profiles/generic"),
    *("--cluster-generic-submit-cmd", f"{STAND_IN}/submit {{resources.mem_mb}} {{resources.runtime}}"),
    *("--cluster-generic-status-cmd", f"{STAND_IN}/status"),
    *("--cluster-generic-cancel-cmd", f"{STAND_IN}/cancel"),
    *("--jobs", "2", "--latency-wait", "5", "--seconds-between-status-checks", "1"),
)


@dataclass(frozen=True)
class Elsewhere:
    """A workflow in a folder that its jobs do not see: they see a copy of its sources each, and the storage."""

    workspace: Workspace

    @classmethod
    def new(cls, folder: Path) -> "Elsewhere":
        """Nothing but the workflow, in a new folder."""
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # jobs call `python`
        grid = cls(Workspace.new(folder, {"PATH": path}, SETTINGS))
        grid.jobs.mkdir()
        return grid

    @property
    def storage(self) -> Path:
        """The folder that stands for a storage."""
        return self.workspace.folder.with_name("storage")

    @property
    def jobs(self) -> Path:
        """The folder of the scheduler's jobs."""
        return self.workspace.folder.with_name("jobs")

    @property
    def settings(self) -> Path:
        """The file with the settings."""
        return self.workspace.folder / "settings.yaml"

    def bundles(self) -> dict[str, frozenset[str]]:
        """The runs of every bundle that the settings ask for, by its key."""
        asked = plan(load(self.workspace.folder / "config.yaml", self.settings))
        return {bundle.key: frozenset(run.run_id for run in bundle.runs) for bundle in asked.bundles}

    def run(self, *arguments: str, **environment: str) -> Ended:
        """Run it to its end, the trainings elsewhere."""
        sources = self.workspace.folder.with_name("sources")
        shutil.rmtree(sources, ignore_errors=True)
        ignored = shutil.ignore_patterns(".snakemake", "results", "report")
        shutil.copytree(self.workspace.folder, sources, symlinks=True, ignore=ignored)
        places = {"STAND_IN": str(self.jobs), "STAND_IN_SOURCES": str(sources)}
        return self.here(*arguments, "--shared-fs-usage", "none", *GENERIC, **places, **environment)

    def here(self, *arguments: str, **environment: str) -> Ended:
        """Run it to its end, with the storage, the trainings here unless ``arguments`` say otherwise."""
        storage = ("--default-storage-provider", "fs", "--default-storage-prefix", str(self.storage))
        return self.workspace.snakemake(*arguments, *storage, **environment)

    def asked(self) -> list[str]:
        """What the scheduler was asked for: memory and time of each job in the order of their submission."""
        files = sorted(self.jobs.glob("*/asked"), key=lambda file: file.stat().st_mtime_ns)
        return [" ".join(file.read_text(encoding="utf-8").split()) for file in files]

    def log(self, key: str) -> str:
        """What the job of a bundle said."""
        return (self.storage / f"results/logs/train/{key}.log").read_text(encoding="utf-8")

"""A small grid whose trainings go to the cluster."""

from dataclasses import dataclass

from workspace import Ended, Workspace

from gradgrid.core.config import load
from gradgrid.core.plan import plan

SETTINGS = """\
dataset: {name: digits}
device: cpu
seeds: 4
factors:
  depth: [1, 2, 3]
  activation: tanh
  initializer: [lecun_normal, normal]
  clipping: [null, {norm: 1.0}]
  learning_rate: [0.1, 1000.0]
training: {digits_epochs: 2, weight_decay: 1.0}
execution: {bundle_minutes: 0.01}
book: null
laboratory: null
"""
"""96 runs in 12 bundles, one a seed."""

PROFILE = ("--workflow-profile", "workflow/profiles/slurm")
QUICKLY = ("--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10")
"""The node is this machine, and the jobs are short."""


@dataclass(frozen=True)
class Submitted:
    """A workflow whose jobs go to the cluster, and what its last run said."""

    workspace: Workspace
    ended: Ended | None = None

    @property
    def folder(self):
        return self.workspace.folder

    @property
    def keys(self):
        """The bundles that its settings ask for."""
        asked = load(self.folder / "config.yaml", self.folder / "settings.yaml")
        return [bundle.key for bundle in plan(asked).bundles]

    def started(self, *arguments):
        """Snakemake started on the cluster."""
        return self.workspace.started(*PROFILE, *QUICKLY, *arguments)

    def run(self, *arguments):
        """Run it to its end."""
        with self.started(*arguments) as running:
            return running.end()

    def copy(self, folder):
        """The same in another folder."""
        return Submitted(self.workspace.copy(folder))

"""One bundle, trained without a disturbance; copies of its folder are disturbed, mended and compared with it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from grid import assert_same_numbers, files, numbers
from workspace import Running, Workspace

from gradgrid.core.config import load
from gradgrid.core.plan import Bundle, plan

SETTINGS = """\
dataset: {name: digits}
device: cpu
seeds: 1
factors:
  depth: 2
  activation: tanh
  initializer: [lecun_normal, normal]
  clipping: [null, {norm: 1.0}]
  width: 8
  learning_rate: 0.1
training: {digits_epochs: 8}
execution: {checkpoint_every: 1}
book: null
laboratory: null
"""
RUNS = "results/tables/runs.parquet"
NOTHING = "Nothing to be done"


@dataclass(frozen=True)
class Trained:
    """A folder with one bundle and the table of its runs, for reading only."""

    workspace: Workspace

    @property
    def bundle(self) -> Bundle:
        folder = self.workspace.folder
        (bundle,) = plan(load(folder / "config.yaml", folder / "settings.yaml")).bundles
        return bundle

    @property
    def key(self) -> str:
        return self.bundle.key

    def copy(self, folder: Path) -> Workspace:
        """The folder once more."""
        return self.workspace.copy(folder)

    def untrained(self, folder: Path) -> Workspace:
        """The same with the data alone."""
        workspace = self.copy(folder)
        for name in ("grid", "tables", "logs"):
            shutil.rmtree(workspace.folder / "results" / name)
        return workspace

    def assert_same(self, workspace: Workspace) -> None:
        """What a folder holds is what this one does, and nothing is half-written."""
        assert_same_numbers(workspace.folder, self.workspace.folder, self.key)
        assert numbers(workspace.folder / RUNS).equals(numbers(self.workspace.folder / RUNS))
        assert leftovers(workspace) == []

    def assert_mended(self, workspace: Workspace, *arguments: str) -> str:
        """One more run ends as this one did, and leaves nothing to do; what its training job had to say."""
        ended = workspace.snakemake(RUNS, *arguments)
        assert ended.status == 0, ended.output
        self.assert_same(workspace)
        assert NOTHING in workspace.snakemake(RUNS, "-n").output
        return log(workspace, self.key)


def leftovers(workspace: Workspace) -> list[str]:
    """Files that are, or may be, half of something."""
    return [name for name in workspace.made() if ".part" in name or "checkpoints" in name]


def log(workspace: Workspace, key: str) -> str:
    """What a bundle's job has written so far."""
    path = workspace.folder / "results" / "logs" / "train" / f"{key}.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def at_checkpoint(running: Running, workspace: Workspace) -> None:
    """Wait until some of the training is behind."""
    running.wait_until(lambda: any(workspace.folder.glob("results/grid/checkpoints/**/[!.]*.pt")))


def kill_alone(running: Running) -> list[psutil.Process]:
    """End Snakemake without a chance to end its jobs; these, which go on."""
    snakemake = psutil.Process(running.pid)
    left = snakemake.children(recursive=True)
    snakemake.kill()
    return left


def kill_all(running: Running) -> None:
    """End Snakemake and its jobs at once."""
    os.killpg(running.pid, signal.SIGKILL)


def forget(workspace: Workspace, *names: str) -> subprocess.CompletedProcess:
    """``gradgrid forget`` in a folder."""
    command = [
        sys.executable,
        "-m",
        "gradgrid.cli",
        "forget",
        *names,
        "--config",
        "config.yaml",
        "settings.yaml",
    ]
    return subprocess.run(
        command, cwd=workspace.folder, env=workspace.environment, capture_output=True, text=True, check=False
    )


def contents(workspace: Workspace, key: str) -> dict[str, bytes]:
    """The bytes of a bundle's four tables."""
    return {table: path.read_bytes() for table, path in files(workspace.folder, key).items()}


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """Something mounted at a folder; the test is skipped where that is not allowed."""
    said = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
    if said.returncode:
        pytest.skip(f"needs to mount: {said.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)

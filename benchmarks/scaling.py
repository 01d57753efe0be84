"""Measure the workflow itself on grids of many bundles: Snakemake for real, with a stand-in for training.

    python -m benchmarks.scaling --bundles 100 1000 10000 --json scaling.json

For each size, in a folder of its own: a grid with so many bundles of 36 runs, one for each of the default's
initializers and clippings, on the embedded digits (10 depths, 10 activations, as many widths as it takes, one seed). Of
its train jobs, ``--sample`` are run by Snakemake; the others' files are written by the same function in this
process, and ``--touch`` has Snakemake schedule and note them all. Then each table is collected in a process of its own,
and one depth is read from the gradients; with ``--all`` Snakemake then makes figures and report. CPU seconds are
user + system of a process and all that it started; memory is the peak of the largest of them.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.stand_in import stand_in
from gradgrid.analysis.cells import write_cells
from gradgrid.analysis.collect import collect, collect_runs
from gradgrid.core.config import Config, load
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.plan import BUNDLE_TABLES, Bundle, BundleJob, plan
from gradgrid.core.prepared import RECORD, prepared
from gradgrid.core.states import GRID, state_file

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "workflow", "profiles", "config.yaml", "environment.yml")

DEPTHS = 10
ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "selu", "silu", "softplus", "identity")
SETTINGS = """\
dataset: {{name: digits}}
device: cpu
seeds: 1
factors:
  depth: {depths}
  activation: {activations}
  width: {widths}
book: null
laboratory: null
"""

SCRIPT = '''\
"""In place of training."""

from pathlib import Path

from benchmarks.stand_in import stand_in
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.jobs import job
from gradgrid.data import identify

with job(snakemake.log[0], snakemake.input):
    found = identify(Path(snakemake.input.data))
    stand_in(snakemake.params.job, snakemake.params.generation, found, TrainingSource())
'''
BOTH = ("config.yaml", "settings.yaml")
TABLES = ("gradients", "accuracy", "clipping", "runs", "cells")


@dataclass(frozen=True)
class Cost:
    """What a process and all that it started took: CPU and wall time in seconds, and the largest's peak in MiB."""

    cpu: float
    wall: float
    peak_mib: float


@dataclass(frozen=True)
class Folder:
    """A folder with the workflow, in which train jobs are stand-ins."""

    path: Path

    @classmethod
    def new(cls, path: Path, asked: str) -> "Folder":
        """A new folder with the grid that these settings ask for."""
        path.mkdir(parents=True)
        for name in PARTS:
            copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy2
            copy(REPOSITORY / name, path / name)
        (path / "workflow" / "scripts" / "train.py").write_text(SCRIPT, encoding="utf-8")
        (path / "settings.yaml").write_text(asked, encoding="utf-8")
        return cls(path)

    @cached_property
    def config(self) -> Config:
        """The configuration."""
        return load(self.path / "config.yaml", self.path / "settings.yaml")

    @cached_property
    def bundles(self) -> tuple[Bundle, ...]:
        """The bundles of its plan."""
        return plan(self.config).bundles

    def python(self, *arguments: str) -> Cost:
        """Run Python there, at the least priority; raises RuntimeError with what it said if it fails."""
        path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
        began, said = time.monotonic(), self.path / "said.txt"
        with said.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.path,
                env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"it ended with {process.returncode}:\n{said.read_text()[-3000:]}")
        wall = time.monotonic() - began
        return Cost(round(used.ru_utime + used.ru_stime, 2), round(wall, 2), round(used.ru_maxrss / 1024))

    def snakemake(self, *arguments: str) -> Cost:
        """Run Snakemake there."""
        return self.python("-m", "snakemake", *arguments, "--cores", "2", "--configfile", "settings.yaml")

    def gradgrid(self, *arguments: str) -> Cost:
        """Run the command line there."""
        return self.python("-m", "gradgrid.cli", *arguments)

    def function(self, module: str, name: str, argument: str) -> Cost:
        """Run a function of a benchmark there, in a process of its own."""
        return self.python("-c", f"from benchmarks import {module}; {module}.{name}({argument!r})")

    def write(self, bundles: Sequence[Bundle]) -> Cost:
        """Write the files of bundles in this process."""
        known, source = prepared(self.config.dataset, self.path / RECORD).known, TrainingSource()
        cpu, wall = time.process_time(), time.monotonic()
        for bundle in bundles:
            job = BundleJob(bundle, self.config.training, self.config.device, self.config.execution)
            stand_in(job, 0, known, source, self.path / GRID)
        return Cost(round(time.process_time() - cpu, 2), round(time.monotonic() - wall, 2), 0)


def settings(bundles: int) -> str:
    """Settings of a grid of so many bundles, a multiple of 100."""
    widths = bundles // (DEPTHS * len(ACTIVATIONS))
    return SETTINGS.format(
        depths=list(range(1, DEPTHS + 1)),
        activations=f"[{', '.join(ACTIVATIONS)}]",
        widths=list(range(30, 30 + widths)),
    )


def make_table(name: str) -> None:
    """In the working folder, what the job of a table does."""
    bundles = plan(load(Path("config.yaml"), Path("settings.yaml"))).bundles
    files = {table: [GRID / table / f"{bundle.key}.parquet" for bundle in bundles] for table in BUNDLE_TABLES}
    out = Path("results/tables") / f"{name}.parquet"
    if name == "cells":
        write_cells(out.with_name("runs.parquet"), out)
    elif name == "runs":
        collect_runs(files["runs"], files["gradients"], out)
    else:
        collect(name, files[name], out)


def read_depth(place: str, depth: int = 5) -> None:
    """In the working folder, read one depth's speeds of learning from a table, or from the bundles' folder."""
    columns = ["run_id", "step", "layer", "bias_gradient_norm"]
    pq.read_table(place, columns=columns, filters=[("depth", "==", depth)], partitioning=None)


def measurements(folder: Folder, sample: int, everything: bool) -> Iterator[tuple[str, Cost]]:
    """What is measured in a new folder, one after the other."""
    yield from _training(folder, sample)
    for name in TABLES:
        yield f"table of {name}", folder.function("scaling", "make_table", name)
    for place in ("results/tables/gradients.parquet", "results/grid/gradients"):
        yield f"one depth of {place}", folder.function("scaling", "read_depth", place)
    if everything:
        yield "all else: comparisons, figures, report", folder.snakemake()
    yield "snakemake -n, all bundles there", folder.snakemake("-n", "--quiet")
    yield "gradgrid plan, all bundles there", folder.gradgrid("plan", *BOTH)
    yield "gradgrid forget", folder.gradgrid("forget", folder.bundles[-1].runs[0].run_id, "--config", *BOTH)
    yield "snakemake -n, one bundle to train", folder.snakemake("-n", "--quiet")


def _training(folder: Folder, sample: int) -> Iterator[tuple[str, Cost]]:
    """What there is before the tables."""
    yield "data", folder.snakemake("results/data/dataset.npz")
    yield "snakemake -n, nothing there", folder.snakemake("-n", "--quiet")
    yield "gradgrid plan, nothing there", folder.gradgrid("plan", *BOTH)
    some, others = folder.bundles[:sample], folder.bundles[sample:]
    yield f"{len(some)} train jobs", folder.snakemake(*(str(state_file(bundle.key)) for bundle in some))
    yield "the other bundles' files, in this process", folder.write(others)
    yield "--touch of all train jobs", folder.snakemake("--touch", "--until", "train", "--forcerun", "train")


def main() -> None:
    """Measure each size, print as it goes, and leave the numbers as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__.splitlines()[0])
    parser.add_argument("--bundles", type=int, nargs="+", default=[100, 1000], help="sizes, multiples of 100")
    parser.add_argument("--sample", type=int, default=100, help="train jobs of each size that Snakemake runs")
    parser.add_argument(
        "--folder", type=Path, help="where to work, and to leave it; a temporary folder if not given"
    )
    parser.add_argument("--all", action="store_true", help="figures and report too")
    parser.add_argument("--json", type=Path, help="a file for the numbers")
    asked = parser.parse_args()
    os.nice(19)
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for bundles in asked.bundles:
            folder = Folder.new((asked.folder or Path(temporary)) / str(bundles), settings(bundles))
            print(f"{bundles} bundles", flush=True)
            found[bundles] = {}
            for name, cost in measurements(folder, asked.sample, asked.all):
                found[bundles][name] = asdict(cost)
                print(
                    f"  {name:40}{cost.cpu:10.2f} s CPU {cost.wall:10.2f} s {cost.peak_mib:8.0f} MiB",
                    flush=True,
                )
                if asked.json:
                    asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

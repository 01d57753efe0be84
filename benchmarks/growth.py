"""Measure how every step of the workflow but training grows with the number of cells.

    python -m benchmarks.growth --cells 100 1000 10000 100000 --json growth.json

For each size, in a folder of its own: a grid of so many cells with two seeds on the embedded digits (2 depths,
5 activations, 5 initializers, 2 clippings; then 10 learning rates and as many widths as it takes). A stand-in writes
the files of all bundles through the writers of training; then parsing, planning, every table, figure and the report
are made in a process of its own each, as their jobs make them. CPU seconds are user + system; a peak below 210 MiB may
be that of this process, from which the other begins.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.scaling import BOTH, TABLES, Cost, Folder, make_table
from gradgrid.analysis.statistics import write_statistics
from gradgrid.core.config import load
from gradgrid.core.figures import figures
from gradgrid.core.plan import plan
from gradgrid.core.provenance import write
from gradgrid.core.states import GRID

SMALLEST = 100
"""Cells of one learning rate and one width."""
SETTINGS = """\
dataset: {{name: digits}}
device: cpu
seeds: 2
factors:
  depth: [1, 2]
  activation: [sigmoid, tanh, relu, elu, gelu]
  initializer: [normal, lecun_normal, xavier_normal, kaiming_normal, orthogonal]
  clipping: [null, {{norm: 1.0}}]
  learning_rate: {rates}
  width: {widths}
training:
  digits_epochs: 3
book: null
laboratory: null
"""
MADE = Path("results")
BUNDLES, PAGE = "bundles", "report"
"""What is no table and no figure."""


def settings(cells: int) -> str:
    """Settings of a grid of so many cells, 100 times a number up to 10 or a multiple of 10."""
    times = cells // SMALLEST
    rates = min(times, 10)
    return SETTINGS.format(
        rates=[round(0.02 * (place + 1), 2) for place in range(rates)],
        widths=list(range(10, 10 + times // rates)),
    )


def grid_figures() -> list[str]:
    """Names of the figures of the grid, in their order."""
    return [name for name, spec in figures().items() if spec.part == "grid"]


def make(name: str) -> None:
    """In the working folder, what the job of a table, of a figure or of the report does."""
    if name == BUNDLES:
        folder = Folder(Path.cwd())
        folder.write(folder.bundles)
    elif name in TABLES:
        make_table(name)
    elif name == "compare":
        write_statistics(MADE / "tables" / "runs.parquet", MADE / "tables")
    elif name == "provenance":
        config = load(*map(Path, BOTH))
        runs = [GRID / "runs" / f"{bundle.key}.parquet" for bundle in plan(config).bundles]
        write(MADE / "provenance.json", dataset=MADE / "data" / "dataset.json", config=config, bundles=runs)
    elif name == PAGE:
        _report()
    else:
        _figure(name)


def _figure(name: str) -> None:
    from gradgrid.figures.draw import draw  # here, so that no other step loads Matplotlib

    draw(name, MADE / "tables", MADE / "figures" / name)


def _report() -> None:
    from gradgrid.report import build, write_pages

    sidecars = [MADE / "figures" / f"{name}.json" for name in grid_figures()]
    build(MADE / "tables", sidecars, MADE / "provenance.json", Path("config.yaml"), Path("report/index.html"))
    write_pages(MADE / "tables", [Path(f"report/tables/{name}.html") for name in ("cells", "comparisons")])


def measurements(folder: Folder) -> Iterator[tuple[str, Cost]]:
    """What is measured in a new folder, one after the other."""
    yield "data", folder.snakemake("results/data/dataset.npz")
    yield "snakemake --list-rules", folder.snakemake("--list-rules")
    yield "snakemake -n, nothing there", folder.snakemake("-n", "--quiet")
    yield "gradgrid plan, nothing there", folder.gradgrid("plan", *BOTH)
    yield "files of all bundles", folder.function("growth", "make", BUNDLES)
    yield "snakemake -n, all bundles there", folder.snakemake("-n", "--quiet")
    yield "gradgrid plan, all bundles there", folder.gradgrid("plan", *BOTH)
    for name in (*TABLES, "compare", "provenance", *grid_figures(), PAGE):
        yield name, folder.function("growth", "make", name)


def main() -> None:
    """Measure each size, print as it goes, and leave the numbers as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, nargs="+", default=[100, 1000], help="sizes")
    parser.add_argument("--folder", type=Path, help="where to work, and to leave it; else a temporary one")
    parser.add_argument("--json", type=Path, help="a file for the numbers")
    asked = parser.parse_args()
    os.nice(19)
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for cells in asked.cells:
            folder = Folder.new((asked.folder or Path(temporary)) / str(cells), settings(cells))
            print(f"{cells} cells", flush=True)
            found[cells] = {}
            for name, cost in measurements(folder):
                found[cells][name] = asdict(cost)
                print(f"  {name:40}{cost.cpu:10.2f} s CPU {cost.peak_mib:8.0f} MiB", flush=True)
                if asked.json:
                    asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

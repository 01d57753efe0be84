"""A folder with everything that the report is made from, small and synthetic: for the tests of the report."""

import base64
import json
from dataclasses import asdict
from pathlib import Path

import synthetic

from gradgrid import report
from gradgrid.core import provenance, sidecars
from gradgrid.core.datasets import SIZES
from gradgrid.core.sidecars import Sidecar

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><title>{}</title><path d="M0 0h9"/></svg>'
)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SMALL_GRID = {
    "depths": (1, 2, 4),
    "activations": ("sigmoid", "relu"),
    "initializers": ("lecun_normal", "kaiming_normal", "uniform"),
    "clippings": ("none", "norm=1"),
    "seeds": 3,
}
TRAINED = [{"device": "cpu", "torch": "2.15.0", "bundles": 2, "peak_memory_mib": 812, "seconds": 4000.0}]
CONFIG_TEXT = "# the <grid>\ndataset: {name: mnist, root: /home/jo/data/mnist}\nseeds: 3\n"


def prepare(folder: Path, requested: str = "mnist", dataset: str = "mnist", **levels: object) -> Path:
    """Write tables, figures, provenance and configuration; ``levels`` as in ``synthetic.tables``."""
    synthetic.write(folder / "tables", **{**SMALL_GRID, "dataset": dataset, **levels})
    (folder / "figures").mkdir()
    for order, (name, chapter) in enumerate((("speed", "Speed of learning"), ("accuracy", "Accuracy"))):
        figure(folder / "figures", name, chapter, order)
    (folder / "provenance.json").write_text(json.dumps(record(requested, dataset)), encoding="utf-8")
    (folder / "config.yaml").write_text(CONFIG_TEXT, encoding="utf-8")
    return folder


def build(folder: Path) -> str:
    """Build the report of a prepared folder and return its text."""
    out = folder / "report" / "index.html"
    report.build(*arguments(folder), out)
    return out.read_text(encoding="utf-8")


def arguments(folder: Path) -> tuple[Path, list[Path], Path, Path]:
    """The inputs of ``report.build`` in a prepared folder."""
    return (
        folder / "tables",
        sorted((folder / "figures").glob("*.json")),
        folder / "provenance.json",
        folder / "config.yaml",
    )


def figure(folder: Path, name: str, chapter: str, order: int, **changed: object) -> None:
    """Write one figure: a tiny SVG, a PNG of one pixel and the sidecar."""
    (folder / f"{name}.svg").write_text(SVG.format(name), encoding="utf-8")
    (folder / f"{name}.png").write_bytes(PNG)
    described = {
        "name": name,
        "title": f"Title of {name}",
        "caption": f"Caption of {name}.",
        "alt": f"Alternative text of {name}",
        "shown": "MNIST, width 30.",
        "chapter": chapter,
        "order": order,
        "source_table": "gradients",
        "units": {"layer": "layer"},
        "dataset": "mnist",
        "notice": None,
        "width_px": 90,
        "height_px": 60,
    }
    sidecars.write(Sidecar(**{**described, **changed}), folder / f"{name}.json")


def record(requested: str, dataset: str) -> dict:
    """A provenance as the workflow writes it."""
    fallback = requested != dataset
    data = {
        "requested": requested,
        "dataset": dataset,
        "fallback": fallback,
        "message": "MNIST could not be downloaded: this run uses the digits.\nNo <network>."
        if fallback
        else "",
        "source": "the four original files",
        "files": [{"name": "train-images-idx3-ubyte.gz", "md5": "f68b3c2dcbeaaa9fbdd348bbdeb94873"}],
        "digest": "0123456789abcdef",
        "sizes": asdict(SIZES[dataset]),
        "mean": 0.1307,
        "std": 0.3081,
    }
    for file in data["files"]:
        file["checksum"] = "published"
    recipe = {"epochs": 5, "minibatch": 10, "weight_decay": 5.0, "loss": "cross_entropy", "bias": "normal"}
    environment = provenance.environment() | {"time": "2026-01-31T12:00:00Z"}
    return environment | {"dataset": data, "config": {"training": recipe}, "training": TRAINED}

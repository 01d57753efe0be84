"""A folder with everything that the report is made from, small and synthetic: for the tests of the report."""

import base64
import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import synthetic
import synthetic_book
import synthetic_laboratory

from gradgrid import report
from gradgrid.core import provenance, sidecars
from gradgrid.core.book_tables import CLAIMS
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
SMALL_BOOK = {
    "speed_depths": (2, 5),
    "steepness": (1.0,),
    "activations": ("sigmoid",),
    "steps": 3,
    "chains": 40,
}
SMALL_LABORATORY = {
    "widths": (40, 30),
    "depth": 20,
    "activations": ("tanh", "relu"),
    "initializers": ("normal", "lecun_normal", "orthogonal"),
    "trained_depths": (5, 10),
    "seeds": 2,
}
RULE = "holds: above 0 for at least 95 % of the seeds"
VERDICTS = {
    "layer-helps": "holds",
    "initial-order": "holds on average",
    "initial-ratio": "does not hold",
    "new-kind": "not judged",
}
"""By the claim's short name."""
TRAINED = [{"device": "cpu", "torch": "2.15.0", "bundles": 2, "peak_memory_mib": 812, "seconds": 4000.0}]
JOBS = {
    "depth": 1, "bundles": 2, "measured": 2, "runtime_minutes": 10, "longest_seconds": 90.0, "memory_mb": 2000,
    "largest_memory_mb": 1048.4, "cpu_seconds": 120.0, "seconds": 170.0, "estimated_seconds": 100.0,
}  # fmt: skip
HOSTILE = """<script>alert("x")</script>'"&</table>"""
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


def prepare_book(folder: Path, dataset: str = "mnist", **options: object) -> Path:
    """Write what :func:`prepare` does, and tables and two figures of the book's chapter.

    ``options`` as in ``synthetic_book.tables``.
    """
    return add_book(prepare(folder, dataset=dataset), dataset, **options)


def add_book(folder: Path, dataset: str = "mnist", **options: object) -> Path:
    """Write tables and two figures of the book's chapter into a prepared folder."""
    options = {**SMALL_BOOK, "dataset": dataset, "seeds": 4, **options}
    made = synthetic_book.tables(**options) | {"claims": claims(dataset)}
    synthetic_book.write(folder / "book", made)
    for order, name in ((240, "book_training_speed"), (210, "book_accuracy")):
        figure(folder / "figures", name, "The book's chapter", order)
    return folder


def prepare_laboratory(folder: Path, dataset: str = "mnist", **options: object) -> Path:
    """Write what :func:`prepare` does, and tables and two figures of the laboratory.

    ``options`` as in ``synthetic_laboratory.tables``.
    """
    return add_laboratory(prepare(folder, dataset=dataset), dataset, **options)


def add_laboratory(folder: Path, dataset: str = "mnist", **options: object) -> Path:
    """Write tables and two figures of the laboratory into a prepared folder."""
    made = synthetic_laboratory.tables(**{**SMALL_LABORATORY, "dataset": dataset, **options})
    synthetic_laboratory.write(folder / "laboratory", made)
    for order, name in ((680, "laboratory_recurrent"), (610, "laboratory_linear")):
        figure(folder / "figures", name, "The laboratory", order)
    return folder


def claims(dataset: str, **changed: object) -> pd.DataFrame:
    """A claim of each verdict, two on one subject; the last has no known one, no published number, no interval
    and concerns no images.
    """
    rows = [
        {"dataset": dataset, "claim_id": name, "claim": f"Claim number {n}.", "measure": "points; mean",
         "value": 0.42, "low": 0.31, "high": 0.53, "published": 0.4, "share_of_seeds": 0.75, "seeds": 16,
         "verdict": verdict, "rule": RULE, **changed}
        for n, (name, verdict) in enumerate(VERDICTS.items())
    ]  # fmt: skip
    rows[-1] |= {"dataset": "", "value": 25.0, "low": None, "high": None, "published": None, "seeds": 10_000}
    return pd.DataFrame(rows, columns=CLAIMS.schema.names)


def table(folder: Path, part: str, name: str) -> pd.DataFrame:
    """A table of a chapter beside the grid."""
    return pd.read_parquet(folder / part / f"{name}.parquet")


def build(folder: Path) -> str:
    """Build the report of a prepared folder, with the chapters beside the grid that it has, and return its text."""
    out = folder / "report" / "index.html"
    beside = (path if path.exists() else None for path in (folder / "book", folder / "laboratory"))
    report.build(*arguments(folder), out, *beside)
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
    """Write one figure: a tiny SVG, a PNG of one pixel, a line of data and the sidecar."""
    (folder / f"{name}.csv").write_text(f"figure,value\n{name},0.1\n", encoding="utf-8")
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
    return environment | {
        "dataset": data,
        "config": {"training": recipe},
        "training": TRAINED,
        "jobs": [JOBS],
    }

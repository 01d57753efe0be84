"""A grid of runs that overflow, never learn or have no gradient, trained for real: the tables of its bundles."""

from functools import cache
from pathlib import Path

import pandas as pd
import torch
import training

from gradgrid.analysis.cells import write_cells
from gradgrid.analysis.collect import collect, collect_runs
from gradgrid.analysis.statistics import write_statistics
from gradgrid.core.config import Config
from gradgrid.core.parquet import write_frame
from gradgrid.core.plan import BUNDLE_TABLES, plan
from gradgrid.core.tables import TABLES
from gradgrid.train.runs import train_runs

IMAGES = training.images_of(training.dataset(images=57), torch.float32)
TOO_LARGE = {"normal": {"std": 3e38}}
"""In a thousand draws there are some that single precision does not hold."""
OVERFLOWING = {"normal": {"std": 1e20}}
"""Two layers multiply to more than single precision holds, unless activations are bounded."""
ZERO = {"constant": {"value": 0.0}}
ALIKE = {"constant": {"value": 0.01}}
SATURATED = {"constant": {"value": 1e4}}
"""A sigmoid is exactly 1."""
DEAD = {"normal": {"mean": -5.0, "std": 0.1}}
"""A rectifier of pixels, which are not negative, is exactly 0."""
INITIALIZERS = [TOO_LARGE, OVERFLOWING, ZERO, ALIKE, SATURATED, DEAD, "lecun_normal"]


def config(**factors):
    """Two epochs on 57 random images."""
    factors = {
        "depth": [1, 3],
        "activation": ["sigmoid", "relu", "identity"],
        "initializer": INITIALIZERS,
        "clipping": [None, {"norm": 1.0}, {"value": 0.1}],
        "width": 5,
    } | factors
    return Config(seeds=2, factors=factors, training={"digits_epochs": 2, "bias": "zero"})


@cache
def bundles():
    """The tables of every bundle of the grid."""
    asked = config()
    found = [train_runs(bundle.runs, bundle.key, IMAGES, asked.training) for bundle in plan(asked).bundles]
    for tables in found:
        tables["runs"] = tables["runs"].assign(seconds=1.0, fingerprint="0" * 16)
    return found


@cache
def table(name: str) -> pd.DataFrame:
    """A table of all bundles."""
    return pd.concat([tables[name] for tables in bundles()], ignore_index=True)


def write(folder: Path) -> Path:
    """Write the grid's tables as the workflow does, FOLDER/NAME.parquet."""
    files = {
        name: [folder / "bundles" / f"{name}{i}.parquet" for i in range(len(bundles()))]
        for name in BUNDLE_TABLES
    }
    for i, tables in enumerate(bundles()):
        for name in BUNDLE_TABLES:
            write_frame(tables[name], TABLES[name], files[name][i])
    collect_runs(files["runs"], files["gradients"], folder / "runs.parquet")
    for name in BUNDLE_TABLES[1:]:
        collect(name, files[name], folder / f"{name}.parquet")
    write_cells(folder / "runs.parquet", folder / "cells.parquet")
    write_statistics(folder / "runs.parquet", folder)
    return folder

"""Tables of a part of a synthetic grid, as a partial report's are: some runs are there, all cells are asked for."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import synthetic

from gradgrid.analysis.cells import summarise, with_holes
from gradgrid.analysis.statistics import statistics
from gradgrid.core.parquet import write_frame
from gradgrid.core.part import Part
from gradgrid.core.results import RESULTS
from gradgrid.core.tables import FACTOR_NAMES

LEVELS = {
    "depths": (1, 2, 4),
    "activations": ("sigmoid", "relu"),
    "initializers": ("normal", "lecun_normal"),
    "clippings": ("none", "norm=1"),
    "seeds": 3,
}
"""24 cells, 72 runs."""


def there(runs: pd.DataFrame) -> pd.Series:
    """Which are there: no depth 4, no relu at depth 1, no ``normal`` with sigmoid at depth 2, one seed of relu's."""
    sigmoid = runs["activation"] == "sigmoid"
    return (
        (runs["depth"] < 4)
        & (sigmoid | (runs["depth"] == 2))
        & ~(sigmoid & (runs["depth"] == 2) & (runs["initializer"] == "normal"))
        & (sigmoid | (runs["seed"] == 0))
    )


def write(folder: Path, there: Callable[[pd.DataFrame], pd.Series] = there, **levels: object) -> Part:
    """Write FOLDER/NAME.parquet of those runs of a grid that are there."""
    whole = synthetic.tables(**{**LEVELS, **levels})
    runs = whole["runs"][there(whole["runs"])]
    asked = whole["cells"][["cell_id", *FACTOR_NAMES]]
    names = {name: whole["cells"][name].unique().tolist() for name in FACTOR_NAMES}
    seeds = sorted(whole["runs"]["seed"].unique().tolist())
    part = Part(len(runs), len(whole["runs"]), seeds, names)
    by_run = {"runs", "gradients", "accuracy", "clipping"}
    made = {name: whole[name][whole[name]["run_id"].isin(runs["run_id"])] for name in by_run}
    made |= statistics(runs)
    made["cells"] = with_holes(summarise(runs), asked.astype({"cell_id": object}))
    for name, frame in made.items():
        write_frame(frame, RESULTS[name], folder / f"{name}.parquet", part.metadata)
    return part

"""The explorer: everything of all cells and runs that the page's script shows, compares and saves."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.core.verdicts import VERDICTS
from gradgrid.report import cells, packing
from gradgrid.report.inputs import CLIPPED, Inputs, Measured

BEST_FIRST = VERDICTS[::-1]
"""The verdicts from the best to the worst."""
SPLITS = ("train", "validation", "test")
MOST_REASONED = 20_000
"""Of so many cells the page says why they have their verdict; the reasons of more would be most of the page."""
NO_REASONS = "the reasons of the verdicts are left out"
_KINDS = {"accuracy": len(SPLITS), "clipping": len(CLIPPED)}
"""How many curves of each kind a cell has; of gradients, one a layer."""


def context(inputs: Inputs) -> dict[str, Any]:
    """What the templates use: ``header`` describes the numbers, ``numbers`` holds them as text."""
    seeds = _seeds(inputs)
    columns = cells.columns(inputs.cells, len(seeds) if inputs.part else None)
    curves, thinning = packing.fitted(dict(_curves(inputs, seeds)))
    reasoned = len(inputs.cells) <= MOST_REASONED
    arrays = {**dict(_of_cells(inputs.cells, columns)), **dict(_of_runs(inputs, seeds)), **curves}
    header = {
        "ids": inputs.cells["cell_id"].tolist(),
        "factors": [_factor(inputs.cells[name]) for name in FACTOR_NAMES],
        "columns": [asdict(column) | {"description": cells.described(column)} for column in columns],
        "seeds": seeds,
        "verdicts": _verdicts(inputs),
        "verdict_of": _texts(inputs.cells["verdict"]),
        "reason_of": _texts(inputs.cells["verdict_reason"]) if reasoned else [],
        "splits": SPLITS,
        "clipped": CLIPPED,
        "times": {name: _times(measured, thinning) for name, measured in inputs.measured.items()},
        "by_seed": thinning.by_seed,
        "shapes": [(name, values.shape) for name, values in arrays.items()],
    }
    return {
        "header": header,
        "numbers": packing.packed(arrays),
        "thinned": "; ".join(filter(None, [thinning.words, "" if reasoned else NO_REASONS])),
        "columns": columns,
    }


def _factor(levels: pd.Series) -> dict[str, Any]:
    """A factor with its levels, numbers ascending and names in the order of the grid, and every cell's level."""
    found = levels.unique().tolist()
    order = sorted(found) if pd.api.types.is_numeric_dtype(levels) else found
    return {"name": levels.name, "levels": order, "codes": pd.Categorical(levels, order).codes.tolist()}


def _seeds(inputs: Inputs) -> list[int]:
    """The seeds asked for."""
    return sorted(map(int, inputs.part.seeds if inputs.part else inputs.runs["seed"].unique()))


def _verdicts(inputs: Inputs) -> list[str]:
    """The verdicts that occur, from the best to the worst."""
    found = set(inputs.runs["verdict"])
    return [word for word in BEST_FIRST if word in found]


def _texts(column: pd.Series) -> list[str | None]:
    return [text if isinstance(text, str) else None for text in column]


def _of_cells(frame: pd.DataFrame, columns: Sequence[cells.Shown]) -> Iterator[tuple[str, np.ndarray]]:
    """The numbers of the table of cells, by column of the table."""
    for name in (name for column in columns for name in column.numbers):
        yield name, frame[name].to_numpy(dtype="float32", na_value=np.nan)


def _of_runs(inputs: Inputs, seeds: Sequence[int]) -> Iterator[tuple[str, np.ndarray]]:
    """Verdict (its place among the verdicts), slope and step of divergence of every run, [cells, seeds, 1]."""
    runs = inputs.runs
    verdicts = pd.Categorical(runs["verdict"], _verdicts(inputs)).codes
    cell, seed = _places(runs, inputs.cells, seeds)
    for name in ("verdict", "gradient_slope", "diverged_at_step"):
        values = np.full((len(inputs.cells), len(seeds), 1), np.nan, dtype=np.float32)
        values[cell, seed, 0] = verdicts if name == "verdict" else runs[name]
        yield f"run_{name}", values


def _curves(inputs: Inputs, seeds: Sequence[int]) -> Iterator[tuple[str, np.ndarray]]:
    """Of every run the speed of learning by layer, the accuracy by split and the measures of clipping.

    [rows, seeds, steps]: of each cell, in their table's order, layers 1 … depth+1, or splits, or measures.
    """
    for name, measured in inputs.measured.items():
        steps = measured.times[measured.time].to_numpy()
        kinds = (
            inputs.cells["depth"] + 1 if name == "gradients" else pd.Series(_KINDS[name], inputs.cells.index)
        )
        first = np.concatenate([[0], np.cumsum(kinds)]).astype(int)
        values = np.full((first[-1], len(seeds), len(steps)), np.nan, dtype=np.float32)
        for frame in measured.pieces():
            cell, seed = _places(frame, inputs.cells, seeds)
            step = np.searchsorted(steps, frame[measured.time])
            for kind, numbers in _kinds(name, frame):
                values[first[cell] + kind, seed, step] = numbers
        yield name, values


def _kinds(name: str, frame: pd.DataFrame) -> Iterator[tuple[np.ndarray | int, pd.Series]]:
    """Which of a cell's rows the values of each column belong to."""
    if name == "gradients":
        yield frame["layer"].to_numpy() - 1, frame["bias_gradient_norm"]
    elif name == "accuracy":
        yield pd.Categorical(frame["split"], SPLITS).codes, frame["accuracy"]
    else:
        yield from ((place, frame[measure]) for place, measure in enumerate(CLIPPED))


def _places(frame: pd.DataFrame, cells: pd.DataFrame, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The place of every row's cell among the cells, and of its seed among the seeds."""
    cell = pd.Index(cells["cell_id"]).get_indexer(frame["cell_id"])
    return cell.astype(int), np.searchsorted(seeds, frame["seed"])


def _times(measured: Measured, thinning: packing.Thinning) -> dict[str, list]:
    """The measured steps that are kept (of clipping, epochs), and the same in epochs."""
    kept = measured.times.iloc[thinning.steps(len(measured.times))]
    # Through its shortest text a float32 becomes the number that a reader would write.
    return {
        "steps": kept[measured.time].tolist(),
        "epochs": [float(str(e)) for e in kept["epoch"].to_numpy()],
    }

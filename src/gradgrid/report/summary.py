"""What the results came to in one record, for terminals and machines: findings, cells, verdicts, ranks."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gradgrid.core.errors import GradgridError
from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.core.verdicts import VERDICTS
from gradgrid.report.cells import cell_name
from gradgrid.report.context import data_title
from gradgrid.report.findings import Grid, findings
from gradgrid.report.inputs import Results, results

SHOWN = 5
"""How many of the best cells, and of the worst, are listed."""
ACCURACIES = ("validation_accuracy", "test_accuracy")


@dataclass(frozen=True)
class Place:
    """Where results lie, the report that is made from them, and the command that makes both."""

    folder: Path
    report: Path
    command: str


WHOLE = Place(Path("results"), Path("report/index.html"), "snakemake --cores 8")
PARTIAL = Place(Path("results/partial"), Path("report/partial.html"), "gradgrid report --partial")


def summary(place: Place) -> dict[str, Any]:
    """What the results at a place came to: texts, numbers and None, accuracies as fractions.

    Raises GradgridError where there are none, or tables that are damaged, of another version or not of one grid.
    """
    known = _read(place)
    grid = Grid(known.runs, known.found, known.accuracy, known.statistics, data_title(known.dataset))
    return {
        "report": place.report.as_posix() if place.report.is_file() else None,
        "command": place.command,
        **_sizes(known),
        "data": _data(known.provenance["dataset"]),
        "findings": [asdict(finding) for finding in findings(grid)],
        **_cells(known.found),
        "verdicts": _verdicts(known.runs),
        "diverged": _diverged(known.runs),
        "ranks": _rows(known.statistics["ranks"]),
    }


def _read(place: Place) -> Results:
    tables = place.folder / "tables"
    if not (tables / "runs.parquet").is_file():
        raise GradgridError(f"{tables}: no results here; `{place.command}` makes them")
    known = results(tables, place.folder / "provenance.json")
    if known.cells["seeds"].sum() != len(known.runs):
        raise GradgridError(
            f"{tables}: runs and cells are not of one grid; `{place.command}` makes them anew"
        )
    return known


def _sizes(known: Results) -> dict[str, Any]:
    return {
        "written": known.provenance["time"],
        "runs": len(known.runs),
        "runs_asked": known.part.asked if known.part else len(known.runs),
        "cells": len(known.cells),
        "seeds": sorted(map(int, known.part.seeds if known.part else known.runs["seed"].unique())),
        "epochs": known.epochs,
    }


def _data(record: Mapping[str, Any]) -> dict[str, Any]:
    """Which data were used, and whether others were asked for, and why these then."""
    used, asked = record["dataset"], record["requested"]
    return {
        "dataset": used,
        "title": data_title(used),
        "requested": asked,
        "requested_title": data_title(asked),
        "fallback": record["fallback"],
        "message": record["message"],
    }


def _cells(cells: pd.DataFrame) -> dict[str, Any]:
    """The best cells as the report orders them, and of the others the worst of those with a completed run."""
    completed = cells.dropna(subset=["validation_accuracy_mean"])
    ordered = completed.sort_values(
        ["runs_diverged", "validation_accuracy_mean"], ascending=[True, False], kind="stable"
    )
    worst = ordered.iloc[SHOWN:].sort_values("validation_accuracy_mean", kind="stable")
    return {
        "best": [_cell(row, cells) for _, row in ordered.head(SHOWN).iterrows()],
        "worst": [_cell(row, cells) for _, row in worst.head(SHOWN).iterrows()],
        "cells_all_diverged": len(cells) - len(completed),
    }


def _cell(cell: pd.Series, cells: pd.DataFrame) -> dict[str, Any]:
    shown = ("cell_id", *FACTOR_NAMES, "seeds", "runs_diverged", "verdict")
    measured = (f"{name}_{part}" for name in ACCURACIES for part in ("mean", "low", "high"))
    return {"name": cell_name(cell, cells), **{name: _plain(cell[name]) for name in (*shown, *measured)}}


def _verdicts(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """For every depth the number of runs with each verdict that occurs, the best first."""
    table = pd.crosstab(runs["depth"], runs["verdict"])
    order = [word for word in VERDICTS[::-1] if word in table]
    return [
        {"depth": int(depth), "runs": {word: int(row[word]) for word in order}}
        for depth, row in table.iterrows()
    ]


def _diverged(runs: pd.DataFrame) -> dict[str, Any]:
    """How many runs diverged, and at which levels of the factors that vary, the most first."""
    lost = (runs["status"] == "diverged").astype(int)
    varying = [name for name in FACTOR_NAMES if runs[name].nunique() > 1]
    return {"runs": int(lost.sum()), "by": {name: _levels(lost.groupby(runs[name])) for name in varying}}


def _levels(groups: Any) -> list[dict[str, Any]]:
    found = groups.agg(diverged="sum", runs="size").sort_values("diverged", ascending=False, kind="stable")
    return _rows(found[found["diverged"] > 0].rename_axis("level").reset_index())


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    """A value as JSON has it: of Python's own types, None for no number."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value

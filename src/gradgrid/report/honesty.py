"""What the report rests on: data, seeds, runs that diverged, runs that were reused, devices, versions and source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gradgrid.core.datasets import TITLES
from gradgrid.core.numbers import counted, listed
from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.report.numbers import count, percent

NAMED = 4
"""The most levels of a factor that are named with their number of diverged runs."""


@dataclass(frozen=True)
class Ground:
    """One thing that the report rests on; ``warning`` where a reader should think of it at every number."""

    name: str
    said: str
    warning: bool = False


def grounds(runs: pd.DataFrame, record: Mapping[str, Any], seeds: Sequence[int], book: bool) -> list[Ground]:
    """All of them; ``record`` is the provenance, ``seeds`` those asked for, ``book`` whether its chapter is there."""
    return [
        data(record["dataset"]),
        *([published(record["dataset"]["dataset"])] if book else []),
        replication(seeds),
        diverged(runs),
        reused(record),
        trained_on(record["training"]),
        source(record["git"]),
    ]


def data(dataset: Mapping[str, Any]) -> Ground:
    """Which images were used, and whether they are those asked for."""
    used, asked = (TITLES.get(dataset[name], dataset[name]) for name in ("dataset", "requested"))
    if dataset["fallback"]:
        return Ground("Dataset", f"Not {asked}, which was asked for and could not be had, but {used}.", True)
    return Ground("Dataset", f"{used[0].upper()}{used[1:]}, as asked for.")


def published(dataset: str) -> Ground:
    """Whether the book's numbers are judged."""
    if dataset == "mnist":
        return Ground("Published numbers", "Of MNIST, as here: they are compared and the claims are judged.")
    said = (
        "Of MNIST, other images than here: they stand beside, and no claim that depends on images is judged."
    )
    return Ground("Published numbers", said, True)


def replication(seeds: Sequence[int]) -> Ground:
    """How many seeds there are."""
    if len(seeds) < 2:
        return Ground(
            "Seeds", "One: nothing here can be told from chance, and nothing has an interval.", True
        )
    return Ground(
        "Seeds", f"{len(seeds)} in every cell. Intervals say what another set of seeds would change."
    )


def diverged(runs: pd.DataFrame) -> Ground:
    """How many runs diverged, and where."""
    lost = runs[runs["status"] == "diverged"]
    if lost.empty:
        return Ground("Diverged", f"None of {counted(len(runs), 'run')}.")
    varying = [name for name in FACTOR_NAMES if runs[name].nunique() > 1]
    where = " ".join(f"By {name.replace('_', ' ')}: {_most(lost[name])}." for name in varying)
    share = f"{count(len(lost))} of {counted(len(runs), 'run')} ({percent(len(lost) / len(runs))})"
    return Ground("Diverged", f"{share}. {where}".rstrip())


def _most(levels: pd.Series) -> str:
    """The levels with the most runs, and how many: ``8 (12) and 4 (3)``."""
    counts = levels.value_counts()
    named = [f"{level} ({count(number)})" for level, number in counts.head(NAMED).items()]
    rest = counts.iloc[NAMED:]
    return listed([*named, f"{len(rest)} more ({count(rest.sum())})"] if len(rest) else named)


def reused(record: Mapping[str, Any]) -> Ground:
    """How many runs were trained in the run of the workflow that wrote the provenance, and how many reused."""
    setups, began = record["training"], record.get("began")
    runs, since, undated = (
        sum(s.get(name, 0) for s in setups) for name in ("runs", "runs_since", "runs_undated")
    )
    if not began:
        return Ground(
            "Trained and reused", "No run of the workflow gathered these runs: all were there before."
        )
    begun = f"the run of the workflow that began on {_time(began)}"
    if since == runs:
        return Ground("Trained and reused", f"All {count(runs)} runs of the grid were trained in {begun}.")
    unknown = f", {count(undated)} of them at a time that was not noted" if undated else ""
    said = (
        f"{count(since)} of {count(runs)} runs of the grid were trained in {begun}, {count(runs - since)} reused from "
        f"earlier ones{unknown}. A run is reused if its settings, its data and the source that trains it are the same."
    )
    return Ground("Trained and reused", said)


def _time(iso: str) -> str:
    """``2026-01-31T12:00:00Z`` as ``2026-01-31 12:00 UTC``."""
    return f"{iso[:10]} {iso[11:16]} UTC"


def trained_on(setups: Sequence[Mapping[str, Any]]) -> Ground:
    """Devices and versions of PyTorch, and whether they are mixed."""
    if not setups:
        return Ground("Trained on", "No training noted its device.", True)
    said = listed([_setup(setup) for setup in setups])
    if len(setups) == 1:
        return Ground("Trained on", f"{said}, the same for all runs.")
    mixed = (
        "Mixed: between devices and versions numbers differ in the last digits, and training enlarges that. "
    )
    return Ground("Trained on", f"{mixed}{said}.", True)


def _setup(setup: Mapping[str, Any]) -> str:
    words = ", ".join(_facts(setup))
    return f"{words} ({counted(setup['runs'], 'run')})" if "runs" in setup else words


def _facts(setup: Mapping[str, Any]) -> Iterator[str]:
    yield {"cpu": "CPU"}.get(setup.get("device"), setup.get("device", "unknown device"))
    named = {"torch": "PyTorch", "kernel": "compiled kernel"}
    yield from (
        f"{named.get(name, name)} {value}"
        for name, value in setup.items()
        if name != "device" and isinstance(value, str)
    )


def source(git: Mapping[str, Any]) -> Ground:
    """The commit, and whether it is all that ran."""
    if git["state"] == "clean":
        return Ground("Source", f"Commit {git['commit'][:12]}, unchanged.")
    if git["commit"] is None:
        return Ground("Source", f"{git['state'].capitalize()}: no commit says what ran.", True)
    return Ground(
        "Source", f"Commit {git['commit'][:12]} with changes, which alone does not say what ran.", True
    )

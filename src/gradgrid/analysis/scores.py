"""What runs are compared by: the final test accuracy, of a diverged run that of guessing."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gradgrid.core.datasets import CLASSES
from gradgrid.core.tables import FACTOR_NAMES

GUESSING = 1 / CLASSES
MOST_NAMED = 20
"""So many learning rates are named."""
READ = ["dataset", *FACTOR_NAMES, "seed", "status", "validation_accuracy", "test_accuracy"]
"""The columns of the runs table that the statistics need."""


def scored(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs with ``score`` and ``diverged``; where there are several learning rates, each cell at its best one.

    A network with a parameter that is no number classifies no better than by guessing: that is its score, so that
    no comparison is made among the survivors alone. ``learning_rate`` becomes text that says what was done.
    """
    runs = with_shared_seeds(runs)
    diverged = runs["status"] == "diverged"
    score = runs["test_accuracy"].astype(np.float64).mask(diverged, GUESSING)
    runs = runs.assign(score=score, diverged=diverged)
    rates = sorted(runs["learning_rate"].unique())
    if len(rates) == 1:
        return runs.assign(learning_rate=f"{rates[0]:g}")
    return at_best_rate(runs).assign(learning_rate=f"best of {_in_words(rates)}")


def _in_words(rates: Sequence[float]) -> str:
    """Learning rates in ascending order, all of them or of very many how many there are."""
    if len(rates) <= MOST_NAMED:
        return ", ".join(f"{rate:g}" for rate in rates)
    return f"{len(rates):,} from {rates[0]:g} to {rates[-1]:g}"


def with_shared_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """The largest part of the runs in which every cell has the same seeds: all runs of a whole grid.

    The seeds are taken fullest first, as many as make that part largest; of equally large parts that of more seeds.
    """
    there = runs.assign(there=True).pivot(index=[*FACTOR_NAMES], columns="seed", values="there").eq(True)
    fullest = there.sum().sort_values(ascending=False, kind="stable").index
    # Column k says which cells have the k + 1 fullest seeds.
    complete = np.logical_and.accumulate(there[fullest].to_numpy(), axis=1)
    sizes = complete.sum(axis=0) * np.arange(1, len(fullest) + 1)
    best = len(sizes) - 1 - np.argmax(sizes[::-1])
    kept = there.index[complete[:, best]].to_frame(index=False)
    return runs[runs["seed"].isin(fullest[: best + 1])].merge(kept, on=[*FACTOR_NAMES])


def at_best_rate(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs of every cell at its best learning rate.

    It is the one of highest validation accuracy averaged over the seeds, a diverged run counted as guessing; of
    equally good ones the smallest. The test accuracy, by which runs are compared, has no part in the choice.
    """
    rest = [name for name in FACTOR_NAMES if name != "learning_rate"]
    seen = runs["validation_accuracy"].astype(np.float64).mask(runs["status"] == "diverged", GUESSING)
    means = runs.assign(seen=seen).groupby([*rest, "learning_rate"], sort=True)["seen"].mean().reset_index()
    best = means.loc[means.groupby(rest, sort=False)["seen"].idxmax(), [*rest, "learning_rate"]]
    return runs.merge(best, on=[*rest, "learning_rate"])


def varied(runs: pd.DataFrame) -> list[str]:
    """The factors that have several levels among these runs."""
    return [name for name in FACTOR_NAMES if runs[name].nunique() > 1]

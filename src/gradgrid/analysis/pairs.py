"""Paired differences between the levels of every factor. The seed is the unit of replication.

A seed's difference is the mean over the conditions (the combinations of the other factors) of the difference between
its two runs that differ in this factor alone. So the sample has as many values as there are seeds, however many
cells the grid has: conditions share a seed's draws and are no replicates.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from gradgrid.analysis.resampling import effect_size, holm, interval, paired_p
from gradgrid.analysis.scores import varied
from gradgrid.core.statistics_tables import COMPARISONS
from gradgrid.core.tables import FACTOR_NAMES

SIGNIFICANT = 0.05
_SIGNED = ["difference", "effect_size", "dominance", "difference_completed"]
_TWO_SIDED = {
    "level": "reference",
    "accuracy": "reference_accuracy",
    "runs_diverged": "reference_runs_diverged",
}


def comparisons(runs: pd.DataFrame) -> pd.DataFrame:
    """Every level of every varied factor against every other, both ways round; ``runs`` as ``scored`` gives them.

    Two levels are compared over the conditions in which both are there; a pair without any has no row.
    """
    columns = COMPARISONS.schema.names
    found = [of_factor(runs, factor) for factor in varied(runs)]
    found = [frame for frame in found if len(frame)]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def of_factor(runs: pd.DataFrame, factor: str) -> pd.DataFrame:
    """The comparisons of one factor's levels."""
    levels = list(dict.fromkeys(runs[factor]))
    score, diverged = (_by_level(runs, factor, levels, what) for what in ("score", "diverged"))
    pairs = list(_pairs(levels, score, diverged == 1))
    if not pairs:
        return pd.DataFrame()
    rows, by_seed = zip(*pairs, strict=True)
    facts = {name: runs[name].iloc[0] for name in ("dataset", "learning_rate")}
    frame = pd.DataFrame(rows).assign(factor=factor, **facts, **_tested(np.stack(by_seed)))
    return pd.concat([frame, _turned(frame)], ignore_index=True)


def _by_level(runs: pd.DataFrame, factor: str, levels: list, what: str) -> np.ndarray:
    """A column as [levels, conditions, seeds]; NaN where a run is missing."""
    seeds = sorted(runs["seed"].unique())
    wide = runs.astype({what: np.float64}).pivot(
        index=[name for name in FACTOR_NAMES if name != factor], columns=[factor, "seed"], values=what
    )
    wide = wide.reindex(columns=pd.MultiIndex.from_product([levels, seeds]))
    return wide.to_numpy().reshape(len(wide), len(levels), len(seeds)).swapaxes(0, 1)


def _pairs(levels: list, score: np.ndarray, diverged: np.ndarray) -> Iterator[tuple[dict, np.ndarray]]:
    """Of every pair of levels that can be compared what needs no test, and the seeds' differences."""
    ranked = np.where(diverged, -1.0, score)  # a diverged run ranks below all others, and ties with its like
    for one, other in combinations(range(len(levels)), 2):
        difference = score[one] - score[other]
        whole = np.isfinite(difference).all(axis=1)
        if not whole.any():
            continue
        completed = whole[:, None] & ~(diverged[one] | diverged[other])
        yield (
            {
                "level": str(levels[one]),
                "reference": str(levels[other]),
                "conditions": whole.sum(),
                "seeds": score.shape[-1],
                "difference": difference[whole].mean(),
                "dominance": np.sign(ranked[one] - ranked[other])[whole].mean(),
                "accuracy": score[one][whole].mean(),
                "reference_accuracy": score[other][whole].mean(),
                "runs_diverged": diverged[one][whole].sum(),
                "reference_runs_diverged": diverged[other][whole].sum(),
                "difference_completed": difference[completed].mean() if completed.any() else np.nan,
            },
            difference[whole].mean(axis=0),
        )


def _tested(by_seed: np.ndarray) -> dict[str, object]:
    """Interval, effect size and p-values of differences [pairs, seeds]; Holm's correction is over these pairs."""
    low, high, how = interval(by_seed)
    p = paired_p(by_seed)
    corrected = holm(p)
    return {
        "low": low,
        "high": high,
        "interval": how,
        "effect_size": effect_size(by_seed),
        "p_value": p,
        "p_holm": corrected,
        "noise": np.where(corrected < SIGNIFICANT, "outside", "inside"),
    }


def _turned(frame: pd.DataFrame) -> pd.DataFrame:
    """The same comparisons the other way round."""
    names = {**_TWO_SIDED, "low": "high"}
    turned = frame.rename(columns={**names, **{other: one for one, other in names.items()}})
    ends = ["low", "high"]
    turned[_SIGNED + ends] = -turned[_SIGNED + ends]
    return turned

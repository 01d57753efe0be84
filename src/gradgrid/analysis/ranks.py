"""Ranks of the initializers over the conditions, and the difference from which two are told apart (Demšar, 2006).

A condition (a combination of the other factors) is a block. The conditions of a grid are chosen and resemble each
other, where Demšar's are data sets taken to be independent: the critical difference is then too small, if anything.
"""

import numpy as np
import pandas as pd
from scipy import stats

from gradgrid.core.statistics_tables import RANKS
from gradgrid.core.tables import FACTOR_NAMES

ALPHA = 0.05


def ranks(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean ranks of the initializers, the best first; ``runs`` as ``scored`` gives them.

    In each condition the initializers are ranked seed by seed (ties share their mean rank, diverged runs the last
    places), and then by their mean over the seeds. Only conditions count in which every initializer has every seed.
    """
    conditions = [name for name in FACTOR_NAMES if name != "initializer"]
    levels, seeds = runs["initializer"].nunique(), runs["seed"].nunique()
    sizes = runs.groupby(conditions)["score"].transform("size")
    whole = runs[sizes == levels * seeds]
    if levels < 2 or whole.empty:
        return pd.DataFrame(columns=RANKS.schema.names)
    blocks = block_ranks(whole, conditions)
    statistic, p = friedman(blocks.to_numpy())
    by_level = whole.groupby("initializer", sort=False)
    frame = pd.DataFrame(
        {
            "mean_rank": blocks.mean(),
            "accuracy": by_level["score"].mean(),
            "runs_diverged": by_level["diverged"].sum(),
            "runs": by_level.size(),
        }
    ).assign(
        **{name: runs[name].iloc[0] for name in ("dataset", "learning_rate")},
        conditions=len(blocks),
        critical_difference=critical_difference(levels, len(blocks)),
        friedman_statistic=statistic,
        friedman_p=p,
    )
    frame = frame.rename_axis("initializer").reset_index()
    return frame.sort_values("mean_rank", kind="stable", ignore_index=True)[RANKS.schema.names]


def block_ranks(runs: pd.DataFrame, conditions: list[str]) -> pd.DataFrame:
    """Ranks [conditions, initializers]; 1 is best."""
    ranked = runs.assign(score=runs["score"].mask(runs["diverged"]))
    options = {"method": "average", "na_option": "bottom", "ascending": False}
    ranked["rank"] = ranked.groupby([*conditions, "seed"])["score"].rank(**options)
    over_seeds = ranked.pivot_table(
        index=conditions, columns="initializer", values="rank", aggfunc="mean", sort=False
    )
    return over_seeds.round(9).rank(axis=1)  # rounded, so that equal sums of ranks tie


def friedman(blocks: np.ndarray) -> tuple[float, float]:
    """Friedman's χ² of ranks [conditions, levels] and its p-value; NaN for two levels or where all tie."""
    if blocks.shape[1] < 3 or (blocks == blocks[:, :1]).all():
        return np.nan, np.nan
    found = stats.friedmanchisquare(*blocks.T)
    return float(found.statistic), float(found.pvalue)


def critical_difference(levels: int, conditions: int) -> float:
    """Nemenyi's ``CD = q √(k (k + 1) ÷ 6 N)`` at 0.05, q the studentized range's quantile ÷ √2 (Demšar, 2006)."""
    quantile = stats.studentized_range.ppf(1 - ALPHA, levels, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(levels * (levels + 1) / (6 * conditions)))

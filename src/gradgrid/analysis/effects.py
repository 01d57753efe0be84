"""Which choices move the accuracy: shares of its variance, by factors, pairs of factors, and the rest.

In a whole grid every combination of levels has the same seeds, so the sums of squares of main effects and
interactions are orthogonal and add up to the total exactly (any text on factorial designs; Montgomery, 2017, ch. 5).
"""

from itertools import combinations

import numpy as np
import pandas as pd

from gradgrid.analysis.resampling import jackknife
from gradgrid.analysis.scores import varied
from gradgrid.core.statistics_tables import EFFECTS

_ROUNDING = 1e-18
"""Variance of scores that differ by rounding alone is below it."""
Share = tuple[str, str, float, int]
"""Effect, kind, share of variance, degrees of freedom."""


def effects(runs: pd.DataFrame) -> pd.DataFrame:
    """Shares of the variance of ``score`` over the runs as ``scored`` gives them, largest effects of a kind first.

    Where runs are missing, levels are left out until what is left is whole: ``left_out`` names them.
    """
    factors = varied(runs)
    if not factors:
        return pd.DataFrame(columns=EFFECTS.schema.names)
    whole, left_out = whole_part(runs, [*factors, "seed"])
    factors = varied(whole)
    scores = _array(whole, [*factors, "seed"])
    frame = pd.DataFrame(shares(scores, factors), columns=["effect", "kind", "share", "degrees_of_freedom"])
    frame[["low", "high"]] = _intervals(scores, factors, frame["share"].to_numpy())
    facts = {name: runs[name].iloc[0] for name in ("dataset", "learning_rate")}
    order = {"main": 0, "interaction": 1, "higher orders": 2, "seeds": 3}
    frame = frame.sort_values(
        ["kind", "share"], key=lambda c: c.map(order) if c.name == "kind" else -c, kind="stable"
    )
    frame = frame.assign(runs=scores.size, left_out="; ".join(left_out) or "none", **facts)
    return frame[EFFECTS.schema.names]


def shares(scores: np.ndarray, factors: list[str]) -> list[Share]:
    """Shares of the sum of squares about the mean of scores [levels of each factor …, seeds]; NaN if it is 0.

    With m(A) the means over all but A: ``SS(A) = N Σ (m(A) − m)² ÷ levels``, ``SS(A, B) = N Σ (m(A, B) − m(A) −
    m(B) + m)² ÷ (levels of A × of B)``. ``seeds`` is what varies within cells, from seed to seed; ``higher orders``
    is what of the cells' means main effects and pairs leave: with one seed it holds the noise too.
    """
    axes = range(len(factors))
    centred = scores - scores.mean()
    main = {(axis,): _means(centred, (axis,)) for axis in axes}
    pairs = {pair: _means(centred, pair) - main[pair[:1]] - main[pair[1:]] for pair in combinations(axes, 2)}
    parts = [("main", of, part) for of, part in main.items()]
    parts += [("interaction", of, part) for of, part in pairs.items()]
    rows = [
        (_name(factors, of), kind, _squares(part, scores), _freedom(scores, of)) for kind, of, part in parts
    ]
    cells, seeds = centred.mean(axis=-1, keepdims=True), scores.shape[-1]
    count = cells.size
    if len(factors) > 2:
        rest = float((cells**2).sum() * seeds) - sum(row[2] for row in rows)
        free = count - 1 - sum(row[3] for row in rows)
        rows.append(("higher orders", "higher orders", max(rest, 0.0), free))
    if seeds > 1:
        rows.append(("seeds", "seeds", float(((centred - cells) ** 2).sum()), count * (seeds - 1)))
    total = float((centred**2).sum())
    known = total > _ROUNDING * scores.size
    return [(*names, squares / total if known else np.nan, free) for *names, squares, free in rows]


def _means(centred: np.ndarray, kept: tuple[int, ...]) -> np.ndarray:
    """Means over all axes but those kept, which stay where they are."""
    others = tuple(axis for axis in range(centred.ndim) if axis not in kept)
    return centred.mean(axis=others, keepdims=True)


def _squares(part: np.ndarray, scores: np.ndarray) -> float:
    return float((part**2).mean() * scores.size)


def _freedom(scores: np.ndarray, of: tuple[int, ...]) -> int:
    return int(np.prod([scores.shape[axis] - 1 for axis in of]))


def _name(factors: list[str], of: tuple[int, ...]) -> str:
    return " × ".join(factors[axis] for axis in of)


def _intervals(scores: np.ndarray, factors: list[str], found: np.ndarray) -> np.ndarray:
    """Jackknife intervals over the seeds [shares, 2]."""
    seeds = scores.shape[-1]
    if seeds < 3:
        return np.full((len(found), 2), np.nan)
    without = [shares(np.delete(scores, seed, axis=-1), factors) for seed in range(seeds)]
    columns = np.array([[row[2] for row in rows] for rows in without]).T
    return np.array([jackknife(share, column) for share, column in zip(found, columns, strict=True)])


def whole_part(runs: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The runs without the fewest-filled levels, one after the other, until every combination of levels is there."""
    left_out = []
    while len(runs) < np.prod([runs[name].nunique() for name in names]):
        counts = {name: runs.groupby(name, sort=False).size() for name in names}
        # How much of what the level should have is there.
        filled = {name: count.min() * len(count) for name, count in counts.items() if len(count) > 1}
        name = min(filled, key=filled.get)
        level = counts[name].idxmin()
        left_out.append(f"{name.replace('_', ' ')} {level}")
        runs = runs[runs[name] != level]
    return runs, left_out


def _array(runs: pd.DataFrame, names: list[str]) -> np.ndarray:
    """The scores of a whole grid as an array with one axis a name."""
    ordered = runs.sort_values(names)
    return ordered["score"].to_numpy(np.float64).reshape([runs[name].nunique() for name in names])

"""The findings at a glance: each a sentence computed from the tables, with its number and interval.

A finding is a function from the grid's tables to a Finding, or to None where the grid lacks the levels that
it speaks of. Intervals are Student's t over seeds: how far another set of seeds would move the mean.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from gradgrid.core.entries import UNSAID
from gradgrid.core.numbers import listed
from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.report.numbers import Estimate, count, percent, points, times

SCORE = "validation_accuracy"
LOST = ("never learned", "diverged")


@dataclass(frozen=True)
class Grid:
    """What findings are computed from: ``runs`` and ``cells`` whole, ``accuracy`` of the book's cell only."""

    runs: pd.DataFrame
    cells: pd.DataFrame
    accuracy: pd.DataFrame
    data_title: str = "MNIST"


@dataclass(frozen=True)
class Finding:
    """``value`` is the number to look at, ``label`` says what it is, ``sentence`` stands on its own."""

    value: str
    label: str
    sentence: str
    source: str


def book_cell(cells: pd.DataFrame) -> pd.Series | None:
    """The cell that the book starts from: [784, 30, 10], sigmoid, weights of variance 1/n, plain SGD, plain layers.

    None where the grid lacks it. Of several learning rates the one nearest to the book's 0.1 is taken.
    """
    wanted = {"depth": 1, "width": 30, "activation": "sigmoid", "initializer": "lecun_normal"}
    found = _where(cells, **wanted, clipping="none", optimizer="sgd", **UNSAID)
    if found.empty:
        return None
    return found.loc[(found["learning_rate"] - 0.1).abs().idxmin()]


def findings(grid: Grid) -> list[Finding]:
    """Every finding that the grid's levels allow, in order."""
    made = (finding(grid) for finding in FINDINGS)
    return [finding for finding in made if finding is not None]


def sigmoid_gradient(grid: Grid) -> Finding | None:
    """How much more slowly each earlier hidden layer of the deepest sigmoid net learns at initialization."""
    cell = _deepest_sigmoid(grid.cells)
    if cell is None:
        return None
    slope = _summary(cell, "gradient_slope")
    how, slope = ("more slowly", slope) if slope.mean >= 0 else ("faster", -slope)
    factor = times(10**slope.mean)
    whole = times(10 ** (slope.mean * (cell["depth"] - 1)))
    through = f"; from the last hidden layer to the first that multiplies to {whole}"
    return Finding(
        value=f"× {factor}",
        label="from layer to layer",
        sentence=f"With sigmoid and {cell['initializer']} at depth {cell['depth']}, each hidden layer learns "
        f"{factor} times {how} at initialization than the one after it "
        f"({slope.interval(lambda decades: times(10**decades))}){through if cell['depth'] > 2 else ''}.",
        source="cells",
    )


def _deepest_sigmoid(cells: pd.DataFrame) -> pd.Series | None:
    found = _where(cells, activation="sigmoid")
    found = found[(found["depth"] == found["depth"].max()) & found["gradient_slope_mean"].notna()]
    for factor, preferred in (("initializer", "lecun_normal"), ("clipping", "none"), *UNSAID.items()):
        chosen = _where(found, **{factor: preferred})
        found = found if chosen.empty else chosen
    return None if found.empty else found.iloc[0]


def depth_and_learning(grid: Grid) -> Finding | None:
    """Share of runs that came to nothing at the deepest depth, against the shallowest."""
    runs = grid.runs.assign(lost=grid.runs["verdict"].isin(LOST).astype(float))
    depths = sorted(runs["depth"].unique())
    deep, shallow = (_per_seed(_where(runs, depth=depth), "lost") for depth in (depths[-1], depths[0]))
    against = f", against {percent(shallow.mean)} at depth {depths[0]}" if len(depths) > 1 else ""
    return Finding(
        value=percent(deep.mean),
        label=f"of runs lost at depth {depths[-1]}",
        sentence=f"At depth {depths[-1]}, {percent(deep.mean)} of the runs diverged or never learned "
        f"({deep.interval(percent)}){against}.",
        source="runs",
    )


def best_cell(grid: Grid) -> Finding | None:
    """The cell of highest validation accuracy among those with the fewest diverged runs."""
    ordered = grid.cells.dropna(subset=[f"{SCORE}_mean"]).sort_values(
        ["runs_diverged", f"{SCORE}_mean"], ascending=[True, False], kind="stable"
    )
    if ordered.empty:
        return None
    best = ordered.iloc[0]
    test = _summary(best, "test_accuracy")
    return Finding(
        value=percent(best[f"{SCORE}_mean"]),
        label="validation accuracy of the best cell",
        sentence=f"The best of {count(len(grid.cells))} cells is {_name(best, grid.cells)}, with "
        f"{percent(best[f'{SCORE}_mean'])} on the validation images, by which it was chosen, and "
        f"{percent(test.mean)} on the test images ({test.interval(percent)}).",
        source="cells",
    )


def initializer_ranks(grid: Grid) -> Finding | None:
    """Mean rank of the initializers at the deepest depth; a diverged run ranks last in its condition."""
    depth = grid.runs["depth"].max()
    ranks = _ranks(_where(grid.runs, depth=depth))
    order = list(ranks.mean().sort_values(kind="stable").index)
    if len(order) < 2:
        return None
    first, second, last = order[0], order[1], order[-1]
    best = Estimate.of(ranks[first])
    lead = Estimate.of(ranks[second] - ranks[first])
    verdict = "ahead of" if lead.sign > 0 else "not told apart from"
    tail = f"; {last} comes last ({ranks[last].mean():.1f})" if len(order) > 2 else ""
    return Finding(
        value=first,
        label=f"ranks first at depth {depth}",
        sentence=f"At depth {depth}, {first} ranks first of {len(order)} initializers by validation "
        f"accuracy: mean rank {best.mean:.1f} over all other factors "
        f"({best.interval(lambda rank: f'{rank:.1f}')}), "
        f"{verdict} {second} ({ranks[second].mean():.1f}){tail}.",
        source="runs",
    )


def _ranks(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean rank [seed × initializer] over the conditions; 1 is best, ties share their mean rank.

    A condition in which a run is missing, as in a part of a grid, ranks nothing.
    """
    condition = [name for name in FACTOR_NAMES if name != "initializer"] + ["seed"]
    levels = runs["initializer"].nunique()
    runs = runs[runs.groupby(condition)["initializer"].transform("nunique") == levels]
    ranked = runs.assign(
        rank=runs.groupby(condition)[SCORE].rank(ascending=False, method="average", na_option="bottom")
    )
    return ranked.pivot_table(index="seed", columns="initializer", values="rank", aggfunc="mean", sort=False)


def clipping_effect(grid: Grid) -> Finding | None:
    """What each kind of clipping did to accuracy, paired with no clipping, and to divergence."""
    levels = [level for level in grid.cells["clipping"].unique() if level != "none"]
    if not levels or "none" not in set(grid.cells["clipping"]):
        return None
    effects = {level: _paired(grid.runs, level) for level in levels}
    largest = max(levels, key=lambda level: abs(effects[level].mean))
    without, *rest = (_diverged(grid.runs, level) for level in ("none", *levels))
    parts = [
        f"by {points(e.mean)} points with {level} ({e.interval(points)})" for level, e in effects.items()
    ]
    return Finding(
        value=f"{points(effects[largest].mean)} points",
        label=f"of accuracy from clipping by {largest}",
        sentence=f"Against no clipping, paired by seed where neither run diverged, clipping moved validation "
        f"accuracy {listed(parts)}; {count(without)} runs diverged without clipping, "
        f"{listed(f'{count(n)} with {level}' for level, n in zip(levels, rest, strict=True))}.",
        source="runs",
    )


def _paired(runs: pd.DataFrame, level: str) -> Estimate:
    """Difference of validation accuracy between a clipping and none, per seed over all other factors."""
    key = [name for name in FACTOR_NAMES if name != "clipping"] + ["seed"]
    clipped, plain = (_where(runs, clipping=c).set_index(key)[SCORE] for c in (level, "none"))
    return Estimate.of((clipped - plain).groupby(level="seed").mean())


def _diverged(runs: pd.DataFrame, clipping: str) -> int:
    return int((_where(runs, clipping=clipping)["status"] == "diverged").sum())


def divergence(grid: Grid) -> Finding | None:
    """How many runs diverged, and with which initializer most often."""
    runs = grid.runs.assign(diverged=(grid.runs["status"] == "diverged").astype(float))
    share = _per_seed(runs, "diverged")
    counts = runs.loc[runs["diverged"] > 0, "initializer"].value_counts()
    several = runs["initializer"].nunique() > 1
    most = f", most often with {counts.index[0]} ({count(counts.iloc[0])})" if several and len(counts) else ""
    return Finding(
        value=count(counts.sum()),
        label=f"of {count(len(runs))} runs diverged",
        sentence=f"{count(counts.sum())} of {count(len(runs))} runs diverged, that is {percent(share.mean)} "
        f"({share.interval(percent)}){most}.",
        source="runs",
    )


def book_start(grid: Grid) -> Finding | None:
    """Validation accuracy of the book's cell after its first epoch and at the end."""
    cell = book_cell(grid.cells)
    if cell is None:
        return None
    of_cell = grid.accuracy[grid.accuracy["cell_id"] == cell["cell_id"]]
    validation = _where(of_cell, split="validation")
    first, end = (
        Estimate.of(validation.loc[validation["epoch"] == epoch, "accuracy"])
        for epoch in (1, validation["epoch"].max())
    )
    if not (first.seeds and end.seeds):
        return None
    epochs = int(validation["epoch"].max())
    end_text = f" and {percent(end.mean)} after {epochs} ({end.interval(percent)})" if epochs > 1 else ""
    return Finding(
        value=percent(first.mean),
        label="by the book's net after one epoch",
        sentence=f"The book's net [784, 30, 10] with sigmoid, {cell['initializer']} and no clipping reaches "
        f"{percent(first.mean)} validation accuracy on {grid.data_title} after its first epoch "
        f"({first.interval(percent)}){end_text}.",
        source="accuracy",
    )


def _where(frame: pd.DataFrame, **levels: object) -> pd.DataFrame:
    for name, level in levels.items():
        frame = frame[frame[name] == level]
    return frame


def _per_seed(runs: pd.DataFrame, column: str) -> Estimate:
    return Estimate.of(runs.groupby("seed")[column].mean())


def _summary(cell: pd.Series, name: str) -> Estimate:
    """What the cells table says of one measure of a cell."""
    return Estimate(*(cell[f"{name}_{part}"] for part in ("mean", "low", "high")), cell["seeds"])


def _name(cell: pd.Series, cells: pd.DataFrame) -> str:
    """The cell's levels of the factors that vary in the grid, in words."""
    varying = [name for name in FACTOR_NAMES if cells[name].nunique() > 1] or ["activation", "initializer"]
    return ", ".join(_level(name, cell[name]) for name in varying)


def _level(factor: str, level: object) -> str:
    if level in ("none", "no"):
        return f"no {_NOUNS[factor]}"
    return _LEVELS.get(factor, "{}").format(level)


_NOUNS = {"clipping": "clipping", "normalization": "normalization", "residual": "residual connections"}
_LEVELS = {
    "depth": "depth {}",
    "clipping": "clipping {}",
    "width": "width {}",
    "learning_rate": "learning rate {:g}",
    "normalization": "{} normalization",
    "residual": "residual connections",
}


FINDINGS: tuple[Callable[[Grid], Finding | None], ...] = (
    sigmoid_gradient,
    depth_and_learning,
    best_cell,
    initializer_ranks,
    clipping_effect,
    divergence,
    book_start,
)

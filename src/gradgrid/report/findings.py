"""The findings at a glance: five, each a sentence computed from the tables, with its number and interval.

A finding is a function from the grid's tables to a Finding, or to None where the grid lacks the levels that
it speaks of; the first five that the grid allows are shown. Intervals say how far another set of seeds would move
the number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

import pandas as pd

from gradgrid.core.entries import UNSAID
from gradgrid.core.numbers import listed
from gradgrid.report.cells import cell_name
from gradgrid.report.numbers import Estimate, count, p_value, percent, points, times

HEAD = 5
"""How many findings stand at the head of the report, where the grid allows so many."""
SCORE = "validation_accuracy"
LOST = ("never learned", "diverged")


@dataclass(frozen=True)
class Grid:
    """What findings are computed from: ``runs`` and ``cells`` whole, ``accuracy`` of the book's cell only, and
    ``statistics``, the tables of the statistics by name."""

    runs: pd.DataFrame
    cells: pd.DataFrame
    accuracy: pd.DataFrame
    statistics: Mapping[str, pd.DataFrame]
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
    """The first ``HEAD`` findings that the grid's levels allow, in order."""
    made = (finding(grid) for finding in FINDINGS)
    return list(islice((finding for finding in made if finding is not None), HEAD))


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
    diverged = int((runs["status"] == "diverged").sum())
    return Finding(
        value=percent(deep.mean),
        label=f"of runs lost at depth {depths[-1]}",
        sentence=f"At depth {depths[-1]}, {percent(deep.mean)} of the runs diverged or never learned "
        f"({deep.interval(percent)}){against}; at all depths {count(diverged)} of {count(len(runs))} runs diverged.",
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
        sentence=f"The best of {count(len(grid.cells))} cells is {cell_name(best, grid.cells)}, with "
        f"{percent(best[f'{SCORE}_mean'])} on the validation images, by which it was chosen, and "
        f"{percent(test.mean)} on the test images ({test.interval(percent)}).",
        source="cells",
    )


def largest_effect(grid: Grid) -> Finding | None:
    """Which factor explains most of the variance of the accuracy, beside the others and the largest interaction."""
    effects = grid.statistics["effects"].dropna(subset=["share"])
    mains = effects[effects["kind"] == "main"]
    if mains.empty:
        return None
    first, rest = mains.iloc[0], mains.iloc[1:]
    share = Estimate(first["share"], first["low"], first["high"], grid.runs["seed"].nunique())
    others = [f"{_factor(row.effect)} {percent(row.share)}" for row in rest.itertuples()]
    pairs = effects[effects["kind"] == "interaction"]
    largest = (
        f"; the largest interaction, {_factor(p.effect)}, has {percent(p.share)}" for p in pairs.itertuples()
    )
    return Finding(
        value=percent(share.mean),
        label=f"of the variance of accuracy goes with the {_factor(first['effect'])}",
        sentence=f"Of the variance of test accuracy over {count(first['runs'])} runs, the {_factor(first['effect'])} "
        f"by itself explains {percent(share.mean)} ({share.interval(percent)})"
        f"{', ' + listed(others) if others else ''}{next(largest, '')}.",
        source="effects",
    )


def initializer_ranks(grid: Grid) -> Finding | None:
    """The initializer of best mean rank, against the next, and how far apart their accuracies are."""
    ranks = grid.statistics["ranks"]
    if ranks.empty:
        return None
    first, second, last = ranks.iloc[0], ranks.iloc[1], ranks.iloc[-1]
    names = first["initializer"], second["initializer"]
    difference = compared(grid, "initializer", *names)
    by_rank = second["mean_rank"] - first["mean_rank"] >= first["critical_difference"]
    apart = by_rank and difference["noise"] == "outside"
    tail = f"; {last['initializer']} comes last ({last['mean_rank']:.1f})" if len(ranks) > 2 else ""
    return Finding(
        value=names[0],
        label=f"ranks first of {len(ranks)} initializers",
        sentence=f"{names[0]} ranks first of {len(ranks)} initializers by test accuracy, with mean rank "
        f"{first['mean_rank']:.1f} over {count(first['conditions'])} conditions, "
        f"{'ahead of' if apart else 'not told apart from'} {names[1]} ({second['mean_rank']:.1f}; critical difference "
        f"{first['critical_difference']:.1f}); in accuracy they are {_points(difference)} apart{tail}.",
        source="ranks",
    )


def clipping_effect(grid: Grid) -> Finding | None:
    """What each kind of clipping did to accuracy, paired with no clipping, and to divergence."""
    rows = grid.statistics["comparisons"]
    rows = _where(rows, factor="clipping", reference="none")
    if rows.empty:
        return None
    largest = rows.loc[rows["difference"].abs().idxmax()]
    parts = [f"by {_points(row)} with {row['level']}" for _, row in rows.iterrows()]
    without = rows["reference_runs_diverged"].max()
    lost = [f"{count(row.runs_diverged)} with {row.level}" for row in rows.itertuples()]
    return Finding(
        value=f"{points(largest['difference'])} points",
        label=f"of accuracy from clipping by {largest['level']}",
        sentence=f"Against no clipping, paired by seed and with a diverged run counted as guessing, clipping moved "
        f"test accuracy {listed(parts)}; {count(without)} runs diverged without clipping, "
        f"{listed(lost)}.",
        source="comparisons",
    )


def compared(grid: Grid, factor: str, level: str, reference: str) -> pd.Series:
    """The comparison of two levels."""
    return _where(grid.statistics["comparisons"], factor=factor, level=level, reference=reference).iloc[0]


def _points(row: pd.Series) -> str:
    """A difference with its interval, and whether it is noise: ``+1.1 points (95 % interval …, inside the noise)``.

    An interval is of one difference alone, noise is told for all pairs of levels at once: where they seem to
    contradict each other, the p-value is named.
    """
    estimate = Estimate(row["difference"], row["low"], row["high"], row["seeds"])
    noise = ""
    if estimate.known and row["noise"] == "inside":
        p = f", yet with p {p_value(row['p_holm'], relation=True)} over all pairs" if estimate.sign else ""
        noise = f"{p}, inside the noise"
    return f"{points(estimate.mean)} points ({estimate.interval(points)}{noise})"


def _factor(name: str) -> str:
    return name.replace("_", " ")


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


FINDINGS: tuple[Callable[[Grid], Finding | None], ...] = (
    sigmoid_gradient,
    depth_and_learning,
    largest_effect,
    initializer_ranks,
    clipping_effect,
    best_cell,
    divergence,
    book_start,
)
"""In the order in which they are shown; the later ones where the grid does not allow earlier ones."""

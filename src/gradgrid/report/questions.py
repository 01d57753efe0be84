"""The questions at the chapters' ends: each is answered by the explorer, opened by a link on the cells it asks about.

A question is a function from the cells to a Question, or to None where the grid lacks what it speaks of.
"""

from collections.abc import Callable, Mapping

import pandas as pd

from gradgrid.core.numbers import counted
from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.report.asking import Cells, Question, link
from gradgrid.report.findings import book_cell
from gradgrid.report.numbers import percent, significant, times

SCORE, TEST, SLOPE = "validation_accuracy_mean", "test_accuracy_mean", "gradient_slope_mean"


Ask = Callable[[Cells], Question | None]


def questions(cells: Cells) -> dict[str, list[Question]]:
    """The questions of every chapter that the grid's levels allow."""
    made = {chapter: [ask(cells) for ask in asks] for chapter, asks in CHAPTERS.items()}
    return {chapter: [question for question in asked if question] for chapter, asked in made.items()}


def deeper(cells: Cells) -> Question | None:
    """The book's net with one hidden layer, and with as many as the grid has."""
    cell = book_cell(cells.frame)
    deep = cells.like(cell, depth=cells.frame["depth"].max())
    if deep is None:
        return None
    return Question(
        f"The book's net learns with one hidden layer. What becomes of it with {deep['depth']} of them, everything "
        "else the same, and which layer is the slowest before the first step?",
        "Both nets side by side, before training.",
        link(cell, deep, step=0),
    )


def later(cells: Cells) -> Question | None:
    """The deep net at the end of training."""
    cell = cells.like(book_cell(cells.frame), depth=cells.frame["depth"].max())
    if cell is None or not cells.last_step:
        return None
    return Question(
        f"Does the first of the {cell['depth']} layers catch up with the last while the net learns? Move the measured "
        "step back to 0 to compare.",
        f"The deep net after {counted(cells.last_step, 'step')}.",
        link(cell, step=cells.last_step),
    )


def large_weights(cells: Cells) -> Question | None:
    """Chapter 3's two kinds of initial weights."""
    cell = book_cell(cells.frame)
    large = cells.like(cell, initializer="normal")
    if large is None:
        return None
    return Question(
        "Chapter 3 says that weights drawn from N(0, 1) make learning start slowly. How far apart are the two "
        "accuracies after the first epoch, and how far at the end?",
        "Both kinds of initial weights side by side.",
        link(cell, large),
    )


def steepest(cells: Cells) -> Question | None:
    """The deepest cell whose gradient vanishes most steeply, and the same with the weights that keep it most even."""
    deepest = cells.where(depth=cells.frame["depth"].max(), clipping="none")
    found = deepest[deepest[SLOPE] > 0].sort_values(SLOPE, ascending=False)
    if found.empty:
        return None
    cell = found.iloc[0]
    others = cells.beside(cell, "initializer").dropna(subset=[SLOPE])
    if others.empty:
        return None
    even = others.loc[others[SLOPE].abs().idxmin()]
    return Question(
        f"No gradient of the deepest nets falls more steeply than with {cells.name(cell)}: each hidden layer learns "
        f"{times(10 ** cell[SLOPE])} times more slowly than the one after it. Which other initial weights keep the "
        "layers nearest to one speed, and does the net then learn?",
        f"That cell beside the one with {even['initializer']}.",
        link(cell, even, step=0),
    )


def clipped(cells: Cells) -> Question | None:
    """The cell without clipping in which the most runs diverge, and the same with the clipping that saves most."""
    free = cells.where(clipping="none").sort_values("runs_diverged", ascending=False, kind="stable")
    if free.empty or not free.iloc[0]["runs_diverged"]:
        return None
    cell = free.iloc[0]
    others = cells.beside(cell, "clipping").sort_values("runs_diverged", kind="stable")
    if others.empty:
        return None
    return Question(
        f"With {cells.name(cell)} {cell['runs_diverged']} of {counted(cell['seeds'], 'run')} diverge. Does clipping "
        "save them, how many steps does it change, and does the net then learn?",
        f"That cell beside the one with clipping {others.iloc[0]['clipping']}.",
        link(cell, others.iloc[0]),
    )


def despite(cells: Cells) -> Question | None:
    """The best of the cells whose gradient vanishes."""
    found = cells.where(verdict="vanishing").dropna(subset=[SCORE])
    if found.empty:
        return None
    cell = found.loc[found[SCORE].idxmax()]
    return Question(
        f"The gradient of {cells.name(cell)} vanishes at initialization, and yet the net reaches "
        f"{percent(cell[SCORE])} on the validation images. What becomes of its layers' speeds on the way?",
        "The cell at the end of training.",
        link(cell, step=cells.last_step),
    )


def half_of_relu(cells: Cells) -> Question | None:
    """ReLU with the weights that make up for the half that it cuts off, and with those that do not."""
    found = cells.where(activation="relu", initializer="kaiming_normal", clipping="none").sort_values("depth")
    cell = None if found.empty else found.iloc[-1]
    other = cells.like(cell, initializer="lecun_normal")
    if other is None or pd.isna(cell[SLOPE]):
        return None
    return Question(
        "ReLU cuts off half of a signal. Kaiming's weights have twice the variance of LeCun's to make up for it. Which "
        f"of the two keeps the gradient more even at depth {cell['depth']}, and does it learn better?",
        "kaiming_normal beside lecun_normal.",
        link(cell, other, step=0),
    )


def too_large(cells: Cells) -> Question | None:
    """tanh with N(0, 1) and with Xavier's weights."""
    found = cells.where(activation="tanh", initializer="xavier_normal", clipping="none").sort_values("depth")
    cell = None if found.empty else found.iloc[-1]
    other = cells.like(cell, initializer="normal")
    if other is None:
        return None
    return Question(
        f"Theory puts tanh with N(0, 1) weights deep into the chaotic phase. Do the grid's narrow nets of depth "
        f"{cell['depth']} explode there, and where does learning end with them and with Xavier's weights?",
        "normal beside xavier_normal.",
        link(other, cell, step=0),
    )


def narrow(cells: Cells) -> Question | None:
    """The deepest sigmoid net whose gradient theory says most of."""
    found = cells.where(activation="sigmoid", initializer="lecun_normal", clipping="none").sort_values(
        "depth"
    )
    if found.empty or pd.isna(found.iloc[-1][SLOPE]):
        return None
    return Question(
        f"Theory is of wide layers. By what factor a layer does the gradient of the grid's narrow sigmoid net of depth "
        f"{found.iloc[-1]['depth']} shrink before training, and is it the same from layer to layer?",
        "That net before training.",
        link(found.iloc[-1], step=0),
    )


def exception(cells: Cells) -> Question | None:
    """The condition in which the initializer that ranks last does best against the one that ranks first."""
    if len(cells.ranks) < 2:
        return None
    first, last = cells.ranks["initializer"].iloc[[0, -1]]
    condition = [name for name in FACTOR_NAMES if name != "initializer"]
    scores, ids = (
        cells.frame[cells.frame["initializer"].isin([first, last])]
        .pivot(index=condition, columns="initializer", values=column)
        for column in (TEST, "cell_id")
    )  # fmt: skip
    ahead = (scores[last] - scores[first]).dropna()
    if ahead.empty:
        return None
    a, b = (cells.where(cell_id=ids.loc[ahead.idxmax(), name]).iloc[0] for name in (first, last))
    asked = "Is there a condition in which it is the other way round?"
    return Question(
        f"Over all conditions {first} has the best mean rank and {last} the worst. "
        f"{asked if ahead.max() > 0 else 'Where do they come nearest to each other?'} What may be the reason?",
        f"The condition in which {last} does best against {first}.",
        link(a, b),
    )


def widest(cells: Cells) -> Question | None:
    """The cell without a diverged run whose seeds agree least."""
    whole = cells.where(runs_diverged=0)
    width = (whole["test_accuracy_high"] - whole["test_accuracy_low"]).dropna()
    if width.empty:
        return None
    cell = whole.loc[width.idxmax()]
    return Question(
        f"Where none diverges, the seeds agree nowhere less than with {cells.name(cell)}: the 95 % interval of its "
        "test accuracy is the widest of all. What do the single runs look like?",
        "The cell with all its seeds.",
        link(cell, seed="all"),
    )


def healthy_map(cells: Cells) -> Question | None:
    """The map coloured by verdict."""
    if cells.frame["verdict"].nunique() < 2:
        return None
    return Question(
        f"Which cells are still healthy at depth {cells.frame['depth'].max()}, and what do they have in common?",
        "The map, coloured by verdict.",
        link(_best(cells), map="verdict"),
    )


def fragile(cells: Cells) -> Question | None:
    """The best cell, and the worst that differs from it in a single level."""
    best = _best(cells)
    near = pd.concat([cells.beside(best, factor) for factor in FACTOR_NAMES])
    if near.empty:
        return None
    worst = near.loc[near[SCORE].fillna(0).idxmin()]
    return Question(
        f"The best cell is {cells.name(best)}. Which single level, changed, costs it most?",
        "The best cell beside the worst of its neighbours.",
        link(best, worst),
    )


def _best(cells: Cells) -> pd.Series:
    return cells.frame.loc[cells.frame[SCORE].fillna(0).idxmax()]


def just_above(cells: Cells) -> Question | None:
    """The cell that is called healthy and comes nearest to vanishing."""
    found = cells.where(verdict="healthy").dropna(subset=[SLOPE])
    if found.empty:
        return None
    cell = found.loc[(found[SLOPE] * (found["depth"] - 1)).idxmax()]
    return Question(
        f"A gradient counts as vanishing if the first hidden layer learns {10**cells.limits.decades:,.3g} times more "
        f"slowly than the last. No healthy cell comes nearer to that than {cells.name(cell)}. What factor is it there, "
        f"if the slope is {significant(cell[SLOPE], 2)} decades a layer?",
        "The cell before training.",
        link(cell, step=0),
    )


def short_enough(cells: Cells) -> Question | None:
    """The book's net with clipping by norm."""
    cell = book_cell(cells.frame)
    near = cells.frame.head(0) if cell is None else cells.beside(cell, "clipping")
    found = near[near["clipping"].str.startswith("norm=")]
    if found.empty:
        return None
    return Question(
        "By its formula, clipping by norm leaves a gradient alone that is not longer than the threshold. How many "
        f"steps of the book's net does {found.iloc[0]['clipping']} change in the first epoch, how many in the last?",
        "The book's net with clipping.",
        link(found.iloc[0]),
    )


CHAPTERS: Mapping[str, tuple[Ask, ...]] = {
    "book": (deeper, later, large_weights),
    "grid": (steepest, clipped, despite),
    "laboratory": (half_of_relu, too_large, narrow),
    "statistics": (exception, widest),
    "explorer": (healthy_map, fragile),
    "methods": (just_above, short_enough),
}
"""The questions of each chapter, in their order."""

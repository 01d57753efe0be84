"""The gradient slope of every cell: vanishing, even or exploding in one number."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import CenteredNorm

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted
from gradgrid.figures.matrix import Matrix, Scale, heat_maps, height, pivoted
from gradgrid.figures.numbers import signed
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source

SLOPE = "gradient_slope_mean"
_CELL = ["depth", "activation", "initializer"]
_EVEN = 0.05
"""Decades per layer within which a gradient counts as even in the caption: 12 % from layer to layer."""


@figure(table="cells", order=30, chapter="Speed of learning")
def gradient_slope(source: Source) -> Drawing:
    """Gradient slope at initialization of every activation with every initializer, one heat map a depth."""
    scope = source.scope(*_CELL)
    cells = scope.read([*_CELL, "seeds", SLOPE])
    cells = cells[cells["depth"] > 1]
    depths = sorted(cells["depth"].unique())
    matrices = [_slope_matrix(cells[cells["depth"] == depth], f"depth {depth}") for depth in depths]
    title = "Where the gradient vanishes and where it explodes"
    if not matrices:
        reason = "The gradient slope needs at least two hidden layers, which no network of this grid has."
        return nothing(scope, title, reason)
    sheet = Sheet(scope, title, height(matrices))
    heat_maps(sheet.body, matrices, _slope_scale(cells[SLOPE]))
    return sheet.drawing(
        caption="Gradient slope at initialization: by how many decades the speed of learning grows from one "
        f"hidden layer to the next, mean over {source.over_seeds}. Blue: early layers learn more "
        "slowly, the gradient vanishes. Red: it explodes. White: all layers learn equally fast. Grey: the "
        f"gradient of some layer is zero or not finite. {_extremes(cells[cells['seeds'] > 0])}",
        alt=f"Heat maps of initializers by activations for {counted(len(depths), 'depth')}, each field with "
        "its gradient slope in decades per layer, blue where positive and red where negative.",
        units={"gradient slope": "decades per layer"},
    )


def _slope_matrix(cells: pd.DataFrame, heading: str) -> Matrix:
    texts = cells[SLOPE].map(lambda slope: "–" if np.isnan(slope) else signed(slope))
    cells = cells.assign(text=texts.mask(cells["seeds"] == 0, ""))
    return Matrix(heading, pivoted(cells, SLOPE), pivoted(cells, "text"))


def _slope_scale(slopes: pd.Series) -> Scale:
    """Symmetrical around 0, wide enough for all but the most extreme 5 %."""
    sizes = slopes.abs().dropna()
    widest = max(0.1, sizes.quantile(0.95)) if len(sizes) else 1.0
    extend = "both" if (sizes > widest).any() else "neither"
    norm = CenteredNorm(0, halfrange=widest)
    return Scale(colormaps["RdBu"], norm, "gradient slope\n(decades per layer)", extend=extend)


def _extremes(cells: pd.DataFrame) -> str:
    """The largest and the smallest slope and the number of even cells, in a sentence."""
    known = cells.dropna(subset=[SLOPE])
    if known.empty:
        return "No cell has a slope."
    largest, smallest = (known.loc[i] for i in (known[SLOPE].idxmax(), known[SLOPE].idxmin()))
    even = int((known[SLOPE].abs() <= _EVEN).sum())
    return (
        f"It is largest for {_named(largest)} and smallest for {_named(smallest)}; {even:,} of "
        f"{counted(len(cells), 'cell')} lie within {_EVEN:g} of 0."
    )


def _named(cell: pd.Series) -> str:
    where = f"{cell['activation']} with {cell['initializer']} at depth {cell['depth']}"
    return f"{where} ({signed(cell[SLOPE])})"

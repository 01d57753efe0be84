"""Annotated heat maps of initializers by activations, side by side on one colour scale."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import SubFigure
from matplotlib.patches import Polygon, Rectangle

from gradgrid.figures.levels import ordered
from gradgrid.figures.style import HOLE, SMALL, TEXT, VERMILLION, WIDTH, broken, legible_on

_MOST_COLUMNS = 26
_CELL_HEIGHT, _WIDEST_CELL = 0.27, 0.75
_AROUND_PANELS, _AROUND_ROW, _LEAST_ROW = 0.3, 0.3, 1.7
_LEFT_AND_RIGHT = 2.3
_SMALLEST_TEXT = 5.5
_NO_VALUE = "#dcdcdc"


@dataclass(frozen=True)
class Matrix:
    """One heat map: values and texts [initializers, activations]; NaN is drawn grey, with its text.

    What has an empty text is a hole: a cell of which no run is there yet.
    ``hatched`` marks the cells without a value because all seeds diverged, ``cornered`` those where some did.
    """

    heading: str
    values: pd.DataFrame
    texts: pd.DataFrame
    hatched: pd.DataFrame | None = None
    cornered: pd.DataFrame | None = None


@dataclass(frozen=True)
class Scale:
    """The colour scale that the heat maps share, with the labels of its ticks."""

    colors: Colormap
    norm: Normalize
    label: str
    ticks: Sequence[float] | None = None
    tick_labels: Sequence[str] | None = None
    extend: str = "neither"


def pivoted(cells: pd.DataFrame, column: str) -> pd.DataFrame:
    """A column of some cells as [initializers, activations], both in their order."""
    wide = cells.pivot(index="initializer", columns="activation", values=column)
    return wide.reindex(index=ordered("initializer", wide.index), columns=ordered("activation", wide.columns))


def height(matrices: Sequence[Matrix]) -> float:
    """Inches for these heat maps in rows, with names below and headings above."""
    initializers, activations = matrices[0].values.shape
    rows = -(-len(matrices) // _panels_in_row(activations, len(matrices)))
    longest = max(len(line) for label in matrices[0].values.columns for line in broken(label).split("\n"))
    panels = rows * max(_CELL_HEIGHT * initializers + _AROUND_ROW, _LEAST_ROW)
    return panels + _AROUND_PANELS + 0.07 * longest


def _panels_in_row(columns: int, panels: int) -> int:
    """How many heat maps of so many columns stand side by side, the rows about equally full."""
    fitting = max(1, _MOST_COLUMNS // columns)
    return -(-panels // -(-panels // fitting))


def heat_maps(body: SubFigure, matrices: Sequence[Matrix], scale: Scale) -> list[Axes]:
    """Draw the heat maps in rows, with one colour bar; returns their axes."""
    columns = matrices[0].values.shape[1]
    across = _panels_in_row(columns, len(matrices))
    cell_width = min((WIDTH - _LEFT_AND_RIGHT) / (across * columns), _WIDEST_CELL)
    axes = _places(body, len(matrices), across, cell_width * columns)
    for place, (axis, matrix) in enumerate(zip(axes, matrices, strict=True)):
        mesh = _heat_map(axis, matrix, scale, cell_width)
        axis.tick_params(labelleft=place % across == 0, labelbottom=place + across >= len(matrices))
    _color_bar(body, mesh, axes, scale)
    return axes


def _places(body: SubFigure, panels: int, across: int, panel_width: float) -> list[Axes]:
    """Axes for the panels, so many across; what they leave of the page's width stays empty on the right."""
    spare = max(WIDTH - _LEFT_AND_RIGHT - across * panel_width, 1e-3)
    grid = body.add_gridspec(-(-panels // across), across + 1, width_ratios=[*[panel_width] * across, spare])
    return [body.add_subplot(grid[divmod(place, across)]) for place in range(panels)]


def _heat_map(axes: Axes, matrix: Matrix, scale: Scale, cell_width: float) -> QuadMesh:
    rows, columns = matrix.values.shape
    values = np.ma.masked_invalid(matrix.values.to_numpy(float))
    style = {"cmap": scale.colors, "norm": scale.norm, "linewidth": 0.5, "edgecolor": "white"}
    mesh = axes.pcolormesh(values, **style)
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.set_xticks(np.arange(columns) + 0.5, [*map(broken, matrix.values.columns)], rotation=90)
    axes.set_yticks(np.arange(rows) + 0.5, [*matrix.values.index])
    axes.set_title(matrix.heading, fontsize=TEXT, fontweight="bold")
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    _cover_missing(axes, matrix)
    _annotate(axes, matrix, scale, cell_width)
    return mesh


def _annotate(axes: Axes, matrix: Matrix, scale: Scale, cell_width: float) -> None:
    """The texts in the middle of their cells, black or white, unless they would be too small to read."""
    size = _text_size(matrix.texts, cell_width)
    if size < _SMALLEST_TEXT:
        return
    values = matrix.values.to_numpy(float)
    for (row, column), text in np.ndenumerate(matrix.texts.to_numpy()):
        value = values[row, column]
        background = _NO_VALUE if np.isnan(value) else scale.colors(float(scale.norm(value)))
        style = {"color": legible_on(background), "fontsize": size}
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center_baseline", **style)


def _text_size(texts: pd.DataFrame, cell_width: float) -> float:
    """Points at which the longest text fits into a cell; a digit is about 0.64 of its size wide."""
    longest = max(1, texts.map(len).to_numpy().max())
    return min(SMALL, (cell_width - 0.05) * 72 / (0.64 * longest))


def _cover_missing(axes: Axes, matrix: Matrix) -> None:
    """Grey where there is no value, hatched where all seeds diverged, a hole crossed; a corner where some did."""
    for row, column in np.argwhere(matrix.values.isna().to_numpy()):
        hatch = "/////" if matrix.hatched is not None and matrix.hatched.iat[row, column] else None
        style = {"facecolor": _NO_VALUE, "edgecolor": "white", "linewidth": 0.5, "hatch": hatch}
        style = style if matrix.texts.iat[row, column] else HOLE
        axes.add_patch(Rectangle((column, row), 1, 1, **style))
    if matrix.cornered is not None:
        for row, column in np.argwhere(matrix.cornered.to_numpy(bool)):
            corner = [(column + 0.74, row + 0.03), (column + 0.97, row + 0.03), (column + 0.97, row + 0.36)]
            axes.add_patch(Polygon(corner, facecolor=VERMILLION, edgecolor="white", linewidth=0.5))


def _color_bar(body: SubFigure, mesh: QuadMesh, axes: list[Axes], scale: Scale) -> None:
    bar = body.colorbar(mesh, ax=axes, extend=scale.extend, aspect=30, pad=0.01, fraction=0.03)
    bar.set_label(scale.label, fontsize=TEXT)
    bar.outline.set_visible(False)
    if scale.ticks is not None:
        bar.set_ticks(scale.ticks, labels=scale.tick_labels)

"""What clipping did: how often it changed the gradient, and what became of the accuracy."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.figures import panels, stretch
from gradgrid.figures.matrix import Matrix, Scale, heat_maps, height, pivoted
from gradgrid.figures.numbers import percent, signed
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.style import GREY, SMALL, PointStyle, activation_points

_CELL = ["depth", "activation", "initializer", "clipping"]
_SHARE, _ACCURACY = "clipped_fraction", "validation_accuracy"
_ROW_HEIGHT = 2.4
NO_CLIPPING = "No run of this grid clips its gradient."


@figure(table="clipping", order=70, chapter="Clipping")
def clipped_steps(source: Source) -> Drawing:
    """Share of the steps in which clipping changed the gradient, one heat map a clipping and depth."""
    scope = source.scope(*_CELL)
    rows = scope.read([*_CELL, _SHARE])
    shares = rows.groupby(_CELL, sort=False)[_SHARE].mean().reset_index()
    title = "How often clipping changed the gradient"
    clippings = [level for level in source.levels["clipping"] if level != "none"]
    if shares.empty:
        return nothing(scope, title, NO_CLIPPING if not clippings else "No run that clips is there yet.")
    fields = scope.complete(shares, _CELL)
    matrices = [
        _share_matrix(
            fields[(fields["clipping"] == clipping) & (fields["depth"] == depth)],
            f"{clipping}, depth {depth}",
        )
        for clipping in clippings
        for depth in source.levels["depth"]
    ]
    sheet = Sheet(scope, title, height(matrices))
    ticks = np.linspace(0, 1, 6)
    labels = [f"{100 * tick:.0f}" for tick in ticks]
    heat_maps(
        sheet.body, matrices, Scale(colormaps["cividis"], Normalize(0, 1), "steps clipped (%)", ticks, labels)
    )
    return sheet.drawing(
        caption="Percentage of the steps in which clipping changed the gradient, mean over epochs and "
        f"{source.over_seeds}. {_overall(shares)}",
        alt="Heat maps of initializers by activations, one for each clipping and depth, each field with the "
        "percentage of steps clipped.",
        units={"steps clipped": "percent of the steps"},
    )


def _share_matrix(shares: pd.DataFrame, heading: str) -> Matrix:
    texts = shares[_SHARE].map(lambda share: "–" if np.isnan(share) else f"{100 * share:.0f}")
    shares = shares.assign(text=texts.where(shares["there"], ""))
    return Matrix(heading, pivoted(shares, _SHARE), pivoted(shares, "text"))


def _overall(shares: pd.DataFrame) -> str:
    """Mean share of each clipping, in a sentence."""
    means = shares.groupby("clipping", sort=False)[_SHARE].mean().dropna()
    if means.empty:
        return "No step was recorded."
    shares_in_words = [f"{percent(mean)} with {clipping}" for clipping, mean in means.items()]
    return f"Mean over all cells: {listed(shares_in_words)}."


@figure(table="runs", order=80, chapter="Clipping")
def accuracy_with_clipping(source: Source) -> Drawing:
    """Final validation accuracy of every run with clipping against the same run without."""
    scope = source.scope(*_CELL)
    levels, depths = source.levels["clipping"], source.levels["depth"]
    clippings = [level for level in levels if level != "none"]
    title = "What clipping did to the accuracy"
    if not clippings or "none" not in levels:
        reason = (
            "Comparing needs runs with clipping and the same runs without; this grid lacks one of the two."
        )
        return nothing(scope, title, reason)
    sheet = Sheet(scope, title, panels.height(clippings, _ROW_HEIGHT))
    rows = scope.read([*_CELL, "seed", "status", _ACCURACY])
    pairs = {clipping: paired(rows, clipping) for clipping in clippings}
    grid = panels.grid(sheet.body, clippings, [f"depth {depth}" for depth in depths])
    styles = activation_points(source.levels["activation"])
    highest = rows[_ACCURACY].max()
    stretch.stretch_y(grid[0, 0], highest)
    for axes in grid[0]:
        stretch.stretch_x(axes, highest)
    for (row, column), axes in np.ndenumerate(grid):
        of_clipping = pairs[clippings[row]]
        _scatter(axes, of_clipping[of_clipping["depth"] == depths[column]], styles)
    panels.axis_labels(
        sheet.body,
        "validation accuracy of the same cell and seed without clipping (%)",
        "validation accuracy with clipping (%)",
    )
    panels.legend(sheet.body, [_handle(label, style) for label, style in styles.items()])
    unit = "percent of the validation images"
    return sheet.drawing(
        caption="Each point is one run: above the line clipping helped, below it hurt. The upper ends of the "
        "axes are stretched; a run that diverged stands at “div.”. Saved: diverges only without clipping; "
        "lost: only with it; median: of the change in percentage points over the other runs. "
        f"{' '.join(_effect(*pair) for pair in pairs.items())}",
        alt=f"Scatter plots for {counted(len(clippings), 'clipping')} by {counted(len(depths), 'depth')}: "
        "accuracy with clipping against accuracy without, one point a run.",
        units={"validation accuracy without clipping": unit, "validation accuracy with clipping": unit},
    )


def paired(rows: pd.DataFrame, clipping: str) -> pd.DataFrame:
    """Every run with this clipping beside the run of the same cell and seed without, where both are there.

    Returns the run's factors and seed with the accuracies ``clipped`` and ``unclipped``, NaN if it diverged.
    """
    keys = ["depth", "activation", "initializer", "seed"]
    accuracy = rows[_ACCURACY].where(rows["status"] != "diverged")
    runs = rows[keys].assign(accuracy=accuracy)
    clipped, unclipped = (
        runs[rows["clipping"] == level].set_index(keys)["accuracy"] for level in (clipping, "none")
    )
    pairs = {"clipped": clipped, "unclipped": unclipped}
    return pd.concat(pairs, axis="columns", join="inner").reset_index()


def _scatter(axes: Axes, pairs: pd.DataFrame, styles: dict[str, PointStyle]) -> None:
    if pairs.empty:
        return panels.cross(axes)
    axes.axline((0, 0), (0.5, 0.5), color=GREY, linewidth=0.8, zorder=1)
    visible = pairs.fillna({"clipped": stretch.DIVERGED_AT, "unclipped": stretch.DIVERGED_AT})
    points = {"linestyle": "", "markersize": 3.2, "markeredgewidth": 0, "alpha": 0.6}
    for activation, style in styles.items():
        of_activation = visible[visible["activation"] == activation]
        x, y = of_activation["unclipped"], of_activation["clipped"]
        axes.plot(x, y, label=activation, **points, **vars(style))
    axes.text(0.97, 0.05, _count(pairs), transform=axes.transAxes, ha="right", fontsize=SMALL)


def _handle(label: str, style: PointStyle) -> Line2D:
    return Line2D([], [], linestyle="", markersize=5, markeredgewidth=0, label=label, **vars(style))


def _count(pairs: pd.DataFrame) -> str:
    """Runs saved and lost and the median change in percentage points, for the corner of a panel."""
    saved = int((pairs["unclipped"].isna() & pairs["clipped"].notna()).sum())
    lost = int((pairs["unclipped"].notna() & pairs["clipped"].isna()).sum())
    change = _median_change(pairs)
    return f"saved {saved:,}, lost {lost:,}" + ("" if np.isnan(change) else f"\nmedian {signed(change, 1)}")


def _effect(clipping: str, pairs: pd.DataFrame) -> str:
    """The same over all depths, in a sentence."""
    diverged = pairs["unclipped"].isna()
    saved = int((diverged & pairs["clipped"].notna()).sum())
    change = _median_change(pairs)
    others = "" if np.isnan(change) else f", and the others change by {signed(change, 1)} percentage points"
    without = counted(int(diverged.sum()), "run")
    return f"{clipping} saves {saved:,} of {without} that diverge without it{others}."


def _median_change(pairs: pd.DataFrame) -> float:
    """Median of clipped − unclipped, in percentage points, over the pairs that both ended; NaN for none."""
    return 100 * (pairs["clipped"] - pairs["unclipped"]).median()

"""The phase diagram of tanh, and which deep networks on it can be trained."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.figures import panels
from gradgrid.figures.numbers import percent
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.style import BLACK, SMALL, TEXT, VERMILLION, legible_on

_WEIGHTS = r"$\sigma_w^2$, variance of the weights times the fan-in"
_BIASES = r"$\sigma_b^2$, variance of the biases"
_TICKS = (0.5, 0.7, 1, 1.4, 2)
"""Of chi_1, evenly about 1; what lies beyond has the colours of the ends."""
_NO_VALUE = "#c8c8c8"


@figure(table="laboratory/phase", order=680, chapter="The laboratory")
def laboratory_phase(source: Source) -> Drawing:
    """The phase diagram of tanh: the factor chi_1 of the squared gradient a layer, and the critical line."""
    points = source.read(["sigma_w2", "sigma_b2", "chi_1", "critical_sigma_w2"])
    chi = points.pivot_table(index="sigma_b2", columns="sigma_w2", values="chi_1")
    line = points.groupby("sigma_b2")["critical_sigma_w2"].first().dropna()
    sheet = Sheet(
        source.stated("tanh", "mean-field theory of wide networks"), "Where gradients vanish or explode", 4.2
    )
    axes = sheet.body.subplots()
    norm, colors = Normalize(-np.log(_TICKS[-1]), np.log(_TICKS[-1])), colormaps["RdBu_r"]
    axes.pcolormesh(
        chi.columns, chi.index, np.log(chi), norm=norm, cmap=colors, shading="gouraud", rasterized=True
    )
    axes.plot(line, line.index, color=BLACK, linewidth=1.8, label="critical line")
    _name_phases(axes, chi, line)
    axes.grid(False)
    axes.set(xlabel=_WEIGHTS, ylabel=_BIASES, xlim=(chi.columns.min(), chi.columns.max()))
    bar = sheet.body.colorbar(ScalarMappable(norm, colors), ax=axes, extend="both", pad=0.01, fraction=0.03)
    bar.set_ticks(np.log(_TICKS), labels=[f"{tick:g}" for tick in _TICKS])
    bar.set_label(r"$\chi_1$ (log scale)", fontsize=TEXT)
    return sheet.drawing(
        caption="χ₁ is the factor by which a layer multiplies the squared gradient once the signal has settled. Below "
        "1 (blue, ordered) gradients vanish and all inputs become alike; above 1 (red, chaotic) they explode and like "
        f"inputs are torn apart. {_line_in_words(line)}χ₁ goes from {chi.min().min():.2g} to {chi.max().max():.2g}.",
        alt="A map of χ₁ against the variances of weights and biases: ordered on the left, chaotic on the right, with "
        "the critical line between them.",
        units={"sigma_w2": "1", "sigma_b2": "1", "chi_1": "1"},
    )


def _name_phases(axes: Axes, chi: pd.DataFrame, line: pd.Series) -> None:
    """“Ordered” and “chaotic” in the middle of their parts of the lower edge, where they exist."""
    if line.empty:
        return
    low, high, border = chi.columns.min(), chi.columns.max(), line.iloc[len(line) // 2]
    height = line.index[len(line) // 2]
    for name, place in (("ordered", (low + border) / 2), ("chaotic", (border + high) / 2)):
        style = {"ha": "center", "va": "center", "fontsize": TEXT + 2, "fontweight": "bold"}
        axes.text(place, height, name, **style)


def _line_in_words(line: pd.Series) -> str:
    """Where the critical line lies at its ends, in a sentence with a space after it."""
    if line.empty:
        return ""
    ends = [f"σ_w² = {line.iloc[place]:.2f} at σ_b² = {line.index[place]:g}" for place in (0, -1)]
    return f"On the critical line between them, from {' to '.join(ends)}, gradients keep their size. "


@figure(table="laboratory/trainability", order=682, chapter="The laboratory")
def laboratory_trainability(source: Source) -> Drawing:
    """Training accuracy of deep narrow tanh networks by depth and by the variance of their weights."""
    rows = source.read(["sigma_w2", "sigma_b2", "xi_c", "depth", "seed", "accuracy"])
    title, seeds = "How deep networks can be trained, by their initial weights", counted(source.seeds, "seed")
    biases, depths = sorted(rows["sigma_b2"].unique()), sorted(rows["depth"].unique())
    scope = source.stated(seeds, "tanh", "plain gradient descent")
    if rows["accuracy"].isna().all():
        return nothing(scope, title, "Every training diverged: there is no accuracy to show.")
    sheet = Sheet(scope, title, 0.34 * len(depths) + 1.5)
    grid = panels.grid(sheet.body, [""], [rf"$\sigma_b^2$ = {sigma_b2:g}" for sigma_b2 in biases])[0]
    norm, colors = Normalize(0, 1), colormaps["viridis"].with_extremes(bad=_NO_VALUE)
    for axes, sigma_b2 in zip(grid, biases, strict=True):
        of_biases = rows[rows["sigma_b2"] == sigma_b2]
        _accuracies(axes, of_biases, norm, colors)
        _reach(axes, of_biases, depths)
    panels.axis_labels(sheet.body, _WEIGHTS, "hidden layers")
    ticks = [0, 0.25, 0.5, 0.75, 1]
    bar = sheet.body.colorbar(ScalarMappable(norm, colors), ax=list(grid), pad=0.01, fraction=0.03)
    bar.set_ticks(ticks, labels=[f"{100 * tick:.0f}" for tick in ticks])
    bar.set_label("training accuracy (%)", fontsize=TEXT)
    return sheet.drawing(
        caption=f"Percent of the training images, mean over {seeds} of those that did not diverge; grey: all diverged. "
        f"Red bars: 6 ξ_c, the depth up to which theory lets inputs be told apart. {_best(rows)}",
        alt=f"Heat maps of training accuracy for {counted(len(depths), 'depth')} and σ_w² "
        f"{listed(f'{sigma:g}' for sigma in sorted(rows['sigma_w2'].unique()))}.",
        units={"depth": "hidden layers", "sigma_w2": "1", "accuracy": "percent of the training images"},
    )


def _accuracies(axes: Axes, rows: pd.DataFrame, norm: Normalize, colors: object) -> None:
    """One cell a depth and sigma_w2, with its percentage."""
    means = rows.pivot_table(index="depth", columns="sigma_w2", values="accuracy", dropna=False)
    axes.imshow(means, norm=norm, cmap=colors, aspect="auto", origin="lower", interpolation="none")
    axes.set_xticks(range(means.shape[1]), [f"{sigma:g}" for sigma in means.columns])
    axes.set_yticks(range(means.shape[0]), [f"{depth}" for depth in means.index])
    axes.grid(False)
    for (row, column), mean in np.ndenumerate(means.to_numpy(float)):
        if np.isfinite(mean):
            style = {
                "color": legible_on(colors(float(mean))),
                "fontsize": SMALL,
                "ha": "center",
                "va": "center",
            }
            axes.text(column, row, f"{100 * mean:.0f}", **style)


def _reach(axes: Axes, rows: pd.DataFrame, depths: list[int]) -> None:
    """6 ξ_c of every sigma_w2, between the rows of the depths by its logarithm; beyond them on the edge."""
    scale = rows.groupby("sigma_w2")["xi_c"].first()
    heights = np.interp(
        np.log(6 * scale), np.log(depths), range(len(depths)), left=-0.5, right=len(depths) - 0.5
    )
    style = {"color": VERMILLION, "linewidth": 2.5, "label": "6 ξ_c", "clip_on": False}
    axes.hlines(heights, np.arange(len(scale)) - 0.5, np.arange(len(scale)) + 0.5, **style)


def _best(rows: pd.DataFrame) -> str:
    """The best weights of the deepest networks, beside the best network, in sentences."""
    means = rows.groupby(["depth", "sigma_w2", "sigma_b2"])["accuracy"].mean().dropna()
    said = []
    for depth in dict.fromkeys(
        [means.index.get_level_values("depth").min(), means.index.get_level_values("depth").max()]
    ):
        of_depth = means.loc[depth]
        sigma_w2, sigma_b2 = of_depth.idxmax()
        said.append(
            f"{percent(of_depth.max())} with σ_w² = {sigma_w2:g}, σ_b² = {sigma_b2:g} at depth {depth}"
        )
    return f"The most accurate: {listed(said)}."

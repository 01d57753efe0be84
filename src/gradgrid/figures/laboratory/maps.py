"""Heat maps of activations by initializers: where float32 overflows, and what the last layer has lost."""

import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import Normalize

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.figures.matrix import Matrix, Scale, heat_maps, height, pivoted
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source

_PAIR = ["activation", "initializer"]
_OVERFLOWS = {
    "first_nonfinite_layer": "activations",
    "first_nonfinite_variance_layer": "their variance",
}
_LOST = {"saturated_fraction": "saturated", "dead_fraction": "dead"}


@figure(table="laboratory/overflow", order=640, chapter="The laboratory")
def laboratory_overflow(source: Source) -> Drawing:
    """The layer at which untrained networks leave the range of float32, for every activation and initializer."""
    width = int(source.read(["width"])["width"].max())
    rows = source.read([*_PAIR, "seed", *_OVERFLOWS], width=width)
    title = "In which layer an untrained network overflows"
    seeds = counted(source.seeds, "seed")
    scope = source.stated(seeds, f"width {width}", "float32 arithmetic", "no biases")
    if rows[list(_OVERFLOWS)].isna().all(axis=None):
        return nothing(scope, title, f"No network of width {width} overflows in any layer.")
    maps = [_overflow(rows, column, heading) for column, heading in _OVERFLOWS.items()]
    sheet = Sheet(scope, title, height(maps))
    last = max(rows[list(_OVERFLOWS)].max())
    heat_maps(
        sheet.body,
        maps,
        Scale(colormaps["viridis"], Normalize(1, max(last, 2)), "first layer\nthat overflows"),
    )
    return sheet.drawing(
        caption=f"Each number is the first layer that holds an infinity or NaN, median over {seeds}; grey: half of the "
        "seeds or more stay finite; a corner marks pairs of which some seeds overflow and some do not. Left the "
        "activations themselves; right their variance, the square of what x.std() gives: it overflows at about half as "
        f"many decades. {_earliest(maps[0])}",
        alt=f"Two heat maps of {counted(rows['activation'].nunique(), 'activation')} by "
        f"{counted(rows['initializer'].nunique(), 'initializer')}: first layer at which activations, and their "
        "variance, leave the range of float32.",
        units={"first layer that overflows": "layer"},
    )


def _overflow(rows: pd.DataFrame, column: str, heading: str) -> Matrix:
    """The median layer; seeds that never overflow count as later than every layer."""
    by_pair = rows.assign(layer=rows[column].astype(float).fillna(float("inf"))).groupby(_PAIR)["layer"]
    median = by_pair.median().where(lambda layer: layer < float("inf")).reset_index()
    some = rows[column].notna().groupby([rows[name] for name in _PAIR]).agg(["any", "all"])
    part = (some["any"] & ~some["all"]).rename("part").reset_index()
    values = pivoted(median, "layer")
    return Matrix(
        heading, values, values.map(lambda n: "" if pd.isna(n) else f"{n:.0f}"), None, pivoted(part, "part")
    )


def _earliest(found: Matrix) -> str:
    """How many pairs overflow, and which first, in a sentence."""
    layers = found.values.stack().dropna()
    if layers.empty:
        return "The activations of no pair overflow in half of the seeds or more."
    initializer, activation = layers.idxmin()
    return (
        f"The activations of {len(layers):,} of {counted(found.values.size, 'pair')} overflow, first, in layer "
        f"{layers.min():.0f}, those of {activation} with {initializer}."
    )


@figure(table="laboratory/propagation", order=650, chapter="The laboratory")
def laboratory_saturation(source: Source) -> Drawing:
    """Share of saturated activations and of dead neurons in the last layer of untrained networks."""
    width, depth = (int(source.read([name])[name].max()) for name in ("width", "layer"))
    rows = source.read([*_PAIR, "seed", *_LOST], width=width, layer=depth)
    title, seeds = "What the last layer can still pass back", counted(source.seeds, "seed")
    scope = source.stated(seeds, f"width {width}", f"layer {depth}, the last", "no biases")
    means = rows.groupby(_PAIR)[list(_LOST)].mean()
    if means.isna().all(axis=None):
        return nothing(scope, title, "Activations overflow in every network before the last layer.")
    maps = [_share(means, column, heading) for column, heading in _LOST.items()]
    sheet = Sheet(scope, title, height(maps))
    ticks = [0, 0.25, 0.5, 0.75, 1]
    labels = [f"{100 * tick:.0f}" for tick in ticks]
    heat_maps(
        sheet.body,
        maps,
        Scale(colormaps["cividis"], Normalize(0, 1), "share of the layer (%)", ticks, labels),
    )
    return sheet.drawing(
        caption=f"Percent of layer {depth}, mean over {seeds}; hatched: all seeds overflow before. "
        "Saturated: activations whose slope is below 5 % of the largest there is; dead: neurons whose slope is "
        f"exactly 0 for every input. {_most(means)}",
        alt=f"Two heat maps of {counted(rows['activation'].nunique(), 'activation')} by "
        f"{counted(rows['initializer'].nunique(), 'initializer')}: percent of saturated activations and dead neurons.",
        units={"share": "% of the last layer's activations, % of its neurons"},
    )


def _share(means: pd.DataFrame, column: str, heading: str) -> Matrix:
    values = pivoted(means.reset_index(), column)
    texts = values.map(lambda share: "" if pd.isna(share) else f"{100 * share:.0f}")
    return Matrix(heading, values, texts, values.isna())


def _most(means: pd.DataFrame) -> str:
    """In how many pairs half of the last layer is lost, in a sentence."""
    lost = listed(
        f"{(means[column] >= 0.5).sum():,} with half or more of the layer {name}"
        for column, name in _LOST.items()
    )
    known = means.notna().all(axis=1).sum()
    return f"Of {counted(known, 'pair')} that do not overflow in all seeds there are {lost}."

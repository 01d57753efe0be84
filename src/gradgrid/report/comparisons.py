"""The tables in the page's chapter on the book: what was measured beside what the book has."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from gradgrid.core.numbers import counted
from gradgrid.core.references import references
from gradgrid.report.numbers import NONE, Estimate, number, significant
from gradgrid.report.sections import Groups, Table, grouped

WEIGHTS = {"lecun_normal": ("N(0, 1/n)", "default"), "normal": ("N(0, 1)", "large")}
"""Of an initializer of chapter 3: the distribution, and what the published numbers call it."""


def accuracy(frame: pd.DataFrame) -> Table:
    """Validation accuracy by depth after the last epoch and after each run's best, beside the book's number."""
    epochs = int(frame["epoch"].max())
    rows = [
        (f"{depth}", [which, published(book), *_spread(ends[column], book)])
        for depth, ends in _ends(frame, "depth")
        for book in [_book(f"book-accuracy-{depth}")]
        for which, column in ((f"epoch {epochs}", "last"), ("best epoch", "best"))
    ]
    return Table(
        "book-accuracy-table",
        "Accuracy on the validation images in %: the book's, of one run and 30 epochs, and here the mean ± half its "
        "95 % interval over the seeds. The book's percentile is the share of seeds below its number.",
        (
            "depth",
            "after",
            "book",
            "here",
            "std. deviation",
            "lowest to highest",
            "book's percentile",
            "seeds",
        ),
        2,
        grouped(rows),
    )


def _ends(frame: pd.DataFrame, *network: str) -> Iterable[tuple[object, pd.DataFrame]]:
    """By network, a row a seed: validation accuracy in % after the ``first`` and ``last`` epoch, and the ``best``.

    A seed that diverged has none of them.
    """
    trained = frame[(frame["split"] == "validation") & (frame["epoch"] > 0)]
    by_epoch = trained.set_index([*network, "seed", "epoch"])["accuracy"].astype(float).unstack("epoch")
    by_epoch = (100 * by_epoch).round(4)  # what float32 adds to a share of 10,000 images
    ends = pd.DataFrame(
        {"first": by_epoch.iloc[:, 0], "last": by_epoch.iloc[:, -1], "best": by_epoch.max(axis=1)}
    )
    ends = ends.mask(ends["last"].isna())
    return ends.groupby(list(network) if len(network) > 1 else network[0])


def _spread(values: pd.Series, book: float) -> list[str]:
    """Mean with half the interval, standard deviation, range, the book's percentile, and how many seeds."""
    found = values.dropna()
    low_high = f"{found.min():.2f} to {found.max():.2f}" if len(found) else NONE
    deviation = f"{found.std():.2f}" if len(found) > 1 else NONE
    seeds = f"{len(found)}" if len(found) == len(values) else f"{len(found)} of {len(values)}"
    return [mean(values), deviation, low_high, percentile(found, book), seeds]


def mean(values: Iterable[float]) -> str:
    """Mean ± half the 95 % interval, to two decimals."""
    estimate = Estimate.of(values)
    if not estimate.seeds:
        return NONE
    half = (estimate.high - estimate.low) / 2
    return f"{estimate.mean:.2f}" + ("" if np.isnan(half) else f" ± {half:.2f}")


def percentile(values: pd.Series, book: float) -> str:
    """Share of the values below the book's number, equal ones counted half; – where there is none."""
    if np.isnan(book) or values.empty:
        return NONE
    below = (values < book).mean() + (values == book).mean() / 2
    return f"{100 * below:.0f} %"


def published(book: float) -> str:
    """A published percentage, with the two decimals that the book gives."""
    return NONE if np.isnan(book) else f"{book:.2f}"


def _book(name: str, place: int = 0) -> float:
    """A published number, NaN where the book has none."""
    return references()[name].numbers[place] if name in references() else np.nan


def initial_speed(frame: pd.DataFrame) -> Table:
    """Speed of learning of the hidden layers before training, by depth."""
    hidden = frame[frame["layer"] <= frame["depth"]]
    rows = [
        (f"{depth}", _layer(layer, values, _book(f"book-speed-{depth}-epoch-0", layer - 1)))
        for (depth, layer), values in hidden.groupby(["depth", "layer"])["bias_gradient_norm"]
    ]
    return Table(
        "book-initial-speed-table",
        "Speed of learning ‖dC/db‖ of the hidden layers over the seeds, and in the book's one network. The book's "
        "percentile is the share of seeds below its number.",
        ("depth", "layer", "book", "median", "5 % to 95 % of seeds", "book's percentile", "seeds"),
        1,
        grouped(rows),
    )


def _layer(layer: int, values: pd.Series, book: float) -> list[str]:
    low, median, high = (significant(value, 3) for value in np.quantile(values, [0.05, 0.5, 0.95]))
    spread = [median, f"{low} to {high}", percentile(values, book), f"{len(values)}"]
    return [f"{layer}", significant(book, 3), *spread]


def initialization(frame: pd.DataFrame) -> Table:
    """Chapter 3's two kinds of initial weights: accuracy after the first and after the last epoch."""
    epochs = int(frame["epoch"].max())
    rows = [
        (f"{width}", [_distribution(initializer), *_first_and_last(ends, f"book-init-{width}-", initializer)])
        for (width, initializer), ends in _ends(frame, "width", "initializer")
    ]
    return Table(
        "book-initialization-table",
        "Accuracy on the validation images in %: the book's, of one run, and here the mean ± half its 95 % interval "
        f"over {counted(frame['seed'].nunique(), 'seed')}; width is that of the hidden layer.",
        ("width", "weights", "book, epoch 1", "here, epoch 1", "book, epoch 30", f"here, epoch {epochs}"),
        2,
        grouped(rows),
    )


def _distribution(initializer: str) -> str:
    return f"{initializer}, {WEIGHTS[initializer][0]}" if initializer in WEIGHTS else initializer


def _first_and_last(ends: pd.DataFrame, stem: str, initializer: str) -> list[str]:
    name = stem + WEIGHTS.get(initializer, ("", ""))[1]
    pairs = ((published(_book(name, place)), mean(ends[end])) for place, end in ((0, "first"), (1, "last")))
    return [text for pair in pairs for text in pair]


def problems(frame: pd.DataFrame) -> Groups:
    """Of each problem or identity the quantities, as computed and as expected, and where the latter stands."""
    rows = [
        (row.problem, [row.quantity, number(row.value, 6), number(row.expected, 6), row.source])
        for row in frame.itertuples()
    ]
    return grouped(rows)

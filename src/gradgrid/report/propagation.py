"""The tables in the page's chapter on the laboratory."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

import numpy as np
import pandas as pd

from gradgrid.core.numbers import counted
from gradgrid.core.references import references
from gradgrid.report.numbers import NONE, number, significant
from gradgrid.report.sections import Table, grouped

NETWORK = ["width", "activation", "initializer"]
"""What tells the kinds of networks apart."""
DECADE = 10.0
"""How far from 1 a standard deviation may be to count as kept, as a factor either way."""
MOSTLY_SATURATED = 0.6
"""Share of saturated activations above which a network counts as saturated: half of a ReLU's always seem so."""
SHOWN = {"all": 10, "others": 3, "grid": 3}
"""How many of the largest differences from theory are shown."""
LIMITS = ("first_nonfinite_layer", "first_nonfinite_std_layer", "first_nonfinite_variance_layer")


def deep(propagation: pd.DataFrame, overflow: pd.DataFrame) -> Table:
    """By width and initializer: how many activations keep signal and gradient, and where float32 overflows."""
    first, last = propagation["layer"].min(), propagation["layer"].max()
    ends = propagation[propagation["layer"] == last]
    signal = _kept(ends, ends["activation_std"].between(1 / DECADE, DECADE))
    starts = propagation[propagation["layer"] == first]
    gradient = _kept(starts, starts["gradient_std"].between(1 / DECADE, DECADE)) & _kept(
        ends, ~ends["nonfinite"]
    )
    beyond = dict(iter(overflow.groupby(["width", "initializer"], sort=False)))
    rows = [
        (width, initializer, (_of(kept), _of(gradient[kept.index]), *_overflow(beyond[width, initializer])))
        for (width, initializer), kept in signal.groupby(level=["width", "initializer"], sort=False)
    ]
    return Table(
        "laboratory-deep-table",
        f"How many activations keep the standard deviation of the signal within a factor of {DECADE:g} of 1 up to "
        f"layer {last}, and that of the gradient, which starts as standard normal there, back to layer {first}, in "
        "every seed. Then how many leave the range of float32, and in which layers first: with an activation that is "
        "not finite, with PyTorch's standard deviation, and with its square, the variance. Initializers with the same "
        "entries share a row.",
        (
            "width",
            "initializer",
            "keep signal",
            "keep gradient",
            "overflow",
            "infinite activation",
            "infinite std",
            "infinite variance",
        ),
        2,
        grouped(_sharing(rows)),
    )


def _sharing(rows: Iterable[tuple[int, str, tuple[str, ...]]]) -> Iterator[tuple[str, list[str]]]:
    """Width, and initializers with the same entries in one row, where the first of them stands."""
    shared = {}
    for width, initializer, entries in rows:
        shared.setdefault((width, entries), []).append(initializer)
    for (width, entries), initializers in shared.items():
        yield f"{width}", [", ".join(initializers), *entries]


def _kept(rows: pd.DataFrame, holds: pd.Series) -> pd.Series:
    """Of every kind of networks, whether it holds in all seeds."""
    return holds.groupby([rows[name] for name in NETWORK], sort=False).all()


def _of(kept: pd.Series) -> str:
    return f"{kept.sum()} of {len(kept)}"


def _overflow(rows: pd.DataFrame) -> list[str]:
    """How many activations overflow, and of each limit the first layers beyond it, ``25 to 31``."""
    activations = rows.loc[rows[list(LIMITS)].notna().any(axis=1), "activation"].nunique()
    of = f"{activations} of {rows['activation'].nunique()}" if activations else NONE
    return [of, *(_span(rows[limit].dropna()) for limit in LIMITS)]


def _span(layers: pd.Series) -> str:
    if layers.empty:
        return NONE
    low, high = int(layers.min()), int(layers.max())
    return f"{low}" if low == high else f"{low} to {high}"


def by_hand(frame: pd.DataFrame) -> Table:
    """Initializations by hand and by library: standard deviations, and whether they are one distribution."""
    rows = [
        (
            row.initializer,
            [row.formula, *(significant(value, 4) for value in found), significant(row.p_value, 2)],
        )
        for row in frame.itertuples()
        for found in [(row.std_by_hand, row.std_by_library, row.std_expected)]
    ]
    return Table(
        "laboratory-by-hand-table",
        "Standard deviation of weights drawn by the formula and by PyTorch, and what the formula says; a is the bound "
        "of a uniform distribution, std the deviation of a normal one, gain that of tanh. The p-value is that of the "
        "two-sample Kolmogorov–Smirnov test: small where the two are not one distribution.",
        ("initializer", "formula", "by hand", "by library", "expected", "p-value"),
        2,
        grouped(rows),
    )


def tutorial(frame: pd.DataFrame) -> Table:
    """Published digits of tutorials beside the same numbers computed here."""
    published = [references()[name] for name in frame["id"]]
    titles = (f"{one.quantity.partition(' at ')[0]}; {one.setting}" for one in published)
    sources = dict.fromkeys(one.source for one in published)
    return Table(
        "laboratory-tutorial-table",
        "Published numbers, and what the same code gives here. Rounding is the change of the number where every input "
        "moves to a neighbouring float32: digits below it depend on the machine. Published in: "
        f"{'; '.join(sources)}.",
        ("example", "layer", "published", "here", "rounding", "agrees"),
        1,
        grouped(zip(titles, map(_digits, frame.itertuples()), strict=True)),
    )


def _digits(row: object) -> list[str]:
    layer = NONE if pd.isna(row.layer) else f"{row.layer:.0f}"
    rounding = number(row.rounding, 1) if row.rounding else "0"
    return [layer, number(row.published, 6), number(row.measured, 8), rounding, _agrees(row)]


def _agrees(row: object) -> str:
    """Whether a number rounds to the published digits, at least within what the machine's rounding changes."""
    unit = 10.0 ** Decimal(str(row.published)).as_tuple().exponent
    apart = abs(row.measured - row.published)
    if apart <= unit / 2:
        return "to all digits"
    return "within rounding" if apart <= unit / 2 + row.rounding else "no"


def gains(frame: pd.DataFrame) -> Table:
    """The four gains of every activation."""
    names = ("deviation_gain", "second_moment_gain", "backward_gain", "torch_gain")
    rows = [
        (row["activation"], [NONE if pd.isna(row[name]) else f"{row[name]:.4f}" for name in names])
        for row in frame.to_dict("records")
    ]
    return Table(
        "laboratory-gains-table",
        "Gains for standard-normal pre-activations, by integration; PyTorch's where it has one.",
        ("activation", "deviation", "second moment", "backward", "PyTorch"),
        1,
        grouped(rows),
    )


def with_saturation(theory: pd.DataFrame, propagation: pd.DataFrame) -> pd.DataFrame:
    """The kinds of networks with a prediction and a measurement, with ``difference`` and ``saturated``.

    ``difference`` is measured ÷ predicted - 1. ``saturated`` is the mean share over layers and seeds; it is NaN for
    the grid's networks, which the table of propagation lacks.
    """
    shares = propagation.groupby(NETWORK)["saturated_fraction"].mean().rename("saturated")
    both = theory[theory["factor_predicted"].notna() & theory["factor_measured"].notna()].join(
        shares, on=NETWORK
    )
    difference = both["factor_measured"] / both["factor_predicted"] - 1
    saturated = both["saturated"].where(both["inputs"] == "standard_normal")
    return both.assign(difference=difference, saturated=saturated)


def agreement(both: pd.DataFrame) -> dict[str, str] | None:
    """How many kinds of networks were compared, in how many theory lies in the interval, and the usual difference."""
    if both.empty:
        return None
    inside = both["factor_predicted"].between(both["low"], both["high"])
    return {
        "kinds": counted(len(both), "kind"),
        "inside": f"{inside.sum():,}",
        "median": f"{significant(100 * both['difference'].abs().median(), 2)} %",
    }


def differences(both: pd.DataFrame) -> Table:
    """The largest differences between predicted and measured factor, again without saturated ones, and of the grid."""
    grid = both["inputs"] != "standard_normal"
    parts = {
        "all": ("deep untrained", both[~grid]),
        "others": (
            f"at most {100 * MOSTLY_SATURATED:.0f}\N{NO-BREAK SPACE}% saturated",
            both[both["saturated"] <= MOSTLY_SATURATED],
        ),
        "grid": ("as in the grid", both[grid]),
    }
    rows = [(title, row) for part, (title, kinds) in parts.items() for row in _largest(kinds, SHOWN[part])]
    return Table(
        "laboratory-theory-table",
        "The largest differences between the measured factor, a geometric mean over seeds with its 95 % interval, and "
        "the predicted one. Saturated is the mean share of activations whose slope is below 5 % of the largest: about "
        "half for ReLU and the like, which are flat on one side. Initializers with the same entries share a row.",
        (
            "networks",
            "width",
            "activation",
            "initializer",
            "predicted",
            "measured",
            "interval",
            "difference",
            "saturated",
        ),
        4,
        grouped(rows),
    )


def _largest(kinds: pd.DataFrame, shown: int) -> Iterator[list[str]]:
    same = ["width", "activation", "factor_predicted", "factor_measured"]
    once = kinds.assign(initializer=kinds.groupby(same)["initializer"].transform(", ".join)).drop_duplicates(
        same
    )
    order = once["difference"].abs().sort_values(ascending=False, kind="stable").index[:shown]
    for row in once.loc[order].itertuples():
        saturated = NONE if np.isnan(row.saturated) else f"{100 * row.saturated:.0f} %"
        factors = (significant(value, 4) for value in (row.factor_predicted, row.factor_measured))
        interval = f"{significant(row.low, 4)} to {significant(row.high, 4)}"
        difference = f"{100 * row.difference:+.2f} %".replace("-", "−")
        yield [f"{row.width}", row.activation, row.initializer, *factors, interval, difference, saturated]

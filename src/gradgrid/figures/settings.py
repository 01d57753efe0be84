"""Which few cells tell the story where a figure cannot show all: chosen by rule from the levels there are."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gradgrid.figures.source import Scope

SPEED = "bias_gradient_norm"
EXPLODES = 1.0
"""Decades by which the first hidden layer is faster than the last where a figure is to show what explodes."""
BOOK = ("sigmoid", "lecun_normal")
REMEDY = ("relu", "kaiming_normal")


@dataclass(frozen=True)
class Setting:
    """An activation with an initializer, and why it was chosen."""

    activation: str
    initializer: str
    why: str

    @property
    def label(self) -> str:
        """Its two levels, a line each."""
        return f"{self.activation}\n{self.initializer}"


def telling_settings(scope: Scope, depth: int) -> list[Setting]:
    """Up to three settings, no two the same: one that vanishes, one that is even, one that explodes.

    The book's setting and its usual remedy where the grid has them; else, and for the one that explodes, the
    speeds of the hidden layers at initialization decide, in networks of the given depth. None is taken as
    exploding unless its first hidden layer is at least 10 times faster than its last.
    """
    decades = decades_over_depth(scope, depth).fillna(0.0)
    vanishing = Setting(*decades.idxmax(), "the one that vanishes most")
    even = Setting(*decades.abs().idxmin(), "the most even one")
    exploding = Setting(*decades.idxmin(), "the one that explodes most")
    chosen = [
        Setting(*BOOK, "the book's setting") if BOOK in decades else vanishing,
        Setting(*REMEDY, "its usual remedy") if REMEDY in decades else even,
        *([exploding] if decades.min() <= -EXPLODES else []),
    ]
    first_of_each = {(setting.activation, setting.initializer): setting for setting in reversed(chosen)}
    return list(reversed(first_of_each.values()))


def decades_over_depth(scope: Scope, depth: int) -> pd.Series:
    """log10 of the last over the first hidden layer's speed at initialization, by activation and initializer.

    From medians over the seeds; NaN where a speed is zero or not finite.
    """
    factors = ["activation", "initializer"]
    rows = scope.read([*factors, "layer", SPEED], step=0, depth=depth, layer=[1, depth])
    speeds = rows.groupby([*factors, "layer"], sort=False)[SPEED].median()
    positive = speeds.where(np.isfinite(speeds) & (speeds > 0))
    decades = np.log10(positive)
    return decades.xs(depth, level="layer") - decades.xs(1, level="layer")

"""The ladders of remedies: what each rung changes in the hard case, or in the case that the ladder is shown on.

The hard case is that of chapter 5 of Nielsen's book: sigmoids, weights N(0, 1/fan_in), plain gradient descent.
"""

import itertools
import operator
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gradgrid.core.entries import Entry, clipping_label, normalization_label
from gradgrid.core.plan import Cell

Factors = Mapping[str, Any]

HARD: Factors = {
    "activation": Entry("sigmoid"),
    "initializer": Entry("lecun_normal"),
    "clipping": None,
    "optimizer": Entry("sgd"),
    "normalization": None,
    "residual": False,
}
ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu")
INITIALIZERS = ("normal", "xavier_normal", "kaiming_normal", "orthogonal", "lsuv")
SHOWN_ON = ("sigmoid", "tanh", "relu")
"""Activations on which the ladder of initializers is shown: which one helps depends on them."""
OPTIMIZERS = ("sgd", "momentum", "adam")
EXPLODING = ("normal", "kaiming_normal")
"""Initializers of the ReLU networks on which clipping is shown: the weights are too large, or the step alone is."""
TOGETHER: Mapping[str, Factors] = {
    "hard case": {},
    "relu": {"activation": Entry("relu")},
    "kaiming_normal": {"initializer": Entry("kaiming_normal")},
    "adam": {"optimizer": Entry("adam")},
    "batch normalization": {"normalization": Entry("batch")},
    "residual connections": {"residual": True},
}
"""What the combined ladder adds to the hard case, one after another."""


class Rung(NamedTuple):
    """One rung: its ladder, what that is shown on, its place from 1, its label, and the factors of its networks."""

    ladder: str
    case: str
    position: int
    rung: str
    factors: Factors

    def cell(self, depth: int, width: int, learning_rate: float) -> Cell:
        """The cell of these factors."""
        return Cell(depth=depth, width=width, learning_rate=learning_rate, **self.factors)


def rungs(norm: float, value: float) -> list[Rung]:
    """All rungs, ladder by ladder; ``norm`` and ``value`` are the thresholds of clipping."""
    return [
        *_ladder("activation", HARD, {name: {"activation": Entry(name)} for name in ACTIVATIONS}),
        *_initializers(),
        *_ladder("optimizer", HARD, {name: {"optimizer": Entry(name)} for name in OPTIMIZERS}),
        *_clipping(norm, value),
        *_normalization(),
        *_combined(),
    ]


def _ladder(name: str, case: Factors, steps: Mapping[str, Factors]) -> Iterator[Rung]:
    """The rungs of a ladder on which each step, by its label, changes some factors of the case."""
    told = [case[factor].label for factor in ("activation", "initializer") if factor != name]
    for position, (label, changed) in enumerate(steps.items(), start=1):
        yield Rung(name, ", ".join(told), position, label, {**case, **changed})


def _initializers() -> Iterator[Rung]:
    steps = {name: {"initializer": Entry(name)} for name in INITIALIZERS}
    for activation in SHOWN_ON:
        yield from _ladder("initializer", {**HARD, "activation": Entry(activation)}, steps)


def _clipping(norm: float, value: float) -> Iterator[Rung]:
    kinds = (None, Entry.of("norm", {"threshold": norm}), Entry.of("value", {"threshold": value}))
    steps = {clipping_label(kind): {"clipping": kind} for kind in kinds}
    for initializer in EXPLODING:
        case = {**HARD, "activation": Entry("relu"), "initializer": Entry(initializer)}
        yield from _ladder("clipping", case, steps)


def _normalization() -> Iterator[Rung]:
    """Normalization and residual connections: each alone, then both."""
    kinds = (None, Entry("batch"), Entry("layer"))
    steps = {normalization_label(kind): {"normalization": kind} for kind in kinds}
    steps["residual"] = {"residual": True}
    both = {f"{kind.name} + residual": {"normalization": kind, "residual": True} for kind in kinds if kind}
    return _ladder("normalization", HARD, {**steps, **both})


def _combined() -> Iterator[Rung]:
    """One remedy added after another."""
    steps = itertools.accumulate(TOGETHER.values(), operator.or_)
    return _ladder("combined", HARD, dict(zip(TOGETHER, steps, strict=True)))

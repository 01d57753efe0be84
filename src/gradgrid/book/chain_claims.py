"""Claims on chains with one neuron a layer (chapter 5)."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gradgrid.book import published
from gradgrid.book.judging import Claim, always, row, usually

ROUNDING = 1e-9
"""Relative error of float64 arithmetic that is not held against an identity."""


def chains(frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The claims on chains, from the table ``book/chain``; they concern no images."""
    normal, exploding = (frame[frame["kind"].eq(kind)] for kind in ("normal", "exploding"))
    claims = (*_factors(normal), _two_layers(normal), _explodes(exploding))
    return (row(claim) for claim in claims)


def _wide(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The size of a column's numbers, [chains, layers]."""
    return frame.pivot(index="chain", columns="layer", values=column).abs()


def _factors(frame: pd.DataFrame) -> Iterator[Claim]:
    # The weight of layer 1 leads from the input: no gradient comes back through it.
    factor, weight = (_wide(frame, column).drop(columns=1) for column in ("factor", "weight"))
    typical, slope = (published.number(f"identity-{name}") for name in ("typical-factor", "sigmoid-slope"))
    yield Claim(
        "chain-factor-usually",
        f"With weights N(0, 1) the factors |w σ'(z)| of the gradient are usually below {typical:g}",
        "share of the factors, of all layers but the first, for which it is true",
        usually(factor < typical),
    )
    relative = (factor / weight).max(axis=1)
    yield Claim(
        "chain-factor-always",
        f"No factor |w σ'(z)| is above {slope:g} |w|: the sigmoid is nowhere steeper",
        "the largest |w σ'(z)| ÷ |w|",
        always(relative <= slope * (1 + ROUNDING), relative.max()),
        slope,
    )


def _two_layers(frame: pd.DataFrame) -> Claim:
    gradient, times = _wide(frame, "gradient"), published.number("identity-two-layers")
    return Claim(
        "chain-two-layers",
        f"With weights N(0, 1), dC/db1 is usually a factor of {times:g} or more smaller than dC/db3",
        "share of the chains for which it is true",
        usually((gradient[3] >= times * gradient[1]).to_frame()),
    )


def _explodes(frame: pd.DataFrame) -> Claim:
    gradient, times = _wide(frame, "gradient"), published.number("identity-exploding-chain")
    ratios = gradient.iloc[:, :-1] / gradient.iloc[:, 1:].to_numpy()
    return Claim(
        "chain-explodes",
        f"With weights 100 and all z = 0 the gradient grows by a factor of {times:g} from each layer to the one before",
        "|dC/db| of a layer ÷ that of the next; geometric mean",
        always((ratios / times - 1).abs().le(ROUNDING).all(axis=1), 10 ** np.log10(ratios).stack().mean()),
        times,
    )

"""Claims on the speed of learning of the hidden layers, before and through training (chapter 5)."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from gradgrid.book import published
from gradgrid.book.judging import USUALLY, Claim, Sample, between, near, row
from gradgrid.book.published import DEPTHS, STEPS, network
from gradgrid.book.recipe import SIGMOID

HUNDRED = 100.0
"""How many times more slowly, roughly, the first of four hidden layers learns than the last."""
ROUGHLY = np.sqrt(10)
"""Two numbers are roughly the same if neither is more than this many times the other: half a decade."""
CONSTANT = 2.0
"""Factors agree, from layer to layer, if none is more than this many times another."""

_DEEPEST = max(DEPTHS)
_FOLLOWED = (100, 250, 499)
"""Steps of training after which the book's numbers are known."""


def neurons(frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The claim that the bars of the second hidden layer are mostly larger (table ``book/neurons``)."""
    size = frame.assign(size=frame["bias_gradient"].astype(np.float64).abs())
    wide = size.pivot(index="seed", columns=["layer", "neuron"], values="size")
    first, second = wide[1], wide[2]
    larger = (second.to_numpy()[:, :, None] > first.to_numpy()[:, None, :]).mean(axis=(1, 2))
    claims = (
        Claim(
            "neurons-mostly",
            f"Before training, most neurons in the second hidden layer of {network(2)} learn faster than those in the "
            "first",
            "share of the pairs of a neuron in each layer in which the second's |dC/db| is larger; mean over the seeds",
            between(Sample(pd.Series(larger, wide.index)), low=USUALLY),
        ),
        Claim(
            "neurons-median",
            f"Before training, the neurons in the second hidden layer of {network(2)} learn faster than those in the "
            "first",
            "median |dC/db| of the second hidden layer ÷ that of the first; geometric mean over the seeds",
            between(Sample(second.median(axis=1) / first.median(axis=1), ratio=True), low=1),
        ),
    )
    return (row(claim, **published.where(frame)) for claim in claims)


def before_training(frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The claims on untrained networks, from the table ``book/initial_speed``."""
    rows = frame[frame["layer"] <= frame["depth"]].astype({"bias_gradient_norm": np.float64})
    speeds = {
        depth: of_depth.pivot(index="seed", columns="layer", values="bias_gradient_norm")
        for depth, of_depth in rows.groupby("depth")
    }
    where = published.where(frame)
    return (row(claim, **where) for claim in (*_slower(speeds), *_vanishes(speeds)))


def through_training(frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The claims on full-batch training, from the rows of sigmoid networks of ``book/training_speed``."""
    rows = frame[frame["activation"].eq(SIGMOID.label) & frame["step"].lt(STEPS) & frame["step"].gt(0)]
    for depth in DEPTHS:
        of_depth = rows[rows["depth"].eq(depth)].astype({"bias_gradient_norm": np.float64})
        if len(of_depth):
            wide = of_depth.pivot(index="seed", columns=["layer", "step"], values="bias_gradient_norm")
            where = published.where(frame, steps=int(of_depth["step"].max()) + 1)
            yield from (row(claim, **where) for claim in _followed(depth, wide[depth] / wide[1]))


def _next_to_it(speed: pd.DataFrame) -> pd.DataFrame:
    """Speed of each hidden layer but the first ÷ that of the one before, [seeds, layers 2 …]."""
    return speed.iloc[:, 1:] / speed.iloc[:, :-1].to_numpy()


def _slower(speeds: Mapping[int, pd.DataFrame]) -> Iterator[Claim]:
    for depth in (depth for depth in DEPTHS if depth in speeds):
        book, ratios = published.speeds(depth), _next_to_it(speeds[depth])
        yield Claim(
            f"initial-order-{depth}",
            f"Before training, every hidden layer of {network(depth)} learns more slowly than the next",
            "speed of learning of a hidden layer ÷ that of the one before, the smallest in a network; geometric mean "
            "over the seeds",
            between(Sample(ratios.min(axis=1, skipna=False), ratio=True), low=1),
            (book[1:] / book[:-1]).min(),
        )
        last_to_first = Sample(speeds[depth][depth] / speeds[depth][1], ratio=True)
        yield _ratio(f"initial-ratio-{depth}", depth, "before training", last_to_first, book)
        if depth == _DEEPEST:
            yield _hundred("initial-hundred", "before training", last_to_first)


def _ratio(claim_id: str, depth: int, when: str, last_to_first: Sample, speeds: np.ndarray) -> Claim:
    book = speeds[-1] / speeds[0]
    return Claim(
        claim_id,
        f"The last hidden layer of {network(depth)} learns {book:.3g} times as fast as the first {when}",
        f"speed of learning {when}, last ÷ first hidden layer; geometric mean over the seeds, with a 95 % prediction "
        "interval",
        near(last_to_first, book),
        book,
    )


def _hundred(claim_id: str, when: str, last_to_first: Sample) -> Claim:
    return Claim(
        claim_id,
        f"With four hidden layers, the first learns roughly {HUNDRED:g} times more slowly than the last, {when}",
        f"speed of learning {when}, last ÷ first hidden layer; geometric mean over the seeds",
        between(last_to_first, HUNDRED / ROUGHLY, HUNDRED * ROUGHLY),
        HUNDRED,
    )


def _vanishes(speeds: Mapping[int, pd.DataFrame]) -> Iterator[Claim]:
    """In the book's deepest network and in the deepest here, with two pairs of hidden layers at least."""
    for depth in (depth for depth in speeds if depth > 2 and depth in (_DEEPEST, max(speeds))):
        ratios, book = _next_to_it(speeds[depth]), np.full(2, np.nan)
        ratios = ratios.where((np.isfinite(ratios) & ratios.gt(0)).all(axis=1))
        if depth in DEPTHS:
            published_speeds = published.speeds(depth)
            book = published_speeds[1:] / published_speeds[:-1]
        yield Claim(
            f"vanishing-factor-{depth}",
            f"Before training, the gradient shrinks from each hidden layer of {network(depth)} to the one before",
            "speed of learning of a hidden layer ÷ that of the one before; geometric mean over layers and seeds",
            between(Sample(10 ** np.log10(ratios).mean(axis=1), ratio=True), low=1),
            10 ** np.log10(book).mean(),
        )
        # Without a seed that has all ratios, the means are NaN and any two pairs of layers show it.
        means = np.log10(ratios).mean().fillna(0.0)
        yield Claim(
            f"vanishing-constant-{depth}",
            f"Before training, the gradient vanishes exponentially: the factor is the same for all layers of "
            f"{network(depth)}",
            "speed of learning of a hidden layer ÷ that of the one before, where it is largest ÷ the same where it is "
            "smallest; geometric mean over the seeds",
            between(
                Sample(ratios[means.idxmax()] / ratios[means.idxmin()], ratio=True), 1 / CONSTANT, CONSTANT
            ),
            book.max() / book.min(),
        )


def _followed(depth: int, ratios: pd.DataFrame) -> Iterator[Claim]:
    """``ratios``: speed of the last ÷ that of the first hidden layer, [seeds, steps]."""
    steps = f"steps {ratios.columns.min()} to {ratios.columns.max()}"
    measure = "speed of learning, last ÷ first hidden layer; geometric mean over the seeds of"
    mean = 10 ** np.log10(ratios.where(ratios > 0)).mean(axis=1, skipna=False)
    over_steps = Sample(mean, ratio=True)
    yield Claim(
        f"training-order-{depth}",
        f"Through it all, the first hidden layer of {network(depth)} learns more slowly than the last",
        f"{measure} the smallest after any of {steps}",
        between(Sample(ratios.min(axis=1, skipna=False), ratio=True), low=1),
    )
    yield Claim(
        f"training-ratio-{depth}",
        f"In training, the first hidden layer of {network(depth)} learns more slowly than the last on the whole",
        f"{measure} the geometric mean over {steps}",
        between(over_steps, low=1),
    )
    if depth == _DEEPEST:
        yield _hundred("training-hundred", f"over {steps}", over_steps)
    for step in (step for step in _FOLLOWED if step in ratios):
        at_step = Sample(ratios[step], ratio=True)
        book = published.speeds(depth, step)
        yield _ratio(f"training-ratio-{depth}-step-{step}", depth, f"after step {step}", at_step, book)

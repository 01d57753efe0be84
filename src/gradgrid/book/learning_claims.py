"""Claims on accuracy: does another hidden layer help (chapter 5), do smaller initial weights (chapter 3)?

Accuracies are those on the validation images, in %; their differences are in percentage points, seed by seed.
"""

from collections.abc import Iterator
from itertools import chain, product
from typing import NamedTuple

import numpy as np
import pandas as pd

from gradgrid.book import published
from gradgrid.book.judging import Claim, Finding, Sample, between, near, row
from gradgrid.book.published import EPOCHS, network

SAME = 0.25
"""Two accuracies that differ by less, in percentage points, are almost the same."""
NO_LOSS = -0.1
"""A difference of accuracies above this, in percentage points, is no loss."""

_ANOTHER = {(1, 2): "second", (2, 3): "third", (3, 4): "fourth"}
_DEPTHS = (1, 2, 3, 4)
_WIDTHS = (30, 100)
_POINTS = "percentage points; mean over the seeds"


class _End(NamedTuple):
    """Accuracy [seeds, depths] at one moment of the trainings."""

    suffix: str
    words: str
    accuracy: pd.DataFrame


class _Compared(NamedTuple):
    """Accuracy [seeds] with weights N(0, 1/n_in), new, and N(0, 1), old, at one moment; the book's beside."""

    width: int
    moment: str
    epoch: int
    new: pd.Series
    old: pd.Series
    book_new: float
    book_old: float

    @property
    def change(self) -> Sample:
        """New minus old, in percentage points."""
        return Sample(_change(self.old, self.new))

    def claim(self, name: str, text: str, finding: Finding) -> Claim:
        """A claim on that difference."""
        measure = f"accuracy after epoch {self.epoch}, weights N(0, 1/n_in) minus N(0, 1), {_POINTS}"
        book = round(self.book_new - self.book_old, 2)
        return Claim(f"weights-{name}-{self.width}", text, measure, finding, book)


def depth(frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Chapter 5's claims on depth, from the table ``book/accuracy``."""
    wide = _percent(frame, "depth")
    epochs = _last_epoch(wide)
    best = {depth: wide[depth].max(axis=1, skipna=False) for depth in wide.columns.unique("depth")}
    last = _End("", f"after epoch {epochs}", wide.xs(epochs, axis=1, level="epoch"))
    best = _End("-best", f"after the best of {epochs} epochs", pd.DataFrame(best))
    claims = (_helps(last), _drops(last), _helps(best), _reaches(last), _reaches(best))
    where = published.where(frame, epochs=epochs)
    return (row(claim, **where) for claim in chain.from_iterable(claims))


def initial_weights(frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Chapter 3's claims on weights N(0, 1/n_in) against N(0, 1), from the table ``book/initialization``."""
    wide = _percent(frame.astype({"initializer": str}), "width", "initializer")
    last = _last_epoch(wide)
    moments = {
        "first": (1, _at_first, published.where(frame)),
        "last": (last, _in_the_end, published.where(frame, epochs=last)),
    }
    for width, (moment, (epoch, claims, where)) in product(_WIDTHS, moments.items()):
        keys = [(width, initializer, epoch) for initializer in published.WEIGHTS]
        if all(key in wide for key in keys):
            books = [getattr(published.initialized(width, weights), moment) for weights in published.WEIGHTS]
            compared = _Compared(width, moment, epoch, *(wide[key] for key in keys), *books)
            yield from (row(claim, **where) for claim in (*claims(compared), *_published_weights(compared)))


def _percent(frame: pd.DataFrame, *network: str) -> pd.DataFrame:
    """Validation accuracy in %, [seeds, network × epoch], after the epochs that the book trains for."""
    rows = frame[frame["split"].eq("validation") & frame["epoch"].between(1, EPOCHS)]
    # Rounded, because float32 makes equal accuracies differ from the book's two decimals.
    percent = rows["accuracy"].astype(np.float64).mul(100).round(4)
    return rows.assign(percent=percent).pivot(index="seed", columns=[*network, "epoch"], values="percent")


def _last_epoch(wide: pd.DataFrame) -> int:
    return int(wide.columns.get_level_values("epoch").max())


def _change(before: pd.Series, after: pd.Series) -> pd.Series:
    """Percentage points, seed by seed; as round as the accuracies are."""
    return (after - before).round(4)


def _helps(end: _End) -> Iterator[Claim]:
    changes = {
        pair: _change(end.accuracy[pair[0]], end.accuracy[pair[1]])
        for pair in _ANOTHER
        if {*pair} <= {*end.accuracy}
    }
    books = {pair: _published_change(*pair) for pair in _ANOTHER}
    for pair, change in changes.items():
        yield Claim(
            f"layer-helps-{pair[0]}-{pair[1]}{end.suffix}",
            f"Another hidden layer ought to help: the {_ANOTHER[pair]} one raises the accuracy{_but(books[pair])}",
            f"accuracy {end.words}, change from {network(pair[0])} to {network(pair[1])}, {_POINTS}",
            between(Sample(change), low=0),
            books[pair],
        )
    if len(changes) == len(_ANOTHER):
        smallest = min(books.values())
        yield Claim(
            f"layer-always-helps{end.suffix}",
            f"Another hidden layer ought to help every time{_but(smallest)}",
            f"accuracy {end.words}, smallest of the changes from 1 to 2 to 3 to 4 hidden layers, {_POINTS}",
            between(Sample(pd.DataFrame(changes).min(axis=1, skipna=False)), low=0),
            smallest,
        )


def _but(change: float) -> str:
    return "" if change > 0 else " (in the book's own run it does not)"


def _drops(end: _End) -> Iterator[Claim]:
    texts = {
        3: "A third hidden layer does not help at all: the accuracy drops back",
        4: "With a fourth hidden layer the accuracy drops again, below that of two",
    }
    for depth, text in texts.items():
        if {2, depth} <= {*end.accuracy}:
            yield Claim(
                f"accuracy-drops-2-{depth}",
                text,
                f"accuracy {end.words}, change from {network(2)} to {network(depth)}, {_POINTS}",
                between(Sample(_change(end.accuracy[2], end.accuracy[depth])), high=0),
                _published_change(2, depth),
            )


def _published_change(first: int, second: int) -> float:
    return round(published.accuracy(second) - published.accuracy(first), 2)


def _reaches(end: _End) -> Iterator[Claim]:
    for depth in (depth for depth in _DEPTHS if depth in end.accuracy):
        book = published.accuracy(depth)
        yield _accuracy(f"accuracy-{depth}{end.suffix}", network(depth), end.words, end.accuracy[depth], book)


def _accuracy(claim_id: str, who: str, when: str, accuracy: pd.Series, book: float) -> Claim:
    return Claim(
        claim_id,
        f"{who} classifies {book:.2f} % of the validation images correctly, or thereabouts",
        f"accuracy {when}, %; mean over the seeds, with a 95 % prediction interval",
        near(Sample(accuracy), book),
        book,
    )


def _at_first(compared: _Compared) -> Iterator[Claim]:
    text = f"In {network(1, compared.width)}, weights N(0, 1/n_in) learn faster at first than weights N(0, 1)"
    yield compared.claim("faster", text, between(compared.change, low=0))


def _in_the_end(compared: _Compared) -> Iterator[Claim]:
    """What the book says of the last epoch: with 30 neurons they are the same, with 100 they do not quite meet."""
    ends = f"In {network(1, compared.width)}, weights N(0, 1/n_in) end"
    no_worse = between(compared.change, low=NO_LOSS)
    yield compared.claim("no-worse", f"{ends} no worse than weights N(0, 1)", no_worse)
    if compared.width == 30:
        same = between(compared.change, -SAME, SAME)
        yield compared.claim("same", f"{ends} at almost exactly the accuracy of weights N(0, 1)", same)
    else:
        ahead = between(compared.change, low=0)
        yield compared.claim("ahead", f"{ends} ahead of weights N(0, 1): the two do not quite meet", ahead)


def _published_weights(compared: _Compared) -> Iterator[Claim]:
    kinds = (("new", "N(0, 1/n_in)", compared.new, compared.book_new),)
    kinds += (("old", "N(0, 1)", compared.old, compared.book_old),)
    for kind, weights, accuracy, book in kinds:
        claim_id = f"weights-{kind}-{compared.width}-{compared.moment}"
        who = f"{network(1, compared.width)} with weights {weights}"
        yield _accuracy(claim_id, who, f"after epoch {compared.epoch}", accuracy, book)

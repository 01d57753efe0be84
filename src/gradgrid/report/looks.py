"""What to look for: the few sentences that each chapter opens with, their numbers from what was read."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from gradgrid.core.numbers import counted, listed
from gradgrid.core.verdicts import VERDICTS
from gradgrid.report.numbers import count, percent

CLAIMS = {"holds": "hold", "holds on average": "hold on average", "does not hold": "do not"}
"""Verdicts of claims as a sentence puts them."""
FIXED = {
    "run": [
        "Below the facts stands what every number of this report rests on; what is set in bold there should be kept in "
        "mind throughout. The factors are what the nets differ in."
    ],
    "methods": [
        "Every measure of this report is defined here, with its formula and a plain sentence. Note what a number is "
        "measured on, when, and over what its interval is taken."
    ],
    "dictionary": [
        "Whoever wants to work out something else finds all numbers in these tables. Begin with cells for means and "
        "with runs for single nets: each has the factors as columns, so that one file is enough for most questions."
    ],
    "provenance": [
        "More than one row under training means that devices or versions are mixed. Who repeats this report compares "
        "the digest of the images and the commit first."
    ],
}
"""Chapters of which the same is to be said in every report."""


def looks(
    runs: pd.DataFrame, page: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]
) -> dict[str, list[str]]:
    """The sentences of every chapter; ``page`` is what the templates use, ``tables`` are those of the statistics."""
    made = {
        "book": book(page["book"]) if page["book"] else (),
        "grid": grid(runs),
        "laboratory": laboratory(page["laboratory"]) if page["laboratory"] else (),
        "statistics": statistics(tables),
        "explorer": explorer(len(page["explorer"]["header"]["ids"]), len(runs)),
        **FIXED,
    }
    return {chapter: list(sentences) for chapter, sentences in made.items()}


def book(chapter: Mapping[str, Any]) -> Iterator[str]:
    """The book's chapter."""
    yield "Compare layers: the nearer one is to the input, the lower its line or the shorter its bar."
    tally = dict(chapter["tally"])
    told = [f"{tally[verdict]} {words}" for verdict, words in CLAIMS.items() if verdict in tally]
    if told:
        yield f"Of the book's claims that are judged here, {listed(told)}."
    else:
        yield "None of the book's claims is judged here."
    yield (
        "A diamond is a number of the book's own, from one network; the spread over the seeds says how much one "
        "network can tell."
    )


def grid(runs: pd.DataFrame) -> Iterator[str]:
    """The grid's figures."""
    shares = runs["verdict"].value_counts(normalize=True)
    told = [f"{percent(shares[word])} {word}" for word in reversed(VERDICTS) if word in shares.index]
    yield f"Of {counted(len(runs), 'run')}, by verdict: {listed(told)}."
    yield (
        "In the figures of the speed of learning, a line that falls towards layer 1, next to the input, is a gradient "
        "that vanishes; one that rises towards it explodes; a level one is what good initial weights give."
    )
    yield "Then see whether a bad start costs accuracy, and what clipping mends."


def laboratory(chapter: Mapping[str, Any]) -> Iterator[str]:
    """The laboratory's figures."""
    yield (
        "A level line is a signal, or a gradient, that keeps its size through the layers; one that falls vanishes, one "
        "that rises explodes."
    )
    if agreement := chapter["agreement"]:
        yield (
            f"Where theory predicts the factor of a layer, see how near it comes: the median difference over "
            f"{agreement['kinds']} of networks is {agreement['median']}."
        )
    yield f"Among the remedies, look for what lifts the hard case above {chapter['hard_case']}."


def statistics(tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """The comparison of levels."""
    comparisons, effects = tables["comparisons"], tables["effects"].dropna(subset=["share"])
    yield "Ask first whether a difference is outside the noise, then whether it is large enough to matter."
    if len(comparisons):
        inside = (comparisons["noise"] == "inside").sum() // 2  # both ways round, each pair stands twice
        pairs = len(comparisons) // 2
        yield f"Of {counted(pairs, 'pair')} of levels, {count(inside)} cannot be told apart."
    mains = effects[effects["kind"] == "main"]
    if len(mains):
        first = mains.iloc[0]
        name = first["effect"].replace("_", " ")
        yield f"Of the variance of accuracy {percent(first['share'])} goes with the {name} alone."


def explorer(cells: int, runs: int) -> Iterator[str]:
    """The explorer."""
    yield f"All {counted(cells, 'cell')} and {counted(runs, 'run')} are here."
    yield (
        "Open a cell, change one level, and see which chart changes: the speed of learning by layer, the accuracy, or "
        "what clipping did. Then set the measured step to 0, where only the initial weights speak."
    )

"""The page's chapter on the book: what was repeated, each claim with its verdict, tables and figures by section."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from gradgrid.core.numbers import counted, listed
from gradgrid.core.sidecars import Sidecar
from gradgrid.report import comparisons
from gradgrid.report.numbers import NONE, number, with_interval
from gradgrid.report.sections import sections

TITLE = "The book's chapter"
"""The chapter of the figures that belong here."""

SECTIONS = {
    "claims": ("What the book claims, and what holds", ()),
    "accuracy": ("Depth and accuracy", ("book_accuracy", "book_final_accuracy")),
    "neurons": ("The gradient, neuron by neuron", ("book_neurons", "book_neuron_speeds")),
    "initial_speed": ("Speed of learning before training", ("book_initial_speed",)),
    "training_speed": (
        "Speed of learning during training",
        ("book_training_speed", "book_training_weight_speed", "book_training_activations"),
    ),
    "chain": ("A chain of neurons", ("book_chain_slope", "book_chain_factor")),
    "matrix": ("The gradient as a product of matrices", ("book_matrix",)),
    "problems": ("The book's problems", ("book_width_of_set", "book_identity_neuron", "book_steepness")),
    "initialization": ("Initial weights, from chapter 3", ("book_initialization",)),
}
"""The chapter's sections in order: title, and the names of the figures that belong there."""
SECTION_OF_CLAIM = {
    "layer": "accuracy",
    "accuracy": "accuracy",
    "neurons": "neurons",
    "initial": "initial_speed",
    "vanishing": "initial_speed",
    "training": "training_speed",
    "chain": "chain",
    "weights": "initialization",
}
"""Of the first word of a claim's short name, the section that shows what the claim is about."""

VERDICTS = ("holds", "holds on average", "does not hold", "not judged")
"""The order of the verdicts in the tally."""


@dataclass(frozen=True)
class Claim:
    """A claim of the book as the page shows it; ``rule`` counts the chapter's rules from 1."""

    text: str
    measure: str
    value: str
    interval: str
    published: str
    share: str
    verdict: str
    rule: int


def chapter(
    tables: Mapping[str, pd.DataFrame], figures: Iterable[tuple[Sidecar, Path]], dataset: str
) -> dict[str, Any]:
    """What the chapter's template uses; ``tables`` are those of ``inputs.BOOK_READ``."""
    rules = list(dict.fromkeys(tables["claims"]["rule"]))
    return {
        "title": TITLE,
        "facts": list(_facts(tables)),
        "judged": dataset == "mnist",
        "claims": _claims(tables["claims"], rules),
        "rules": rules,
        "tally": _tally(tables["claims"]["verdict"]),
        "accuracy": comparisons.accuracy(tables["accuracy"]),
        "initial_speed": comparisons.initial_speed(tables["initial_speed"]),
        "initialization": comparisons.initialization(tables["initialization"]),
        "problems": comparisons.problems(tables["problems"]),
        "sections": sections("book", SECTIONS, figures),
    }


def _facts(tables: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, str]]:
    accuracy, initialization = tables["accuracy"], tables["initialization"]
    yield "Depth and accuracy", _networks(accuracy, ["depth"], counted(int(accuracy["epoch"].max()), "epoch"))
    yield "Speed of learning before training", _networks(tables["initial_speed"], ["depth"])
    speed = tables["training_speed"]
    steps = counted(int(speed["step"].max()) + 1, "full-batch step")  # measured before each of them
    yield "Speed of learning during training", _networks(speed, ["depth", "activation"], steps)
    chains = tables["chain"][tables["chain"]["kind"] == "normal"]
    number_of_chains = counted(chains["chain"].nunique(), "random chain")
    yield "Chains of neurons", f"{number_of_chains} of {chains['layer'].max()} neurons"
    epochs = counted(int(initialization["epoch"].max()), "epoch")
    yield "Initial weights, chapter 3", _networks(initialization, ["width", "initializer"], epochs)


def _networks(frame: pd.DataFrame, factors: list[str], *length: str) -> str:
    """``64 networks: depth 1, 2, 3 and 4; 16 seeds; 30 epochs``."""
    networks = len(frame[[*factors, "seed"]].drop_duplicates())
    spread = (f"{name} {listed(map(str, frame[name].unique()))}" for name in factors)
    facts = (*spread, counted(frame["seed"].nunique(), "seed"), *length)
    return f"{counted(networks, 'network')}: {'; '.join(facts)}"


def _claims(frame: pd.DataFrame, rules: Sequence[str]) -> list[tuple[str | None, list[Claim]]]:
    """Neighbouring claims on the same subject with the name of its section, None where there is none."""
    subjects = (SECTION_OF_CLAIM.get(name.partition("-")[0]) for name in frame["claim_id"])
    claims = zip(subjects, (_claim(row, rules) for row in frame.itertuples()), strict=True)
    return [
        (name, [claim for _, claim in group]) for name, group in groupby(claims, key=lambda pair: pair[0])
    ]


def _claim(row: Any, rules: Sequence[str]) -> Claim:
    value, interval = with_interval(row.value, row.low, row.high)
    share = NONE if pd.isna(row.share_of_seeds) else f"{100 * row.share_of_seeds:.0f} % of {row.seeds:,}"
    return Claim(
        text=row.claim,
        measure=row.measure,
        value=value,
        interval=interval,
        published=number(row.published),
        share=share,
        verdict=row.verdict,
        rule=rules.index(row.rule) + 1,
    )


def _tally(verdicts: pd.Series) -> list[tuple[str, int]]:
    """How many claims have each verdict that occurs."""
    counts = verdicts.value_counts(sort=False)
    order = [*(v for v in VERDICTS if v in counts.index), *(v for v in counts.index if v not in VERDICTS)]
    return [(verdict, int(counts[verdict])) for verdict in order]

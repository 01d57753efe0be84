"""The page's chapter on the laboratory: signal and gradient propagation, theory beside measurement."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gradgrid.core.numbers import counted, listed
from gradgrid.core.sidecars import Sidecar
from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.report import propagation, remedies
from gradgrid.report.sections import sections

TITLE = "The laboratory"
"""The chapter of the figures that belong here."""

SECTIONS = {
    "linear": ("Linear networks", ("laboratory_linear",)),
    "deep": (
        "Deep untrained networks",
        ("laboratory_activations", "laboratory_gradients", "laboratory_overflow", "laboratory_saturation"),
    ),
    "by_hand": ("By hand and by library", ()),
    "tutorial": ("The tutorials' digits", ()),
    "gains": ("Gains", ("laboratory_gains",)),
    "theory": ("Mean-field theory", ("laboratory_theory",)),
    "phase": ("The phase diagram", ("laboratory_phase", "laboratory_trainability")),
    "remedies": ("Remedies", ("laboratory_remedies", "laboratory_ladders")),
    "recurrent": ("Recurrent networks", ("laboratory_recurrent", "laboratory_recurrent_training")),
}
"""The chapter's sections in order: title, and the names of the figures that belong there."""

NAMED = 7
"""The most levels that are named one by one."""
WORDS = {
    "sigma_w2": "σ_w²",
    "sigma_b2": "σ_b²",
    "spectral_radius": "spectral radius",
    "learning_rate": "learning rate",
    "residual": "residual connections:",
}
"""Of factors that are not called what their columns are called."""


def chapter(
    tables: Mapping[str, pd.DataFrame], figures: Iterable[tuple[Sidecar, Path]], dataset: str
) -> dict[str, Any]:
    """What the chapter's template uses; ``tables`` are those of ``inputs.LABORATORY_READ``."""
    theory = propagation.with_saturation(tables["theory"], tables["propagation"])
    return {
        "title": TITLE,
        "facts": list(_facts(tables)),
        "mnist": dataset == "mnist",
        "layers": counted(int(tables["propagation"]["layer"].max()), "layer"),
        "deep": propagation.deep(tables["propagation"], tables["overflow"]),
        "by_hand": propagation.by_hand(tables["by_hand"]),
        "tutorial": propagation.tutorial(tables["tutorial"]),
        "gains": propagation.gains(tables["gains"]),
        "agreement": propagation.agreement(theory),
        "theory": propagation.differences(theory),
        "remedies": remedies.words(tables["remedies"]),
        "hard_case": remedies.hard(tables["remedies"]),
        "rungs": remedies.table(tables["remedies"]),
        "sections": sections("laboratory", SECTIONS, figures),
    }


def _facts(tables: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, str]]:
    linear, deep = tables["linear"], tables["propagation"]
    yield "Linear networks", _networks(linear, ["kind", "precision", "scale"], _layers(linear))
    yield "Deep untrained networks", _networks(deep, ["width", "activation", "initializer"], _layers(deep))
    trained = tables["trainability"]
    yield "Phase diagram of tanh", counted(len(tables["phase"]), "point")
    yield "Networks trained across it", _networks(trained, ["sigma_w2", "sigma_b2", "depth"])
    factors = [name for name in FACTOR_NAMES if name != "width"]
    helped = tables["remedies"].drop_duplicates([*factors, "seed"])
    diverged = f"{(helped['status'] == 'diverged').sum()} diverged"
    yield "Networks trained with remedies", _networks(helped, factors, diverged)
    factors = ["sequence", "spectral_radius"]
    yield "Recurrent networks before training", _networks(tables["recurrent"], factors)
    training = tables["recurrent_training"]
    last = training[training["step"] == training.groupby("sequence")["step"].transform("max")]
    diverged = f"{(last['status'] == 'diverged').sum()} diverged"
    yield "Recurrent networks in training", _networks(last, [*factors, "clipping"], diverged)


def _layers(frame: pd.DataFrame) -> str:
    return counted(int(frame["layer"].max()), "layer")


def _networks(frame: pd.DataFrame, factors: list[str], *more: str) -> str:
    """``80 networks: 4 initializers × 2 widths; 10 seeds; 100 layers``; a factor with few levels has them named."""
    networks = len(frame[[*factors, "seed"]].drop_duplicates())
    facts = (
        *(_levels(name, frame[name]) for name in factors),
        counted(frame["seed"].nunique(), "seed"),
        *more,
    )
    return f"{counted(networks, 'network')}: {'; '.join(facts)}"


def _levels(name: str, column: pd.Series) -> str:
    """``width 400 and 256``, or ``14 initializers`` where there are too many to name."""
    levels, word = list(column.unique()), WORDS.get(name, name)
    if len(levels) > NAMED:
        return counted(len(levels), word)
    return f"{word} {listed(level if isinstance(level, str) else f'{level:g}' for level in levels)}"

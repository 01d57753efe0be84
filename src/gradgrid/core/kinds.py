"""Kinds of values that several sections of the configuration share."""

from typing import Annotated, Literal

from typing_extensions import TypeAliasType

from gradgrid.core.entries import Entry
from gradgrid.core.entryfield import EntryOf
from gradgrid.core.fields import Real, Whole
from gradgrid.core.levels import Levels, Seeds
from gradgrid.core.registry import RANGES

MOST_SEEDS = 10_000

Activation = TypeAliasType("Activation", Annotated[Entry, EntryOf("activations", "an activation")])
Initializer = TypeAliasType("Initializer", Annotated[Entry, EntryOf("initializers", "an initializer")])
Depth = Annotated[int, Whole(1, 1_000)]
Width = Annotated[int, Whole(1, 100_000)]
Epochs = Annotated[int, Whole(1, 100_000)]
EpochsOrAuto = Annotated[Literal["auto"] | int | None, Whole(1, 100_000, ("auto", None))]
Seed = Annotated[int, Whole(0, 2**31 - 1)]
Step = Annotated[int, Whole(0, 2**31 - 1)]
LearningRate = Annotated[float, Real(RANGES["Positive"])]

Depths = Annotated[tuple[Depth, ...], Levels("depth")]
Activations = Annotated[tuple[Activation, ...], Levels("activation")]
Initializers = Annotated[tuple[Initializer, ...], Levels("initializer")]
Widths = Annotated[tuple[Width, ...], Levels("width")]
SeedList = Annotated[tuple[Seed, ...], Seeds("seed", MOST_SEEDS)]

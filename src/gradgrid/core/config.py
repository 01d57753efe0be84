"""The configuration: what config.yaml may say, as frozen, strict classes, and how it is read."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

from gradgrid.core.datasets import EMBEDDED, SIZES
from gradgrid.core.entries import Entry
from gradgrid.core.fields import EntryOf, Levels, OneOf, OptionalText, Real, Whole
from gradgrid.core.registry import RANGES, entries

MOST_SEEDS = 10_000

Activation = TypeAliasType("Activation", Annotated[Entry, EntryOf("activations", "an activation")])
Initializer = TypeAliasType("Initializer", Annotated[Entry, EntryOf("initializers", "an initializer")])
Clipping = TypeAliasType(
    "Clipping", Annotated[Entry | None, EntryOf("clipping", "a kind of clipping", nothing="no clipping")]
)
Optimizer = TypeAliasType("Optimizer", Annotated[Entry, EntryOf("optimizers", "an optimizer")])
Seed = Annotated[int, Whole(0, 2**31 - 1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Dataset(_Section):
    """The images, and what to do where they cannot be had."""

    name: Annotated[str, OneOf("a dataset", lambda: SIZES)] = Field(
        "mnist", description="data set to train on"
    )
    root: Annotated[str | None, OptionalText("the path of a folder")] = Field(
        None, description="folder with the four original files; null: MNIST_DIR, else a download"
    )
    fallback: Annotated[str | None, OneOf("a fallback", lambda: (EMBEDDED, None))] = Field(
        EMBEDDED, description="used, and said everywhere, where the data cannot be had; null: fail instead"
    )


class Factors(_Section):
    """The factors: every list multiplies the grid; one value stands for a list of one."""

    depth: Annotated[tuple[Annotated[int, Whole(1, 1_000)], ...], Levels("depth")]
    activation: Annotated[tuple[Activation, ...], Levels("activation")]
    initializer: Annotated[tuple[Initializer, ...], Levels("initializer")]
    clipping: Annotated[tuple[Clipping, ...], Levels("kind of clipping")] = (None,)
    width: Annotated[tuple[Annotated[int, Whole(1, 100_000)], ...], Levels("width")] = (30,)
    optimizer: Annotated[tuple[Optimizer, ...], Levels("optimizer")] = (Entry("sgd"),)
    learning_rate: Annotated[
        tuple[Annotated[float, Real(RANGES["Positive"])], ...], Levels("learning rate")
    ] = (0.1,)


class Training(_Section):
    """The recipe, the same for every run; the defaults are the book's."""

    epochs: Annotated[int, Whole(1, 100_000)] = 5
    digits_epochs: Annotated[int, Whole(1, 100_000)] = 40
    minibatch: Annotated[int, Whole(1, 1_000_000)] = 10
    weight_decay: Annotated[float, Real(RANGES["NonNegative"])] = 5.0
    loss: Annotated[str, OneOf("a loss", lambda: entries("losses"))] = "cross_entropy"
    bias: Annotated[Literal["normal", "zero"], OneOf("a bias", lambda: ("normal", "zero"))] = "normal"
    measure_steps: Literal["auto"] | tuple[int, ...] = "auto"


class Config(_Section):
    """Everything that config.yaml says."""

    dataset: Dataset = Dataset()
    device: Annotated[str, OneOf("a device", lambda: ("auto", "cpu", "cuda", "mps"))] = "auto"
    seeds: Annotated[tuple[Seed, ...], Levels("seed")]
    factors: Factors
    training: Training = Training()

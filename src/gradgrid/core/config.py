"""The configuration: what config.yaml may say, as frozen and strict classes, and how it is read.

A ``Config`` that exists is valid: a wrong one is a :class:`ConfigError` with every problem and its line.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from typing_extensions import TypeAliasType

from gradgrid.core.book import Book
from gradgrid.core.checks import impossible, too_many_runs
from gradgrid.core.datasets import EMBEDDED, SIZES
from gradgrid.core.documents import Keys
from gradgrid.core.entries import Entry
from gradgrid.core.entryfield import EntryOf
from gradgrid.core.errors import ConfigError
from gradgrid.core.fields import Found, OneOf, OptionalText, Real, Truth, Whole, problems
from gradgrid.core.kinds import (
    Activations,
    Depths,
    Epochs,
    EpochsOrAuto,
    Initializers,
    LearningRate,
    SeedList,
    Step,
    Widths,
)
from gradgrid.core.laboratory import Laboratory
from gradgrid.core.levels import Levels, StepsOrAuto
from gradgrid.core.registry import RANGES, entries
from gradgrid.core.section import Section
from gradgrid.core.sources import Sources, merged, read_all
from gradgrid.core.translation import found_by, lines
from gradgrid.core.verdicts import Verdicts

Optimizer = TypeAliasType("Optimizer", Annotated[Entry, EntryOf("optimizers", "an optimizer")])
Clipping = TypeAliasType(
    "Clipping", Annotated[Entry | None, EntryOf("clipping", "a kind of clipping", nothing="no clipping")]
)
Normalization = TypeAliasType(
    "Normalization",
    Annotated[Entry | None, EntryOf("normalization", "a kind of normalization", nothing="no normalization")],
)
Normalizations = Annotated[tuple[Normalization, ...], Levels("kind of normalization")]
LearningRates = Annotated[tuple[LearningRate, ...], Levels("learning rate")]
Minibatch = Annotated[int, Whole(1, 1_000_000)]


class Dataset(Section):
    """The images, and what to do where they cannot be had."""

    name: Annotated[str, OneOf("a dataset", lambda: SIZES)] = Field(
        "mnist", description="the images to train on"
    )
    root: Annotated[str | None, OptionalText("the path of a folder")] = Field(
        None,
        description="folder with the four original files; null: the one named by MNIST_DIR, else a download",
    )
    fallback: Annotated[str | None, OneOf("a fallback", lambda: (EMBEDDED, None))] = Field(
        EMBEDDED, description="used, and said everywhere, where the images cannot be had; null: fail instead"
    )


class Factors(Section):
    """The factors: every list multiplies the grid; one value stands for a list of one."""

    depth: Depths = Field(description="numbers of hidden layers", examples=[[1, 2, 4, 8]])
    activation: Activations = Field(
        description="activations of the hidden layers", examples=[["sigmoid", "relu"]]
    )
    initializer: Initializers = Field(
        description="how the weights are drawn", examples=[["lecun_normal", "xavier_normal"]]
    )
    clipping: Annotated[tuple[Clipping, ...], Levels("kind of clipping")] = Field(
        (None,), description="gradient clipping; null: none", json_schema_extra={"default": None}
    )
    width: Widths = Field(
        (30,), description="neurons in each hidden layer", json_schema_extra={"default": 30}
    )
    optimizer: Annotated[tuple[Optimizer, ...], Levels("optimizer")] = Field(
        (Entry("sgd"),), description="optimizers", json_schema_extra={"default": "sgd"}
    )
    learning_rate: LearningRates = Field(
        (0.1,), description="step sizes of the optimizer (the book's eta)", json_schema_extra={"default": 0.1}
    )
    normalization: Normalizations = Field(
        (None,),
        description="normalization of the hidden layers' pre-activations; null: none",
        json_schema_extra={"default": None},
    )
    residual: Annotated[tuple[Annotated[bool, Truth()], ...], Levels("truth value")] = Field(
        (False,),
        description="whether hidden layers from the second on add their input to their output",
        json_schema_extra={"default": False},
    )


class Training(Section):
    """The recipe, the same for every run; the defaults are the book's."""

    epochs: Epochs = Field(5, description="passes through the training images")
    digits_epochs: Epochs = Field(
        8, description="the same on the embedded digits, of which there are far fewer"
    )
    minibatch: Minibatch = Field(10, description="images in a step")
    weight_decay: Annotated[float, Real(RANGES["NonNegative"])] = Field(
        5.0,
        description="the book's lambda: each step shrinks weights by learning_rate × it ÷ training images",
    )
    loss: Annotated[str, OneOf("a loss", lambda: entries("losses"))] = Field(
        "cross_entropy", description="the cost; cross_entropy is the book's, on sigmoid outputs"
    )
    bias: Annotated[str, OneOf("a way to draw the biases", lambda: ("normal", "zero"))] = Field(
        "normal", description="how biases start: drawn from N(0, 1) as in the book, or zero"
    )
    measure_steps: Annotated[Literal["auto"] | tuple[Step, ...], StepsOrAuto("step")] = Field(
        "auto",
        description="steps after which gradients are measured, besides initialization; "
        "auto: 1, 10, 100, 1000 within the first epoch, and the end of every epoch",
    )


class Execution(Section):
    """How the work is done. Nothing here changes a number."""

    checkpoint_every: EpochsOrAuto = Field(
        "auto",
        description="epochs after which a bundle's training is kept, to go on from there if it is killed; "
        "auto: every epoch of a bundle that takes over a minute; null: never",
    )
    bundle_minutes: Annotated[float, Real(RANGES["Positive"])] = Field(
        10.0,
        description="longest time of a bundle, the runs that one job trains, by the plan's estimate for one core",
    )


_REFUSED = (
    ("mps", "cannot train: no double precision, which weight decay needs; auto takes the CPU instead"),
)
_FACTORS = {"depth": [1, 2, 4], "activation": "sigmoid", "initializer": "lecun_normal"}


class Config(Section):
    """Configuration of GradGrid: what to train, how often, on what."""

    dataset: Dataset = Field(Dataset(), description="the images")
    device: Annotated[str, OneOf("a device", lambda: ("auto", "cpu", "cuda"), _REFUSED)] = Field(
        "auto", description="where to train; auto: cuda where there is one, else cpu"
    )
    seeds: SeedList = Field(description="replicates of every cell, their number or a list", examples=[5])
    factors: Factors = Field(description="what is compared; lists multiply the grid", examples=[_FACTORS])
    training: Training = Field(Training(), description="the recipe")
    verdicts: Verdicts = Field(
        Verdicts(), description="thresholds of the verdicts on runs; a change retrains nothing"
    )
    book: Book | None = Field(
        default_factory=Book,
        description="the experiments of the book's chapter, beside the grid; null: leave them out",
    )
    laboratory: Laboratory | None = Field(
        default_factory=Laboratory,
        description="untrained deep networks, theory and recurrent networks; null: leave them out",
    )
    execution: Execution = Field(Execution(), description="how the work is done; changes no number")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        levels = self.factors.learning_rate, self.factors.normalization
        found = [*impossible(self.dataset, self.training, *levels), *too_many_runs(self)]
        if found:
            raise problems(found)
        return self


def load(path: Path | str, *more: Path | str, overrides: Mapping | None = None) -> Config:
    """Read a configuration: the files, later ones laid over earlier ones key by key, then ``overrides``.

    Raises ConfigError with every problem.
    """
    documents = read_all([Path(path), *map(Path, more)])
    values: object = {}
    for layer in (*(document.value for document in documents), overrides or {}):
        values = merged(values, layer)
    return _config(Sources(documents, values))


def from_merged(values: Mapping, files: Iterable[Path | str]) -> Config:
    """Check a configuration merged elsewhere from ``files`` (in that order) and from the command line.

    Problems are placed in the last file that holds the value, or at ``--config`` if none does.
    """
    return _config(Sources(read_all(map(Path, files)), values))


def _config(sources: Sources) -> Config:
    found: list[Found] = []
    try:
        config = Config.model_validate(sources.values)
    except ValidationError as error:
        found = found_by(error, Config)
        found += _impossible_besides(sources.values, {keys[:2] for keys, *_ in found})
    if texts := lines(found, sources):
        raise ConfigError(texts)
    return config


def _impossible_besides(values: Mapping, broken: set[Keys]) -> list[Found]:
    """What is impossible together among the values that are valid each for itself.

    Pydantic looks at an object as a whole only when its parts are valid; the user wants all problems at once.
    """
    dataset = Dataset.model_validate(_unbroken(values, "dataset", broken))
    training = Training.model_validate(_unbroken(values, "training", broken))
    factors = _unbroken(values, "factors", broken)
    rates = TypeAdapter(LearningRates).validate_python(factors.get("learning_rate", 0.1))
    normalizations = TypeAdapter(Normalizations).validate_python(factors.get("normalization"))
    return list(impossible(dataset, training, rates, normalizations, broken))


def _unbroken(values: Mapping, section: str, broken: set[Keys]) -> dict:
    given = {} if (section,) in broken else values.get(section, {})
    return {key: value for key, value in given.items() if (section, key) not in broken}

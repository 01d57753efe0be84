"""The book's chapter in config.yaml: which of its experiments run, how many times and how long.

The recipe itself is the book's and is not for the configuration to change (``gradgrid.book.recipe``): it is what
makes the numbers comparable with the published ones.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from gradgrid.core.canonical import canonical_json
from gradgrid.core.entries import Entry
from gradgrid.core.fields import Real, Whole
from gradgrid.core.kinds import Activations, Depths, Epochs, Initializers, SeedList, Widths
from gradgrid.core.levels import Levels
from gradgrid.core.registry import RANGES
from gradgrid.core.section import Section

if TYPE_CHECKING:
    from gradgrid.core.config import Config


class Accuracy(Section):
    """Depth and accuracy: [784, 30, …, 10] trained by the book's recipe."""

    depth: Depths = Field((1, 2, 3, 4), description="numbers of hidden layers")
    seeds: SeedList = Field(
        tuple(range(16)), description="replicates, their number or a list", json_schema_extra={"default": 16}
    )
    epochs: Epochs = Field(30, description="passes through the training images")


class Initialization(Section):
    """Chapter 3's comparison of N(0, 1) and N(0, 1/n_in) weights with one hidden layer."""

    width: Widths = Field((30, 100), description="neurons in the hidden layer")
    initializer: Initializers = Field(
        (Entry("lecun_normal"), Entry("normal")), description="how the weights are drawn"
    )
    seeds: SeedList = Field(
        tuple(range(8)), description="replicates, their number or a list", json_schema_extra={"default": 8}
    )
    epochs: Epochs = Field(30, description="passes through the training images")


class InitialSpeed(Section):
    """The speed of learning of every hidden layer before training."""

    depth: Depths = Field((2, 3, 4, 5, 6, 8), description="numbers of hidden layers")
    steepness: Annotated[tuple[Annotated[float, Real(RANGES["Positive"])], ...], Levels("steepness")] = Field(
        (1.0, 2.0, 4.0, 8.0), description="of the activation sigmoid(steepness · z), with the greatest depth"
    )
    seeds: SeedList = Field(
        tuple(range(200)),
        description="replicates, their number or a list",
        json_schema_extra={"default": 200},
    )


class TrainingSpeed(Section):
    """The speed of learning during full-batch training on the first 1,000 training images."""

    depth: Depths = Field((2, 3, 4), description="numbers of hidden layers")
    activation: Activations = Field(
        (Entry("sigmoid"), Entry("tanh"), Entry("relu")), description="activations of the hidden layers"
    )
    seeds: SeedList = Field(
        tuple(range(24)), description="replicates, their number or a list", json_schema_extra={"default": 24}
    )
    steps: Annotated[int, Whole(1, 100_000)] = Field(500, description="updates")


class Identities(Section):
    """Chains of single neurons, and the matrix form of the gradient."""

    chains: Annotated[int, Whole(2, 1_000_000)] = Field(10_000, description="random chains of neurons")
    seeds: SeedList = Field(
        tuple(range(20)), description="networks whose gradient is factored", json_schema_extra={"default": 20}
    )


class Book(Section):
    """The book's chapter, experiment by experiment."""

    accuracy: Accuracy = Field(default_factory=Accuracy, description="accuracy of networks of growing depth")
    initialization: Initialization = Field(
        default_factory=Initialization, description="chapter 3's two kinds of weights"
    )
    initial_speed: InitialSpeed = Field(
        default_factory=InitialSpeed, description="how fast layers learn before training"
    )
    training_speed: TrainingSpeed = Field(
        TrainingSpeed(), description="how fast layers learn while they train"
    )
    identities: Identities = Field(
        default_factory=Identities, description="chains of neurons and the matrix form"
    )


TABLES = (
    "accuracy", "initialization", "initial_speed", "neurons", "steepness", "training_speed", "chain", "matrix",
    "problems", "curves", "claims",
)  # fmt: skip
"""The chapter's tables, which ``core.book_tables`` describes."""
SPLIT_BY = {"accuracy": "depth", "initialization": "width", "training_speed": "depth"}
"""The experiments that train, each in several jobs: one for every level of a setting."""
SOURCE = {
    "accuracy": "gradgrid.book.learning",
    "initialization": "gradgrid.book.learning",
    "training_speed": "gradgrid.book.speed",
}
"""The module that does it."""


def training_jobs(config: "Config") -> dict[str, dict[str, str]]:
    """Of each experiment that trains, the jobs by name (``depth=2``) with their settings as canonical JSON."""
    if config.book is None:
        return {}
    return {name: dict(_parts(config, name, by)) for name, by in SPLIT_BY.items()}


def measuring_jobs(config: "Config") -> dict[str, str]:
    """The settings, as canonical JSON, of the experiments that train nothing, by name."""
    if config.book is None:
        return {}
    names = (name for name in Book.model_fields if name not in SPLIT_BY)
    return {name: canonical_json(getattr(config.book, name).model_dump(mode="json")) for name in names}


def _parts(config: "Config", experiment: str, by: str) -> Iterator[tuple[str, str]]:
    section = getattr(config.book, experiment).model_dump(mode="json")
    for level in section[by]:
        yield f"{by}={level}", canonical_json(section | {by: level})

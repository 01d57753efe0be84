"""The initialization laboratory in config.yaml: untrained deep networks, theory, remedies, and recurrent networks."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from gradgrid.core.canonical import canonical_json
from gradgrid.core.entries import Entry
from gradgrid.core.fields import Real, Whole
from gradgrid.core.kinds import Activations, Depths, Initializers, SeedList, Widths
from gradgrid.core.levels import Levels
from gradgrid.core.registry import RANGES
from gradgrid.core.section import Section

if TYPE_CHECKING:
    from gradgrid.core.config import Config

Positive = Annotated[float, Real(RANGES["Positive"])]
Positives = Annotated[tuple[Positive, ...], Levels("number")]
NonNegatives = Annotated[tuple[Annotated[float, Real(RANGES["NonNegative"])], ...], Levels("number")]
Count = Annotated[int, Whole(1, 1_000_000)]

ACTIVATIONS = (
    "identity", "tanh", "sigmoid", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "softsign",
    "hardtanh",
)  # fmt: skip
INITIALIZERS = (
    "normal", "lecun_normal", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "uniform",
    "constant", "orthogonal", "identity", "sparse", "trunc_normal", "torch_default", "lsuv",
)  # fmt: skip


def _seeds(count: int, description: str = "replicates, their number or a list") -> SeedList:
    return Field(tuple(range(count)), description=description, json_schema_extra={"default": count})


class Linear(Section):
    """Deep linear networks without biases: vanishing and exploding in their purest form."""

    scale: Positives = Field(
        (0.5, 0.9, 1.0, 1.1, 1.5), description="c of W = c I, and g of Var(W) = g²/width"
    )
    depth: Count = Field(100, description="layers")
    width: Count = Field(400, description="neurons in each layer")
    seeds: SeedList = _seeds(10)


class Propagation(Section):
    """Signal and gradient through untrained deep networks, layer by layer."""

    width: Widths = Field((400, 256), description="neurons in each layer")
    depth: Count = Field(100, description="layers")
    inputs: Count = Field(16, description="standard-normal inputs in the minibatch")
    activation: Activations = Field(tuple(map(Entry, ACTIVATIONS)), description="activations of the layers")
    initializer: Initializers = Field(tuple(map(Entry, INITIALIZERS)), description="how weights are drawn")
    seeds: SeedList = _seeds(10)


class Phase(Section):
    """The phase diagram of tanh, with the trainability of deep narrow networks laid over it."""

    sigma_w2: Positives = Field(
        (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0), description="weight variances times fan-in"
    )
    sigma_b2: NonNegatives = Field((0.05,), description="bias variances")
    depth: Depths = Field((5, 10, 20, 40, 70, 100), description="numbers of hidden layers that are trained")
    width: Count = Field(30, description="neurons in each hidden layer")
    steps: Count = Field(600, description="updates of each training, on minibatches of 50 images")
    learning_rate: Positive = Field(0.003, description="step size of plain gradient descent")
    seeds: SeedList = _seeds(3)


class Recurrent(Section):
    """Plain (Elman) recurrent networks over the rows and the pixels of the images."""

    hidden: Count = Field(50, description="neurons in the hidden state")
    spectral_radius: Positives = Field(
        (0.5, 0.9, 1.0, 1.1, 1.5, 2.0), description="of the recurrent weights before training"
    )
    steps: Count = Field(800, description="updates of each training on rows")
    pixel_steps: Count = Field(
        200, description="updates of each training on pixels, each seven times as long"
    )
    learning_rate: Positive = Field(0.1, description="step size of plain gradient descent")
    threshold: Positive = Field(1.0, description="of clipping by norm")
    seeds: SeedList = _seeds(5)


class Remedies(Section):
    """The classic remedies, one at a time and one after another, on deep networks that hardly learn."""

    depth: Depths = Field((8, 16), description="numbers of hidden layers")
    width: Count = Field(30, description="neurons in each hidden layer")
    steps: Count = Field(500, description="updates of each training, on minibatches of 20 images")
    learning_rate: Positives = Field(
        (0.01, 0.03, 0.1, 0.3), description="step sizes of sgd and momentum: every rung is shown at its best"
    )
    adam_learning_rate: Positives = Field((0.001, 0.003, 0.01), description="the same of adam")
    large_learning_rate: Positive = Field(
        0.3, description="the one step size of the exploding networks that are clipped"
    )
    norm: Positive = Field(1.0, description="threshold of clipping by norm")
    value: Positive = Field(0.01, description="threshold of clipping by value")
    seeds: SeedList = _seeds(3)


class Laboratory(Section):
    """The laboratory, experiment by experiment."""

    linear: Linear = Field(default_factory=Linear, description="deep linear networks")
    propagation: Propagation = Field(default_factory=Propagation, description="untrained deep networks")
    phase: Phase = Field(default_factory=Phase, description="the phase diagram of tanh")
    remedies: Remedies = Field(default_factory=Remedies, description="remedies for deep networks")
    recurrent: Recurrent = Field(default_factory=Recurrent, description="recurrent networks")


BY_WIDTH = ("propagation", "overflow")
"""The tables that come in parts, one for each width."""
BY_DEPTH = ("remedies",)
"""Those that come in parts, one for each depth."""
SOURCE = {
    "linear": "gradgrid.laboratory.linear",
    "by_hand": "gradgrid.laboratory.by_hand",
    "tutorial": "gradgrid.laboratory.tutorial",
    "gains": "gradgrid.theory.gains",
    "phase": "gradgrid.laboratory.phase",
}
"""The tables that need no images, and the modules that make them."""
SECTIONS = {"linear": "linear", "gains": "propagation", "phase": "phase"}
"""The section of the settings that some of them read."""
TABLES = (*SOURCE, *BY_WIDTH, *BY_DEPTH, "theory", "trainability", "recurrent", "recurrent_training")
"""The laboratory's tables, which ``core.laboratory_tables`` describes."""


def settings(config: "Config") -> dict[str, str]:
    """The sections of the laboratory's settings as canonical JSON, by name; empty where it is left out."""
    sections = config.laboratory.model_dump(mode="json") if config.laboratory else {}
    return {name: canonical_json(section) for name, section in sections.items()}


def parts(config: "Config") -> dict[str, list[str]]:
    """The tables that come in parts, and the names of these: ``width=400``, ``depth=8``."""
    if config.laboratory is None:
        return {}
    widths = [f"width={width}" for width in config.laboratory.propagation.width]
    depths = [f"depth={depth}" for depth in config.laboratory.remedies.depth]
    return {**dict.fromkeys(BY_WIDTH, widths), **dict.fromkeys(BY_DEPTH, depths)}

"""The plan: which cells, runs and bundles a configuration asks for, in a deterministic order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import product
from urllib.parse import quote

from gradgrid.core.canonical import canonical_json
from gradgrid.core.config import Config, Execution, Factors, Training
from gradgrid.core.entries import UNSAID, Entry, clipping_label, normalization_label, residual_label
from gradgrid.core.shares import TOGETHER, TOGETHER_ON_GPU, Share, share_out
from gradgrid.core.times import job_seconds

BUNDLE_TABLES = ("runs", "gradients", "accuracy", "clipping")
"""The tables of which a bundle writes a file each."""


@dataclass(frozen=True)
class Cell:
    """One combination of the factors."""

    depth: int
    activation: Entry
    initializer: Entry
    clipping: Entry | None
    width: int
    optimizer: Entry
    learning_rate: float
    normalization: Entry | None = None
    residual: bool = False

    @cached_property
    def labels(self) -> dict[str, int | float | str]:
        """Values of the tables' factor columns, in their order."""
        return {
            "depth": self.depth,
            "activation": self.activation.label,
            "initializer": self.initializer.label,
            "clipping": clipping_label(self.clipping),
            "width": self.width,
            "optimizer": self.optimizer.label,
            "learning_rate": self.learning_rate,
            "normalization": normalization_label(self.normalization),
            "residual": residual_label(self.residual),
        }

    @cached_property
    def cell_id(self) -> str:
        """Ten hexadecimal digits: a digest of the labels, hence the same in every grid that has this cell.

        Labels that go unsaid are left out.
        """
        said = {name: label for name, label in self.labels.items() if label != UNSAID.get(name)}
        return blake2b(canonical_json(said).encode(), digest_size=5).hexdigest()


@dataclass(frozen=True)
class Run:
    """One cell with one seed: one trained network."""

    cell: Cell
    seed: int

    @property
    def run_id(self) -> str:
        """The cell's id and the seed."""
        return f"{self.cell.cell_id}-{self.seed}"


@dataclass(frozen=True)
class Bundle:
    """Runs of one architecture (depth, activation, width): one job trains them, into one file a table."""

    depth: int
    activation: Entry
    width: int
    share: Share
    runs: tuple[Run, ...]

    @property
    def key(self) -> str:
        """Relative path of its files without suffix: ``depth=4/activation=sigmoid/width=30/seeds=all/cells=all``.

        In which file a run is depends on the run alone, as long as its architecture is cut into as many shares.
        """
        activation = quote(self.activation.label, safe="")
        return f"depth={self.depth}/activation={activation}/width={self.width}/{self.share.key}"


@dataclass(frozen=True)
class BundleJob:
    """What one train job gets: its bundle, the recipe, the device's name, and how the work is done."""

    bundle: Bundle
    training: Training
    device: str
    execution: Execution


@dataclass(frozen=True)
class Plan:
    """Everything that a configuration asks for."""

    cells: tuple[Cell, ...]
    runs: tuple[Run, ...]
    bundles: tuple[Bundle, ...]


def plan(config: Config) -> Plan:
    """The cells (every combination of the factors' levels), their runs, and the runs' bundles."""
    cells = tuple(_cells(config.factors))
    runs = tuple(Run(cell, seed) for cell in cells for seed in config.seeds)
    return Plan(cells, runs, tuple(_bundles(runs, config)))


def _cells(factors: Factors) -> Iterator[Cell]:
    levels = (getattr(factors, name) for name in Factors.model_fields)
    return (Cell(*combination) for combination in product(*levels))


def _bundles(runs: Iterable[Run], config: Config) -> Iterator[Bundle]:
    """Bundles that take ``execution.bundle_minutes`` at most, by the model, if their dataset can be had."""
    architectures: dict[tuple, list[Run]] = {}
    for run in runs:
        architectures.setdefault((run.cell.depth, run.cell.activation, run.cell.width), []).append(run)

    def seconds(members: Sequence[Run]) -> float:
        return job_seconds(members, config.training, config.dataset.name, config.device)

    longest = 60 * config.execution.bundle_minutes
    together = TOGETHER_ON_GPU if config.device == "cuda" else TOGETHER
    for architecture, members in architectures.items():
        shares = share_out(members, seconds, longest, together)
        yield from (Bundle(*architecture, share, tuple(own)) for share, own in shares.items())

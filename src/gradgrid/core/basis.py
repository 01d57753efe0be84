"""What the numbers of runs rest on beside their own settings: recipe, data and source; and how two such differ.

A run is kept as long as its fingerprint holds: a digest of its settings and of the part of the basis that it uses.
What changes a number without being part of it (the version of PyTorch, the device) is recorded as provenance.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

from gradgrid.core.canonical import canonical_json
from gradgrid.core.config import Training
from gradgrid.core.fingerprints import TrainingSource, digest, used_entries
from gradgrid.core.plan import Run
from gradgrid.core.schedule import epochs, measured_steps


@dataclass(frozen=True)
class Basis:
    """What runs rest on: the recipe as it is on the dataset, the dataset and its digest, and digests of the source.

    ``modules`` are those that every run goes through; ``entries`` of registries, as ``initializers.lsuv``, only
    those that name them in their settings.
    """

    recipe: Mapping[str, object]
    dataset: str
    data: str
    modules: Mapping[str, str]
    entries: Mapping[str, str]

    @classmethod
    def of(
        cls, runs: Iterable[Run], training: Training, dataset: str, data: str, source: TrainingSource
    ) -> "Basis":
        """The basis of runs on a dataset with the digest ``data``."""
        recipe = training.model_dump(mode="json", exclude={"epochs", "digits_epochs", "measure_steps"})
        recipe |= {"epochs": epochs(training, dataset), "measured": list(measured_steps(training, dataset))}
        entries: dict[str, str] = {}
        for cell in {run.cell for run in runs}:
            entries |= source.entries(cell, training.loss)
        return cls(recipe, dataset, data, source.modules, entries)

    def fingerprint(self, run: Run) -> str:
        """Sixteen hexadecimal digits over a run's settings and what it rests on."""
        return digest(
            canonical_json({"cell": run.cell.labels, "seed": run.seed, **self._record, **self._own(run)})
        )

    @cached_property
    def _record(self) -> dict[str, object]:
        return asdict(self)

    def changes(self, then: "Basis", run: Run) -> list[str]:
        """What has changed for a run that was trained on the basis ``then``; empty where its fingerprint holds."""
        own, before = self._own(run)["entries"], then.entries
        return [
            *_data_changes(then, self),
            *_recipe_changes(then.recipe, self.recipe),
            *_module_changes(then.modules, self.modules),
            *(f"{_spoken(name)}: source changed" for name in own if before.get(name) != own[name]),
        ]

    def _own(self, run: Run) -> dict[str, dict[str, str]]:
        names = used_entries(run.cell, str(self.recipe["loss"]))
        return {"entries": {name: self.entries[name] for name in names}}


def _data_changes(then: Basis, now: Basis) -> Iterator[str]:
    if then.dataset != now.dataset:
        yield f"dataset: {now.dataset}, was {then.dataset}"
    elif then.data != now.data:
        yield f"dataset: the images of {now.dataset} changed"


def _recipe_changes(then: Mapping, now: Mapping) -> Iterator[str]:
    for name in sorted(then.keys() | now.keys()):
        old, new = then.get(name), now.get(name)
        if old != new and name == "measured":
            yield "measured steps changed"
        elif old != new:
            yield f"{name}: {new}, was {old}"


def _module_changes(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    differing = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if differing:
        yield f"source of {', '.join(differing)} changed"


_SINGULAR = {
    "activations": "activation", "initializers": "initializer", "losses": "loss", "optimizers": "optimizer"
}  # fmt: skip


def _spoken(name: str) -> str:
    """``initializer lsuv`` for ``initializers.lsuv``."""
    registry, _, entry = name.partition(".")
    return f"{_SINGULAR.get(registry, registry)} {entry}"

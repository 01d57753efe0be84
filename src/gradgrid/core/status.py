"""How the results stand against the configuration: what is fresh, what would be trained and why; and forgetting."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gradgrid.core.basis import Basis
from gradgrid.core.config import Config
from gradgrid.core.cost import Machine, place, training_seconds
from gradgrid.core.errors import GradgridError
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.numbers import counted
from gradgrid.core.plan import Bundle, Run, plan
from gradgrid.core.prepared import RECORD, Prepared, prepared
from gradgrid.core.reasons import explained, in_words, reason_counts
from gradgrid.core.states import GRID, State, state_file
from gradgrid.core.summary import duration
from gradgrid.core.work import Work, examine

_SHOWN = 12
"""Bundles that are listed one by one."""


@dataclass(frozen=True)
class Status:
    """The prepared data, and the work for every bundle of a plan."""

    config: Config
    data: Prepared
    works: tuple[Work, ...]

    @classmethod
    def of(cls, config: Config, folder: Path = Path()) -> "Status":
        """Compare the configuration with the results in a folder of the workflow."""
        data, source = prepared(config.dataset, folder / RECORD), TrainingSource()
        found = (_work(bundle, config, data, source, folder) for bundle in plan(config).bundles)
        return cls(config, data, tuple(found))

    @property
    def dataset(self) -> str:
        """The dataset that training will be on, as far as is known."""
        return self.data.known[0] if self.data.known else self.config.dataset.name

    def text(self, machine: Machine) -> str:
        """What would be trained: in total, how long that takes, and bundle by bundle."""
        lines = [in_words(self.works)]
        if any(work.trained for work in self.works):
            where = place(self.config, machine)
            lines.append(f"about {duration(self.seconds(machine))} on {where}, on {self.dataset}")
        if not self.data.known:
            lines.append(
                "the dataset is prepared first; runs that were trained on the same images are then kept"
            )
        if any(work.kept for work in self.works):
            lines += self._bundles()
        return "\n".join(lines)

    def seconds(self, machine: Machine) -> float:
        """About how long the training takes, in seconds of wall time."""
        bundles = [replace(work.bundle, runs=work.trained) for work in self.works if work.trained]
        return training_seconds(bundles, self.config, self.dataset, machine)

    def record(self, machine: Machine) -> dict:
        """The same for machines."""
        train = sum(len(work.trained) for work in self.works)
        reasons = explained(self.works)
        due = [work for work in self.works if work.needed]
        return {
            "runs": sum(len(work.bundle.runs) for work in self.works),
            "fresh": sum(len(work.kept) for work in self.works),
            "train": train,
            "dropped": sum(len(work.dropped) for work in self.works),
            "moved": sum(len(work.moved) for work in self.works),
            "dataset": self.dataset,
            "seconds": round(self.seconds(machine)) if train else 0,
            "pace": round(machine.pace, 2),
            "reasons": reason_counts(self.works),
            "bundles": [_bundle_record(work, reasons) for work in due],
        }

    def _bundles(self) -> list[str]:
        due = [work for work in self.works if work.needed]
        lines = [f"  {work.bundle.key}  {in_words([work])}" for work in due[:_SHOWN]]
        rest = len(due) - _SHOWN
        return [*lines, f"  and {counted(rest, 'more bundle')}: --json lists all"] if rest > 0 else lines

    def why(self, name: str) -> list[dict]:
        """What becomes of a run, or of each run of a cell, and why. Raises GradgridError if the plan has none."""
        reasons = explained(self.works)
        return [_run_record(run, work, reasons.get(run.run_id)) for run, work in self._named(name)]

    def forget(self, names: Iterable[str], folder: Path = Path()) -> list[Run]:
        """Have runs, or all runs of cells, trained again; returns those that were there.

        Raises GradgridError, before anything is forgotten, if the plan has no such run or cell.
        """
        named = [pair for name in names for pair in self._named(name)]
        kept = [(run, work) for run, work in named if run in work.kept]
        held: dict[str, list[str]] = {}
        for run, work in kept:
            held.setdefault(work.home(run), []).append(run.run_id)
        for key, runs in held.items():
            _forget(key, runs, folder)
        return [run for run, _ in kept]

    def _named(self, name: str) -> list[tuple[Run, Work]]:
        everything = [(run, work) for work in self.works for run in work.bundle.runs]
        if found := [pair for pair in everything if name in (pair[0].run_id, pair[0].cell.cell_id)]:
            return found
        raise GradgridError(
            f"{name}: no run and no cell of this configuration; a cell is named by its cell_id, a run by its "
            "run_id: results/tables/cells.parquet and runs.parquet hold them, and the report's table of cells"
        )


def why_text(records: Sequence[dict]) -> str:
    """The answer of :meth:`Status.why` for a terminal."""
    factors = ("run_id", "cell_id", "bundle", "state", "reason")
    lines = []
    for record in records:
        said = ", ".join(f"{name} {value}" for name, value in record.items() if name not in factors)
        reason = f": {record['reason']}" if record["reason"] else ": its fingerprint holds"
        lines.append(
            f"{record['run_id']}  {record['state']}{reason}\n  {said}\n  in {GRID}/*/{record['bundle']}.parquet"
        )
    return "\n".join(lines)


def _bundle_record(work: Work, reasons: Mapping[str, str]) -> dict:
    train = {run.run_id: reasons[run.run_id] for run in work.trained}
    return {
        "key": work.bundle.key,
        "train": train,
        "dropped": list(work.dropped),
        "moved": dict(work.moved),
    }


def _run_record(run: Run, work: Work, reason: str | None) -> dict:
    return {
        "run_id": run.run_id,
        "cell_id": run.cell.cell_id,
        **run.cell.labels,
        "seed": run.seed,
        "bundle": work.home(run),
        "state": "to train" if reason else "fresh",
        "reason": reason,
    }


def _work(bundle: Bundle, config: Config, data: Prepared, source: TrainingSource, folder: Path) -> Work:
    basis = Basis.of(bundle.runs, config.training, *data.known, source) if data.known else None
    return examine(bundle, basis, folder / GRID)


def _forget(bundle: str, runs: Sequence[str], folder: Path) -> None:
    path = state_file(bundle, folder / GRID)
    state = State.read(path)
    if state is None:
        raise GradgridError(
            f"{path}: cannot be read; run the workflow once, which mends it, then forget again"
        )
    state.without(runs).write(path)

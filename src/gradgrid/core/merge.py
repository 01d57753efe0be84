"""Results of somebody else's: runs whose fingerprints hold are taken over, others are refused with the reason."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from gradgrid.core.basis import Basis
from gradgrid.core.bundle_files import Rows, fingerprints, read_rows, write_bundle
from gradgrid.core.config import Config
from gradgrid.core.errors import GradgridError
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.numbers import counted
from gradgrid.core.plan import Bundle, Run, plan
from gradgrid.core.prepared import RECORD, prepared
from gradgrid.core.states import GRID, State, state_file, table_files
from gradgrid.core.work import Work, examine, keys

UNKNOWN = "trained on something else, which its files do not say"


@dataclass
class Merged:
    """What became of the other's runs: how many were taken over, were here already, or were refused, by reason."""

    taken: int = 0
    here: int = 0
    refused: Counter = field(default_factory=Counter)

    def text(self) -> str:
        """In words, the commonest reason of refusals first."""
        lines = [f"{counted(self.taken, 'run')} taken over; {self.here:,} here already, and left as they are"]
        lines += [f"refused: {reason} ({count:,})" for reason, count in self.refused.most_common()]
        return "\n".join(lines)


def merge(config: Config, other: Path, folder: Path = Path()) -> Merged:
    """Take over, from another folder with results, the runs that this configuration asks for and does not have.

    A run is the same if its fingerprint is: settings, data and source. A bundle that gets runs loses its state, so
    that its job looks at the files and writes it anew; runs that are here and fresh stay. Raises GradgridError if
    there are no results, or if the dataset has not been prepared here, without which nothing can be compared.
    """
    data = prepared(config.dataset, folder / RECORD)
    if data.known is None:
        raise GradgridError(
            f"{folder / RECORD}: the dataset is not prepared here yet, so that nothing can be compared"
        )
    theirs, source, found = _grid(other), TrainingSource(), Merged()
    bundles = plan(config).bundles
    for _, architecture in groupby(
        bundles, key=lambda bundle: (bundle.depth, bundle.activation, bundle.width)
    ):
        own = tuple(architecture)
        offers = _offers(own[0], theirs)
        for bundle in own:
            basis = Basis.of(bundle.runs, config.training, *data.known, source)
            _merge_bundle(bundle, basis, offers, folder / GRID, found)
        asked = {run.run_id for bundle in own for run in bundle.runs}
        if others := len(offers.keys() - asked):
            found.refused["not asked for by this configuration"] += others
    return found


@dataclass(frozen=True)
class Offer:
    """A run of the other's: its fingerprint, the files of its bundle, and their state."""

    fingerprint: str
    files: Mapping[str, Path]
    state: State | None


def _offers(bundle: Bundle, theirs: Path) -> dict[str, Offer]:
    """The other's runs of a bundle's architecture by run_id, however it is cut there."""
    offers = {}
    for key in keys(bundle, theirs):
        files, state = table_files(key, theirs), State.read(state_file(key, theirs))
        offers |= {run: Offer(held, files, state) for run, held in fingerprints(files).items()}
    return offers


def _grid(other: Path) -> Path:
    """The folder of the bundles' files in a folder of results, or in one of the workflow."""
    for grid in (other / "grid", other / GRID):
        if (grid / "runs").is_dir():
            return grid
    raise GradgridError(
        f"{other}: no results; name the folder that holds grid/runs, such as elsewhere/results"
    )


def _merge_bundle(
    bundle: Bundle, basis: Basis, offers: Mapping[str, Offer], grid: Path, found: Merged
) -> None:
    work = examine(bundle, basis, grid)
    due = [run for run in work.trained if run.run_id in offers]
    same = [run for run in due if offers[run.run_id].fingerprint == basis.fingerprint(run)]
    found.here += sum(run.run_id in offers for run in work.kept)
    if same and _take(same, work, basis, offers, grid, found):
        state_file(bundle.key, grid).unlink(missing_ok=True)
        found.taken += len(same)
    found.refused.update(_reason(run, basis, offers[run.run_id].state) for run in due if run not in same)


def _take(
    same: list[Run], work: Work, basis: Basis, offers: Mapping[str, Offer], grid: Path, found: Merged
) -> bool:
    """Write the bundle's files with the runs that are the same among those kept; False if theirs cannot be read."""
    held: Mapping[str, str] = {
        run.run_id: basis.fingerprint(run) for run in work.bundle.runs if run in [*work.kept, *same]
    }
    by_files: dict[Path, list[str]] = {}
    for run in same:
        by_files.setdefault(offers[run.run_id].files["runs"], []).append(run.run_id)
    try:
        rows = [read_rows(offers[runs[0]].files, runs) for runs in by_files.values()]
    except (OSError, pa.ArrowException, KeyError, ValueError):
        found.refused["its files are damaged"] += len(same)
        return False
    ours = [_rows_of_ours(table_files(key, grid), runs) for key, runs in work.held.items()]
    write_bundle(work.bundle.key, held, table_files(work.bundle.key, grid), [*rows, *ours])
    return True


def _rows_of_ours(files: Mapping[str, Path], runs: list[str]) -> Rows:
    try:
        return read_rows(files, runs)
    except (OSError, pa.ArrowException) as error:
        raise GradgridError(
            f"{files['runs']}: its bundle is damaged ({error}); delete it, run the workflow, then merge again"
        ) from error


def _reason(run: Run, basis: Basis, state: State | None) -> str:
    changes = basis.changes(state.basis, run) if state else []
    return " and ".join(changes) or UNKNOWN

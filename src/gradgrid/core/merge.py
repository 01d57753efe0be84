"""Results of somebody else's: runs whose fingerprints hold are taken over, others are refused with the reason."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from gradgrid.core.work import Work, examine

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
    for bundle in plan(config).bundles:
        basis = Basis.of(bundle.runs, config.training, *data.known, source)
        _merge_bundle(bundle, basis, theirs, folder / GRID, found)
    return found


def _grid(other: Path) -> Path:
    """The folder of the bundles' files in a folder of results, or in one of the workflow."""
    for grid in (other / "grid", other / GRID):
        if (grid / "runs").is_dir():
            return grid
    raise GradgridError(
        f"{other}: no results; name the folder that holds grid/runs, such as elsewhere/results"
    )


def _merge_bundle(bundle: Bundle, basis: Basis, theirs: Path, grid: Path, found: Merged) -> None:
    offered = fingerprints(table_files(bundle, theirs))
    work = examine(bundle, basis, grid)
    due = [run for run in work.trained if run.run_id in offered]
    same = [run for run in due if offered[run.run_id] == basis.fingerprint(run)]
    found.here += sum(run.run_id in offered for run in work.kept)
    if same and _take(same, work, basis, theirs, grid, found):
        state_file(bundle, grid).unlink(missing_ok=True)
        found.taken += len(same)
    asked = {run.run_id for run in bundle.runs}
    state = State.read(state_file(bundle, theirs))
    found.refused.update(_reason(run, basis, state) for run in due if run not in same)
    if others := sum(run not in asked for run in offered):
        found.refused["not asked for by this configuration"] += others


def _take(same: list[Run], work: Work, basis: Basis, theirs: Path, grid: Path, found: Merged) -> bool:
    """Write the bundle's files with the runs that are the same among those kept; False if theirs cannot be read."""
    ours = [run.run_id for run in work.kept]
    held: Mapping[str, str] = {
        run.run_id: basis.fingerprint(run) for run in work.bundle.runs if run in [*work.kept, *same]
    }
    try:
        rows = [read_rows(table_files(work.bundle, theirs), [run.run_id for run in same])]
    except (OSError, pa.ArrowException, KeyError, ValueError):
        found.refused["its files are damaged"] += len(same)
        return False
    files = table_files(work.bundle, grid)
    write_bundle(work.bundle.key, held, files, [*rows, *_rows_of_ours(files, ours)])
    return True


def _rows_of_ours(files: Mapping[str, Path], runs: list[str]) -> list[Rows]:
    if not runs:
        return []
    try:
        return [read_rows(files, runs)]
    except (OSError, pa.ArrowException) as error:
        raise GradgridError(
            f"{files['runs']}: its bundle is damaged ({error}); delete it, run the workflow, then merge again"
        ) from error


def _reason(run: Run, basis: Basis, state: State | None) -> str:
    changes = basis.changes(state.basis, run) if state else []
    return " and ".join(changes) or UNKNOWN

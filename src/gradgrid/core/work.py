"""What is to be done for a bundle: which runs are trained and why, which are kept, which are dropped.

Planning, the job itself and the command line ask the same function, so that they cannot disagree.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gradgrid.core.basis import Basis
from gradgrid.core.plan import Bundle, Run
from gradgrid.core.states import GRID, State, sizes, state_file, table_files

NEW = "new"
FORGOTTEN = "forgotten"
DAMAGED = "the files of its bundle are missing, damaged or of another version"
CHANGED = "settings, data or source changed"
UNPREPARED = "the dataset is prepared first"

RETRAIN = "GRADGRID_RETRAIN"
"""Environment variable: ``all``, or keys of bundles on a line each, whose runs are trained whatever is there."""
FORCED = "forced"

Reasons = tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """What a bundle's job would do; ``reasons`` has an entry for every run that it would train.

    ``generation`` numbers the work, for a workflow's engine that compares nothing but short texts: where there is
    something to do it is a number that there has not been, else that of the work that was done last.
    """

    bundle: Bundle
    generation: int
    reasons: Mapping[str, Reasons]
    dropped: tuple[str, ...]

    @property
    def kept(self) -> tuple[Run, ...]:
        """The runs that are not trained again."""
        return tuple(run for run in self.bundle.runs if run.run_id not in self.reasons)

    @property
    def trained(self) -> tuple[Run, ...]:
        """The runs that are trained."""
        return tuple(run for run in self.bundle.runs if run.run_id in self.reasons)


def examine(bundle: Bundle, basis: Basis | None, grid: Path = GRID) -> Work:
    """What is to be done for a bundle whose runs rest on ``basis``; None: it depends on data still to come."""
    state = State.read(state_file(bundle, grid))
    found = sizes(table_files(bundle, grid))
    described = state is not None and found == state.sizes
    if described:
        reason, held = _by_state(state, basis), set(state.runs)
    else:
        reason, held = _by_files(bundle, basis, state, grid, any(found.values()))
    reasons = {run.run_id: why for run in bundle.runs if (why := reason(run))}
    dropped = tuple(sorted(held - {run.run_id for run in bundle.runs}))
    undescribed = any(found.values()) and not described
    needed = bool(reasons or dropped or undescribed) and basis is not None
    return Work(bundle, _next(bundle, grid) if needed else _last(state), reasons, dropped)


def _last(state: State | None) -> int:
    return state.generation if state else 0


def _next(bundle: Bundle, grid: Path) -> int:
    """One more than the time of the bundle's latest file in nanoseconds.

    A failed job, which the engine takes note of as of one that ended well, counts too: the files that are put back
    after it are newer.
    """
    files = (state_file(bundle, grid), *table_files(bundle, grid).values())
    return 1 + max((path.stat().st_mtime_ns for path in files if path.is_file()), default=0)


def _by_state(state: State, basis: Basis | None) -> Callable[[Run], Reasons]:
    def reason(run: Run) -> Reasons:
        if run.run_id in state.forgotten:
            return (FORGOTTEN,)
        if run.run_id not in state.runs:
            return (NEW,)
        return tuple(basis.changes(state.basis, run)) if basis else (UNPREPARED,)

    return reason


def _by_files(
    bundle: Bundle, basis: Basis | None, state: State | None, grid: Path, any_file: bool
) -> tuple[Callable[[Run], Reasons], set[str]]:
    """Reasons where no state describes the files: what the files say of themselves; and the runs they hold."""
    if not any_file:
        return (lambda run: (NEW,)), set()
    # Parquet is not needed where a state describes the files, and takes a while to load.
    from gradgrid.core.bundle_files import fingerprints

    held = fingerprints(table_files(bundle, grid))
    forgotten = state.forgotten if state else ()

    def reason(run: Run) -> Reasons:
        if run.run_id in forgotten:
            return (FORGOTTEN,)
        if basis is None:
            return (UNPREPARED,)
        if run.run_id not in held:
            return (NEW if held else DAMAGED,)
        return () if held[run.run_id] == basis.fingerprint(run) else (CHANGED,)

    return reason, set(held)

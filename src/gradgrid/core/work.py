"""What is to be done for a bundle: which runs are trained and why, which are kept, which are dropped.

Planning, the job itself and the command line ask the same function, so that they cannot disagree.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gradgrid.core.basis import Basis
from gradgrid.core.plan import Bundle, Run
from gradgrid.core.shares import cut_of
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

    ``moved`` are runs that bundles of another size hold, by run_id the key of the one to take it from.
    ``generation`` numbers the work, for a workflow's engine that compares nothing but short texts: where there is
    something to do it is a number that there has not been, else that of the work that was done last.
    """

    bundle: Bundle
    generation: int
    reasons: Mapping[str, Reasons]
    dropped: tuple[str, ...]
    moved: Mapping[str, str] = field(default_factory=dict)

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.reasons or self.dropped or self.moved)

    @property
    def held(self) -> dict[str, list[str]]:
        """The runs that are not trained again, by the key of the bundle whose files hold them."""
        found: dict[str, list[str]] = {}
        for run in self.kept:
            found.setdefault(self.home(run), []).append(run.run_id)
        return found

    def home(self, run: Run) -> str:
        """The key of the bundle whose files hold a run, or will."""
        return self.moved.get(run.run_id, self.bundle.key)

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
    state = State.read(state_file(bundle.key, grid))
    found = sizes(table_files(bundle.key, grid))
    described = state is not None and found == state.sizes
    if described:
        reason, held = _by_state(state, basis), set(state.runs)
    else:
        reason, held = _by_files(bundle, basis, state, grid, any(found.values()))
    reasons = {run.run_id: why for run in bundle.runs if (why := reason(run))}
    dropped = tuple(sorted(held - {run.run_id for run in bundle.runs}))
    moved = _elsewhere(bundle, [run for run in bundle.runs if reasons.get(run.run_id) == (NEW,)], basis, grid)
    reasons = {run: why for run, why in reasons.items() if run not in moved}
    work = Work(bundle, _last(state), reasons, dropped, moved)
    undescribed = any(found.values()) and not described
    needed = (work.needed or undescribed) and basis is not None
    return replace(work, generation=_next(bundle, grid)) if needed else work


def _elsewhere(bundle: Bundle, runs: list[Run], basis: Basis | None, grid: Path) -> dict[str, str]:
    """Which of some runs are fresh in bundles into which their architecture was cut before, and in which."""
    if not runs or basis is None:
        return {}
    found: dict[str, str] = {}
    for key in keys(bundle, grid):
        if cut_of(key) == cut_of(bundle.key):
            continue
        state = State.read(state_file(key, grid))
        if state is None or state.sizes != sizes(table_files(key, grid)):
            continue
        there = set(state.runs) - set(state.forgotten)
        same = (run for run in runs if run.run_id in there and not basis.changes(state.basis, run))
        found |= dict.fromkeys((run.run_id for run in same), key)
    return found


def keys(bundle: Bundle, grid: Path) -> list[str]:
    """Keys of all bundles of this one's architecture of which there is a file of runs, however it was cut."""
    runs = grid / "runs"
    files = (runs / bundle.key).parent.parent.glob("seeds=*/cells=*.parquet")
    return sorted(file.relative_to(runs).with_suffix("").as_posix() for file in files)


def _last(state: State | None) -> int:
    return state.generation if state else 0


def _next(bundle: Bundle, grid: Path) -> int:
    """One more than the time of the bundle's latest file in nanoseconds.

    A failed job, which the engine takes note of as of one that ended well, counts too: the files that are put back
    after it are newer.
    """
    files = (state_file(bundle.key, grid), *table_files(bundle.key, grid).values())
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

    held = fingerprints(table_files(bundle.key, grid))
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

"""Which runs would be trained, and why, in words: for the terminal, the logs and machines."""

from collections import Counter
from collections.abc import Sequence, Set

from gradgrid.core.numbers import counted
from gradgrid.core.plan import Run
from gradgrid.core.work import NEW, Work


def in_words(works: Sequence[Work]) -> str:
    """``36 runs: 32 fresh, 4 to train: initializer lsuv: source changed (4)``, and what is dropped."""
    total = sum(len(work.bundle.runs) for work in works)
    counts = reason_counts(works)
    train, dropped = sum(counts.values()), sum(len(work.dropped) for work in works)
    if train == 0:
        said = f"{counted(total, 'run')}, all fresh"
    else:
        why = "; ".join(f"{reason} ({count:,})" for reason, count in counts.items())
        said = f"{counted(total, 'run')}: {total - train:,} fresh, {train:,} to train: {why}"
    if moved := sum(len(work.moved) for work in works):
        said += f"; {moved:,} of the fresh ones taken over from bundles of another size"
    return f"{said}; {counted(dropped, 'run')} no longer asked for" if dropped else said


def reason_counts(works: Sequence[Work]) -> dict[str, int]:
    """Runs to train by reason, the commonest first; the sum counts every run once."""
    counts = Counter(explained(works).values())
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def explained(works: Sequence[Work]) -> dict[str, str]:
    """Why runs would be trained, by run_id; runs that are kept are not in it."""
    new_levels = _new_levels(works)
    return {run.run_id: _reason(run, work, new_levels) for work in works for run in work.trained}


def _reason(run: Run, work: Work, new_levels: Set[tuple[str, object]] | None) -> str:
    reasons = work.reasons[run.run_id]
    if reasons != (NEW,) or new_levels is None:
        return " and ".join(reasons)
    levels = (f"{factor} {level}: {NEW}" for factor, level in _levels(run) if (factor, level) in new_levels)
    return next(levels, NEW)


def _new_levels(works: Sequence[Work]) -> Set[tuple[str, object]] | None:
    """Levels of factors, and seeds, all of whose runs are new; None where all runs are."""
    runs = [(run, work.reasons.get(run.run_id) == (NEW,)) for work in works for run in work.bundle.runs]
    if all(new for _, new in runs):
        return None
    return {level for run, new in runs if new for level in _levels(run)} - {
        level for run, new in runs if not new for level in _levels(run)
    }


def _levels(run: Run) -> list[tuple[str, object]]:
    return [*run.cell.labels.items(), ("seed", run.seed)]

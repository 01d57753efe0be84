"""How the runs of one architecture are shared out among bundles of a stated length.

An architecture that takes longer is cut by its seeds, into 2, 4, 8, … shares, because runs of one seed train together
at little more than the cost of one; and where single seeds take longer still, by its cells, as long as there are more
of them than train at a time. In which share a run is depends on its own seed and cell alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # which builds on this
    from gradgrid.core.plan import Run

TOGETHER = 64
"""Runs to train at a time on the CPU: with more a step of a run gets hardly any cheaper (benchmarks/training.py)."""
TOGETHER_ON_GPU = 4_096
"""Runs to train at a time on a GPU, whatever their seeds, if its memory holds them: a bound by estimate, with which a
step takes long enough that it does not matter how long its operations take to begin."""


@dataclass(frozen=True)
class Share:
    """The runs whose seed leaves the remainder ``seed`` when divided by ``seeds``; and the cells likewise."""

    seeds: int = 1
    seed: int = 0
    cells: int = 1
    cell: int = 0

    @property
    def key(self) -> str:
        """``seeds=all/cells=all``, or ``seeds=1of4/cells=all``: the share numbered 1, counted from 0, of four."""
        return f"seeds={_part(self.seed, self.seeds)}/cells={_part(self.cell, self.cells)}"


def _part(number: int, of: int) -> str:
    return "all" if of == 1 else f"{number}of{of}"


def cut_of(key: str) -> tuple[str, ...]:
    """Into how many seeds and cells are cut the architecture of a bundle with this key, as equal or differing texts."""
    return tuple(part.rpartition("of")[2] for part in key.split("/")[-2:])


def share_out(
    runs: Sequence["Run"], seconds: Callable[[Sequence["Run"]], float], longest: float, together: int
) -> dict[Share, list["Run"]]:
    """Cut the runs of an architecture into as few shares as take at most ``longest`` seconds.

    Shares take at least as long as the whole. Runs of one seed stay together where there are no more than
    ``together``, however long they take.
    """
    whole = seconds(runs)
    for seeds, cells in _cuts(runs):
        if seeds * cells < whole / longest and seeds * cells * together < len(runs):
            continue  # cannot be enough
        shares: dict[tuple[int, int], list[Run]] = {}
        for run in runs:
            cell = int(run.cell.cell_id, 16) % cells if cells > 1 else 0
            shares.setdefault((run.seed % seeds, cell), []).append(run)
        too_long = (members for members in shares.values() if seconds(members) > longest)
        if not any(_can_be_cut(members, together) for members in too_long):
            break
    return {Share(seeds, seed, cells, cell): members for (seed, cell), members in shares.items()}


def _cuts(runs: Sequence["Run"]) -> Iterator[tuple[int, int]]:
    """Ever finer cuts: by seeds until each is alone, then by cells as well."""
    apart, seeds = len({run.seed for run in runs}), 1
    while len({run.seed % seeds for run in runs}) < apart:
        yield seeds, 1
        seeds *= 2
    cells = 1
    while True:
        yield seeds, cells
        cells *= 2


def _can_be_cut(runs: Sequence["Run"], together: int) -> bool:
    return len({run.seed for run in runs}) > 1 or len(runs) > together

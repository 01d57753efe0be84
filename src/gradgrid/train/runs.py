"""Train runs of one architecture, in stacks that fit into memory, to their tables."""

import logging
from collections.abc import Sequence

import pandas as pd

from gradgrid.core.config import Training
from gradgrid.core.jobs import Progress
from gradgrid.core.plan import BUNDLE_TABLES, Run
from gradgrid.core.schedule import epochs, total_steps
from gradgrid.train.images import Images
from gradgrid.train.stack import alike
from gradgrid.train.trainer import train

_LOG = logging.getLogger(__name__)

_MEASURED_AT_ONCE = 2**27
"""Numbers that the activations, slopes and deltas of a stack may take while it is measured: half a gigabyte."""
_LARGEST_STACK = 64
"""Runs beyond which a step of one run gets hardly any cheaper (benchmarks/training.py)."""


def train_runs(
    runs: Sequence[Run], title: str, images: Images, training: Training
) -> dict[str, pd.DataFrame]:
    """Train ``runs``, of one depth, activation, width and seed, and return the tables of their bundle.

    Of the table runs, the columns seconds and fingerprint are still to be added; what the analysis fills in is
    empty. ``title`` heads the lines in the log. A diverged run is a result, not a failure.
    """
    steps = total_steps(training, images.name, images.size) * len(runs)
    heading = f"{title}: {len(runs)} runs of {epochs(training, images.name)} epochs"
    progress = Progress(heading, steps, "run-steps")
    cell = runs[0].cell
    stacks = alike(runs, training.weight_decay / images.size, largest_stack(cell.depth, cell.width))
    parts = [train(stack, images, training, progress).tables() for stack in stacks]
    whole = {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in BUNDLE_TABLES}
    diverged = int((whole["runs"]["status"] == "diverged").sum())
    _LOG.info("%s trained on %s, %d diverged", heading, images.name, diverged)
    blank = {"gradient_slope": None, "verdict": None}
    return whole | {"runs": whole["runs"].assign(**blank)}


def largest_stack(depth: int, width: int) -> int:
    """Runs to train at a time: bounded, so that memory does not grow with the grid."""
    measured = 3 * depth * width * 1000
    return max(1, min(_LARGEST_STACK, _MEASURED_AT_ONCE // measured))

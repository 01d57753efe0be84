"""Remedies: deep networks that hardly learn, and what becomes of them with each of the classic remedies.

Every rung of the ladders is trained with every seed at each of a few learning rates, because optimizers, activations
and initializers each want their own; clipping alone is shown at one that is too large.
"""

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch

from gradgrid.analysis.slope import gradient_slope
from gradgrid.core.config import Training
from gradgrid.core.jobs import Progress
from gradgrid.core.plan import Run
from gradgrid.laboratory.ladders import Rung, rungs
from gradgrid.train.evaluation import evaluate
from gradgrid.train.gains import largest_slope
from gradgrid.train.images import Images
from gradgrid.train.pixels import Minibatch
from gradgrid.train.probes import measure
from gradgrid.train.stack import Stack, alike
from gradgrid.train.trainer import data_order, untrained

RECIPE = Training(minibatch=20, weight_decay=0.0)
"""That of the grid, with larger minibatches and without weight decay: it would hardly count in so few steps."""
_SIDE_BY_SIDE = 64
_RUNG = ["ladder", "case", "position", "rung"]


@torch.inference_mode()
def remedies(settings: dict, depth: int, images: Images) -> pd.DataFrame:
    """Table ``laboratory/remedies`` of the networks of one depth."""
    asked = list(_asked(settings, depth))
    runs = list(dict.fromkeys(run for _, run in asked))
    measured = _trained(runs, settings["steps"], images)
    rows = [
        dict(zip(_RUNG, rung, strict=False)) | run.cell.labels | {"seed": run.seed, "run_id": run.run_id}
        for rung, run in asked
    ]
    found = pd.DataFrame(rows).merge(measured, on="run_id", how="left", validate="many_to_one")
    return found.assign(best=_best(found))


def _asked(settings: dict, depth: int) -> Iterator[tuple[Rung, Run]]:
    """Every rung with the runs that it needs; rungs of several ladders share runs."""
    for rung in rungs(settings["norm"], settings["value"]):
        for rate, seed in itertools.product(_rates(rung, settings), settings["seeds"]):
            yield rung, Run(rung.cell(depth, settings["width"], rate), seed)


def _rates(rung: Rung, settings: dict) -> Sequence[float]:
    if rung.ladder == "clipping":
        return [settings["large_learning_rate"]]
    return settings["adam_learning_rate" if rung.factors["optimizer"].name == "adam" else "learning_rate"]


def _trained(runs: Sequence[Run], steps: int, images: Images) -> pd.DataFrame:
    """Train the runs in stacks, those of one activation and one seed together; what was measured, by run_id.

    Clipped runs keep to themselves: in their stack every run's gradient has to be measured.
    """
    groups: dict[object, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.cell.activation, run.cell.clipping is None, run.seed), []).append(run)
    stacks = [stack for group in groups.values() for stack in alike(group, 0.0, _SIDE_BY_SIDE)]
    depth = runs[0].cell.depth
    progress = Progress(f"{len(runs)} networks of depth {depth}", steps * len(runs), "run-steps")
    return pd.concat([_measured(stack, steps, images, progress) for stack in stacks], ignore_index=True)


def _measured(runs: Sequence[Run], steps: int, images: Images, progress: Progress) -> pd.DataFrame:
    """Train one stack."""
    stack = untrained(runs, images, RECIPE)
    slope = _slope(stack, images)
    for minibatch in itertools.islice(_minibatches(runs[0].seed, images), steps):
        stack.step(minibatch)
        progress(len(runs))
    finite = stack.network.finite().cpu().numpy()
    loss, accuracy = (np.where(finite, m, math.nan) for m in evaluate(stack, images.splits["validation"]))
    status = np.where(finite, "completed", "diverged")
    return pd.DataFrame(
        {"run_id": slope.index, "validation_accuracy": accuracy, "validation_loss": loss,
         "gradient_slope": slope.to_numpy(), "status": status}
    )  # fmt: skip


def _minibatches(seed: int, images: Images) -> Iterator[Minibatch]:
    """The minibatches of a seed, epoch after epoch, without end."""
    for epoch in itertools.count(1):
        order = data_order(seed, epoch, images.size)
        yield from itertools.chain.from_iterable(images.training.minibatches(order, RECIPE.minibatch))


def _slope(stack: Stack, images: Images) -> pd.Series:
    """The gradient slope by run_id, as of the grid's runs."""
    cell = stack.runs[0].cell
    norms = measure(stack, images.probes, largest_slope(cell.activation))["bias_gradient_norm"].numpy()
    layers = range(1, cell.depth + 2)
    frame = pd.DataFrame(norms, index=[run.run_id for run in stack.runs], columns=layers)
    rows = (
        frame.rename_axis("run_id")
        .reset_index()
        .melt("run_id", var_name="layer", value_name="bias_gradient_norm")
    )
    return gradient_slope(rows.assign(step=0, depth=cell.depth))


def _best(rows: pd.DataFrame) -> pd.Series:
    """Whether a row has its rung's best learning rate: the fewest diverged runs, then the highest mean accuracy."""
    at = [*_RUNG, "learning_rate"]
    rates = rows.groupby(at, sort=False).agg(
        diverged=("status", lambda status: (status == "diverged").sum()), mean=("validation_accuracy", "mean")
    )
    ranked = rates.reset_index().sort_values(["diverged", "mean"], ascending=[True, False], kind="stable")
    best = ranked.drop_duplicates(_RUNG)[at].assign(best=True)
    return rows.merge(best, on=at, how="left")["best"].fillna(False).astype(bool).to_numpy()

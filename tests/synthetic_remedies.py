"""A believable table of remedies, made in a moment without any network; part of synthetic_laboratory.py."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gradgrid.core.entries import Entry
from gradgrid.core.plan import Cell
from gradgrid.laboratory.ladders import rungs

_RUNG = ["ladder", "case", "position", "rung"]
_SLOPES = {"sigmoid": 0.69, "tanh": 0.23, "relu": 0.17, "leaky_relu": 0.16, "elu": 0.1}


def remedies(
    depths: Sequence[int], rates: Sequence[float], large: float, norm: float, value: float, seeds: int
) -> pd.DataFrame:
    """Every rung at every rate (those of clipping at the ``large`` one) with every seed.

    Accuracy falls with the gradient slope and the depth, and is best at the second rate; ReLU with N(0, 1) weights
    diverges unless its gradients are clipped, and with other weights at the large rate.
    """
    rows = [
        dict(zip(_RUNG, rung[:4], strict=True)) | _trained(rung.cell(depth, 30, rate), place, large, seed)
        for depth in depths
        for rung in rungs(norm, value)
        for place, rate in enumerate([large] if rung.ladder == "clipping" else rates)
        for seed in range(seeds)
    ]
    found = pd.DataFrame(rows)
    best = np.where(found["ladder"] == "clipping", large, rates[min(1, len(rates) - 1)])
    return found.assign(best=found["learning_rate"] == best)


def _trained(cell: Cell, place: int, large: float, seed: int) -> dict:
    exploding = cell.activation == Entry("relu") and cell.initializer == Entry("normal")
    diverged = cell.clipping is None and (exploding or (cell.learning_rate >= large and not _eased(cell)))
    slope = 0.0 if _eased(cell) else -0.6 if exploding else _slope(cell)
    accuracy = 0.1 + 0.82 / (1 + (abs(slope) * cell.depth / 3) ** 4) - 0.03 * abs(place - 1) - 0.01 * seed
    return {
        **cell.labels, "seed": seed,
        "gradient_slope": slope + 0.02 * seed if cell.depth > 1 else np.nan,
        "validation_accuracy": np.nan if diverged else accuracy,
        "validation_loss": np.nan if diverged else 3 * (1 - accuracy),
        "status": "diverged" if diverged else "completed",
    }  # fmt: skip


def _slope(cell: Cell) -> float:
    """Weights made for an activation that is not flat cure nine tenths."""
    scale = 1.0 if cell.initializer == Entry("lecun_normal") or cell.activation == Entry("sigmoid") else 0.1
    return scale * _SLOPES[cell.activation.name]


def _eased(cell: Cell) -> bool:
    return cell.residual or cell.normalization == Entry("batch")

"""Believable tables of the true schemas, made in a second without training: for tests of figures and report.

The numbers follow a caricature of signal propagation: a layer multiplies the delta that comes back through it
by ``sqrt(n·Var(w) · mean slope²)``. So sigmoid vanishes, ``normal`` explodes with relu, runs that explode
without clipping diverge, and accuracy falls with distance from a gain of 1.
"""

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gradgrid.analysis.cells import summarise
from gradgrid.analysis.slope import gradient_slope
from gradgrid.analysis.statistics import statistics
from gradgrid.analysis.verdicts import judged
from gradgrid.core.parquet import to_arrow, write_frame
from gradgrid.core.results import RESULTS
from gradgrid.core.tables import FACTOR_NAMES

DEPTHS = (1, 2, 4, 8)
ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu")
INITIALIZERS = (
    "normal", "lecun_normal", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal",
    "uniform", "constant", "orthogonal", "identity", "sparse", "lsuv",
)  # fmt: skip
CLIPPINGS = ("none", "norm=1", "value=0.1")
STEPS_PER_EPOCH = {"mnist": 5000, "digits": 130}

MEAN_SQUARED_SLOPE = {
    "sigmoid": 0.045,
    "relu": 0.5,
    "leaky_relu": 0.5,
    "tanh": 0.5,
    "gelu": 0.45,
    "selu": 0.9,
}
LAYER_GAIN = {
    "normal": 30, "uniform": 250, "constant": 0.3, "sparse": 0.02, "trunc_normal": 23, "torch_default": 0.33,
    "kaiming_uniform": 2, "kaiming_normal": 2, "lsuv": 1.7, "identity": 1.2,
}  # fmt: skip


def tables(
    depths: Sequence[int] = DEPTHS,
    activations: Sequence[str] = ACTIVATIONS,
    initializers: Sequence[str] = INITIALIZERS,
    clippings: Sequence[str] = CLIPPINGS,
    seeds: int | Sequence[int] = 5,
    dataset: str = "mnist",
    widths: Sequence[int] = (30,),
    optimizers: Sequence[str] = ("sgd",),
    learning_rates: Sequence[float] = (0.1,),
    normalizations: Sequence[str] = ("none",),
    residuals: Sequence[str] = ("no",),
    epochs: int = 5,
    all_diverge: bool = False,
) -> dict[str, pd.DataFrame]:
    """The tables of a whole grid, by name; ``tables()`` has the size of the default grid."""
    seeds = range(seeds) if isinstance(seeds, int) else seeds
    levels = (depths, activations, initializers, clippings, widths, optimizers, learning_rates)
    levels += (normalizations, residuals)
    runs = _runs(levels, seeds, dataset)
    steps = _measured_steps(epochs, STEPS_PER_EPOCH.get(dataset, 5000))
    runs["diverged_at_step"] = _divergence(runs, steps[-1], all_diverge)
    ends = np.arange(epochs + 1) * STEPS_PER_EPOCH.get(dataset, 5000)
    made = {"gradients": _gradients(runs, steps), "accuracy": _accuracy(runs, ends)}
    made["clipping"] = _clipping(runs, epochs)
    made = {name: _shaped(frame, name) for name, frame in made.items()}
    made["runs"] = _shaped(_outcomes(runs, made["accuracy"], made["gradients"]), "runs")
    made["cells"] = _shaped(summarise(made["runs"]), "cells")
    made |= {name: _shaped(frame, name) for name, frame in statistics(made["runs"]).items()}
    return {name: made[name] for name in RESULTS}


def write(folder: Path, made: dict[str, pd.DataFrame] | None = None, **levels: object) -> Path:
    """Write the tables (``tables(**levels)`` unless given) as FOLDER/NAME.parquet; return FOLDER."""
    for name, frame in (made or tables(**levels)).items():
        write_frame(frame, RESULTS[name], folder / f"{name}.parquet")
    return folder


def _runs(levels: tuple[Sequence, ...], seeds: Sequence[int], dataset: str) -> pd.DataFrame:
    """One row a run in the order of the bundles, with its true gradient slope and its seed's luck."""
    rows = [
        (*cell, seed)
        for depth, activation, width in itertools.product(levels[0], levels[1], levels[4])
        for seed in seeds
        for cell in itertools.product([depth], [activation], levels[2], levels[3], [width], *levels[5:])
    ]
    runs = pd.DataFrame(rows, columns=[*FACTOR_NAMES, "seed"])
    runs.insert(0, "dataset", dataset)
    runs.insert(0, "cell_id", [_digest(*row[:-1]) for row in rows])
    runs.insert(0, "run_id", [_digest(*row) for row in rows])
    runs["_noise"] = np.random.default_rng(0).standard_normal(len(runs))
    runs["_slope"] = _true_slope(runs) + 0.02 * runs["_noise"]
    return runs


def _digest(*labels: object) -> str:
    return hashlib.blake2b("|".join(map(str, labels)).encode(), digest_size=5).hexdigest()


def _true_slope(runs: pd.DataFrame) -> pd.Series:
    activation, initializer = (runs[name].str.split("(").str[0] for name in ("activation", "initializer"))
    gain = activation.map(MEAN_SQUARED_SLOPE).fillna(0.7) * initializer.map(LAYER_GAIN).fillna(1.0)
    return -0.5 * np.log10(gain)


def _measured_steps(epochs: int, per_epoch: int) -> np.ndarray:
    early = [step for step in (0, 1, 10, 100, 1000) if step < per_epoch]
    return np.array([*early, *(per_epoch * epoch for epoch in range(1, epochs + 1))])


def _divergence(runs: pd.DataFrame, last_step: int, all_diverge: bool) -> np.ndarray:
    """The step of divergence, NaN for none: runs that explode over their depth without clipping."""
    explodes = (-runs["_slope"] * runs["depth"] > 4) & (runs["clipping"] == "none")
    luck = 10 ** np.clip(1 + runs["_noise"], 0, np.log10(last_step))
    return np.where(explodes | all_diverge, np.floor(luck), np.nan)


def _over_steps(runs: pd.DataFrame, steps: np.ndarray) -> pd.DataFrame:
    frame = runs.loc[runs.index.repeat(len(steps))].reset_index(drop=True)
    frame["step"] = np.tile(steps, len(runs))
    per_epoch = STEPS_PER_EPOCH.get(runs["dataset"].iloc[0], 5000)
    frame["epoch"] = frame["step"] / per_epoch
    return frame


def _gradients(runs: pd.DataFrame, steps: np.ndarray) -> pd.DataFrame:
    frame = _over_steps(runs, steps)
    frame = frame.loc[frame.index.repeat(frame["depth"] + 1)]
    frame["layer"] = frame.groupby(level=0).cumcount() + 1
    frame = frame.reset_index(drop=True)
    rng = np.random.default_rng(1)
    trained = 1 - np.exp(-frame["step"] / frame["step"].max() * 3)
    below_output = frame["depth"] + 1 - frame["layer"]
    decades = -0.8 - frame["_slope"] * (1 - 0.3 * trained) * below_output - 0.7 * trained
    speed = 10 ** (decades + 0.1 * rng.standard_normal(len(frame)))
    saturated_start = (
        (frame["initializer"] == "uniform") & (frame["activation"] == "sigmoid") & below_output.gt(0)
    )
    frame["bias_gradient_norm"] = np.where(saturated_start, 0.0, speed)
    frame["weight_gradient_norm"] = 3 * frame["bias_gradient_norm"]
    frame["weight_norm"] = 5.0 + trained
    frame["update_ratio"] = frame["learning_rate"] * frame["weight_gradient_norm"] / frame["weight_norm"]
    frame["activation_mean"] = np.where(frame["activation"] == "tanh", 0.0, 0.4)
    frame["activation_std"] = 0.3
    frame["saturated_fraction"] = np.where(frame["initializer"].isin(["normal", "uniform"]), 0.97, 0.02)
    frame["dead_fraction"] = np.where(
        frame["activation"].eq("relu") & frame["initializer"].eq("sparse"), 0.8, 0.0
    )
    after = frame["step"] >= frame["diverged_at_step"]
    measures = [column.name for column in RESULTS["gradients"].columns[-8:]]
    frame.loc[after, measures] = np.nan
    return frame


def _accuracy(runs: pd.DataFrame, steps: np.ndarray) -> pd.DataFrame:
    """At initialization and after every epoch; on the test images at the end only."""
    frame = _over_steps(runs, steps)
    frame = frame.loc[frame.index.repeat(3)].reset_index(drop=True)
    frame["split"] = np.tile(["train", "validation", "test"], len(frame) // 3)
    frame = frame[(frame["split"] != "test") | (frame["step"] == steps[-1])].reset_index(drop=True)
    quality = np.exp(-((frame["_slope"].abs() * frame["depth"] / 2.5) ** 2))
    quality = quality - np.where(frame["clipping"] == "value=0.1", 0.02, 0.0)
    learned = 1 - np.exp(-4 * np.sqrt(frame["epoch"]))
    ceiling = 0.86 * np.clip(quality, 0, 1) * learned
    luck = 0.004 * frame["_noise"] + 0.002 * np.random.default_rng(2).standard_normal(len(frame))
    accuracy = 0.1 + ceiling + luck + frame["split"].map({"train": 0.01, "validation": 0.0, "test": -0.003})
    frame["accuracy"] = np.clip(accuracy, 0.05, 1.0)
    frame["loss"] = -np.log(frame["accuracy"]) + 0.02
    frame.loc[frame["step"] >= frame["diverged_at_step"], ["accuracy", "loss"]] = np.nan
    return frame


def _clipping(runs: pd.DataFrame, epochs: int) -> pd.DataFrame:
    clipped = runs[runs["clipping"] != "none"]
    frame = clipped.loc[clipped.index.repeat(epochs)].reset_index(drop=True)
    frame["epoch"] = np.tile(np.arange(1, epochs + 1), len(clipped))
    decades = 0.3 - frame["_slope"] * frame["depth"] - 0.1 * frame["epoch"]
    frame["gradient_norm_median"] = 10 ** np.clip(decades, -8, 8)
    frame["gradient_norm_p95"] = 2 * frame["gradient_norm_median"]
    frame["gradient_norm_max"] = 9 * frame["gradient_norm_median"]
    frame["clipped_fraction"] = 1 / (1 + 10 ** (-2 * decades))
    return frame


def _outcomes(runs: pd.DataFrame, accuracy: pd.DataFrame, gradients: pd.DataFrame) -> pd.DataFrame:
    diverged = runs["diverged_at_step"].notna()
    runs = runs.assign(status=np.where(diverged, "diverged", "completed"))
    runs["diverged_layer"] = runs["depth"].where(diverged)
    last = accuracy[accuracy["step"] == accuracy["step"].max()]
    for split in ("train", "validation", "test"):
        runs[f"{split}_accuracy"] = last.loc[last["split"] == split, "accuracy"].to_numpy()
    validation = accuracy[(accuracy["split"] == "validation") & (accuracy["step"] > 0)]
    best = validation.groupby("run_id")["accuracy"].max()
    runs["best_validation_accuracy"] = runs["run_id"].map(best)
    runs["gradient_slope"] = runs["run_id"].map(gradient_slope(gradients))
    runs[["verdict", "verdict_reason"]] = judged(runs, gradients)
    runs["seconds"] = 1.5
    runs["fingerprint"] = runs["run_id"] + "000000"
    return runs


def _shaped(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns of table NAME in order, with the types that reading its parquet file gives."""
    return to_arrow(frame, RESULTS[name]).to_pandas()

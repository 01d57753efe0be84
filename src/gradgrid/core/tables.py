"""The tables: the one place where their columns, types, units and descriptions stand.

Every table is tidy, zstd-compressed parquet; each field's metadata holds its unit and description, so that a
file explains itself. ``docs/outputs.md`` is generated from here.
"""

from dataclasses import dataclass, replace

import pyarrow as pa

from gradgrid.core import columns
from gradgrid.core.columns import Column, f32, f64, i32, text


@dataclass(frozen=True)
class Table:
    """One table: its name, what a row is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        """The arrow schema, with unit and description in every field's metadata."""
        fields = [
            pa.field(c.name, c.type, metadata={"unit": c.unit, "description": c.description})
            for c in self.columns
        ]
        return pa.schema(fields, metadata={"gradgrid.table": self.name, "gradgrid.row": self.row})


FACTORS = (
    columns.DEPTH,
    columns.ACTIVATION,
    columns.INITIALIZER,
    columns.CLIPPING,
    columns.WIDTH,
    text("optimizer", "optimizer, with its parameters"),
    f64("learning_rate", "1", "step size of the optimizer (eta in the book)"),
    text("normalization", "normalization of the hidden layers: none, batch or layer"),
    text("residual", "whether hidden layers from the second on add their input: yes or no"),
)
FACTOR_NAMES = tuple(column.name for column in FACTORS)

_CELL = text("cell_id", "digest of the cell's factors", unit="id")
_RUN = (
    text("run_id", "digest of the cell's factors and the seed", unit="id"),
    _CELL,
    columns.DATASET,
    *FACTORS,
    columns.SEED,
)
_STEP = (
    columns.STEP,
    f32("epoch", "epochs", "the same in passes through the training images"),
)


RUNS = Table(
    "runs",
    "a run: one cell with one seed",
    (
        *_RUN,
        text("status", "completed, or diverged: a parameter became non-finite"),
        i32(
            "diverged_at_step",
            "steps",
            "update that met the first non-finite value, counted from 1; 0: the draw of the initial parameters",
        ),
        i32("diverged_layer", "layer", "layer of the first non-finite value"),
        f32(
            "train_accuracy",
            "fraction",
            "final accuracy on the first 10,000 training images; null if diverged",
        ),
        f32("validation_accuracy", "fraction", "final accuracy on the validation images; null if diverged"),
        f32("test_accuracy", "fraction", "final accuracy on the test images; null if diverged"),
        f32("best_validation_accuracy", "fraction", "best validation accuracy after any epoch"),
        f32(
            "gradient_slope",
            "decades per layer",
            "least-squares slope of log10 bias_gradient_norm over the hidden layers at initialization; "
            "positive where early layers learn more slowly; null for depth 1 or a zero gradient",
        ),
        text("verdict", "what became of the run, in one word (docs/methods.md has the rules)"),
        f32("seconds", "s", "training time of the run's bundle, divided equally among its runs"),
        text("fingerprint", "digest of settings, data and source that determine the run", unit="id"),
    ),
)

_REASON = text("verdict_reason", "the numbers that gave the run its verdict, with the threshold", unit="text")


def _with_reason(table: Table) -> Table:
    """The table with the reason behind the verdict."""
    after = [column.name for column in table.columns].index("verdict") + 1
    return replace(table, columns=(*table.columns[:after], _REASON, *table.columns[after:]))


JUDGED_RUNS = _with_reason(RUNS)
"""The runs as they are collected; what a bundle writes, RUNS, has no reasons, and its slopes and verdicts are null."""

GRADIENTS = Table(
    "gradients",
    "a run × measured step × layer, measured on the probe images",
    (
        *_RUN,
        *_STEP,
        columns.LAYER,
        f32(
            "bias_gradient_norm",
            "1",
            "speed of learning: Euclidean norm of the layer's mean dC/db; of a normalized layer, mean dC/dβ",
        ),
        f32("weight_gradient_norm", "1", "Frobenius norm of the layer's mean dC/dW"),
        f32("weight_norm", "1", "Frobenius norm of the layer's weights"),
        f32("update_ratio", "1", "learning_rate × weight_gradient_norm ÷ weight_norm"),
        f32("activation_mean", "1", "mean of the layer's activations over images and neurons"),
        f32("activation_std", "1", "standard deviation of the layer's activations over images and neurons"),
        f32(
            "saturated_fraction",
            "fraction",
            "share of activations (image × neuron) whose slope is below 5 % of the activation's largest slope; "
            "null for the output layer",
        ),
        f32(
            "dead_fraction",
            "fraction",
            "share of neurons whose slope is exactly 0 on every probe image; null for the output layer",
        ),
    ),
)

ACCURACY = Table(
    "accuracy",
    "a run × measured step × split",
    (
        *_RUN,
        *_STEP,
        columns.SPLIT,
        f32("loss", "nats or 1", "mean cost without weight decay; nats for the cross-entropies"),
        columns.ACCURACY,
    ),
)

CLIPPING = Table(
    "clipping",
    "a run with clipping × epoch",
    (
        *_RUN,
        i32("epoch", "epochs", "epoch, counted from 1"),
        f32(
            "clipped_fraction",
            "fraction",
            "share of the epoch's steps in which clipping changed the gradient",
        ),
        f32("gradient_norm_median", "1", "median over steps of the whole gradient's norm before clipping"),
        f32("gradient_norm_p95", "1", "95th percentile of the same"),
        f32("gradient_norm_max", "1", "maximum of the same"),
    ),
)

SUMMARISED = (
    "train_accuracy",
    "validation_accuracy",
    "test_accuracy",
    "best_validation_accuracy",
    "gradient_slope",
)


def _summary(name: str) -> tuple[Column, ...]:
    source = next(column for column in RUNS.columns if column.name == name)
    which = "that have one" if name == "gradient_slope" else "that did not diverge"
    what = f"of {name} over the seeds {which}"
    return (
        f32(f"{name}_mean", source.unit, f"mean {what}"),
        f32(f"{name}_std", source.unit, f"sample standard deviation {what}"),
        f32(f"{name}_low", source.unit, f"lower end of the 95 % t-interval of the mean {what}"),
        f32(f"{name}_high", source.unit, f"upper end of the 95 % t-interval of the mean {what}"),
    )


CELLS = Table(
    "cells",
    "a cell, summarised over its seeds",
    (
        _CELL,
        columns.DATASET,
        *FACTORS,
        i32("seeds", "runs", "number of seeds"),
        i32("runs_diverged", "runs", "how many of them diverged"),
        *(column for name in SUMMARISED for column in _summary(name)),
        text("verdict", "the commonest verdict of its runs; a tie goes to the worse"),
        i32("runs_of_verdict", "runs", "how many of its runs have this verdict"),
        text(
            "verdict_reason",
            "how many runs have which verdict, and the numbers of the first seed with the cell's",
            unit="text",
        ),
        f32("seconds", "s", "training time summed over its runs"),
    ),
)

TABLES = {table.name: table for table in (RUNS, CELLS, GRADIENTS, ACCURACY, CLIPPING)}
"""As bundles write them, and the cells; ``core.results.RESULTS`` has all tables of the whole grid."""

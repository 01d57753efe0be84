"""The tables: the one place where their columns, types, units and descriptions stand.

Every table is tidy, zstd-compressed parquet; each field's metadata holds its unit and description, so that a
file explains itself. ``docs/outputs.md`` is generated from here.
"""

from dataclasses import dataclass

import pyarrow as pa

STRING = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Column:
    """One column: its name, arrow type, unit (``1`` for a pure number) and description."""

    name: str
    type: pa.DataType
    unit: str
    description: str


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
    Column("depth", pa.int32(), "layers", "number of hidden layers; [784, 30, 30, 10] has depth 2"),
    Column("activation", STRING, "name", "activation of the hidden layers, with its parameters"),
    Column("initializer", STRING, "name", "how the weights are drawn, with its parameters"),
    Column("clipping", STRING, "name", "gradient clipping: none, norm=threshold or value=threshold"),
    Column("width", pa.int32(), "neurons", "neurons in each hidden layer"),
    Column("optimizer", STRING, "name", "optimizer, with its parameters"),
    Column("learning_rate", pa.float64(), "1", "step size of the optimizer (eta in the book)"),
    Column("normalization", STRING, "name", "normalization of the hidden layers: none, batch or layer"),
    Column("residual", STRING, "name", "whether hidden layers from the second on add their input: yes or no"),
)
FACTOR_NAMES = tuple(column.name for column in FACTORS)

_DATASET = Column("dataset", STRING, "name", "data actually used; digits where MNIST could not be had")
_CELL = Column("cell_id", STRING, "id", "digest of the cell's factors")
_RUN = (
    Column("run_id", STRING, "id", "digest of the cell's factors and the seed"),
    _CELL,
    _DATASET,
    *FACTORS,
    Column("seed", pa.int32(), "1", "replicate number; fixes the initial draw and the data order"),
)
_STEP = (
    Column("step", pa.int32(), "steps", "optimizer updates done before the measurement; 0 is initialization"),
    Column("epoch", pa.float32(), "epochs", "the same in passes through the training images"),
)


def _f32(name: str, unit: str, description: str) -> Column:
    return Column(name, pa.float32(), unit, description)


RUNS = Table(
    "runs",
    "a run: one cell with one seed",
    (
        *_RUN,
        Column("status", STRING, "name", "completed, or diverged: a parameter became non-finite"),
        Column(
            "diverged_at_step",
            pa.int32(),
            "steps",
            "update that met the first non-finite value, counted from 1",
        ),
        Column("diverged_layer", pa.int32(), "layer", "layer of the first non-finite value"),
        _f32(
            "train_accuracy",
            "fraction",
            "final accuracy on the first 10,000 training images; null if diverged",
        ),
        _f32("validation_accuracy", "fraction", "final accuracy on the validation images; null if diverged"),
        _f32("test_accuracy", "fraction", "final accuracy on the test images; null if diverged"),
        _f32("best_validation_accuracy", "fraction", "best validation accuracy after any epoch"),
        _f32(
            "gradient_slope",
            "decades per layer",
            "least-squares slope of log10 bias_gradient_norm over the hidden layers at initialization; "
            "positive where early layers learn more slowly; null for depth 1 or a zero gradient",
        ),
        Column(
            "verdict", STRING, "name", "what became of the run, in one word (docs/methods.md has the rules)"
        ),
        _f32("seconds", "s", "training time of the run's bundle, divided equally among its runs"),
        Column("fingerprint", STRING, "id", "digest of settings, data and source that determine the run"),
    ),
)

GRADIENTS = Table(
    "gradients",
    "a run × measured step × layer, measured on the probe images",
    (
        *_RUN,
        *_STEP,
        Column("layer", pa.int32(), "layer", "1 … depth+1 from the input; depth+1 is the output layer"),
        _f32(
            "bias_gradient_norm",
            "1",
            "speed of learning: Euclidean norm of the layer's mean dC/db; of a normalized layer, mean dC/dβ",
        ),
        _f32("weight_gradient_norm", "1", "Frobenius norm of the layer's mean dC/dW"),
        _f32("weight_norm", "1", "Frobenius norm of the layer's weights"),
        _f32("update_ratio", "1", "learning_rate × weight_gradient_norm ÷ weight_norm"),
        _f32("activation_mean", "1", "mean of the layer's activations over images and neurons"),
        _f32("activation_std", "1", "standard deviation of the layer's activations over images and neurons"),
        _f32(
            "saturated_fraction",
            "fraction",
            "share of activations (image × neuron) whose slope is below 5 % of the activation's largest slope; "
            "null for the output layer",
        ),
        _f32(
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
        Column("split", STRING, "name", "train (its first 10,000 images), validation or test"),
        _f32("loss", "nats or 1", "mean cost without weight decay; nats for the cross-entropies"),
        _f32("accuracy", "fraction", "share of images classified correctly; null once the run has diverged"),
    ),
)

CLIPPING = Table(
    "clipping",
    "a run with clipping × epoch",
    (
        *_RUN,
        Column("epoch", pa.int32(), "epochs", "epoch, counted from 1"),
        _f32(
            "clipped_fraction",
            "fraction",
            "share of the epoch's steps in which clipping changed the gradient",
        ),
        _f32("gradient_norm_median", "1", "median over steps of the whole gradient's norm before clipping"),
        _f32("gradient_norm_p95", "1", "95th percentile of the same"),
        _f32("gradient_norm_max", "1", "maximum of the same"),
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
        _f32(f"{name}_mean", source.unit, f"mean {what}"),
        _f32(f"{name}_std", source.unit, f"sample standard deviation {what}"),
        _f32(f"{name}_low", source.unit, f"lower end of the 95 % t-interval of the mean {what}"),
        _f32(f"{name}_high", source.unit, f"upper end of the 95 % t-interval of the mean {what}"),
    )


CELLS = Table(
    "cells",
    "a cell, summarised over its seeds",
    (
        _CELL,
        _DATASET,
        *FACTORS,
        Column("seeds", pa.int32(), "runs", "number of seeds"),
        Column("runs_diverged", pa.int32(), "runs", "how many of them diverged"),
        *(column for name in SUMMARISED for column in _summary(name)),
        Column("verdict", STRING, "name", "the commonest verdict of its runs; a tie goes to the worse"),
        _f32("seconds", "s", "training time summed over its runs"),
    ),
)

TABLES = {table.name: table for table in (RUNS, CELLS, GRADIENTS, ACCURACY, CLIPPING)}

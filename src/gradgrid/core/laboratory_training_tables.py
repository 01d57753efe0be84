"""The laboratory's tables of networks that are trained, and of recurrent ones: see laboratory_tables.py."""

import pyarrow as pa

from gradgrid.core import columns
from gradgrid.core.columns import Column, f32, f64, i32, text
from gradgrid.core.tables import FACTORS, Table

_SEED = columns.SEED.described("replicate number; fixes the draw of weights and inputs")
_SEQUENCE = text(
    "sequence",
    "how an image is read: rows, 28 steps of 28 pixels; pixels, 196 steps of the mean of 2 × 2 pixels",
)
_RADIUS = f64("spectral_radius", "1", "of the recurrent weights before training")

TRAINABILITY = Table(
    "trainability",
    "a deep narrow tanh network of the phase diagram after training",
    (
        columns.DATASET,
        f64("sigma_w2", "1", "initial variance of the weights times the fan-in"),
        f64("sigma_b2", "1", "initial variance of the biases"),
        f64("xi_c", "layers", "depth over which correlations decay; null where the signal dies out"),
        columns.DEPTH.described("number of hidden layers"),
        _SEED,
        columns.ACCURACY.described(
            "share of the first 1,000 training images classified correctly after the last step; null if diverged",
        ),
    ),
)

RECURRENT = Table(
    "recurrent",
    "an untrained plain recurrent network × time step",
    (
        columns.DATASET,
        _SEQUENCE,
        _RADIUS,
        _SEED,
        i32("time", "time steps", "time step t of the hidden state, counted from 1"),
        f64(
            "gradient_norm",
            "1",
            "norm of dC/dh_t, C an image's own cost after the last time step; mean over the first 100 training images",
        ),
    ),
)

RECURRENT_TRAINING = Table(
    "recurrent_training",
    "a plain recurrent network × measured step of its training",
    (
        columns.DATASET,
        _SEQUENCE,
        _RADIUS,
        columns.CLIPPING.described("none or norm=threshold"),
        _SEED,
        columns.STEP.described("updates done before the measurement; 0 is initialization"),
        f64(
            "loss", "nats", "mean cost of the minibatches since the last measurement; null at initialization"
        ),
        f64("accuracy", "fraction", "share of the first 500 validation images classified correctly"),
        f64(
            "gradient_norm",
            "1",
            "largest norm of the whole gradient, before clipping, since the last measurement; null at initialization",
        ),
        f64("trained_radius", "1", "spectral radius of the recurrent weights after these updates"),
        text(
            "status",
            "training, or diverged: a parameter is not finite, and from there on all measures are null",
        ),
    ),
)

REMEDIES = Table(
    "remedies",
    "a rung of a ladder of remedies × learning rate × seed: one trained network",
    (
        columns.DATASET,
        text(
            "ladder",
            "what the ladder changes: activation, optimizer, initializer, clipping, normalization (with residual "
            "connections); combined: one remedy added after another",
        ),
        text(
            "case",
            "activation and initializer that the ladder is shown on, so far as it does not change them",
        ),
        i32("position", "rung", "place of the rung in its ladder, counted from 1"),
        text("rung", "the rung's label; in the combined ladder what it adds"),
        *FACTORS,
        columns.SEED,
        f32(
            "validation_accuracy",
            "fraction",
            "accuracy on the validation images at the end; null if diverged",
        ),
        f64("validation_loss", "nats", "mean cost of the validation images at the end; null if diverged"),
        f32(
            "gradient_slope",
            "decades per layer",
            "least-squares slope of log10 bias_gradient_norm over the hidden layers at initialization, as in table "
            "runs; null for depth 1 or a zero gradient",
        ),
        text("status", "completed, or diverged: a parameter is not finite after the last step"),
        Column(
            "best",
            pa.bool_(),
            "1",
            "whether this is its rung's best learning rate at this depth: the fewest diverged runs, then the highest "
            "mean validation accuracy over the seeds",
        ),
    ),
)

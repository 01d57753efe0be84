"""The tables of the book's chapter, in ``results/book``: columns, types, units and descriptions."""

import pyarrow as pa

from gradgrid.core import columns
from gradgrid.core.columns import Column, f32, f64, i32, text
from gradgrid.core.tables import Table

_AFTER = (
    i32("epoch", "epochs", "passes through the training images before the measurement"),
    columns.SPLIT.described("train (its first 10,000 images), validation or, at the end, test"),
    columns.ACCURACY,
)
_SPEEDS = (
    f32("bias_gradient_norm", "1", "speed of learning: Euclidean norm of the mean dC/db"),
    f32("weight_gradient_norm", "1", "Frobenius norm of the mean dC/dW"),
)


ACCURACY = Table(
    "accuracy",
    "a network of the book × epoch × split: [784, 30, …, 10], sigmoid, weights N(0, 1/n_in)",
    (columns.DATASET, columns.DEPTH, columns.SEED, *_AFTER),
)

INITIALIZATION = Table(
    "initialization",
    "a network with one hidden layer × epoch × split, for two kinds of initial weights",
    (
        columns.DATASET,
        columns.WIDTH.described("neurons in the hidden layer"),
        columns.INITIALIZER.described("lecun_normal: N(0, 1/n_in), normal: N(0, 1)"),
        columns.SEED,
        *_AFTER,
    ),
)

INITIAL_SPEED = Table(
    "initial_speed",
    "an untrained network of the book × layer, measured on the probe images",
    (columns.DATASET, columns.DEPTH, columns.SEED, columns.LAYER, *_SPEEDS),
)

NEURONS = Table(
    "neurons",
    "a hidden neuron of an untrained [784, 30, 30, 10]",
    (
        columns.DATASET,
        columns.SEED,
        columns.LAYER,
        i32("neuron", "neuron", "1 … 30 within its layer"),
        f32("bias_gradient", "1", "the neuron's mean dC/db over the probe images"),
    ),
)

STEEPNESS = Table(
    "steepness",
    "an untrained network with the activation sigmoid(steepness · z) × layer",
    (
        columns.DATASET,
        f64("steepness", "1", "factor within the sigmoid; its largest slope is a quarter of it"),
        columns.DEPTH,
        columns.SEED,
        columns.LAYER,
        *_SPEEDS,
    ),
)

TRAINING_SPEED = Table(
    "training_speed",
    "a network in full-batch training on the first 1,000 training images × step × layer",
    (
        columns.DATASET,
        columns.DEPTH,
        columns.ACTIVATION.described("activation of the hidden layers"),
        columns.SEED,
        columns.STEP.described("updates done before the measurement"),
        columns.LAYER,
        *_SPEEDS,
    ),
)

CHAIN = Table(
    "chain",
    "a neuron of a chain with one neuron a layer",
    (
        text(
            "kind",
            "normal: weights and biases N(0, 1); exploding: weights 100, z = 0",
        ),
        i32("chain", "1", "number of the chain"),
        columns.LAYER.described("1 is next to the input; the last one is the output"),
        f64("weight", "1", "w, from the neuron before (for layer 1: from the input)"),
        f64("bias", "1", "b"),
        f64("weighted_input", "1", "z = w a + b"),
        f64("factor", "1", "w σ'(z): what the layer multiplies the gradient by on its way back"),
        f64("gradient", "1", "dC/db by the chain's formula σ'(z1) w2 σ'(z2) … dC/da"),
        f64("gradient_autograd", "1", "dC/db by automatic differentiation"),
    ),
)

MATRIX = Table(
    "matrix",
    "a singular value of a factor of the gradient of a network of the book, for one image",
    (
        columns.DATASET,
        columns.DEPTH,
        columns.SEED,
        i32("image", "image", "number among the training images, from 0"),
        columns.LAYER.described("layer l to which the factor leads back; the output layer has slopes alone"),
        text(
            "factor",
            "slopes: Σ'(z^l); weights: (w^{l+1})ᵀ; step: Σ'(z^l) (w^{l+1})ᵀ; product: all steps from the output "
            "layer back to l",
        ),
        i32("rank", "1", "1 for the largest singular value"),
        f64("singular_value", "1", "the singular value"),
    ),
)

PROBLEMS = Table(
    "problems",
    "a number that the book states or asks for, or that checks an identity",
    (
        text("problem", "which problem, exercise or identity"),
        Column("quantity", pa.string(), "name", "what the number is"),
        f64("value", "1", "what was computed"),
        f64(
            "expected", "1", "what the book says, or what the identity demands; null: nothing to compare with"
        ),
        Column("source", pa.string(), "name", "where the expected value stands, and what qualifies it"),
    ),
)

CURVES = Table(
    "curves",
    "a point of a curve of the problems",
    (
        text("curve", "which curve"),
        f64("x", "1", "abscissa"),
        f64("y", "1", "ordinate"),
    ),
)

CLAIMS = Table(
    "claims",
    "a claim of the book",
    (
        columns.DATASET,
        Column("claim_id", pa.string(), "id", "short name"),
        Column("claim", pa.string(), "text", "what the book says, paraphrased"),
        Column("measure", pa.string(), "text", "the number that judges it, with its unit"),
        f64("value", "as the measure says", "the number"),
        f64("low", "as the measure says", "lower end of its 95 % interval; null where it has none"),
        f64("high", "as the measure says", "upper end of its 95 % interval"),
        f64("published", "as the measure says", "the book's own number; null where it gives none"),
        f64("share_of_seeds", "fraction", "share of the seeds (or draws) for which the claim holds"),
        i32("seeds", "1", "how many seeds (or draws) judged it"),
        text(
            "verdict",
            "holds, holds on average, does not hold; not judged: other images, less training, or one seed",
        ),
        Column("rule", pa.string(), "text", "the rule that gave the verdict"),
    ),
)

BOOK_TABLES = {
    table.name: table
    for table in (
        ACCURACY, INITIAL_SPEED, NEURONS, STEEPNESS, TRAINING_SPEED, INITIALIZATION, CHAIN, MATRIX, PROBLEMS, CURVES,
        CLAIMS,
    )
}  # fmt: skip

"""The tables of the book's chapter, in ``results/book``: columns, types, units and descriptions."""

import pyarrow as pa

from gradgrid.core.tables import STRING, Column, Table

_DATASET = Column("dataset", STRING, "name", "data actually used; digits where MNIST could not be had")
_DEPTH = Column("depth", pa.int32(), "layers", "number of hidden layers; [784, 30, 30, 10] has depth 2")
_SEED = Column("seed", pa.int32(), "1", "replicate number; fixes the initial draw and the data order")
_LAYER = Column("layer", pa.int32(), "layer", "1 … depth+1 from the input; depth+1 is the output layer")
_ACTIVATION = Column("activation", STRING, "name", "activation of the hidden layers")
_AFTER = (
    Column("epoch", pa.int32(), "epochs", "passes through the training images before the measurement"),
    Column("split", STRING, "name", "train (its first 10,000 images), validation or, at the end, test"),
    Column(
        "accuracy",
        pa.float32(),
        "fraction",
        "share of images classified correctly; null once the run has diverged",
    ),
)
_SPEEDS = (
    Column("bias_gradient_norm", pa.float32(), "1", "speed of learning: Euclidean norm of the mean dC/db"),
    Column("weight_gradient_norm", pa.float32(), "1", "Frobenius norm of the mean dC/dW"),
)


def _f64(name: str, unit: str, description: str) -> Column:
    return Column(name, pa.float64(), unit, description)


ACCURACY = Table(
    "accuracy",
    "a network of the book × epoch × split: [784, 30, …, 10], sigmoid, weights N(0, 1/n_in)",
    (_DATASET, _DEPTH, _SEED, *_AFTER),
)

INITIALIZATION = Table(
    "initialization",
    "a network with one hidden layer × epoch × split, for two kinds of initial weights",
    (
        _DATASET,
        Column("width", pa.int32(), "neurons", "neurons in the hidden layer"),
        Column("initializer", STRING, "name", "lecun_normal: N(0, 1/n_in), normal: N(0, 1)"),
        _SEED,
        *_AFTER,
    ),
)

INITIAL_SPEED = Table(
    "initial_speed",
    "an untrained network of the book × layer, measured on the probe images",
    (_DATASET, _DEPTH, _SEED, _LAYER, *_SPEEDS),
)

NEURONS = Table(
    "neurons",
    "a hidden neuron of an untrained [784, 30, 30, 10]",
    (
        _DATASET,
        _SEED,
        _LAYER,
        Column("neuron", pa.int32(), "neuron", "1 … 30 within its layer"),
        Column("bias_gradient", pa.float32(), "1", "the neuron's mean dC/db over the probe images"),
    ),
)

STEEPNESS = Table(
    "steepness",
    "an untrained network with the activation sigmoid(steepness · z) × layer",
    (
        _DATASET,
        Column(
            "steepness", pa.float64(), "1", "factor within the sigmoid; its largest slope is a quarter of it"
        ),
        _DEPTH,
        _SEED,
        _LAYER,
        *_SPEEDS,
    ),
)

TRAINING_SPEED = Table(
    "training_speed",
    "a network in full-batch training on the first 1,000 training images × step × layer",
    (
        _DATASET,
        _DEPTH,
        _ACTIVATION,
        _SEED,
        Column("step", pa.int32(), "steps", "updates done before the measurement"),
        _LAYER,
        *_SPEEDS,
    ),
)

CHAIN = Table(
    "chain",
    "a neuron of a chain with one neuron a layer",
    (
        Column(
            "kind",
            STRING,
            "name",
            "normal: weights and biases N(0, 1); exploding: weights 100, z = 0",
        ),
        Column("chain", pa.int32(), "1", "number of the chain"),
        Column("layer", pa.int32(), "layer", "1 is next to the input; the last one is the output"),
        _f64("weight", "1", "w, from the neuron before (for layer 1: from the input)"),
        _f64("bias", "1", "b"),
        _f64("weighted_input", "1", "z = w a + b"),
        _f64("factor", "1", "w σ'(z): what the layer multiplies the gradient by on its way back"),
        _f64("gradient", "1", "dC/db by the chain's formula σ'(z1) w2 σ'(z2) … dC/da"),
        _f64("gradient_autograd", "1", "dC/db by automatic differentiation"),
    ),
)

MATRIX = Table(
    "matrix",
    "a singular value of a factor of the gradient of a network of the book, for one image",
    (
        _DATASET,
        _DEPTH,
        _SEED,
        Column("image", pa.int32(), "image", "number among the training images, from 0"),
        Column(
            "layer",
            pa.int32(),
            "layer",
            "layer l to which the factor leads back; the output layer has slopes alone",
        ),
        Column(
            "factor",
            STRING,
            "name",
            "slopes: Σ'(z^l); weights: (w^{l+1})ᵀ; step: Σ'(z^l) (w^{l+1})ᵀ; product: all steps from the output "
            "layer back to l",
        ),
        Column("rank", pa.int32(), "1", "1 for the largest singular value"),
        _f64("singular_value", "1", "the singular value"),
    ),
)

PROBLEMS = Table(
    "problems",
    "a number that the book states or asks for, or that checks an identity",
    (
        Column("problem", STRING, "name", "which problem, exercise or identity"),
        Column("quantity", pa.string(), "name", "what the number is"),
        _f64("value", "1", "what was computed"),
        _f64(
            "expected", "1", "what the book says, or what the identity demands; null: nothing to compare with"
        ),
        Column("source", pa.string(), "name", "where the expected value stands, and what qualifies it"),
    ),
)

CURVES = Table(
    "curves",
    "a point of a curve of the problems",
    (
        Column("curve", STRING, "name", "which curve"),
        _f64("x", "1", "abscissa"),
        _f64("y", "1", "ordinate"),
    ),
)

CLAIMS = Table(
    "claims",
    "a claim of the book",
    (
        _DATASET,
        Column("claim_id", pa.string(), "id", "short name"),
        Column("claim", pa.string(), "text", "what the book says, paraphrased"),
        Column("measure", pa.string(), "text", "the number that judges it, with its unit"),
        _f64("value", "as the measure says", "the number"),
        _f64("low", "as the measure says", "lower end of its 95 % interval; null where it has none"),
        _f64("high", "as the measure says", "upper end of its 95 % interval"),
        _f64("published", "as the measure says", "the book's own number; null where it gives none"),
        _f64("share_of_seeds", "fraction", "share of the seeds (or draws) for which the claim holds"),
        Column("seeds", pa.int32(), "1", "how many seeds (or draws) judged it"),
        Column(
            "verdict",
            STRING,
            "name",
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

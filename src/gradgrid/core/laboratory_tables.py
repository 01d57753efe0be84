"""The tables of the initialization laboratory, in ``results/laboratory``: columns, types, units and descriptions."""

import pyarrow as pa

from gradgrid.core import columns
from gradgrid.core.columns import Column, f32, f64, i32, text
from gradgrid.core.laboratory_training_tables import RECURRENT, RECURRENT_TRAINING, REMEDIES, TRAINABILITY
from gradgrid.core.tables import Table

_WIDTH = columns.WIDTH.described("neurons in each layer")
_SEED = columns.SEED.described("replicate number; fixes the draw of weights and inputs")
_LAYER = columns.LAYER.described("1 … depth from the input")
_ACTIVATION = columns.ACTIVATION.described("activation of the layers, with its parameters")
_ACTIVATION_STD = f64(
    "activation_std", "1", "standard deviation of the activations over inputs and neurons, in float64"
)
_GRADIENT_STD = f64(
    "gradient_std",
    "1",
    "the same of the gradient with respect to the activations; at the last layer it is standard normal, or where "
    "activations overflow at the last finite one",
)

LINEAR = Table(
    "linear",
    "a layer of a deep linear network without biases",
    (
        text("kind", "scaled_identity: W = c I; gaussian: Var(W) = g²/width"),
        text("precision", "of the arithmetic: float32 or float64"),
        f64("scale", "1", "c or g"),
        _SEED,
        _LAYER,
        _ACTIVATION_STD,
        _GRADIENT_STD,
        f64("expected_std", "1", "of the activations: scale^layer × the standard deviation of the inputs"),
        f64(
            "expected_gradient_std",
            "1",
            "of the gradient: scale^(layers up to where it starts) × its standard deviation there",
        ),
        i32(
            "in_range_until",
            "layer",
            "last l for which scale^l is a normal number of this precision: from there on it underflows or overflows; "
            "null for scale 1",
        ),
    ),
)

PROPAGATION = Table(
    "propagation",
    "a layer of an untrained deep network without biases, fed standard-normal inputs; float32 arithmetic",
    (
        _WIDTH,
        _ACTIVATION,
        columns.INITIALIZER,
        _SEED,
        _LAYER,
        _ACTIVATION_STD,
        _GRADIENT_STD,
        f64("preactivation_std", "1", "standard deviation of the pre-activations, in float64"),
        f32(
            "saturated_fraction",
            "fraction",
            "activations whose slope is below 5 % of the activation's largest slope",
        ),
        f32("dead_fraction", "fraction", "neurons whose slope is exactly 0 on every input"),
        Column(
            "nonfinite",
            pa.bool_(),
            "1",
            "whether activations of this layer or an earlier one hold an infinity or NaN; the measures are then null",
        ),
    ),
)

OVERFLOW = Table(
    "overflow",
    "an untrained deep network in float32: where it leaves the range of the numbers",
    (
        _WIDTH,
        _ACTIVATION,
        columns.INITIALIZER,
        _SEED,
        i32(
            "first_nonfinite_layer",
            "layer",
            "first layer whose activations hold an infinity or NaN; null: none",
        ),
        i32(
            "first_nonfinite_std_layer",
            "layer",
            "first layer with activations x of which PyTorch's x.std() is infinite or NaN; null: none",
        ),
        i32(
            "first_nonfinite_variance_layer",
            "layer",
            "first layer whose variance, the square of that, float32 cannot hold; null: none",
        ),
    ),
)

BY_HAND = Table(
    "by_hand",
    "an initialization written by hand beside the library's",
    (
        columns.INITIALIZER,
        Column(
            "formula", pa.string(), "text", "standard deviation std or bound a, as teaching texts write it"
        ),
        f64("std_by_hand", "1", "standard deviation of weights drawn by the formula"),
        f64("std_by_library", "1", "the same of weights drawn by PyTorch"),
        f64("std_expected", "1", "what the formula says"),
        f64("statistic", "1", "two-sample Kolmogorov–Smirnov statistic"),
        f64("p_value", "1", "its p-value: small where the two are not one distribution"),
    ),
)

TUTORIAL = Table(
    "tutorial",
    "a number that a tutorial publishes, computed again",
    (
        text("id", "of the published numbers in core/references.csv"),
        columns.LAYER.described("1 is next to the input; null for gains"),
        f64("measured", "1", "what the tutorial's code gives here"),
        f64("published", "1", "what the tutorial prints"),
        f64(
            "rounding",
            "1",
            "change of the measured number where every input moves to a neighbouring float32: digits below depend on "
            "the machine",
        ),
    ),
)

GAINS = Table(
    "gains",
    "an activation",
    (
        _ACTIVATION,
        f64("deviation_gain", "1", "std(x)/std(f(x)), x standard normal: keeps the deviation, mean and all"),
        f64("second_moment_gain", "1", "1/sqrt(E[f(x)²]): keeps the activations' size forward"),
        f64("backward_gain", "1", "1/sqrt(E[f'(x)²]): keeps the gradient's size backward"),
        f64("torch_gain", "1", "torch.nn.init.calculate_gain; null where it has none"),
    ),
)

THEORY = Table(
    "theory",
    "an activation × initializer, mean-field theory beside measurement",
    (
        text(
            "inputs",
            "standard_normal: the networks of table propagation; or the dataset actually used: "
            "networks as in the grid, 8 hidden layers",
        ),
        _WIDTH,
        _ACTIVATION,
        columns.INITIALIZER,
        f64("sigma_w2", "1", "variance of the hidden layers' weights times their fan-in; null: no theory"),
        f64("sigma_b2", "1", "variance of the biases"),
        f64(
            "q_star",
            "1",
            "variance at which the pre-activations end, along the orbit from the actual inputs; null: ∞",
        ),
        text(
            "stability",
            "of that end: stable; neutral, no variance changes; diverges, to ∞; collapses, to 0",
        ),
        f64("chi_1", "1", "factor of the squared gradient a layer at that end"),
        i32("first_layer", "layer", "first of the layers that are compared"),
        i32("last_layer", "layer", "last; sizes of all seeds between lie in float32's range"),
        f64(
            "factor_predicted",
            "1",
            "factor of the gradient's size a layer: geometric mean of √chi over these layers, along the orbit",
        ),
        f64("factor_measured", "1", "the same measured: geometric mean over seeds"),
        f64("low", "1", "lower end of its 95 % t-interval, taken of logarithms"),
        f64("high", "1", "upper end of its 95 % t-interval"),
        f64("spread", "1", "standard deviation over seeds of the measured factor's natural logarithm"),
        text("note", "why there is no prediction or measurement; null: there are both", unit="text"),
    ),
)

PHASE = Table(
    "phase",
    "a point of the phase diagram of tanh",
    (
        f64("sigma_w2", "1", "variance of the weights times the fan-in"),
        f64("sigma_b2", "1", "variance of the biases"),
        f64("q_star", "1", "variance at which the pre-activations end"),
        f64("chi_1", "1", "factor of the squared gradient a layer: below 1 ordered, above 1 chaotic"),
        f64(
            "xi_c",
            "layers",
            "depth over which the distance of two inputs' correlation from where it ends shrinks e-fold; "
            "null where q_star is 0",
        ),
        f64("critical_sigma_w2", "1", "the sigma_w2 at which chi_1 is 1, for this sigma_b2"),
    ),
)

LABORATORY_TABLES = {
    table.name: table
    for table in (
        LINEAR, PROPAGATION, OVERFLOW, BY_HAND, TUTORIAL, GAINS, THEORY, PHASE, TRAINABILITY, RECURRENT,
        RECURRENT_TRAINING, REMEDIES,
    )
}  # fmt: skip

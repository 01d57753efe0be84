"""What wrong factors in config.yaml are told: each problem with its line, what is allowed, what was probably meant."""

import pytest
from configs import GOOD, factors, problems, replaced

from gradgrid.core.registry import entries

ACTIVATIONS = ", ".join(entries("activations"))
INITIALIZERS = ", ".join(entries("initializers"))
WHOLE = "allowed: a whole number from 1 to"
TWICE = "a level may stand only once"

CASES = {
    "a misspelt activation": (
        replaced("activation", "activation: [relu, sigmiod]"),
        f"config.yaml:4 factors.activation: 'sigmiod' is not an activation; allowed: {ACTIVATIONS}; "
        "did you mean sigmoid?",
    ),
    "another library's name": (
        replaced("initializer", "initializer: he_normal"),
        f"config.yaml:5 factors.initializer: 'he_normal' is not an initializer; allowed: {INITIALIZERS}; "
        "did you mean kaiming_normal?",
    ),
    "null where nothing is meant": (
        replaced("activation", "activation: null"),
        f"config.yaml:4 factors.activation: null is not an activation; allowed: {ACTIVATIONS}",
    ),
    "an empty list": (
        replaced("depth", "depth: []"),
        "config.yaml:3 factors.depth: the list is empty; allowed: at least one depth",
    ),
    "a negative width": (
        factors("width: -30"),
        f"config.yaml:6 factors.width: -30 is out of range; {WHOLE} 100,000",
    ),
    "a truth value for a number": (
        replaced("depth", "depth: [1, yes]"),
        "config.yaml:3 factors.depth: true is a truth value (YAML reads yes, no, on and off as such), "
        f"not a whole number; {WHOLE} 1,000",
    ),
    "a whole number in quotes": (
        factors('width: "30"'),
        "config.yaml:6 factors.width: '30' is text in YAML, not a whole number: write 30 without quotes; "
        f"{WHOLE} 100,000",
    ),
    "a whole number with a point": (
        factors("width: 30.0"),
        f"config.yaml:6 factors.width: 30.0 is not a whole number; {WHOLE} 100,000",
    ),
    "an exponent that YAML reads as text": (
        factors("learning_rate: 1e-3"),
        "config.yaml:6 factors.learning_rate: '1e-3' is text in YAML, not a number: write 1.0e-3; "
        "allowed: a number above 0",
    ),
    "a negative learning rate": (
        factors("learning_rate: [0.1, -0.1]"),
        "config.yaml:6 factors.learning_rate: -0.1 is out of range; allowed: a number above 0",
    ),
    "a number that is not finite": (
        factors("learning_rate: .nan"),
        "config.yaml:6 factors.learning_rate: .nan is not finite; allowed: a number above 0",
    ),
    "a level twice": (
        replaced("depth", "depth: [1, 2, 1]"),
        "config.yaml:3 factors.depth: 1 is listed twice; a level may stand only once",
    ),
    "a level in two spellings": (
        replaced("activation", "activation: [leaky_relu, {leaky_relu: {negative_slope: 0.01}}]"),
        "config.yaml:4 factors.activation: {leaky_relu: {negative_slope: 0.01}} is the same level as "
        f"'leaky_relu'; {TWICE}",
    ),
    "a level in a list of lines": (
        replaced("depth", "depth:\n    - 1\n    - two"),
        f"config.yaml:5 factors.depth: 'two' is not a whole number; {WHOLE} 1,000",
    ),
    "a misspelt parameter": (
        replaced("activation", "activation: {leaky_relu: {slope: 0.1}}"),
        "config.yaml:4 factors.activation.leaky_relu.slope: unknown parameter of leaky_relu; "
        "allowed: negative_slope; did you mean negative_slope?",
    ),
    "a parameter where there is none": (
        replaced("initializer", "initializer: {identity: {gain: 2.0}}"),
        "config.yaml:5 factors.initializer.identity.gain: unknown parameter; identity takes none",
    ),
    "a value for an entry without parameters": (
        replaced("activation", "activation: {relu: 1.0}"),
        "config.yaml:4 factors.activation.relu: 1.0 is given, but relu takes no parameters; write relu alone",
    ),
    "a value without its parameter's name": (
        replaced("activation", "activation: {leaky_relu: 0.1}"),
        "config.yaml:4 factors.activation.leaky_relu: 0.1 names no parameter; "
        "write {leaky_relu: {negative_slope: 0.01}}",
    ),
    "a parameter out of its range": (
        factors("optimizer: {momentum: {momentum: 1.0}}"),
        "config.yaml:6 factors.optimizer.momentum.momentum: 1.0 is out of range; "
        "allowed: a number from 0 to below 1",
    ),
    "an interval upside down": (
        replaced("initializer", "initializer: {uniform: {low: 3}}"),
        "config.yaml:5 factors.initializer.uniform: low 3 is not below high 1",
    ),
    "an interval beyond single precision": (
        replaced("initializer", "initializer: {uniform: {low: -3.0e+38, high: 3.0e+38}}"),
        "config.yaml:5 factors.initializer.uniform: low -3e+38 and high 3e+38 are too far apart; "
        "allowed: at most 3.4e+38",
    ),
    "a number beyond single precision": (
        replaced("initializer", "initializer: {constant: {value: -1.0e+39}}"),
        "config.yaml:5 factors.initializer.constant.value: -1e+39 is beyond single precision, "
        "which ends at ±3.4e+38",
    ),
    "two names in one level": (
        factors("optimizer: {sgd: {}, adam: {}}"),
        "config.yaml:6 factors.optimizer: {sgd: {}, adam: {}} has 2 keys; "
        "allowed: one name with its parameters a level",
    ),
    "none for null": (
        factors("clipping: [none, {norm: 1.0}]"),
        "config.yaml:6 factors.clipping: 'none' is text in YAML; write null for no clipping",
    ),
    "off for null": (
        factors("clipping: off"),
        "config.yaml:6 factors.clipping: false is a truth value in YAML (so are off and no); "
        "write null for no clipping",
    ),
    "clipping without its threshold": (
        factors("clipping: norm"),
        "config.yaml:6 factors.clipping: norm needs threshold; write {norm: 1.0}",
    ),
    "clipping with a threshold of zero": (
        factors("clipping: {norm: 0}"),
        "config.yaml:6 factors.clipping.norm.threshold: 0 is out of range; allowed: a number above 0",
    ),
    "an unknown factor": (
        factors("dropout: 0.5"),
        "config.yaml:6 factors.dropout: unknown key; allowed: depth, activation, initializer, clipping, "
        "width, optimizer, learning_rate, normalization, residual",
    ),
    "an unknown normalization": (
        factors("normalization: [null, batch_norm]"),
        "config.yaml:6 factors.normalization: 'batch_norm' is not a kind of normalization; "
        "allowed: null, batch, layer; did you mean batch?",
    ),
    "no normalization in words": (
        factors("normalization: [none, layer]"),
        "config.yaml:6 factors.normalization: 'none' is text in YAML; write null for no normalization",
    ),
    "a truth value in quotes": (
        factors("residual: [false, 'yes']"),
        "config.yaml:6 factors.residual: 'yes' is not a truth value; allowed: true, false (without quotes)",
    ),
    "a truth value twice": (
        factors("residual: [no, false]"),
        "config.yaml:6 factors.residual: false is listed twice; a level may stand only once",
    ),
    "a grid too large to list": (
        GOOD.replace("seeds: 2", "seeds: 10000").replace("[1, 2]", f"{list(range(1, 52))}"),
        "config.yaml:2 factors: the grid has 1,020,000 runs; allowed: at most 1,000,000",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_message(case, tmp_path, monkeypatch):
    text, expected = CASES[case]
    assert problems(text, tmp_path, monkeypatch) == [expected]

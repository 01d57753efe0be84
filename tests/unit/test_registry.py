"""Registries read as source text."""

import pytest

from gradgrid.core.errors import GradgridError
from gradgrid.core.registry import LARGEST, RANGES, TRAIN, Range, entries, entry

SOURCE = '''
"""A registry."""
import nothing_that_is_installed
from gradgrid.core.registry import Finite, Fraction, Positive, entry


def helper(z):
    """Not an entry."""


@entry
def plain(z):
    """z (A. Author, 1999).

    More about it.
    """


@entry
def rich(z, draw, *, slope: Finite = -2.5, share: Fraction = 1, scale: Positive):
    return z
'''


def registry(folder, source, name="shapes"):
    """The entries of a registry module with this source."""
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return entries(name, folder)


def test_an_entry_is_a_marked_function_with_its_keyword_parameters(tmp_path):
    found = registry(tmp_path, SOURCE)
    assert list(found) == ["plain", "rich"]
    assert (found["plain"].summary, found["plain"].parameters) == ("z (A. Author, 1999).", {})
    parameters = found["rich"].parameters
    assert {name: p.default for name, p in parameters.items()} == {"slope": -2.5, "share": 1.0, "scale": None}
    assert parameters["share"].allowed is RANGES["Fraction"]
    assert (found["rich"].required, found["rich"].summary) == (("scale",), "")


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("x: float = 1.0", "its annotation must be one of Positive, NonNegative, Fraction"),
        ("x = 1.0", "its annotation must be one of"),
        ("x: Positive = math.pi", "its default must be written as a number"),
        ("x: Positive = 0", "its default 0.0 is not a number above 0"),
    ],
)
def test_an_entry_that_breaks_the_rules_is_named_with_its_line(tmp_path, parameter, message):
    with pytest.raises(GradgridError, match=rf"shapes\.py:2: parameter x of a registry entry: {message}"):
        registry(tmp_path, f"@entry\ndef broken(z, *, {parameter}): ...\n")


def test_a_registry_that_is_missing_or_no_python_is_said(tmp_path):
    with pytest.raises(GradgridError, match=r"nowhere\.py: this part of GradGrid is missing"):
        entries("nowhere", tmp_path)
    with pytest.raises(GradgridError, match=r"shapes\.py:1: not valid Python"):
        registry(tmp_path, "def (:\n")


def test_the_mark_leaves_the_function_as_it_is():
    def function():
        return 1

    assert entry(function) is function


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("Positive", [1e-300, 5], [0, -1]),
        ("NonNegative", [0, 5], [-1e-300]),
        ("Fraction", [0, 0.5, 1], [-0.1, 1.1]),
        ("ProperFraction", [0, 0.5], [1, -0.1]),
        ("Finite", [-LARGEST, 0, 1e38], [1e39, -1e39]),
    ],
)
def test_ranges(name, inside, outside):
    allowed = RANGES[name]
    assert all(map(allowed.holds, inside))
    assert not any(map(allowed.holds, [*outside, float("inf"), float("-inf"), float("nan")]))
    assert isinstance(allowed, Range)


PROMISED = {
    "activations": "identity sigmoid tanh relu leaky_relu elu selu gelu silu softplus softsign hardtanh "
    "lecun_tanh",
    "initializers": "xavier_uniform xavier_normal kaiming_uniform kaiming_normal uniform normal constant "
    "orthogonal identity sparse lecun_normal trunc_normal torch_default lsuv",
    "clipping": "norm value",
    "optimizers": "sgd momentum nesterov adam",
    "losses": "cross_entropy softmax_cross_entropy quadratic",
}


@pytest.mark.parametrize(("name", "expected"), PROMISED.items())
def test_the_registries_hold_what_the_readme_promises(name, expected):
    found = entries(name, TRAIN)
    assert set(found) >= set(expected.split())
    assert all(spec.summary.endswith(".") and len(spec.summary) > 10 for spec in found.values())

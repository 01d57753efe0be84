"""Whatever is done to a configuration, reading it gives a Config or a ConfigError, and nothing else."""

import re

import pytest
import yaml
from configs import GOOD, changed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradgrid.core.config import Config, from_merged, load
from gradgrid.core.errors import ConfigError

TEXT = GOOD + "  clipping: [null, {norm: 1.0}]\ntraining: {epochs: 5, measure_steps: [1, 2]}\n"
TOKENS = ["1e-3", "none", "off", "[", "]", "{", "}", ":", "- ", "&a ", "*a", "!!int ", ".nan", "null", "-1"]
TOKENS += ["0", "<<: ", "? ", "---", "\t", "\n"]
PUT = st.sampled_from(TOKENS).map(str.encode) | st.binary(max_size=3)
MUTATIONS = st.lists(st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), PUT), min_size=1, max_size=4)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("sigmoid")
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
PATHS = ["seeds", "device", "dataset", "dataset.name", "dataset.root", "factors", "factors.depth", "training"]
PATHS += ["factors.activation", "factors.clipping", "factors.learning_rate", "training.measure_steps"]
PATHS += ["factors.normalization", "factors.residual"]


def problems_of(read):
    """The problems that reading a configuration gives; none if it is good."""
    try:
        assert isinstance(read(), Config)
    except ConfigError as error:
        return error.problems
    return []


def check_text(folder, mutations):
    data = TEXT.encode()
    for at, removed, put in mutations:
        data = data[:at] + put + data[at + removed :]
    path = folder / "config.yaml"
    path.write_bytes(data)
    for problem in problems_of(lambda: load(path)):
        assert re.match(r".*config\.yaml(:\d+( .+)?)?: .+$", problem)


def check_value(path, value):
    values = changed(yaml.safe_load(GOOD) | {"dataset": {}, "training": {}}, path, value)
    for problem in problems_of(lambda: from_merged(values, [])):
        assert problem.startswith("--config")


def examples(number):
    return settings(
        max_examples=number, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


@examples(150)
@given(MUTATIONS)
def test_changes_of_the_text(tmp_path, mutations):
    check_text(tmp_path, mutations)


@examples(150)
@given(st.sampled_from(PATHS), VALUES)
def test_changes_of_a_value(path, value):
    check_value(path, value)


@pytest.mark.slow
@examples(4000)
@given(MUTATIONS)
def test_thousands_of_changes_of_the_text(tmp_path, mutations):
    check_text(tmp_path, mutations)


@pytest.mark.slow
@examples(4000)
@given(st.sampled_from(PATHS), VALUES)
def test_thousands_of_changes_of_a_value(path, value):
    check_value(path, value)

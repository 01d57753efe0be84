"""Small configurations for tests, and what a wrong one is told."""

import pytest

from gradgrid.core.config import Config, load
from gradgrid.core.errors import ConfigError

GOOD = """\
seeds: 2
factors:
  depth: [1, 2]
  activation: sigmoid
  initializer: [normal, lecun_normal]
"""


def problems(text, tmp_path, monkeypatch):
    """The lines that config.yaml with this text gets."""
    monkeypatch.chdir(tmp_path)
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "config.yaml").write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load("config.yaml")
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)


def factors(line):
    """A configuration that is good but for ``line``, its line 6."""
    return f"{GOOD}  {line}\n"


def training(line):
    """A configuration that is good but for ``line``, its line 7."""
    return f"{GOOD}training:\n  {line}\n"


def replaced(key, line):
    """A good configuration with the line of one factor replaced."""
    return "".join(f"  {line}\n" if key in old else old for old in GOOD.splitlines(keepends=True))


def changed(values, path, value):
    """A copy of nested mappings with another value at a path of keys with dots."""
    first, _, rest = path.partition(".")
    return values | {first: changed(values[first], rest, value) if rest else value}


def config(seeds=2, training=None, execution=None, **factors):
    """A small configuration with other factors."""
    base = {"depth": [1, 2], "activation": "sigmoid", "initializer": ["normal", "lecun_normal"]}
    return Config(seeds=seeds, factors=base | factors, training=training or {}, execution=execution or {})

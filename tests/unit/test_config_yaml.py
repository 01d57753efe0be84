"""What a file is told that is no valid YAML, or says in YAML what its writer did not mean."""

import pytest
from configs import GOOD, factors, problems

from gradgrid.core.config import load
from gradgrid.core.errors import ConfigError

YAML = {
    "a key twice": (
        f"{GOOD}  depth: 8\n",
        "config.yaml:6: 'depth' is given twice, first in line 3; keep one of them",
    ),
    "a tab": ("seeds: 2\nfactors:\n\tdepth: 1\n", "config.yaml:3: not valid YAML: a tab; indent with spaces"),
    "a bracket left open": (
        "seeds: [1, 2\nfactors: {}\n",
        "config.yaml:2: not valid YAML: expected ',' or ']', but got ':' "
        "(while parsing a flow sequence, which began in line 1)",
    ),
    "an octal number": (
        factors("width: 010"),
        "config.yaml:6: YAML reads 010 as 8, an octal number; write it without the zero",
    ),
    "a number of base 60": (
        factors("width: 1:30"),
        "config.yaml:6: YAML reads 1:30 as 90, a number of base 60; write the number meant",
    ),
    "a tag": (
        f"{GOOD}device: !!python/name:os.system cpu\n",
        "config.yaml:6: 'cpu' cannot be read: "
        "the tag tag:yaml.org,2002:python/name:os.system has no meaning here",
    ),
    "an alias of nothing": (
        factors("width: *wide"),
        "config.yaml:6: not valid YAML: found undefined alias 'wide'",
    ),
    "two documents": (
        f"{GOOD}---\n{GOOD}",
        "config.yaml:6: not valid YAML: but found another document "
        "(expected a single document in the stream, which began in line 1)",
    ),
    "bytes that are not UTF-8": (
        GOOD.encode() + b"# caf\xe9\n",
        "config.yaml:6: byte 0xe9 is not UTF-8; save the file as UTF-8",
    ),
    "a control character": (
        GOOD + "device: \a\n",
        "config.yaml:6: not valid YAML: the control character #x07",
    ),
    "an empty file": (
        "# nothing but a comment\n",
        "config.yaml:1: the file is empty; wanted are the keys seeds, factors, …: see config.yaml",
    ),
    "a list": (
        "- seeds\n- factors\n",
        "config.yaml:1: the file holds a list; wanted are the keys seeds, factors, …: see config.yaml",
    ),
}


@pytest.mark.parametrize("case", YAML)
def test_message(case, tmp_path, monkeypatch):
    text, expected = YAML[case]
    assert problems(text, tmp_path, monkeypatch) == [expected]


@pytest.mark.parametrize(("value", "kind"), [("", "int"), ("perhaps", "bool")])
def test_a_tag_that_does_not_fit_its_value(value, kind, tmp_path, monkeypatch):
    told = problems(f"{GOOD}device: !!{kind} {value}\n", tmp_path, monkeypatch)
    assert f"config.yaml:6: {value!r} cannot be read as {kind}" in told


def test_a_file_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ConfigError, match=r"^config\.yaml: there is no such file; run from the folder that holds"
    ):
        load("config.yaml")


def test_a_folder_instead_of_a_file(tmp_path):
    with pytest.raises(ConfigError, match=r": cannot be read: Is a directory$"):
        load(tmp_path)

"""No configuration leads to a file outside the results folder: names of files are made of checked names and numbers."""

import re

import pytest
from configs import config, problems, replaced

from gradgrid.core.book import training_jobs
from gradgrid.core.config import Config
from gradgrid.core.figures import figures
from gradgrid.core.laboratory import parts
from gradgrid.core.plan import plan
from gradgrid.core.registry import entries

HARMLESS = re.compile(r"[A-Za-z0-9_=.%+-]+")
WITH_PARAMETERS = [
    (name, dict.fromkeys(entry.parameters, value))
    for name, entry in entries("activations").items()
    for value in (1.2345678901234567e30, 1.2345678901234567e-30, 0.1)
    if entry.parameters and all(spec.allowed.holds(value) for spec in entry.parameters.values())
]


def assert_inside(names):
    """Every component is a plain name, that is not too long for a file system and leads nowhere else."""
    for name in names:
        for component in name.split("/"):
            assert HARMLESS.fullmatch(component), name
            assert component not in (".", "..")
            assert len(component) <= 200


@pytest.mark.parametrize(("name", "parameters"), WITH_PARAMETERS)
def test_the_files_of_bundles(name, parameters):
    asked = config(activation={name: parameters}, depth=[1, 1000], width=[1, 10_000])
    assert_inside(bundle.key for bundle in plan(asked).bundles)


def test_the_files_of_the_chapters_and_figures():
    asked = Config(
        seeds=1, factors={"depth": 1, "activation": "tanh", "initializer": "normal"}, book={}, laboratory={}
    )
    jobs = {**training_jobs(asked), **parts(asked)}
    assert jobs
    assert_inside(f"{table}/{part}" for table, found in jobs.items() for part in found)
    assert_inside(figures())


@pytest.mark.parametrize("name", ["../../x", "/x", "a/b", "..", "tanh/..", "tanh\\x00", "~", "<script>", '"'])
@pytest.mark.parametrize("factor", ["activation", "initializer"])
def test_names_that_no_registry_has_are_refused(tmp_path, monkeypatch, name, factor):
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    for written in (f'"{quoted}"', f'{{"{quoted}": {{}}}}'):
        assert problems(replaced(f"{factor}:", f"{factor}: {written}"), tmp_path, monkeypatch)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]

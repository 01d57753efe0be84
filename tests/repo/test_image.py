"""The container image is made of what pyproject.toml and requirements.lock say."""

import re
import tomllib
from pathlib import Path

from packaging.specifiers import SpecifierSet

REPOSITORY = Path(__file__).parents[2]
LINES = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").splitlines()
BASE = re.compile(r"FROM python:(\d+\.\d+)\.\d+-slim-bookworm@sha256:[0-9a-f]{64}")
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_base_is_pinned_and_of_the_python_that_the_lock_is_made_for():
    (base,) = [line for line in LINES if line.startswith("FROM")]
    version = BASE.fullmatch(base)[1]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert version in SpecifierSet(project["requires-python"])
    assert re.findall(r"with\s+Python (\d+\.\d+)", CONTRIBUTING.partition("`requirements.lock` holds")[2])[
        :1
    ] == [version]


def test_packages_come_from_the_lock_with_their_hashes_and_nothing_else_does():
    installed = [line for line in LINES if "pip install" in line]
    locked, own = installed
    assert "--require-hashes --requirement requirements.lock" in locked
    assert "--no-deps --no-build-isolation ." in own
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(
        r"^setuptools==(\d+)", lock, re.M
    )  # without isolation the package is built with this one


def test_whoever_runs_it_is_not_root():
    assert [line for line in LINES if line.startswith("USER")] == ["USER 1000"]


def test_everything_that_the_image_is_given_is_there():
    given = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    named = [line.removeprefix("!") for line in given if line.startswith("!")]
    assert [name for name in named if not (REPOSITORY / name).exists()] == []
    assert {"Snakefile", "config.yaml", "profiles", "src", "workflow", "environment.yml"} <= set(named)

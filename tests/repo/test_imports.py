"""Imports point one way: core ◄ data; core ◄ train ◄ theory ◄ book, laboratory; core ◄ analysis ◄ figures."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from gradgrid.core.imports import imported_modules
from gradgrid.core.registry import PACKAGE, read_module

MAY_IMPORT = {
    "core": set(),
    "data": {"core"},
    "train": {"core"},
    "theory": {"core", "train"},
    "analysis": {"core"},
    "book": {"core", "train", "theory", "analysis"},
    "laboratory": {"core", "train", "theory", "analysis"},
    "figures": {"core", "analysis"},
    "report": {"core"},
    "partial": {"core", "data", "analysis", "figures", "report"},
    "cli": {"core", "train", "partial", "report"},
    "__init__": set(),
}
"""Each part of the package and the other parts that it may import."""

PLOTTING = {"matplotlib", "seaborn"}
HEAVY = {"torch", "torchvision", "pandas", "pyarrow", "numpy", "scipy", "sklearn", "jinja2", *PLOTTING}
KEPT_OUT = {
    "core": HEAVY - {"pandas", "pyarrow", "numpy"},
    "data": PLOTTING,
    "train": PLOTTING | {"torchvision"},
    "theory": PLOTTING | {"torchvision"},
    "book": PLOTTING | {"torchvision"},
    "laboratory": PLOTTING | {"torchvision"},
    "analysis": PLOTTING | {"torch", "torchvision"},
    "figures": {"torch", "torchvision"},
    "report": PLOTTING | {"torch", "torchvision"},
}
"""Packages that no module of a part imports."""

CONFIG = Path(__file__).parents[2] / "config.yaml"
PARSING = """
import sys
from gradgrid.core import basis, config, fingerprints, plan, work
import gradgrid.cli
asked = config.load(sys.argv[1])
bundle = plan.plan(asked).bundles[0]
held = basis.Basis.of(bundle.runs, asked.training, "mnist", "", fingerprints.TrainingSource())
assert work.examine(bundle, held).generation == 1
print(*{name.partition(".")[0] for name in sys.modules})
"""
"""What a workflow does before its first job, and the packages that it loads."""

SOURCES = sorted(PACKAGE.rglob("*.py"))


def part(path):
    """The part of the package to which a source file belongs."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def named(path):
    return str(path.relative_to(PACKAGE))


def packages(path):
    """Top-level packages that a source file imports anywhere in it."""
    for node in ast.walk(read_module(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)}:{node.lineno}: write the import in full"
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_part_imports_only_what_lies_below_it(path):
    imported = {name.split(".")[1] for name in imported_modules(path) if "." in name} - {part(path)}
    assert imported <= MAY_IMPORT[part(path)]


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_part_imports_a_package_that_it_must_do_without(path):
    assert set(packages(path)) & (KEPT_OUT.get(part(path), set()) | {"snakemake"}) == set()


def test_nothing_in_the_package_is_forgotten():
    assert {part(path) for path in SOURCES} <= set(MAY_IMPORT)


def test_reading_and_planning_a_configuration_loads_nothing_heavy():
    ended = subprocess.run(
        [sys.executable, "-c", PARSING, CONFIG], capture_output=True, text=True, check=True
    )
    loaded = set(ended.stdout.split())
    assert "gradgrid" in loaded
    assert loaded & HEAVY == set()

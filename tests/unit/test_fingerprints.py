"""What changes a fingerprint, and what does not."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from configs import config

from gradgrid.core.basis import Basis
from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.fingerprints import (
    CARRIERS,
    TrainingSource,
    code_digest,
    function_digest,
    source_digest,
    train_sources,
)
from gradgrid.core.imports import imported_modules, module_path
from gradgrid.core.plan import Run, plan
from gradgrid.core.registry import PACKAGE

MODULES = {
    "train/trainer.py": "from gradgrid.train import activations, initializers, losses, optimizers, clipping\n"
    "from gradgrid.train import normalization\n"
    "from gradgrid.train.steps import step\nfrom gradgrid.core.config import Training\n"
    "def train(runs):\n    return step(runs)\n",
    "train/steps.py": "from typing import TYPE_CHECKING\nimport gradgrid.core.seeds\n"
    "if TYPE_CHECKING:\n    from gradgrid.train.unused import Type\n"
    "def step(runs):\n    return 1\n",
    "train/unused.py": "Type = int\n",
    "train/kernel/steps.h": "int step() { return 1; }  // one step\n",
    "core/seeds.py": "def derive():\n    return 1\n",
    "core/config.py": "Training = 1\n",
    "train/activations.py": "@entry\ndef sigmoid(z):\n    return 1\n@entry\ndef relu(z):\n    return 2\n",
    "train/initializers.py": "def gain():\n    return 1\n@entry\ndef normal(w):\n    return 1\n"
    "@entry\ndef lecun_normal(w):\n    return normal(w) * gain()\n@entry\ndef uniform(w):\n    return 3\n",
    "train/losses.py": "@entry\ndef cross_entropy(z):\n    return 1\n"
    "@entry\ndef quadratic(z):\n    return 2\n",
    "train/optimizers.py": "@entry\ndef sgd(g):\n    return g\n",
    "train/normalization.py": "@entry\ndef batch():\n    return 1\n@entry\ndef layer():\n    return 2\n",
    "train/clipping.py": "@entry\ndef norm(g):\n    return g\n@entry\ndef value(g):\n    return g\n",
}
CONFIG = config(
    initializer=["normal", "lecun_normal", "uniform"], depth=1, clipping=[None, {"norm": 1.0}], seeds=1
)
RUNS = {(run.cell.initializer.name, run.cell.clipping is not None): run for run in plan(CONFIG).runs}


@pytest.fixture
def package(tmp_path):
    """A package with a trainer, its registries, and what it imports."""
    for name, source in MODULES.items():
        path = tmp_path / "gradgrid" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path / "gradgrid"


def basis(package, runs=RUNS):
    """What runs rest on, with the source of a package."""
    return Basis.of(runs.values(), CONFIG.training, "mnist", "data", TrainingSource(package=package))


def digests(package, runs=RUNS):
    """The fingerprint of every run."""
    found = basis(package, runs)
    return {key: found.fingerprint(run) for key, run in runs.items()}


def changed(package, module, old, new, runs=RUNS):
    """The runs whose fingerprint changes with an edit of a module: those for which something is said to change."""
    before, then = digests(package, runs), basis(package, runs)
    path = package / module
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    after, now = digests(package, runs), basis(package, runs)
    for key, run in runs.items():
        assert bool(now.changes(then, run)) == (before[key] != after[key])
    return {key for key in before if before[key] != after[key]}


def of_initializers(*names):
    """The runs with one of these initializers."""
    return {key for key in RUNS if key[0] in names}


def test_training_goes_through_the_trainer_and_what_it_imports(package):
    names = [str(path.relative_to(package)) for path in train_sources(package=package)]
    train = ["activations", "clipping", "initializers", "losses", "normalization", "optimizers", "steps"]
    train += ["trainer"]
    assert names == ["core/seeds.py", *(f"train/{name}.py" for name in train)]


def test_comments_layout_and_docstrings_change_nothing(package):
    new = '"""Steps."""\n\ndef step(\n    runs,\n):  # one step\n    """Take it."""\n    return (1)\n'
    assert changed(package, "train/steps.py", "def step(runs):\n    return 1\n", new) == set()


def test_the_training_loop_changes_every_run(package):
    assert changed(package, "train/steps.py", "return 1", "return 1.0") == set(RUNS)


def test_the_kernel_changes_every_run_but_not_by_its_comments(package):
    assert changed(package, "train/kernel/steps.h", "  // one step", "\n// a step\n") == set()
    assert changed(package, "train/kernel/steps.h", "return 1", "return 2") == set(RUNS)


def test_an_initializer_changes_its_own_runs_and_those_of_entries_that_use_it(package):
    assert changed(package, "train/initializers.py", "return 3", "return 4") == of_initializers("uniform")
    edit = ("def normal(w):\n    return 1", "def normal(w):\n    return 5")
    assert changed(package, "train/initializers.py", *edit) == of_initializers("normal", "lecun_normal")


def test_what_entries_share_changes_every_run(package):
    edit = ("def gain():\n    return 1", "def gain():\n    return 2")
    assert changed(package, "train/initializers.py", *edit) == set(RUNS)


def test_clipping_changes_the_runs_that_clip_so(package):
    clipped = {key for key in RUNS if key[1]}
    edit = ("def norm(g):\n    return g", "def norm(g):\n    return 2 * g")
    assert changed(package, "train/clipping.py", *edit) == clipped
    edit = ("def value(g):\n    return g", "def value(g):\n    return 0")
    assert changed(package, "train/clipping.py", *edit) == set()


def test_a_normalization_changes_the_runs_that_have_it(package):
    runs = {"batch": Run(replace(RUNS["normal", False].cell, normalization=Entry("batch")), 0)} | RUNS
    assert changed(package, "train/normalization.py", "return 2", "return 3", runs) == set()
    assert changed(package, "train/normalization.py", "return 1", "return 3", runs) == {"batch"}


def test_other_activations_losses_new_entries_and_carriers_change_nothing(package):
    assert changed(package, "train/activations.py", "return 2", "return 3") == set()
    assert changed(package, "train/losses.py", "return 2", "return 3") == set()
    new = "@entry\ndef elu(z):\n    return 0\n@entry\ndef relu"
    assert changed(package, "train/activations.py", "@entry\ndef relu", new) == set()
    assert changed(package, "core/config.py", "1", "2") == set()


def test_what_changed_is_said_in_words(package):
    then = basis(package)
    changed(package, "train/initializers.py", "return 3", "return 4")
    changed(package, "train/steps.py", "return 1", "return 1.0")
    now = Basis.of(RUNS.values(), CONFIG.training, "digits", "data", TrainingSource(package=package))
    assert now.changes(then, RUNS["uniform", False]) == [
        "dataset: digits, was mnist",
        "epochs: 8, was 5",
        "measured steps changed",
        "source of train.steps changed",
        "initializer uniform: source changed",
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x = 1", "x = 1.0", False),
        ("x = True", "x = 1", False),
        ("x = 'a' 'b'", 'x = "ab"', True),
        ("x = 1", "x: int = 1", False),
        ("def f(a, *, b=1): pass", "def f(a, b=1): pass", False),
        ("def f():\n    '''Text.'''\n    x = 1", "def f():\n    x = 1", True),
        ("def f():\n    return None", "def f():\n    return", False),
        ("x = f'{y:>{w}}'", "x = f'{y:<{w}}'", False),
        ("class A:\n    x: int\n    '''Its note.'''", "class A:\n    x: int", True),
        ("a.b = 1", "a.c = 1", False),
    ],
)
def test_source_digests(tmp_path, one, other, same):
    found = []
    for folder, text in (("one", one), ("other", other)):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "module.py"
        path.write_text(text)
        found.append(source_digest([path]))
    assert (found[0] == found[1]) is same


def test_the_digest_is_the_same_in_every_process_and_version_of_python(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("async def f(a: int = 1, *b, **c) -> None:\n    return [x async for x in a if x > 0.5]\n")
    command = "import sys, pathlib\nfrom gradgrid.core.fingerprints import source_digest\n"
    command += "print(source_digest([pathlib.Path(sys.argv[1])]))"
    shown = subprocess.run(
        [sys.executable, "-c", command, path], capture_output=True, text=True, check=True
    ).stdout
    assert shown.strip() == source_digest([path]) == "6a7e90de16662e98"


@pytest.mark.parametrize(
    ("settings", "edit", "same"),
    [
        ("", "return 3", True),
        ('{"initializer": "uniform"}', "return 3", False),
        ('{"initializer": "nonuniform"}', "return 3", True),
        ('{"initializer": "lecun_normal"}', "def normal(w):\n    return 1", False),
        ('{"initializer": "uniform"}', "def normal(w):\n    return 1", True),
        ("", "def gain():\n    return 1", False),
    ],
)
def test_an_experiment_s_digest_has_the_entries_that_it_names(package, settings, edit, same):
    def found():
        return code_digest("gradgrid.train.trainer", settings=settings, package=package)

    before = found()
    path = package / "train/initializers.py"
    path.write_text(path.read_text().replace(edit, f"{edit} + 7"))
    assert (found() == before) is same


def test_an_entry_that_the_source_names_counts_without_settings(package):
    path = package / "train/steps.py"
    path.write_text(path.read_text() + "KIND = Entry('uniform')\n")
    before = code_digest("gradgrid.train.trainer", package=package)
    path = package / "train/initializers.py"
    path.write_text(path.read_text().replace("return 3", "return 4"))
    assert code_digest("gradgrid.train.trainer", package=package) != before


FIGURES = """from gradgrid.figures import style
KINDS = {"a": by_constant}
def by_constant(): return 1
def helper(): return 2
def one(): return helper()
def other(): return 3
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("return 3", "return 4", True),
        ("def other()", "def another()", True),
        ("def one(): return helper()", "def one():\n    'Text.'\n    return helper()  # it", True),
        ("def one(): return helper()", "def one(): return helper() + 1", False),
        ("return 2", "return 4", False),
        ("return 1", "return 4", False),
        ('"a"', '"b"', False),
    ],
)
def test_a_function_s_digest_is_that_of_what_it_uses(tmp_path, old, new, same):
    (tmp_path / "gradgrid" / "figures").mkdir(parents=True)
    module, style = (tmp_path / "gradgrid" / "figures" / name for name in ("lines.py", "style.py"))
    style.write_text("COLOUR = 1\n")
    module.write_text(FIGURES)

    def found():
        return function_digest("gradgrid.figures.lines", "one", tmp_path / "gradgrid")

    before = found()
    module.write_text(FIGURES.replace(old, new))
    assert (found() == before) is same
    style.write_text("COLOUR = 2\n")
    assert found() != before


def test_a_run_s_fingerprint_depends_on_its_settings_as_they_are_on_the_dataset():
    run, other = RUNS["normal", False], RUNS["normal", True]

    def of(run=run, dataset="mnist", data="d", **training):
        return Basis.of([run], Training(**training), dataset, data, TrainingSource()).fingerprint(run)

    assert len(of()) == 16
    assert of() == of(digits_epochs=7) != of(epochs=7)
    assert of(dataset="digits") == of(dataset="digits", epochs=7) != of(dataset="digits", digits_epochs=7)
    assert (
        of(epochs=1)
        == of(epochs=1, measure_steps=[1, 10, 100, 1000, 5000])
        != of(epochs=1, measure_steps=[1])
    )
    assert len({of(), of(other), of(data="e"), of(weight_decay=0), of(bias="zero")}) == 5


def test_the_true_trainer_is_found_with_its_registries_and_no_carrier():
    found = {str(path.relative_to(PACKAGE)) for path in train_sources()}
    registries = {
        f"train/{name}.py"
        for name in ("activations", "initializers", "clipping", "losses", "normalization", "optimizers")
    }
    assert found >= registries | {"train/trainer.py", "core/seeds.py", "core/schedule.py"}
    assert not found & {"train/reference.py", "core/config.py", "cli.py"}
    assert all(module_path(name).is_file() for name in CARRIERS), "a carrier that is no module guards nothing"


def test_imports_are_read_with_their_full_names():
    assert imported_modules(Path(module_path("gradgrid.core.schedule"))) == ["gradgrid.core.datasets"]

"""environment.yml, pyproject.toml and requirements.lock agree."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
CONDA_NAMES = {"torch": "pytorch", "playwright": "playwright-python"}
PIN = re.compile(r"([A-Za-z0-9._-]+)==(\S+) \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def requirements(project):
    """Name to requirement, of what running, here and on a cluster, and testing needs."""
    extras = project["optional-dependencies"]
    parsed = map(Requirement, project["dependencies"] + extras["slurm"] + extras["test"])
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


@pytest.fixture(scope="module")
def lock():
    return (REPOSITORY / "requirements.lock").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def locked(lock):
    """Name to version of every locked distribution."""
    pins = (PIN.fullmatch(line) for line in lock)
    return {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}


def test_conda_has_the_bounds_of_pyproject(project, requirements):
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))
    *listed, from_pip = environment["dependencies"]
    named = [*listed, *from_pip["pip"]]
    listed = [Requirement(line) for line in named if line != "pip" and not line.startswith("--editable")]
    conda = {requirement.name: requirement.specifier for requirement in listed}
    expected = {
        CONDA_NAMES.get(name, name): requirement.specifier for name, requirement in requirements.items()
    }
    beside = {"python": Requirement(f"python{project['requires-python']}").specifier}
    assert conda == expected | beside | {"cxx-compiler": Requirement("cxx-compiler").specifier}


def test_the_lock_holds_names_versions_and_hashes_alone(lock):
    content = [line for line in lock if line and not line.startswith("#")]
    assert [line for line in content if not PIN.fullmatch(line) and not HASH.fullmatch(line)] == []
    assert "http" not in "\n".join(lock)


def test_every_locked_distribution_has_a_hash(lock):
    pairs = zip(lock, [*lock[1:], ""], strict=True)
    assert [line for line, following in pairs if PIN.fullmatch(line) and not HASH.fullmatch(following)] == []


def test_the_lock_satisfies_the_bounds(requirements, locked):
    for name, requirement in requirements.items():
        assert requirement.specifier.contains(locked[name]), f"{requirement} is locked at {locked[name]}"


def test_torch_and_torchvision_are_the_pair_known_to_match(locked):
    assert (locked["torch"], locked["torchvision"]) == ("2.15.0", "0.29.2")


def test_no_bound_lets_in_the_pair_that_does_not_load(requirements):
    assert not requirements["torch"].specifier.contains("2.13.0")
    assert not requirements["torch"].specifier.contains("2.13.0+cpu")
    assert not requirements["torchvision"].specifier.contains("0.28.0")


def test_conda_gets_the_package_by_a_script_that_runs_in_its_folder():
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert all(Requirement(line).name for line in pip)  # no path: Snakemake copies the file elsewhere
    script = (REPOSITORY / "environment.post-deploy.sh").read_text(encoding="utf-8")
    assert script.splitlines()[-1] == "pip install --no-deps --editable ."

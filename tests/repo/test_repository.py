"""The repository's own files: they agree with each other, lead somewhere, and hold nothing of one machine."""

import ast
import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = ("src", "tests", "workflow", "benchmarks", "docs", ".ci", ".github")
OUTPUTS = ("results/README.md", "report/README.md")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
ABSOLUTE = re.compile(r"(?<![\w.:/~-])/(?:home|Users|root|work|opt|mnt)/")
PAGES = sorted(
    [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *map(REPOSITORY.joinpath, OUTPUTS)]
)
MODULES = sorted([*REPOSITORY.glob("src/**/*.py"), *REPOSITORY.glob("workflow/**/*.py")])


def named(path):
    return str(path.relative_to(REPOSITORY))


def kept_files():
    """Every text file that belongs to the repository; outputs and what tools write are left out."""
    within = [path for folder in OURS for path in (REPOSITORY / folder).rglob("*")]
    files = [path for path in [*REPOSITORY.iterdir(), *within] if path.is_file()]
    written = ("__pycache__", ".egg-info", ".so")
    return [path for path in files if not any(part in str(path) for part in written)]


def anchors(page):
    """The anchors of a page's headings, as they are made on the web."""
    kept = (
        re.sub(r"[^\w\- ]", "", heading.lower())
        for heading in HEADING.findall(page.read_text(encoding="utf-8"))
    )
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "://" in link:
            continue
        assert target.exists(), f"{named(page)} links to {link}"
        assert not anchor or anchor in anchors(target), f"{named(page)} links to {link}"


def test_no_file_holds_a_path_of_one_machine():
    here = f"{REPOSITORY}{os.sep}"
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in kept_files()}
    assert [named(path) for path, text in texts.items() if here in text] == []
    assert [
        named(path) for path, text in texts.items() if "tests" not in path.parts and ABSOLUTE.search(text)
    ] == []


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert f"## [{PROJECT['version']}]" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_check_can_be_run_and_the_hosted_one_calls_it():
    script = REPOSITORY / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
    hosted = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert [step["run"] for step in hosted["jobs"]["check"]["steps"] if "run" in step] == ["bash .ci/run"]


def test_the_hooks_run_what_is_installed():
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    assert {hook["entry"].split()[0] for hook in hooks["repos"][0]["hooks"]} == {"ruff", "snakefmt"}


@pytest.mark.parametrize("page", OUTPUTS)
def test_the_outputs_have_a_page_that_git_keeps(page):
    assert (REPOSITORY / page).is_file()
    assert f"!/{page}" in (REPOSITORY / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_files_and_functions_stay_small(module):
    text = module.read_text(encoding="utf-8")
    assert text.count("\n") <= 300
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions if node.end_lineno - node.lineno + 1 > 50] == []


def test_every_public_function_and_class_of_the_package_has_a_docstring():
    for module in REPOSITORY.glob("src/**/*.py"):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        nodes = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        bare = [node.name for node in nodes if not node.name.startswith("_") and not ast.get_docstring(node)]
        assert bare == [], f"{named(module)}: {bare}"

"""What an edit of a file makes Snakemake do again: nothing but what it concerns, and what `gradgrid plan` says."""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from unittest.mock import ANY

import pytest
from workspace import copied_source

from gradgrid.core.figures import figures

PACKAGE = "src/gradgrid"
FIGURES = Counter(spec.table if spec.part == "grid" else spec.part for spec in figures().values())
OF_GRID = FIGURES.total() - FIGURES["book"] - FIGURES["laboratory"]
REPORT = {"report": 1}
TABLES = {"collect": 3, "runs": 1, "cells": 1, "compare": 1, "provenance": 1, "figure": OF_GRID, **REPORT}
CHAPTERS = re.compile("book_|laboratory_")
TRAINED = re.compile(r"([\d,]+) to train")


@dataclass(frozen=True)
class Edit:
    """New text for old in files; the jobs it leads to, those of the two chapters apart; and the runs it trains."""

    places: tuple[tuple[str, str, str], ...]
    jobs: dict[str, int]
    runs: int = 0
    chapters: bool = False

    def do(self, folder):
        for name, old, new in self.places:
            path = folder / name
            text = path.read_text(encoding="utf-8")
            assert old in text, f"{old!r} is not in {name}"
            path.write_text(text.replace(old, new, 1), encoding="utf-8")


@dataclass(frozen=True)
class Touch(Edit):
    """Every file but the results is new, as after a checkout, and so is the data."""

    def do(self, folder):
        kept = {".snakemake", "results", "report"}
        files = (path for path in folder.rglob("*") if path.is_file())
        for path in files:
            if not kept & set(path.relative_to(folder).parts):
                path.touch()
        os.utime(folder / "results/data/dataset.npz")


def source(name, old, new):
    """One place in the package's source."""
    return (f"{PACKAGE}/{name}", old, new)


def settings(old, new):
    """One place in the settings."""
    return (("settings.yaml", old, new),)


NORMAL = source(
    "train/initializers.py", "init.normal_(weight, mean, std,", "init.normal_(weight, mean, 1 * std,"
)
COMMENTS = (
    source("train/passes.py", "from dataclasses", "# a comment\nfrom dataclasses"),
    source("train/initializers.py", '"""N(mean, std²)', '"""Normal: N(mean, std²)'),
    source("figures/style.py", "\nfrom ", "\n# colours\nfrom "),
    source("analysis/verdicts.py", "HEALTHY = VERDICTS[-1]", "HEALTHY = (VERDICTS[-1])"),
    ("workflow/scripts/figure.py", "with job", "\nwith job"),
)
UNUSED = source("train/initializers.py", "init.trunc_normal_(", "1 * init.trunc_normal_(")
LOOP = source("train/passes.py", "@dataclass", "_EDITED = True\n\n\n@dataclass")
CAPTION = source("figures/clipping.py", "Percentage of the steps", "Share of the steps, in percent,")
COLOUR = source("figures/style.py", "\nfrom ", "\n_EDITED = True\nfrom ")
STATISTIC = source("analysis/verdicts.py", "HEALTHY = VERDICTS[-1]", "HEALTHY = VERDICTS[6]")
TEMPLATE = source("report/templates/methods.html.j2", "<", " <")

EDITS = {
    "every time stamp": Touch((), {}),
    "comments, layout, docstrings": Edit(COMMENTS, {}),
    "an initializer of the laboratory alone": Edit((UNUSED,), REPORT, chapters=True),
    "an initializer": Edit((NORMAL,), {"train": 4, **TABLES}, 16, chapters=True),
    "the training loop": Edit((LOOP,), {"train": 4, **TABLES}, 32, chapters=True),
    "a caption": Edit((CAPTION,), {"figure": 1, **REPORT}),
    "a colour": Edit((COLOUR,), {"figure": FIGURES.total(), **REPORT}),
    "a statistic": Edit(
        (STATISTIC,), {"collect": 3, "runs": 1, "cells": 1, "compare": 1, "figure": ANY, **REPORT}
    ),
    "a threshold of the verdicts": Edit(
        settings("seeds: 2", "seeds: 2\nverdicts: {dead_share: 0.4}"),
        {"runs": 1, "cells": 1, "compare": 1, "provenance": 1, "figure": ANY, **REPORT},
    ),
    "a template of the report": Edit((TEMPLATE,), REPORT),
    "a comment in config.yaml": Edit((("config.yaml", "#\n", "# nothing else\n#\n"),), REPORT),
    "one more seed": Edit(settings("seeds: 2", "seeds: 3"), {"train": 6, **TABLES}, 16),
    "one more depth, before the others": Edit(
        settings("depth: [1, 2]", "depth: [3, 1, 2]"), {"train": 2, **TABLES}, 16
    ),
    "one more initializer": Edit(
        settings("[lecun_normal, normal]", "[sparse, normal, lecun_normal]"), {"train": 4, **TABLES}, 16
    ),
    "one initializer less": Edit(settings("[lecun_normal, normal]", "[normal]"), {"train": 4, **TABLES}),
    "one depth less": Edit(settings("depth: [1, 2]", "depth: 2"), TABLES),
    "another order of the levels": Edit(
        settings("[lecun_normal, normal]", "[normal, lecun_normal]"), {"provenance": 1, **REPORT}
    ),
    "more epochs": Edit(settings("digits_epochs: 2", "digits_epochs: 3"), {"train": 4, **TABLES}, 32),
    "the device": Edit(settings("device: cpu", "device: auto"), {"provenance": 1, **REPORT}),
}


TELLING = {
    name: EDITS[name]
    for name in (
        "every time stamp",
        "comments, layout, docstrings",
        "an initializer",
        "a statistic",
    )
}
"""Those that are tried in every run of the tests."""


@pytest.fixture
def edited(finished, tmp_path, request):
    """The finished folder with a copy of the package's source of its own, after an edit."""
    workspace = copied_source(finished.copy(tmp_path / "grid"))
    EDITS[request.param].do(workspace.folder)
    return workspace


def planned(workspace):
    """What `gradgrid plan` says to a machine."""
    command = [sys.executable, "-m", "gradgrid.cli", "plan", "config.yaml", "settings.yaml", "--json"]
    environment, folder = workspace.environment, workspace.folder
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def of_grid(jobs, chapters):
    """The jobs but the target and those of the two chapters, with all figures if these have jobs."""
    others = {"all", "figure"} if chapters else {"all"}
    return {rule: count for rule, count in jobs.items() if rule not in others and not CHAPTERS.match(rule)}


@pytest.mark.parametrize(("edited", "edit"), TELLING.items(), ids=TELLING, indirect=["edited"])
def test_an_edit_leads_to_what_it_concerns(edited, edit):
    ended = edited.snakemake("-n")
    assert ended.status == 0, ended.output
    chapters = any(map(CHAPTERS.match, ended.jobs))
    assert (of_grid(ended.jobs, chapters), chapters) == (of_grid(edit.jobs, chapters), edit.chapters)
    assert planned(edited)["train"] == edit.runs


@pytest.mark.slow
@pytest.mark.parametrize(("edited", "edit"), EDITS.items(), ids=EDITS, indirect=["edited"])
def test_what_was_planned_is_done(edited, edit, request):
    test_an_edit_leads_to_what_it_concerns(edited, edit)
    listed = edited.snakemake("-n").jobs
    logs = edited.folder / "results/logs/train"
    before = {path: path.stat().st_mtime_ns for path in logs.rglob("*.log")}
    began = time.monotonic()
    ended = edited.snakemake()
    seconds = time.monotonic() - began
    assert ended.status == 0, ended.output
    assert ended.jobs == listed
    said = [path.read_text() for path in logs.rglob("*.log") if path.stat().st_mtime_ns != before.get(path)]
    assert len(said) == listed.get("train", 0)
    assert sum(int(found[1]) for text in said if (found := TRAINED.search(text))) == edit.runs
    print(f"{request.node.callspec.id}: {edit.runs} runs, {sum(listed.values())} jobs, {seconds:.0f} s")
    assert edited.snakemake("-n").jobs == {}
    assert planned(edited)["train"] == 0

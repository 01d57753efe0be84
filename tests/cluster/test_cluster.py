"""The small grid on a true SLURM: what is submitted, that the numbers are the same, and what an edit leads to."""

import pytest
from grid import assert_same_numbers
from submitted import SETTINGS
from workspace import Workspace

from gradgrid.core.figures import figures

pytestmark = pytest.mark.cluster


def test_trainings_are_submitted_all_at_once_and_everything_else_stays(slurm, submitted):
    jobs = slurm.jobs(submitted.folder)
    assert sorted(job.bundle for job in jobs) == sorted(submitted.keys)
    assert {(job.rule, job.state, job.memory, job.limit) for job in jobs} == {
        ("train", "COMPLETED", "2000M", "10:00")
    }
    began, ended = max(job.began for job in jobs), min(job.ended for job in jobs)
    assert (len(jobs), began <= ended) == (12, True)
    figured = sum(spec.part == "grid" for spec in figures().values())
    tables = {"collect": 3, "runs": 1, "cells": 1, "compare": 1}
    local = {"data": 1, **tables, "provenance": 1, "figure": figured, "report": 1}
    assert submitted.ended.jobs == {"train": 12, **local, "all": 1}
    assert (submitted.folder / "report/index.html").is_file()


def test_numbers_are_those_of_a_local_run(submitted, tmp_path):
    local = Workspace.new(tmp_path / "grid", {}, SETTINGS)
    ended = local.snakemake("--until", "train")
    assert ended.status == 0, ended.output
    for key in submitted.keys:
        assert_same_numbers(submitted.folder, local.folder, key)


def test_where_nothing_changed_nothing_is_done(submitted):
    assert submitted.run("-n").jobs == {}
    assert submitted.workspace.snakemake("-n").jobs == {}  # and here, without the cluster


def test_after_an_edit_only_what_it_concerns_is_submitted(slurm, submitted, tmp_path):
    edited = submitted.copy(tmp_path / "grid")
    settings = SETTINGS.replace("[1, 2, 3]", "[1, 4]")
    (edited.folder / "settings.yaml").write_text(settings, encoding="utf-8")
    ended = edited.run("--until", "train")
    assert (ended.status, ended.jobs) == (0, {"train": 4}), ended.output
    assert {job.bundle.partition("/")[0] for job in slurm.jobs(edited.folder)} == {"depth=4"}
    assert edited.run("-n", "--until", "train").jobs == {}


def test_forced_runs_are_trained_again(slurm, submitted, tmp_path):
    forced = submitted.copy(tmp_path / "grid")
    key = submitted.keys[0]
    ended = forced.run(f"results/grid/runs/{key}.parquet", "--forcerun", "train")
    assert (ended.status, ended.jobs) == (0, {"train": 1}), ended.output
    assert (
        "8 runs: 0 fresh, 8 to train: forced (8)"
        in (forced.folder / f"results/logs/train/{key}.log").read_text()
    )
    assert_same_numbers(forced.folder, submitted.folder, key)

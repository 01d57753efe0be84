"""The command line: what it prints, and that no problem of the user's shows a traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from configs import GOOD

from gradgrid import cli

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the command line in a folder with a good config.yaml; gives status, output and errors."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(GOOD)

    def run(*arguments):
        status = cli.main(arguments)
        return status, *capsys.readouterr()

    return run


def test_a_good_configuration_gets_one_line(run):
    assert run("check") == (0, "config.yaml: OK: 4 cells, 8 runs in 2 bundles\n", "")


def test_further_files_are_laid_over_the_first(run):
    Path("mine.yaml").write_text("factors: {depth: 5}\n")
    assert run("check", "config.yaml", "mine.yaml")[1] == (
        "config.yaml + mine.yaml: OK: 2 cells, 4 runs in 1 bundle\n"
    )


def test_problems_are_all_printed_and_counted(run):
    Path("config.yaml").write_text(GOOD + "device: gpu\nepochs: 3\n")
    status, output, errors = run("check")
    assert (status, output) == (1, "")
    assert errors.splitlines() == [
        "config.yaml:6 device: 'gpu' is not a device; allowed: auto, cpu, cuda; did you mean cuda?",
        "config.yaml:7 epochs: unknown key; allowed: dataset, device, seeds, factors, training, verdicts, book, "
        "laboratory, execution; did you mean training.epochs?",
        "2 problems",
    ]


@pytest.mark.parametrize("command", ["check", "plan"])
def test_a_file_that_is_not_there(run, command):
    status, output, errors = run(command, "nowhere/config.yaml")
    assert (status, output) == (1, "")
    assert errors.startswith("nowhere/config.yaml: there is no such file; ")


def test_the_plan_of_the_default_configuration(run):
    status, output, _ = run("plan", str(REPOSITORY / "config.yaml"), "--cores", "2")
    assert status == 0
    words = " ".join(output.split())
    assert "cells 864 4 depth × 6 activation × 12 initializer × 3 clipping" in words
    assert "runs 4,320 5 seeds a cell bundles 24 of at most 180 runs" in words
    assert "on mnist digits (the fallback) epochs 5 8 steps a run 25,000 1,040" in words
    assert "rows of gradients 205,200 246,240 rows of accuracy 56,160 82,080" in words
    assert "time on 2 cores about" in words
    assert "the book's chapter about" in words
    assert all(line == line.rstrip() for line in output.splitlines())


def test_the_plan_without_the_book_says_nothing_of_it(run):
    Path("config.yaml").write_text(GOOD + "book: null\n")
    assert "book" not in run("plan")[1]


def test_the_plan_without_a_fallback_has_one_column(run):
    Path("config.yaml").write_text(GOOD + "dataset: {name: digits}\n")
    assert "fallback" not in run("plan")[1]


def test_a_wrong_number_of_cores(run, capsys):
    with pytest.raises(SystemExit, match="2"):
        run("plan", "--cores", "0")
    assert "'0' is not a number of cores; allowed: 1, 2, 3, …" in capsys.readouterr().err


def test_help_and_version(run, capsys):
    for argument, wanted in (
        ("--help", "say what is wrong with the configuration"),
        ("--version", "gradgrid 0."),
    ):
        with pytest.raises(SystemExit, match="0"):
            run(argument)
        assert wanted in capsys.readouterr().out


def test_the_schema_is_printed(run):
    assert run("schema")[1] == (REPOSITORY / "config.schema.json").read_text(encoding="utf-8")


def test_ctrl_c_ends_with_its_status_and_no_traceback(run, monkeypatch):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load", interrupted)
    assert run("check") == (128 + signal.SIGINT, "", "")


def test_a_reader_that_leaves_early_is_no_problem(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "gradgrid.cli", "schema"]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, "")

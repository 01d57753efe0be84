"""What a job says: in its log, on the terminal, and when something goes wrong."""

import errno
import logging
import os
import signal
import time
from pathlib import Path

import pytest

from gradgrid.core import jobs
from gradgrid.core.errors import GradgridError
from gradgrid.core.jobs import Progress, job

log = logging.getLogger("gradgrid.anything")


@pytest.fixture
def ended(tmp_path, capsys):
    """Runs a job that does something; gives exit status, the text of its log, and what the terminal shows."""

    def ended(action):
        path = tmp_path / "logs" / "train" / "seed=0.log"
        status = 0
        try:
            with job(path):
                action()
        except SystemExit as exit_:
            status = exit_.code
        return status, path.read_text(encoding="utf-8"), capsys.readouterr().err

    return ended


def raising(error):
    def action():
        raise error

    return action


def test_what_is_logged_stands_in_the_log_and_only_warnings_elsewhere(ended):
    def action():
        log.info("going well")
        log.warning("look here: ⚠")

    status, text, shown = ended(action)
    assert status == 0
    assert [line.split(" ", 1)[1] for line in text.splitlines()] == ["going well", "look here: ⚠"]
    assert [line.split(" ", 1)[1] for line in shown.splitlines()] == ["look here: ⚠"]


def test_on_a_terminal_everything_is_shown(ended, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert "going well" in ended(lambda: log.info("going well"))[2]


def test_a_problem_of_the_users_ends_the_job_with_its_message_alone(ended):
    status, text, shown = ended(raising(GradgridError("device cuda: there is none; set device: cpu")))
    assert status == 1
    for said in (text, shown):
        assert said.endswith(" device cuda: there is none; set device: cpu\n")
        assert said.count("\n") == 1


def test_any_other_error_leaves_its_traceback_in_the_log(ended):
    status, text, shown = ended(raising(ZeroDivisionError("of nothing")))
    assert status == 1
    for said in (text, shown):
        assert said.count("Traceback") == 1
        assert said.endswith("ZeroDivisionError: of nothing\n")


def test_a_full_disk_is_one_message(ended):
    status, text, shown = ended(raising(OSError(errno.ENOSPC, "No space left on device", "results/a")))
    assert status == 1
    for said in (text, shown):
        assert said.endswith(
            " results/a: No space left on device; make room and run again: what was complete is kept\n"
        )
        assert said.count("\n") == 1


def test_a_log_that_cannot_be_opened_ends_the_job(tmp_path, capsys):
    with pytest.raises(SystemExit) as ending, job(tmp_path):
        pass
    assert ending.value.code == 1
    assert "Is a directory" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_on_a_full_disk_costs_lines_of_the_log_alone(capfd):
    with job("/dev/full"):
        log.info("going well")
        log.warning("look here")
    shown = capfd.readouterr().err
    assert shown.endswith(" look here\n")
    assert shown.count("\n") == 1


def test_what_is_newer_than_now_is_stamped_anew(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    for path, ahead in ((old, -100), (new, 100)):
        path.touch()
        os.utime(path, (time.time() + ahead,) * 2)
    before = old.stat().st_mtime
    with job(tmp_path / "log", [old, str(new)]):
        assert new.stat().st_mtime > time.time()
    assert old.stat().st_mtime == before < new.stat().st_mtime <= time.time()


def test_ctrl_c_ends_the_job_without_a_traceback(ended):
    status, text, shown = ended(raising(KeyboardInterrupt()))
    assert (status, shown) == (128 + signal.SIGINT, "")
    assert text.endswith(" interrupted\n")


def test_a_new_log_replaces_the_old_one_and_nothing_is_written_after_the_end(ended, tmp_path):
    ended(lambda: log.info("first"))
    ended(lambda: log.info("second"))
    log.warning("afterwards")
    text = (tmp_path / "logs" / "train" / "seed=0.log").read_text(encoding="utf-8")
    assert text.count("\n") == 1
    assert text.endswith(" second\n")


@pytest.fixture
def clock(moved_clock):
    """The clock of jobs."""
    return moved_clock(jobs)


def test_progress_says_share_rate_and_time_left_now_and_then(clock, caplog):
    caplog.set_level(logging.INFO, "gradgrid")
    progress = Progress("depth=4: 2 runs", 40_000, "run-steps", interval=10.0)
    for seconds in (4, 5, 1, 3, 8):
        clock.now += seconds
        progress(2_000)
    assert caplog.messages == [
        "depth=4: 2 runs: 15% of 40,000 run-steps, 600 a second, 57 seconds left",
        "depth=4: 2 runs: 25% of 40,000 run-steps, 476 a second, 63 seconds left",
    ]


def test_a_short_job_says_nothing_of_its_progress(clock, caplog):
    caplog.set_level(logging.INFO, "gradgrid")
    progress = Progress("depth=1: 2 runs", 100, "run-steps")
    for _ in range(10):
        clock.now += 0.9
        progress(10)
    assert caplog.messages == []


def test_what_is_left_can_grow_and_shrink(clock, caplog):
    caplog.set_level(logging.INFO, "gradgrid")
    progress = Progress("depth=1: 2 runs", 100, "run-steps", interval=1.0)
    progress.left -= 60  # found done
    for done, left in ((20, 40), (20, 20)):
        clock.now += 1.0
        progress(done)
        progress.left = left  # to be done again
    assert caplog.messages == [
        "depth=1: 2 runs: 50% of 40 run-steps, 20 a second, 1 second left",
        "depth=1: 2 runs: 67% of 60 run-steps, 20 a second, 1 second left",
    ]

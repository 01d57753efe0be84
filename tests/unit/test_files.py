"""Files that appear whole or not at all, and what is said where the disk refuses one."""

import errno
import os
from contextlib import suppress

import pytest

from gradgrid.core.errors import GradgridError
from gradgrid.core.files import check_writable, disk_problem, replacing


@pytest.fixture
def path(tmp_path):
    (tmp_path / "seed=0.parquet").write_text("old")
    return tmp_path / "seed=0.parquet"


def names(path):
    return sorted(file.name for file in path.parent.iterdir())


def test_the_file_is_replaced_at_the_end(path):
    with replacing(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert (path.read_text(), names(path)) == ("new", [path.name])


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_after_an_error_the_old_file_stands_alone(path, error):
    with suppress(error), replacing(path) as part:
        part.write_text("half")
        raise error
    assert (path.read_text(), names(path)) == ("old", [path.name])


def test_what_killed_processes_left_is_removed_and_nothing_else(path):
    others = [".seed=0.x.part.parquet", ".seed=0.7.part.json", ".seed=10.7.part.parquet", ".seed=0.parquet"]
    for name in [*others, ".seed=0.7.part.parquet", ".seed=0.123456.part.parquet"]:
        path.with_name(name).touch()
    with replacing(path) as part:
        part.write_text("new")
    assert names(path) == sorted([*others, path.name])


def test_an_error_of_the_disk_names_the_file(path):
    with pytest.raises(OSError, match="No space left") as raised, replacing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert disk_problem(raised.value) == (
        f"{path}: No space left on device; make room and run again: what was complete is kept"
    )


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_other_refusals_have_their_remedy(number):
    assert f"f: {os.strerror(number)}; make " in disk_problem(OSError(number, "", "f"))
    assert disk_problem(OSError(number, "")).startswith(os.strerror(number))


def test_what_is_no_refusal_is_no_problem_of_the_disk():
    assert disk_problem(FileNotFoundError(errno.ENOENT, "")) is None
    assert disk_problem(OSError("of no number")) is None


def test_a_folder_with_room_is_writable(tmp_path, monkeypatch):
    check_writable(tmp_path)
    monkeypatch.setattr("gradgrid.core.files._LEAST", 2**80)
    with pytest.raises(GradgridError, match="its disk is full; make room"):
        check_writable(tmp_path)

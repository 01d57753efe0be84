"""Digests that are remembered: found again for the same source alone, whatever becomes of the file that holds them."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from gradgrid.core.fingerprints import code_digest
from gradgrid.core.remembered import remembered


@pytest.fixture
def package(tmp_path):
    """A package of one module."""
    folder = tmp_path / "gradgrid"
    folder.mkdir()
    (folder / "one.py").write_text("x = 1\n")
    return folder


def asked(package, what="what", gives="made"):
    """What is remembered, and whether it had to be made."""
    calls = []
    found = remembered(what, package, lambda: calls.append(what) or gives)
    return found, bool(calls)


def noted(package):
    """The file beside the byte code."""
    (file,) = (package / "__pycache__").iterdir()
    return file


def test_what_was_made_is_found_again(package):
    assert asked(package) == ("made", True)
    assert asked(package, gives="other") == ("made", False)
    assert asked(package, "else", {"a": "b"}) == ({"a": "b"}, True)
    assert asked(package) == ("made", False)
    assert asked(package, "else") == ({"a": "b"}, False)


@pytest.mark.parametrize("edit", ["text", "comment", "new", "renamed", "gone", "template"])
def test_after_any_edit_of_the_package_it_is_made_anew(package, edit):
    asked(package)
    one = package / "one.py"
    if edit == "text":
        one.write_text("x = 2\n")
    elif edit == "comment":
        one.write_text("x = 1\n#\n")
    elif edit == "renamed":
        one.rename(package / "two.py")
    elif edit == "gone":
        one.unlink()
    else:
        (package / {"new": "new.py", "template": "page.html"}[edit]).write_text("")
    assert asked(package, gives="other") == ("other", True)
    assert asked(package) == ("other", False)


def test_an_edit_while_it_is_made_is_not_remembered(package):
    def make():
        (package / "one.py").write_text("x = 2\n")
        return "of either text"

    assert remembered("what", package, make) == "of either text"
    assert asked(package) == ("made", True)


@pytest.mark.parametrize("damage", ["{", "[]", "", "changed", "foreign"])
def test_a_damaged_file_is_made_anew(package, damage):
    asked(package)
    file = noted(package)
    record = json.loads(file.read_text())
    if damage == "changed":
        record["known"]["what"] = "wrong"
    file.write_text(json.dumps(record) if damage == "changed" else damage)
    if damage == "foreign":
        file.write_text(json.dumps({"digest": "0" * 32, "known": {"what": "wrong"}}))
    assert asked(package) == ("made", True)
    assert asked(package) == ("made", False)


def test_a_folder_that_cannot_be_written_only_costs_time(package):
    (package / "__pycache__").write_text("no folder")
    assert asked(package) == asked(package) == ("made", True)


def test_many_at_once_do_not_disturb_each_other(package):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: asked(package, str(number % 5), str(number % 5))[0], range(200)))
    assert found == [str(number % 5) for number in range(200)]
    assert asked(package, "0", "other")[0] == "0"
    assert len(list((package / "__pycache__").iterdir())) == 1


def test_another_process_gives_the_same_digests():
    module = "gradgrid.core.schedule"
    command = f"from gradgrid.core.fingerprints import code_digest; print(code_digest({module!r}))"
    shown = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == code_digest(module)

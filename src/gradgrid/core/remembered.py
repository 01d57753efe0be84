"""Digests of source that were worked out before: read from a small file beside Python's byte code.

Planning needs digests of most of the package's modules, and parsing these takes longer than all else that it does. What
is in the file counts for the very same text of every file of the package, and the same Python, alone; anything
else, or no such file, or a folder that cannot be written, only means that the digests are worked out again.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from importlib.util import cache_from_source
from pathlib import Path
from typing import TypeVar

from gradgrid.core.canonical import canonical_json
from gradgrid.core.registry import PACKAGE

Digests = TypeVar("Digests", str, dict[str, str])


def remembered(what: str, package: Path, make: Callable[[], Digests]) -> Digests:
    """What ``make`` gives, which depends on ``what`` and on the text of the package's files and on nothing else."""
    source, known = _installed() if package == PACKAGE else _notes(package)
    if what not in known:
        made = make()
        if source != _source(package):  # edited meanwhile: it may be a digest of either text
            return made
        known[what] = made
        _write(source, known, _file(package))
    return known[what]


def _notes(package: Path) -> tuple[str, dict]:
    """The source as it is, and what is known of it."""
    source = _source(package)
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(_file(package).read_text(encoding="utf-8"))
        if record["digest"] == _digest(source, record["known"]):
            return source, record["known"]
    return source, {}


@cache
def _installed() -> tuple[str, dict]:
    """The same of the package that this process runs, as it was at the first look."""
    return _notes(PACKAGE)


def _file(package: Path) -> Path:
    return Path(cache_from_source(str(package / "digests.py"))).with_suffix(".json")


def _write(source: str, known: dict, file: Path) -> None:
    """Whole or not at all, whoever else writes it, on this machine or another."""
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        part = file.with_name(f".{file.stem}.{os.getpid()}.{time.time_ns()}")
        part.write_text(json.dumps({"digest": _digest(source, known), "known": known}), encoding="utf-8")
        part.replace(file)


def _digest(source: str, known: dict) -> str:
    return blake2b(f"{source}\n{canonical_json(known)}".encode(), digest_size=16).hexdigest()


def _source(package: Path) -> str:
    """Digest of every file of the package and of this one, which works the digests out; and of Python.

    Byte code and hidden files apart. Paths are plain texts here, which takes half the time.
    """
    state = blake2b(sys.version.encode(), digest_size=16)
    for root in dict.fromkeys((str(PACKAGE), str(package))):
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(set(folders) - {"__pycache__"})
            for name in sorted(name for name in names if not name.startswith(".")):
                state.update(_named_text(root, f"{folder}/{name}"))
    return state.hexdigest()


def _named_text(root: str, path: str) -> bytes:
    """A file's name, length and text; nothing if it has gone since it was listed."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return b""
    return f"\n{path.removeprefix(root)} {len(text)}\n".encode() + text

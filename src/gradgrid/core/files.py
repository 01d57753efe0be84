"""Files that appear whole or not at all, and what to do where the disk refuses one."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradgrid.core.errors import GradgridError

_REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "make it writable",
    errno.EACCES: "make it accessible",
}
_LEAST = 2**20
"""Bytes without which nothing is begun: a workflow's engine cannot take its notes, and says so at length."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; it takes the place of ``path`` if the block ends well.

    The ending is kept, because many writers choose the format by it. After an error the old file still stands
    and the part is removed; so are those that processes left here which were killed. An OSError names ``path`` if it
    names no other.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_parts(path)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        part.unlink(missing_ok=True)


def _remove_parts(path: Path) -> None:
    before, after = f".{path.stem}.", f".part{path.suffix}"
    for part in path.parent.iterdir():
        if part.name.startswith(before) and part.name.removeprefix(before).removesuffix(after).isdecimal():
            part.unlink(missing_ok=True)


def disk_problem(error: OSError) -> str | None:
    """Where the disk is full, read-only or forbidden: which file, what is wrong with it, and what to do."""
    if error.errno not in _REMEDIES:
        return None
    where = f"{error.filename}: " if error.filename else ""
    remedy = _REMEDIES[error.errno]
    return f"{where}{os.strerror(error.errno)}; {remedy} and run again: what was complete is kept"


def check_writable(folder: Path = Path()) -> None:
    """Raises GradgridError where a folder of the workflow, or its results, cannot be written or has no room left."""
    for place in filter(Path.exists, (folder, folder / "results")):
        if not os.access(place, os.W_OK):
            raise GradgridError(f"{place.absolute()}: cannot be written; make it writable and run again")
        if shutil.disk_usage(place).free < _LEAST:
            raise GradgridError(f"{place.absolute()}: its disk is full; make room and run again")

"""What every job of the workflow needs: its log, and one clear message where something is wrong."""

import logging
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gradgrid.core.errors import GradgridError
from gradgrid.core.files import disk_problem
from gradgrid.core.summary import duration

_LOG = logging.getLogger("gradgrid")


@dataclass(frozen=True)
class Unwatched:
    """A parameter of a job that changes no number: in objects of a class no workflow engine looks for changes."""

    value: str


@contextmanager
def job(log: str | Path, inputs: Iterable[str | Path] = ()) -> Iterator[None]:
    """Write what the package logs to the file ``log`` and, warnings or on a terminal everything, to stderr.

    Where the clock was put back since the files ``inputs`` were made, they are stamped anew at the end: what is made
    from them shall not look older than they do.

    A GradgridError, or a disk that is full or read-only, ends the process with status 1 and a message; neither
    they nor an interrupt show a traceback. That of any other exception is in the log too: on a cluster nobody sees
    stderr.
    """
    _LOG.setLevel(logging.INFO)
    handlers = [_added(_terminal())]
    try:
        handlers.append(_added(_file(Path(log))))
        yield
        _stamp_from_the_future(inputs)
    except KeyboardInterrupt:
        _LOG.info("interrupted")
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        _tell(error)
        sys.exit(1)
    finally:
        for handler in handlers:
            _LOG.removeHandler(handler)
            handler.close()


def _tell(error: Exception) -> None:
    if isinstance(error, GradgridError):
        _LOG.error("%s", error)
    elif isinstance(error, OSError) and (problem := disk_problem(error)):
        _LOG.error("%s", problem)
    else:
        _LOG.error("unexpected error", exc_info=error)


class _LogFile(logging.FileHandler):
    """A full disk costs lines of the log, not the job."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say nothing: what matters stands on stderr."""

    def close(self) -> None:
        """Close the file, whatever still could not be written to it."""
        with suppress(OSError):
            super().close()


def _file(path: Path) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    return _LogFile(path, mode="w", encoding="utf-8")


def _terminal() -> logging.Handler:
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.INFO if sys.stderr.isatty() else logging.WARNING)
    return terminal


def _added(handler: logging.Handler) -> logging.Handler:
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    _LOG.addHandler(handler)
    return handler


def _stamp_from_the_future(files: Iterable[str | Path]) -> None:
    now = time.time()
    for path in map(Path, files):
        if path.stat().st_mtime > now:
            os.utime(path)


class Progress:
    """Logs how far a job has come, at most once in ``interval`` seconds: share, rate and time left."""

    def __init__(self, title: str, total: int, unit: str, interval: float = 10.0) -> None:
        self.title, self.total, self.unit, self.interval = title, total, unit, interval
        self.done = 0
        self.began = self.told = time.monotonic()

    def __call__(self, amount: int) -> None:
        """Say that ``amount`` more of the total is done."""
        self.done += amount
        now = time.monotonic()
        if now - self.told >= self.interval:
            self.told = now
            rate = self.done / (now - self.began)
            left = duration((self.total - self.done) / rate)
            share = f"{self.done / self.total:.0%} of {self.total:,} {self.unit}"
            _LOG.info("%s: %s, %s a second, %s left", self.title, share, f"{rate:,.0f}", left)

    @property
    def left(self) -> int:
        """What is still to be done; setting it moves the total: something need not be done, or must be done again."""
        return self.total - self.done

    @left.setter
    def left(self, amount: int) -> None:
        self.total = self.done + amount

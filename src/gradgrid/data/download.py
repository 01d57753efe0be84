"""Downloads the published files through torchvision: its mirrors, its checksums."""

import logging
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from gradgrid.core.errors import GradgridError
from gradgrid.data.idx import md5
from gradgrid.data.originals import ORIGINALS, Original

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
"""How long a mirror may stay silent before the next one is tried."""

_TORCHVISION_CLASSES = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST"}
# torchvision reports a wrong checksum as a RuntimeError. A full disk, another OSError, is no mirror's fault.
_MIRROR_FAILED = (URLError, HTTPException, TimeoutError, ConnectionError, ssl.SSLError, RuntimeError)


class DownloadError(GradgridError):
    """No mirror gave the file: no network, a refusal, a silence, or a wrong checksum; ``addresses`` were tried."""

    def __init__(self, failures: Mapping[str, object]) -> None:
        self.addresses = tuple(failures)
        super().__init__("\n".join(f"{address}: {why}" for address, why in failures.items()))


def download(dataset: str, folder: Path) -> None:
    """Put the four published files into ``folder``; those already there with the right checksum are kept.

    Raises DownloadError when no mirror gives a file, and GradgridError when ``folder`` cannot be written.
    """
    wanted = [original for original in ORIGINALS[dataset] if not _is_there(folder, original)]
    if not wanted:
        return
    mirrors = _mirrors(dataset)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _socket_timeout(TIMEOUT_SECONDS):
            for original in wanted:
                _download_one(original, mirrors, folder)
    except OSError as error:
        raise GradgridError(f"{folder}: cannot be written: {error}; make room, or allow writing") from error


def _is_there(folder: Path, original: Original) -> bool:
    path = folder / original.compressed_name
    return path.is_file() and md5(path.read_bytes()) == original.md5


def _mirrors(dataset: str) -> list[str]:
    # torch takes seconds to import, and is not needed where the files are there already.
    import torchvision.datasets

    return getattr(torchvision.datasets, _TORCHVISION_CLASSES[dataset]).mirrors


def _download_one(original: Original, mirrors: list[str], folder: Path) -> None:
    """Try the mirrors in turn; torchvision compares the checksum."""
    from torchvision.datasets.utils import download_url

    name = original.compressed_name
    failures: dict[str, object] = {}
    for mirror in mirrors:
        log.info("downloading %s%s", mirror, name)
        try:
            download_url(f"{mirror}{name}", folder, name, original.md5)
            return
        except _MIRROR_FAILED as error:
            failures[f"{mirror}{name}"] = str(error) or type(error).__name__
            (folder / name).unlink(missing_ok=True)
    raise DownloadError(failures)


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """urllib, as torchvision calls it, waits forever unless the process says otherwise."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)

"""Reads one published IDX file, compressed or not, and believes nothing that it has not checked."""

import gzip
import hashlib
import math
import struct
from pathlib import Path

import numpy as np

from gradgrid.core.datasets import CLASSES
from gradgrid.core.errors import GradgridError
from gradgrid.data.originals import Original
from gradgrid.data.provenance import SourceFile

_UBYTE = 0x08
"""The IDX code of unsigned bytes, third of the four magic bytes; the fourth is the number of axes."""


def read_idx(folder: Path, original: Original) -> tuple[np.ndarray, SourceFile]:
    """The array in ``folder/NAME.gz`` or, where that is missing, ``folder/NAME``; uint8, ``original.shape``.

    A missing, truncated or altered file is a GradgridError that names the file and says what to do.
    """
    path = _locate(folder, original)
    stored = _read_bytes(path)
    source = SourceFile(path.name, md5(stored), _checksum_kind(path, original))
    _check_md5(path, stored, source, original)
    content = gzip.decompress(stored) if path.suffix == ".gz" else stored
    array = _parse(path, content, original.shape)
    if source.checksum == "unknown":
        _check_plausible(path, array)
    return array, source


def md5(content: bytes) -> str:
    """The md5 of some bytes, in hex; it guards against accidents, not against attackers."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _locate(folder: Path, original: Original) -> Path:
    for path in (folder / original.compressed_name, folder / original.name):
        if path.exists():
            return path
    raise GradgridError(
        f"{folder / original.compressed_name}: there is no such file, compressed or not; the folder must "
        "hold the four original files of the dataset under their original names"
    )


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GradgridError(f"{path}: cannot be read: {error.strerror}; make it a readable file") from error


def _checksum_kind(path: Path, original: Original) -> str:
    if path.suffix == ".gz":
        return "published"
    return "content" if original.content_md5 else "unknown"


def _check_md5(path: Path, stored: bytes, source: SourceFile, original: Original) -> None:
    expected = {"published": original.md5, "content": original.content_md5}.get(source.checksum)
    if expected not in (None, source.md5):
        raise GradgridError(
            f"{path}: altered or incomplete: its {len(stored):,} bytes have the md5 {source.md5}, the "
            f"original {expected}; replace it by the original file"
        )


def _parse(path: Path, content: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """The array of an IDX file: magic number, big-endian sizes, then the bytes in C order."""
    header = struct.pack(f">HBB{len(shape)}I", 0, _UBYTE, len(shape), *shape)
    if not content.startswith(header):
        raise GradgridError(
            f"{path}: is not the IDX file of {'×'.join(map(str, shape))} bytes that its name promises; "
            "replace it by the original file"
        )
    if len(content) != len(header) + math.prod(shape):
        raise GradgridError(
            f"{path}: altered or incomplete: {len(content):,} bytes instead of "
            f"{len(header) + math.prod(shape):,}; replace it by the original file"
        )
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def _check_plausible(path: Path, array: np.ndarray) -> None:
    """Where no checksum was published: Fashion-MNIST and KMNIST hold equally many images of every class."""
    if array.ndim > 1:
        return
    counts = np.bincount(array, minlength=CLASSES)
    if len(counts) != CLASSES or counts.min() != counts.max():
        raise GradgridError(
            f"{path}: altered, or another dataset's: its labels are not {CLASSES} classes of equal size; "
            "replace it by the original file"
        )

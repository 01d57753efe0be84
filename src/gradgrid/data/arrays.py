"""The arrays of a dataset: on disk as bytes, in memory as a trainer wants them."""

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradgrid.core.errors import GradgridError
from gradgrid.core.files import replacing

SPLITS = ("train", "validation", "test")
ARRAYS = tuple(f"{split}_{kind}" for split in SPLITS for kind in ("images", "labels"))


@dataclass(frozen=True, eq=False)
class Data:
    """A dataset ready for training.

    Images are float32 ``[n, 784]`` on the scale 0…1 (the stored bytes divided by 255), labels int64 ``[n]``.
    """

    name: str
    digest: str
    train_images: np.ndarray
    train_labels: np.ndarray
    validation_images: np.ndarray
    validation_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def digest(name: str, arrays: Mapping[str, np.ndarray]) -> str:
    """32 hex digits of blake2b over the dataset's name and its arrays' names, shapes and bytes."""
    state = hashlib.blake2b(name.encode(), digest_size=16)
    for key in ARRAYS:
        state.update(f"\n{key} {arrays[key].shape}\n".encode())
        state.update(np.ascontiguousarray(arrays[key], np.uint8))
    return state.hexdigest()


def save(path: Path, name: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Write uint8 ``arrays`` to an uncompressed ``.npz`` file, whole or not at all; returns their digest."""
    value = digest(name, arrays)
    with replacing(path) as part:
        np.savez(part, name=name, digest=value, **{key: arrays[key] for key in ARRAYS})
    return value


def identify(path: Path) -> tuple[str, str]:
    """Name and digest of what ``prepare`` wrote, without its images; a missing or damaged file is a GradgridError."""
    with _opened(path) as file:
        return str(file["name"]), str(file["digest"])


def load(path: Path | str) -> Data:
    """Read what ``prepare`` wrote; a missing or damaged file is a GradgridError."""
    with _opened(Path(path)) as file:
        arrays = {key: _as_numbers(file[key]) for key in ARRAYS}
        return Data(name=str(file["name"]), digest=str(file["digest"]), **arrays)


@contextmanager
def _opened(path: Path) -> Iterator[Mapping[str, np.ndarray]]:
    try:
        with np.load(path) as file:
            yield file
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        message = f"{path}: cannot be read ({error}); delete it and prepare the data again"
        raise GradgridError(message) from error


def _as_numbers(stored: np.ndarray) -> np.ndarray:
    if stored.ndim == 1:
        return stored.astype(np.int64)
    return np.divide(stored, 255, dtype=np.float32)

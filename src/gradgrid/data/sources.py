"""Where a dataset comes from: a folder of the four original files, or the digits of scikit-learn."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradgrid.core.datasets import EMBEDDED, PIXELS, SIZES
from gradgrid.core.errors import GradgridError
from gradgrid.data.digits import read_digits
from gradgrid.data.idx import read_idx
from gradgrid.data.originals import ORIGINALS
from gradgrid.data.provenance import SourceFile


@dataclass(frozen=True, eq=False)
class Found:
    """A dataset's six uint8 arrays, where they came from, and why they are not the ones asked for, if so."""

    dataset: str
    arrays: Mapping[str, np.ndarray]
    source: str
    files: tuple[SourceFile, ...] = ()
    message: str = ""
    mirrors: tuple[str, ...] = ()


def from_folder(dataset: str, folder: Path, source: str) -> Found:
    """Read and check the four original files in ``folder``; anything wrong with one is a GradgridError."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "there is no such folder"
        raise GradgridError(
            f"{folder} ({source}): {what}; name the folder that holds the four original files of {dataset}"
        )
    read = [read_idx(folder, original) for original in ORIGINALS[dataset]]
    return Found(
        dataset, _split(dataset, *(array for array, _ in read)), source, tuple(file for _, file in read)
    )


def _split(
    dataset: str, images: np.ndarray, labels: np.ndarray, test_images: np.ndarray, test_labels: np.ndarray
) -> dict[str, np.ndarray]:
    """The book's split: the first 50,000 to train, the last 10,000 for validation, the test set apart."""
    train = SIZES[dataset].train
    images, test_images = images.reshape(-1, PIXELS), test_images.reshape(-1, PIXELS)
    return {
        "train_images": images[:train],
        "train_labels": labels[:train],
        "validation_images": images[train:],
        "validation_labels": labels[train:],
        "test_images": test_images,
        "test_labels": test_labels,
    }


def embedded(message: str = "") -> Found:
    """The embedded digits; ``message`` says why, where another dataset was asked for."""
    from sklearn import __version__

    return Found(EMBEDDED, read_digits(), f"scikit-learn {__version__}, load_digits", message=message)

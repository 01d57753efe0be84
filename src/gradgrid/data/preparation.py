"""Finds the dataset that the config asks for, and says loudly when it has to take another."""

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradgrid.core.datasets import EMBEDDED, TITLES, Sizes
from gradgrid.core.errors import GradgridError
from gradgrid.core.prepared import settings_digest
from gradgrid.data.arrays import SPLITS, save
from gradgrid.data.download import DownloadError, download
from gradgrid.data.provenance import DatasetProvenance
from gradgrid.data.sources import Found, embedded, from_folder

if TYPE_CHECKING:
    from gradgrid.core.config import Dataset

log = logging.getLogger(__name__)

_RULE = "=" * 100


def prepare(
    dataset: "Dataset", npz: Path | str, provenance: Path | str, cache: Path | str, attempt: int = 1
) -> DatasetProvenance:
    """Write the arrays to ``npz``, where they came from to ``provenance``; downloads are kept in ``cache``.

    The files are looked for in ``dataset.root``; for MNIST, then in the folder that the environment variable
    MNIST_DIR names; otherwise they are downloaded. Only a failed download leads to the embedded digits, and
    only where ``dataset.fallback`` allows it; anything wrong with a folder that was named is a GradgridError.
    ``attempt`` is that of the plan (core/prepared.py).
    """
    found = _find(dataset, Path(cache))
    if found.message:
        log.warning("\n%s\n%s\n%s", _RULE, found.message, _RULE)
    result = _write(dataset, found, Path(npz), attempt)
    result.write(provenance)
    log.info("%s, from %s: %s", TITLES[result.dataset], result.source, result.sizes)
    return result


def _find(dataset: "Dataset", cache: Path) -> Found:
    if dataset.name == EMBEDDED:
        return embedded()
    if dataset.root:
        return from_folder(dataset.name, Path(dataset.root).expanduser(), "dataset.root")
    if dataset.name == "mnist" and os.environ.get("MNIST_DIR"):
        return from_folder(dataset.name, Path(os.environ["MNIST_DIR"]).expanduser(), "MNIST_DIR")
    return _find_on_network(dataset, cache / dataset.name)


def _find_on_network(dataset: "Dataset", folder: Path) -> Found:
    try:
        download(dataset.name, folder)
    except DownloadError as error:
        if dataset.fallback is None:
            raise GradgridError(_unavailable(dataset.name, error)) from error
        message = _fallback_message(dataset.name, error)
        return replace(embedded(message), mirrors=error.addresses)
    return from_folder(dataset.name, folder, "torchvision's mirrors")


def _unavailable(name: str, error: DownloadError) -> str:
    return (
        f"{TITLES[name]} could not be downloaded:\n{error}\n"
        f"To use files of your own, name the folder with the four original files: {_folder_keys(name)}. "
        f"To go on with {TITLES[EMBEDDED]} instead, set dataset.fallback: {EMBEDDED}."
    )


def _fallback_message(name: str, error: DownloadError) -> str:
    """The first line is the whole story in one sentence; the others say why, and what to do."""
    return (
        f"{TITLES[name]} could not be downloaded: this run uses {TITLES[EMBEDDED]} instead.\n"
        "These are 1,797 images of 8 × 8 pixels, enlarged and framed to 28 × 28; their numbers do not compare with "
        f"published {TITLES[name]} numbers.\n"
        f"{error}\n"
        f"To use {TITLES[name]}, name the folder with its four original files ({_folder_keys(name)}) or "
        "connect to the network: the next run notices.\n"
        "To fail instead of going on, set dataset.fallback: null."
    )


def _folder_keys(name: str) -> str:
    keys = "dataset.root in config.yaml"
    return f"{keys}, or MNIST_DIR in the environment" if name == "mnist" else keys


def _write(dataset: "Dataset", found: Found, npz: Path, attempt: int) -> DatasetProvenance:
    mean, std = _mean_and_std(found.arrays["train_images"])
    return DatasetProvenance(
        requested=dataset.name,
        dataset=found.dataset,
        fallback=found.dataset != dataset.name,
        message=found.message,
        source=found.source,
        files=found.files,
        digest=save(npz, found.dataset, found.arrays),
        sizes=Sizes(*(len(found.arrays[f"{split}_labels"]) for split in SPLITS)),
        mean=mean,
        std=std,
        attempt=attempt,
        settings=settings_digest(dataset),
        mirrors=found.mirrors,
    )


def _mean_and_std(pixels: np.ndarray) -> tuple[float, float]:
    """Of bytes ``[n, 784]``, on the scale 0…1; exact sums, and no second array of the size of the first."""
    mean = int(pixels.sum(dtype=np.int64)) / pixels.size
    square = int(np.einsum("ij,ij->", pixels, pixels, dtype=np.int64)) / pixels.size
    return round(mean / 255, 6), round((square - mean**2) ** 0.5 / 255, 6)

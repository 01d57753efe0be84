"""The chapter's jobs: from settings, data and tables to the tables in ``results/book``."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import torch

from gradgrid.book.identities import identities
from gradgrid.book.learning import accuracy, initialization
from gradgrid.book.speed import initial_speed, training_speed
from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.parquet import write_frame
from gradgrid.train.device import find_device
from gradgrid.train.images import Data, Images

_TRAINED: Mapping[str, Callable[[dict, Images], pd.DataFrame]] = {
    "accuracy": accuracy,
    "initialization": initialization,
    "training_speed": training_speed,
}
_MEASURED: Mapping[str, Callable[[dict, Images], dict[str, pd.DataFrame]]] = {
    "initial_speed": initial_speed,
    "identities": identities,
}


def train_part(experiment: str, settings: str, device: str, data: Data, out: Path) -> None:
    """Train one part of an experiment and write its rows; ``settings`` are those of ``core.book.training_jobs``.

    Raises GradgridError if the device is not there.
    """
    images = _images(device, data)
    _write(_TRAINED[experiment](json.loads(settings), images), experiment, images, out)


def measure(experiment: str, settings: str, data: Data, outputs: Mapping[str, Path]) -> None:
    """Do an experiment that trains nothing and write its tables, named by ``outputs``."""
    images = _images("cpu", data)
    for table, frame in _MEASURED[experiment](json.loads(settings), images).items():
        _write(frame, table, images, outputs[table])


def _images(device: str, data: Data) -> Images:
    torch.set_num_threads(1)
    return Images.of(data, find_device(device))


def _write(frame: pd.DataFrame, table: str, images: Images, out: Path) -> None:
    write_frame(frame.assign(dataset=images.name), BOOK_TABLES[table], out)

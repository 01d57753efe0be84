"""The laboratory's jobs: from settings, data and tables to the tables in ``results/laboratory``.

``settings`` are those of one section, as :func:`gradgrid.core.laboratory.settings` gives them.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import torch

from gradgrid.core.entries import Entry
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.parquet import read_frame, write_frame
from gradgrid.laboratory import comparison
from gradgrid.laboratory.by_hand import by_hand
from gradgrid.laboratory.linear import linear
from gradgrid.laboratory.phase import phase
from gradgrid.laboratory.propagation import propagation
from gradgrid.laboratory.recurrent import recurrent
from gradgrid.laboratory.remedies import remedies
from gradgrid.laboratory.trainability import trainability
from gradgrid.laboratory.tutorial import tutorial
from gradgrid.theory.gains import gains
from gradgrid.train.device import find_device
from gradgrid.train.images import Data, Images

_WITHOUT_IMAGES: Mapping[str, Callable[[dict], pd.DataFrame]] = {
    "linear": linear,
    "by_hand": lambda settings: by_hand(),
    "tutorial": lambda settings: tutorial(),
    "gains": lambda settings: gains(map(Entry.from_written, settings["activation"])),
    "phase": phase,
}
_ON_IMAGES: Mapping[str, Callable[[dict, Images], dict[str, pd.DataFrame]]] = {
    "recurrent": recurrent,
    "trainability": lambda settings, images: {"trainability": trainability(settings, images)},
}


def without_images(table: str, settings: str, out: Path) -> None:
    """Write a table that needs no images."""
    torch.set_num_threads(1)
    _write(_WITHOUT_IMAGES[table](json.loads(settings)), table, out)


def propagate(settings: str, width: int, outputs: Mapping[str, Path]) -> None:
    """Send signals and gradients through the untrained networks of one width."""
    torch.set_num_threads(1)
    for table, frame in propagation(json.loads(settings), width).items():
        _write(frame, table, outputs[table])


def on_images(experiment: str, settings: str, device: str, data: Data, outputs: Mapping[str, Path]) -> None:
    """Do an experiment on images and write its tables. Raises GradgridError if the device is not there."""
    images = _images(device, data)
    for table, frame in _ON_IMAGES[experiment](json.loads(settings), images).items():
        _write(frame.assign(dataset=images.name), table, outputs[table])


def train_remedies(settings: str, depth: int, device: str, data: Data, out: Path) -> None:
    """Train the networks of one depth with every remedy. Raises GradgridError if the device is not there."""
    images = _images(device, data)
    found = remedies(json.loads(settings), depth, images)
    _write(found.assign(dataset=images.name), "remedies", out)


def compare(settings: str, measured: Path, data: Data, out: Path) -> None:
    """Put theory beside the propagation that was measured, and beside networks as in the grid."""
    given = json.loads(settings)
    rows = [
        comparison.theory(read_frame(measured), given),
        comparison.grid_theory(_images("cpu", data), given),
    ]
    _write(pd.concat(rows, ignore_index=True), "theory", out)


def _images(device: str, data: Data) -> Images:
    torch.set_num_threads(1)
    return Images.of(data, find_device(device))


def _write(frame: pd.DataFrame, table: str, out: Path) -> None:
    write_frame(frame, LABORATORY_TABLES[table], out)

"""Trainings by the book's recipe: accuracy after every epoch, all seeds of an architecture side by side."""

from collections.abc import Sequence

import pandas as pd

from gradgrid.book.recipe import run, training
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.train.images import Images
from gradgrid.train.trainer import Progress, train


def accuracy(settings: dict, images: Images, progress: Progress) -> pd.DataFrame:
    """Depth and accuracy: the rows of one depth (table ``book/accuracy``)."""
    (depth,) = settings["depth"]
    runs = [run(depth, seed) for seed in settings["seeds"]]
    return _trained(runs, settings["epochs"], images, progress)


def initialization(settings: dict, images: Images, progress: Progress) -> pd.DataFrame:
    """Chapter 3's comparison of initial weights: the rows of one width (table ``book/initialization``)."""
    (width,) = settings["width"]
    initializers = map(Entry.from_written, settings["initializer"])
    runs = [run(1, seed, width=width, initializer=i) for i in initializers for seed in settings["seeds"]]
    return _trained(runs, settings["epochs"], images, progress)


def _trained(runs: Sequence[Run], epochs: int, images: Images, progress: Progress) -> pd.DataFrame:
    records = train(runs, images, training(epochs), progress, own_images=True)
    rows = records.tables()["accuracy"]
    return rows.assign(epoch=rows["epoch"].round())

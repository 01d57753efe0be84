"""Trainings by the book's recipe: accuracy after every epoch, all seeds of an architecture side by side."""

from collections.abc import Sequence

import pandas as pd

from gradgrid.book.recipe import run, training
from gradgrid.core.entries import Entry
from gradgrid.core.jobs import Progress
from gradgrid.core.plan import Run
from gradgrid.core.schedule import total_steps
from gradgrid.train.images import Images
from gradgrid.train.trainer import train


def accuracy(settings: dict, images: Images) -> pd.DataFrame:
    """Depth and accuracy: the rows of one depth (table ``book/accuracy``)."""
    runs = [run(settings["depth"], seed) for seed in settings["seeds"]]
    return _trained(runs, settings["epochs"], images)


def initialization(settings: dict, images: Images) -> pd.DataFrame:
    """Chapter 3's comparison of initial weights: the rows of one width (table ``book/initialization``)."""
    width = settings["width"]
    initializers = map(Entry.from_written, settings["initializer"])
    runs = [run(1, seed, width=width, initializer=i) for i in initializers for seed in settings["seeds"]]
    return _trained(runs, settings["epochs"], images)


def _trained(runs: Sequence[Run], epochs: int, images: Images) -> pd.DataFrame:
    recipe = training(epochs)
    steps = total_steps(recipe, images.name, images.size) * len(runs)
    progress = Progress(f"{len(runs)} runs of {epochs} epochs", steps, "run-steps")
    records = train(runs, images, recipe, progress, own_images=True)
    rows = records.tables()["accuracy"]
    return rows.assign(epoch=rows["epoch"].round())

"""How much a plan writes and about how long it takes.

The time is a rough model of one core's work, good to a factor of two: a run's step costs a fixed part, and a
part for each hidden layer, scaled by numbers of weights and of images. Both were fitted to the CPU time of the jobs
of the default grid (width 30, minibatch 10, all kinds of clipping), probes and start-up included.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gradgrid.core.book import Book
from gradgrid.core.config import Config
from gradgrid.core.datasets import SIZES
from gradgrid.core.plan import Bundle, Cell, Plan
from gradgrid.core.schedule import epochs, measured_steps, total_steps

STEP_MICROSECONDS = 18.5
"""A step of one run, without what its hidden layers add: the first and the last layer's work above all."""

HIDDEN_LAYER_MICROSECONDS = 7.5
"""What each hidden layer adds to it."""

NORMALIZATION_MICROSECONDS = 2.5
"""What normalization adds to each hidden layer: batch 2.6 and layer 2.3 in stacks of 32, from depth 1 to 8."""

REFERENCE_WIDTH, REFERENCE_MINIBATCH = 30, 10

EVALUATION_SHARE = 0.25
"""Evaluating an image costs this share of training on it."""

OWN_MICROSECONDS, OWN_WIDTH_MICROSECONDS, OWN_LAYER_MICROSECONDS = 12.0, 12.0, 2.7
"""A step of ten images of one of sixteen runs that each see their own: a fixed part, one in proportion to the
width, and one for each hidden layer. Measured at depths 1 and 4 and widths 30 and 100."""
EVALUATED_MICROSECONDS = 2.2
"""Evaluating one image in one of these runs, at width 30."""
FULL_BATCH_MICROSECONDS = 800.0
"""A full-batch step on 1,000 images, for each hidden layer of one run."""

JOB_SECONDS = 5.5
"""Starting a job and loading its data."""

EVALUATED_TRAINING_IMAGES = 10_000
"""Of the training images, the first so many are evaluated at the end of every epoch."""


@dataclass(frozen=True)
class Estimate:
    """What the plan comes to on one dataset: lengths of a run, rows of each table, seconds of wall time.

    ``book_seconds`` are those of the book's chapter, 0 without it.
    """

    dataset: str
    epochs: int
    steps: int
    measured: int
    rows: dict[str, int]
    seconds: float
    book_seconds: float


def estimate(plan: Plan, config: Config, dataset: str, cores: int) -> Estimate:
    """The estimate for a plan whose runs train on ``dataset``, one bundle at a time on each of ``cores``."""
    training = config.training
    return Estimate(
        dataset=dataset,
        epochs=epochs(training, dataset),
        steps=total_steps(training, dataset),
        measured=len(measured_steps(training, dataset)),
        rows=rows(plan, config, dataset),
        seconds=seconds(plan.bundles, config, dataset, cores),
        book_seconds=_wall_seconds(_book_seconds(config.book, dataset), cores) if config.book else 0.0,
    )


def seconds(bundles: Iterable[Bundle], config: Config, dataset: str, cores: int) -> float:
    """Wall time to train bundles, one at a time on each of ``cores``."""
    return _wall_seconds([bundle_seconds(bundle, config, dataset) for bundle in bundles], cores)


def rows(plan: Plan, config: Config, dataset: str) -> dict[str, int]:
    """Rows that each table will have if no run diverges (a diverged one keeps its rows too)."""
    passes, measured = epochs(config.training, dataset), len(measured_steps(config.training, dataset))
    clipped = sum(run.cell.clipping is not None for run in plan.runs)
    return {
        "runs": len(plan.runs),
        "cells": len(plan.cells),
        "gradients": measured * sum(run.cell.depth + 1 for run in plan.runs),
        # training and validation images at initialization and after every epoch, test images at the end
        "accuracy": len(plan.runs) * (2 * (passes + 1) + 1),
        "clipping": clipped * passes,
    }


def step_microseconds(cell: Cell, minibatch: int) -> float:
    """One core's time for one step of one run."""
    wider = cell.width / REFERENCE_WIDTH
    normalized = NORMALIZATION_MICROSECONDS * wider if cell.normalization else 0.0
    hidden = HIDDEN_LAYER_MICROSECONDS * wider**2 + normalized
    return (STEP_MICROSECONDS * wider + hidden * cell.depth) * minibatch / REFERENCE_MINIBATCH


def bundle_seconds(bundle: Bundle, config: Config, dataset: str) -> float:
    """Seconds of one core for a bundle's whole job, all of its runs trained on ``dataset``."""
    minibatch, sizes = config.training.minibatch, SIZES[dataset]
    evaluated = min(sizes.train, EVALUATED_TRAINING_IMAGES) + sizes.validation
    passes = epochs(config.training, dataset)
    images = passes * sizes.train + EVALUATION_SHARE * (passes + 1) * evaluated
    return JOB_SECONDS + sum(_image_seconds(run.cell, minibatch) for run in bundle.runs) * images


def _book_seconds(book: Book, dataset: str) -> list[float]:
    """Seconds of each job of the chapter that trains; the others take little."""
    accuracy, initialization, speed = book.accuracy, book.initialization, book.training_speed
    trained = [(depth, 30, len(accuracy.seeds), accuracy.epochs) for depth in accuracy.depth]
    runs = len(initialization.seeds) * len(initialization.initializer)
    trained += [(1, width, runs, initialization.epochs) for width in initialization.width]
    followed = len(speed.seeds) * len(speed.activation) * speed.steps
    return [
        *(JOB_SECONDS + _own_images_seconds(*job, dataset) for job in trained),
        *(JOB_SECONDS + FULL_BATCH_MICROSECONDS * depth * followed / 1e6 for depth in speed.depth),
    ]


def _own_images_seconds(depth: int, width: int, runs: int, epochs: int, dataset: str) -> float:
    """Seconds to train runs that each see their own images, by the book's minibatches of 10."""
    wider, sizes = width / REFERENCE_WIDTH, SIZES[dataset]
    step = OWN_MICROSECONDS + (OWN_WIDTH_MICROSECONDS + OWN_LAYER_MICROSECONDS * depth) * wider
    evaluated = min(sizes.train, EVALUATED_TRAINING_IMAGES) + sizes.validation
    images = sizes.train * step / 10 + evaluated * EVALUATED_MICROSECONDS * wider
    return runs * epochs * images / 1e6


def _image_seconds(cell: Cell, minibatch: int) -> float:
    return step_microseconds(cell, minibatch) / minibatch / 1e6


def _wall_seconds(jobs: list[float], cores: int) -> float:
    """At best the work is spread evenly, and no job is split."""
    return max(sum(jobs) / cores, max(jobs))

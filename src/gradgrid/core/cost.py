"""How much a plan writes and about how long it takes."""

from collections.abc import Iterable
from dataclasses import dataclass

from gradgrid.core.book import Book
from gradgrid.core.config import Config
from gradgrid.core.datasets import SIZES
from gradgrid.core.kernel import built
from gradgrid.core.numbers import counted
from gradgrid.core.plan import Bundle, Plan
from gradgrid.core.schedule import epochs, measured_steps, total_steps
from gradgrid.core.times import (
    EVALUATED_TRAINING_IMAGES,
    EVALUATION_SHARE,
    JOB_SECONDS,
    job_seconds,
    kernel_microseconds,
)

OWN_IMAGES_MICROSECONDS = 8.5
"""What a minibatch of ten images takes that only one run sees; without the compiled kernel all takes longer."""
FULL_BATCH_MICROSECONDS = 520.0, 130.0
"""A full-batch step on 1,000 images with the norms of every layer: a fixed part, and one for each hidden layer."""


@dataclass(frozen=True)
class Machine:
    """So many cores, each of which takes ``pace`` times as long as the one that the times were fitted to (times.py)."""

    cores: int
    pace: float = 1.0


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


def estimate(plan: Plan, config: Config, dataset: str, machine: Machine) -> Estimate:
    """The estimate for a plan whose runs train on ``dataset``, one bundle at a time on each core."""
    training = config.training
    book = _book_seconds(config.book, dataset) if config.book else [0.0]
    return Estimate(
        dataset=dataset,
        epochs=epochs(training, dataset),
        steps=total_steps(training, dataset),
        measured=len(measured_steps(training, dataset)),
        rows=rows(plan, config, dataset),
        seconds=training_seconds(plan.bundles, config, dataset, machine),
        book_seconds=machine.pace * _wall_seconds(book, machine.cores),
    )


def place(config: Config, machine: Machine) -> str:
    """What bundles train on."""
    if config.device == "cuda":
        return "one GPU"
    slowly = "" if built() else " without the compiled kernel"
    return f"{counted(machine.cores, 'core')}{slowly}"


def training_seconds(bundles: Iterable[Bundle], config: Config, dataset: str, machine: Machine) -> float:
    """Wall time to train bundles, one at a time on each core, or on the GPU."""
    each = [bundle_seconds(bundle, config, dataset) for bundle in bundles]
    return (
        _wall_seconds(each, 1)
        if config.device == "cuda"
        else machine.pace * _wall_seconds(each, machine.cores)
    )


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


def bundle_seconds(bundle: Bundle, config: Config, dataset: str) -> float:
    """Seconds of one core, or of the GPU, for a bundle's whole job, all of its runs trained on ``dataset``.

    With the compiled kernel if it was built here. Into which bundles runs are cut does not depend on that.
    """
    return job_seconds(bundle.runs, config.training, dataset, config.device, compiled=built())


def _book_seconds(book: Book, dataset: str) -> list[float]:
    """Seconds of each job of the chapter that trains; the others take little."""
    accuracy, initialization, speed = book.accuracy, book.initialization, book.training_speed
    trained = [(depth, 30, len(accuracy.seeds), accuracy.epochs) for depth in accuracy.depth]
    runs = len(initialization.seeds) * len(initialization.initializer)
    trained += [(1, width, runs, initialization.epochs) for width in initialization.width]
    fixed, layer = FULL_BATCH_MICROSECONDS
    followed = len(speed.seeds) * len(speed.activation) * speed.steps
    return [
        *(JOB_SECONDS + _own_images_seconds(*job, dataset) for job in trained),
        *(JOB_SECONDS + (fixed + layer * depth) * followed / 1e6 for depth in speed.depth),
    ]


def _own_images_seconds(depth: int, width: int, runs: int, epochs: int, dataset: str) -> float:
    """Seconds to train runs that each see their own images, by the book's minibatches of 10."""
    sizes = SIZES[dataset]
    image = kernel_microseconds(depth, width, 1)
    evaluated = min(sizes.train, EVALUATED_TRAINING_IMAGES) + sizes.validation
    images = sizes.train * (image + OWN_IMAGES_MICROSECONDS / 10) + evaluated * EVALUATION_SHARE * image
    return runs * epochs * images / 1e6


def _wall_seconds(jobs: list[float], cores: int) -> float:
    """At best the work is spread evenly, and no job is split."""
    return max(sum(jobs) / cores, max(jobs))

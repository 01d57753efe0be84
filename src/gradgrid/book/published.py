"""What the book measured, from ``core/references.csv``, and when the tables' numbers may be judged by it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from gradgrid.book.recipe import WIDTH
from gradgrid.core.datasets import CLASSES, PIXELS, TITLES
from gradgrid.core.numbers import counted
from gradgrid.core.references import references

DATASET, EPOCHS, STEPS = "mnist", 30, 500
"""The book's images, its passes through them, and its updates in full-batch training."""
DEPTHS = (2, 3, 4)
"""Depths of which the book gives the speed of learning."""
WEIGHTS = {"lecun_normal": "default", "normal": "large"}
"""The initializers of chapter 3, N(0, 1/n_in) and N(0, 1), and what the references call them."""


class Ends(NamedTuple):
    """Accuracy after the first and after the last epoch, in %."""

    first: float
    last: float


def network(depth: int, width: int = WIDTH) -> str:
    """``[784, 30, 30, 10]``."""
    return str([PIXELS, *[width] * depth, CLASSES])


def accuracy(depth: int) -> float:
    """Validation accuracy after 30 epochs, in % (chapter 5)."""
    return number(f"book-accuracy-{depth}")


def initialized(width: int, initializer: str) -> Ends:
    """Validation accuracy after 1 and after 30 epochs (chapter 3)."""
    return Ends(*references()[f"book-init-{width}-{WEIGHTS[initializer]}"].numbers)


def speeds(depth: int, step: int = 0) -> np.ndarray:
    """Speed of learning of the hidden layers after so many updates (chapter 5)."""
    return np.array(references()[f"book-speed-{depth}-epoch-{step}"].numbers)


def number(name: str) -> float:
    """A single published number."""
    return references()[name].numbers[0]


def where(frame: pd.DataFrame, *, epochs: int = EPOCHS, steps: int = STEPS) -> dict[str, object]:
    """A table's dataset, and what keeps networks trained on it for so long from judging what the book says."""
    dataset = str(frame["dataset"].iloc[0])
    return {"dataset": dataset, "objections": list(_objections(dataset, epochs, steps))}


def _objections(dataset: str, epochs: int, steps: int) -> Iterator[str]:
    if dataset != DATASET:
        yield f"the images are {TITLES[dataset]}, the book's are {TITLES[DATASET]}"
    if epochs < EPOCHS:
        yield f"these networks were trained for {counted(epochs, 'epoch')}, the book's for {EPOCHS}"
    if steps < STEPS:
        yield f"these networks were trained for {counted(steps, 'step')}, the book's for {STEPS}"

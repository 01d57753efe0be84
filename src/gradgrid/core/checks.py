"""What single values cannot tell: settings that are impossible together."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradgrid.core.datasets import SIZES
from gradgrid.core.documents import Keys
from gradgrid.core.entries import Entry
from gradgrid.core.fields import Found
from gradgrid.core.schedule import epochs, steps_per_epoch, total_steps

if TYPE_CHECKING:
    from gradgrid.core.config import Config, Dataset, Factors, Training

MOST_RUNS = 1_000_000


def impossible(
    dataset: "Dataset",
    training: "Training",
    learning_rates: tuple[float, ...],
    normalizations: tuple[Entry | None, ...],
    broken: Collection[Keys] = (),
) -> Iterator[Found]:
    """Everything in the recipe that the dataset or its fallback cannot do, with the keys it stands at.

    Whatever follows from a ``broken`` key, one that is wrong by itself, is left out.
    """
    recipe = _Recipe(dataset, training, learning_rates, normalizations)
    for check, inputs in _CHECKS.items():
        if not any(keys[: len(part)] == part for keys in inputs for part in broken):
            yield from check(recipe)


def too_many_runs(config: "Config") -> Iterator[Found]:
    """A grid that no plan can list."""
    runs = grid_size(config.factors) * len(config.seeds)
    if runs > MOST_RUNS:
        yield ("factors",), f"the grid has {runs:,} runs; allowed: at most {MOST_RUNS:,}", runs


def grid_size(factors: "Factors") -> int:
    """Number of cells: the product of the factors' numbers of levels."""
    return math.prod(len(getattr(factors, name)) for name in type(factors).model_fields)


@dataclass(frozen=True)
class _Recipe:
    """What the checks look at."""

    dataset: "Dataset"
    training: "Training"
    learning_rates: tuple[float, ...]
    normalizations: tuple[Entry | None, ...]

    def met(self) -> list[tuple[str, int]]:
        """The datasets that the runs may meet, in words, with their numbers of training images."""
        name, fallback = self.dataset.name, self.dataset.fallback
        besides = [] if fallback in (None, name) else [(f"the fallback {fallback}", SIZES[fallback].train)]
        return [(name, SIZES[name].train), *besides]

    def smallest(self) -> tuple[str, int]:
        """The one of them with the fewest training images."""
        return min(self.met(), key=lambda dataset: dataset[1])


def _minibatch_too_large(recipe: _Recipe) -> Iterator[Found]:
    minibatch = recipe.training.minibatch
    name, images = recipe.smallest()
    if minibatch > images:
        text = f"{minibatch} is larger than the training set of {name} ({images:,} images)"
        yield ("training", "minibatch"), f"{text}; allowed: at most {images:,}", minibatch


def _image_alone(recipe: _Recipe) -> Iterator[Found]:
    minibatch = recipe.training.minibatch
    alone = [(name, images) for name, images in recipe.met() if (images - 1) % minibatch == 0]
    if alone and any(kind is not None and kind.name == "batch" for kind in recipe.normalizations):
        name, images = alone[0]
        text = f"{minibatch} leaves an image of {name} ({images:,} training images) alone in a minibatch"
        why = "batch normalization, which needs a variance, cannot train on it"
        yield (
            ("training", "minibatch"),
            f"{text}: {why}; allowed: a number that leaves no image alone",
            minibatch,
        )


def _decay_flips_weights(recipe: _Recipe) -> Iterator[Found]:
    rate, decay = max(recipe.learning_rates), recipe.training.weight_decay
    name, images = recipe.smallest()
    factor = 1 - rate * decay / images
    if factor <= 0:
        product = f"1 - {rate:g} × {decay:g} / {images:,} = {factor:.3g}"
        text = f"{decay:g} is too large: every step on {name} would multiply the weights by {product}"
        limit = f"allowed at learning_rate {rate:g}: less than {images / rate:g}"
        yield ("training", "weight_decay"), f"{text}; {limit}", decay


def _steps_beyond_the_end(recipe: _Recipe) -> Iterator[Found]:
    training, name = recipe.training, recipe.dataset.name
    if training.measure_steps == "auto":
        return
    last = total_steps(training, name)
    length = f"{epochs(training, name):,} epochs of {steps_per_epoch(training, name):,} steps on {name}"
    for index, step in enumerate(training.measure_steps):
        if step > last:
            text = f"{step:,} is beyond the run's last step ({length}); allowed: 0 to {last:,}"
            yield ("training", "measure_steps", index), text, step


_DATASET = (("dataset", "name"), ("dataset", "fallback"))
_MINIBATCH = ("training", "minibatch")
_LENGTH = (("dataset", "name"), _MINIBATCH, ("training", "epochs"), ("training", "digits_epochs"))
_CHECKS = {
    _minibatch_too_large: (*_DATASET, _MINIBATCH),
    _image_alone: (*_DATASET, _MINIBATCH, ("factors", "normalization")),
    _decay_flips_weights: (*_DATASET, ("training", "weight_decay"), ("factors", "learning_rate")),
    _steps_beyond_the_end: (*_LENGTH, ("training", "measure_steps")),
}
"""Each check and the keys that it depends on."""

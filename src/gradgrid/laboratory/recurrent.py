"""Recurrent networks that read images as sequences: gradients through time before training, and clipping by norm.

``rows`` reads an image row by row, 28 time steps of 28 pixels. ``pixels`` reads it pixel by pixel, as Le, Jaitly and
Hinton (2015) do, but shrunk to 14 × 14 pixels, each the mean of four: 196 time steps, because all 784 would take four
times as long, and over 196 the gradient already vanishes and explodes by many orders of magnitude.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gradgrid.core.entries import Entry, clipping_label
from gradgrid.core.jobs import Progress
from gradgrid.core.seeds import derive
from gradgrid.laboratory import elman
from gradgrid.laboratory.elman import Weights
from gradgrid.train.clipping import StackLimits, limits
from gradgrid.train.images import CLASSES, Images
from gradgrid.train.pixels import OwnMinibatch
from gradgrid.train.stack import even_parts
from gradgrid.train.trainer import data_order

MEASURED_ON = 100
"""Gradients through time are measured on so many training images, the first ones."""
MINIBATCH = 20
VALIDATION_BLOCKS = 2
"""Accuracy is measured on so many blocks of 250 validation images, the first ones."""
MEASUREMENTS = 10
"""A training is measured at initialization and so many times afterwards, at even distances."""
_SIDE = 28
_SIDE_BY_SIDE = 64


class Run(NamedTuple):
    """One recurrent network: its spectral radius before training, its clipping and its seed."""

    spectral_radius: float
    clipping: Entry | None
    seed: int

    @property
    def labels(self) -> dict[str, float | str | int]:
        """Values of the tables' columns."""
        return {**self._asdict(), "clipping": clipping_label(self.clipping)}


def rows(images: Tensor) -> Tensor:
    """Images [M, B, 784] as sequences [28, M, B, 28] of their rows."""
    return images.unflatten(-1, (_SIDE, _SIDE)).movedim(2, 0).contiguous()


def pixels(images: Tensor) -> Tensor:
    """Images [M, B, 784] as sequences [196, M, B, 1] of the means of 2 × 2 pixels, row by row."""
    shrunk = avg_pool2d(images.unflatten(-1, (_SIDE, _SIDE)), 2)
    return shrunk.flatten(2).movedim(2, 0).unsqueeze(-1).contiguous()


class Reading(NamedTuple):
    """A way to read images: as which sequences, the inputs of a time step, and the setting with its updates."""

    sequences: Callable[[Tensor], Tensor]
    inputs: int
    steps: str


READINGS: Mapping[str, Reading] = {
    "rows": Reading(rows, _SIDE, "steps"),
    "pixels": Reading(pixels, 1, "pixel_steps"),
}


def recurrent(settings: dict, images: Images) -> dict[str, pd.DataFrame]:
    """The tables ``laboratory/recurrent`` and ``laboratory/recurrent_training``."""
    tables = {"recurrent": gradients, "recurrent_training": training}
    return {
        table: pd.concat([make(name, settings, images) for name in READINGS], ignore_index=True)
        for table, make in tables.items()
    }


def initial(run: Run, hidden: int, inputs: int) -> Weights:
    """A run's parameters before training, in float64.

    W_x and V are N(0, 1/fan_in) (LeCun et al., 1998, sec. 4.6) and biases 0. W_h is Gaussian, scaled to the run's
    spectral radius: one draw for all radii of a seed.
    """

    def draw(name: str, fan_out: int, fan_in: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive("recurrent", name, run.seed))
        return torch.randn(fan_out, fan_in, dtype=torch.float64, generator=generator) / fan_in**0.5

    w_h = draw("recurrent", hidden, hidden)
    return Weights(
        input=draw("input", hidden, inputs),
        recurrent=w_h * (run.spectral_radius / elman.spectral_radius(w_h)),
        bias=w_h.new_zeros(1, hidden),
        output=draw("output", CLASSES, hidden),
        output_bias=w_h.new_zeros(1, CLASSES),
    )


@torch.inference_mode()
def gradients(name: str, settings: dict, images: Images) -> pd.DataFrame:
    """Before training and in float64: at every time step the mean over images of ‖dC/dh_t‖, C an image's own cost."""
    parts = even_parts(_runs(settings, [None]), _SIDE_BY_SIDE)
    found = [_untrained(part, READINGS[name], settings["hidden"], images) for part in parts]
    return pd.concat(found).assign(sequence=name)


@torch.inference_mode()
def training(name: str, settings: dict, images: Images) -> pd.DataFrame:
    """Plain gradient descent, with and without clipping by norm, measured from time to time.

    Clipping scales the whole gradient down to the threshold (Pascanu, Mikolov and Bengio, 2013, algorithm 1). Where
    most norms are above it, that is a smaller learning rate too: the comparison holds at this one learning rate.
    """
    reading = READINGS[name]
    steps = settings[reading.steps]
    runs = _runs(settings, [None, Entry.of("norm", {"threshold": settings["threshold"]})])
    progress = Progress(f"{name}: {len(runs)} recurrent networks", steps * len(runs), "run-steps")
    stacks = (_Training(part, reading, settings, images) for part in even_parts(runs, _SIDE_BY_SIDE))
    return pd.concat(_followed(stack, steps, progress) for stack in stacks).assign(sequence=name)


def _untrained(runs: Sequence[Run], reading: Reading, hidden: int, images: Images) -> pd.DataFrame:
    weights = elman.stack([initial(run, hidden, reading.inputs) for run in runs], (MEASURED_ON,))
    shown = images.probes.dense[:MEASURED_ON].double(), images.training.targets[:MEASURED_ON].cpu().double()
    trace = elman.forward(weights, *_shared(reading, weights, *shown))
    norms = [by_state.norm(dim=2).mean(1) for by_state, _ in elman.through_time(weights, trace)]
    index = [run.labels | {"time": t} for run in runs for t in range(1, len(norms) + 1)]
    measured = torch.stack(norms[::-1], 1)[: len(runs)].flatten().numpy()
    return pd.DataFrame(index).assign(gradient_norm=measured)


def _followed(stack: "_Training", steps: int, progress: Progress) -> pd.DataFrame:
    """Take the steps, and measure where it is due."""
    due = {round(steps * i / MEASUREMENTS) for i in range(MEASUREMENTS + 1)}
    frames = [stack.measured(0)]
    for step, minibatch in enumerate(stack.minibatches(steps), start=1):
        stack.step(minibatch)
        if step in due:
            frames.append(stack.measured(step))
        progress(len(stack.runs))
    return pd.concat(frames)


class _Training:
    """A stack of runs in training, and what was seen of them since they were measured last."""

    def __init__(self, runs: Sequence[Run], reading: Reading, settings: dict, images: Images) -> None:
        like = images.training.targets
        self.runs, self.reading, self.images = runs, reading, images
        self.validation = images.splits["validation"][:VALIDATION_BLOCKS]
        drawn = [initial(run, settings["hidden"], reading.inputs) for run in runs]
        self.weights = elman.stack(
            [Weights(*(parameter.to(like) for parameter in of_run)) for of_run in drawn],
            {MINIBATCH, *(len(block.labels) for block in self.validation)},
        )
        self.limits = StackLimits([limits(run.clipping) for run in runs], len(self.weights.bias), like)
        self.learning_rate = settings["learning_rate"]
        self._forget()

    def _forget(self) -> None:
        nothing = self.limits.norms.flatten().double() * torch.nan
        self.steps, self.cost, self.largest = 0, torch.zeros_like(nothing), nothing

    def minibatches(self, steps: int) -> Iterator[OwnMinibatch]:
        """Each run's own minibatches, in the order of its seed, epoch after epoch."""
        orders = np.stack([_order(run.seed, steps * MINIBATCH, self.images.size) for run in self.runs])
        parts = self.images.training.own_minibatches(orders, MINIBATCH, len(self.weights.bias))
        return itertools.chain.from_iterable(parts)

    def step(self, minibatch: OwnMinibatch) -> None:
        """One update of every run."""
        sequences = self.reading.sequences(minibatch.images)
        trace = elman.forward(self.weights, sequences, minibatch.targets)
        gradient = elman.mean_gradient(self.weights, sequences, trace)
        norms = elman.gradient_norms(gradient)
        rates = self.learning_rate * self.limits.norm_factor(norms)
        elman.descend(self.weights, gradient, rates.to(self.weights.bias))
        self.steps += 1
        self.cost = self.cost + trace.loss.cost().double().mean(1)
        self.largest = self.largest.fmax(norms.flatten())

    def measured(self, step: int) -> pd.DataFrame:
        """The rows of all runs after ``step`` updates; those of a diverged run have no measures."""
        good = elman.finite(self.weights)[: len(self.runs)].cpu().numpy()
        measures = {
            "loss": self.cost / self.steps,
            "accuracy": self._accuracy(),
            "gradient_norm": self.largest,
            "trained_radius": torch.tensor([_radius(w_h) for w_h in self.weights.recurrent]),
        }
        self._forget()
        kept = {name: np.where(good, m[: len(good)].cpu(), np.nan) for name, m in measures.items()}
        status = np.where(good, "training", "diverged")
        return pd.DataFrame([run.labels for run in self.runs]).assign(step=step, **kept, status=status)

    def _accuracy(self) -> Tensor:
        """Share of validation images classified correctly [M]."""
        right = []
        for block in self.validation:
            dense = block.images.times(torch.eye(_SIDE**2).to(block.targets))
            loss = elman.outcome(self.weights, *_shared(self.reading, self.weights, dense, block.targets))
            right.append(loss.outputs.argmax(2) == block.labels)
        return torch.cat(right, 1).double().mean(1)


def _radius(w_h: Tensor) -> float:
    """The spectral radius of one run's recurrent weights, NaN where they are not finite."""
    found = w_h.double().cpu()  # eigenvalues of a single small matrix are nothing for a GPU
    return elman.spectral_radius(found).item() if found.isfinite().all() else np.nan


def _runs(settings: dict, clippings: Sequence[Entry | None]) -> list[Run]:
    levels = itertools.product(settings["spectral_radius"], clippings, settings["seeds"])
    return [Run(*level) for level in levels]


def _order(seed: int, count: int, images: int) -> np.ndarray:
    """The numbers [count] of the training images that a seed's runs see one after another."""
    epochs = range(1, -(-count // images) + 1)
    return np.concatenate([data_order(seed, epoch, images) for epoch in epochs])[:count]


def _shared(reading: Reading, weights: Weights, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Images [B, 784] as sequences [T, M, B, inputs], and targets [B, classes] as [M, B, classes], for all runs."""
    runs = len(weights.bias)
    return reading.sequences(images[None]).expand(-1, runs, -1, -1), targets.expand(runs, -1, -1)

"""Time a training step side by side: the plain PyTorch loop, the book's NumPy loop, and the stacked network.

    python -m benchmarks.training

One process, one core, width 30, minibatch 10, sigmoid, cross-entropy, weight decay; every contestant takes its
turn in each round, and the median over the rounds counts. Gathering minibatches from the training set is part of
everyone's step.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

from benchmarks.book import BookNetwork
from gradgrid.core.config import Dataset
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Cell, Run
from gradgrid.data import Data, load, prepare
from gradgrid.train.images import CLASSES, Images
from gradgrid.train.initialization import initialize
from gradgrid.train.stack import Stack

WIDTH, MINIBATCH, RATE, DECAY, THRESHOLD = 30, 10, 0.1, 5.0 / 50_000, 1.0
STACKS = (1, 8, 32, 64)

Steps = Callable[[int], None]
"""Takes a number of steps."""


def plain_loop(data: Data, depth: int, clip: bool) -> Steps:
    """What a PyTorch user writes: nn.Sequential, loss.backward, torch.optim.SGD, clip_grad_norm_."""
    images, targets = torch.from_numpy(data.train_images), _one_hot(data)
    sizes = [images.shape[1], *[WIDTH] * depth, CLASSES]
    layers = [[nn.Linear(a, b), nn.Sigmoid()] for a, b in itertools.pairwise(sizes)]
    network = nn.Sequential(*[module for pair in layers for module in pair][:-1])
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, weight_decay=DECAY)
    cost = nn.BCEWithLogitsLoss(reduction="sum")
    chosen = _chosen(len(images))

    def steps(number: int) -> None:
        for _ in range(number):
            indices = next(chosen)
            optimizer.zero_grad()
            (cost(network(images[indices]), targets[indices]) / MINIBATCH).backward()
            if clip:
                nn.utils.clip_grad_norm_(network.parameters(), THRESHOLD)
            optimizer.step()

    return steps


def book_loop(data: Data, depth: int, clip: bool) -> Steps:
    """The book's way: NumPy, one image at a time."""
    images, targets = data.train_images, _one_hot(data).numpy()
    network = BookNetwork([images.shape[1], *[WIDTH] * depth, CLASSES], THRESHOLD if clip else None)
    chosen = _chosen(len(images))

    def steps(number: int) -> None:
        for _ in range(number):
            indices = next(chosen).numpy()
            network.step(images[indices], targets[indices], RATE, DECAY)

    return steps


def stacked(images: Images, depth: int, clip: bool, runs: int) -> Steps:
    """The stacked network with ``runs`` runs; a step is one step of all of them."""
    cell = _cell(depth, clip)
    members = [Run(cell, seed) for seed in range(runs)]
    parameters = [initialize(run, "normal", images.probes.dense, CLASSES) for run in members]
    stack = Stack(members, parameters, "cross_entropy", DECAY, (MINIBATCH,))

    def endless() -> Iterator:
        while True:
            order = torch.randperm(images.size).numpy()
            for some in images.training.minibatches(order, MINIBATCH):
                yield from some
                stack.network.fold()

    minibatches = endless()

    @torch.inference_mode()
    def steps(number: int) -> None:
        for _ in range(number):
            stack.step(next(minibatches))

    return steps


def measure(contestants: dict[str, tuple[Steps, int]], rounds: int, run_steps: int) -> dict[str, float]:
    """Median microseconds per run-step of each contestant, given as (steps, runs), taking turns."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, (steps, runs) in contestants.items():
            count = max(20, run_steps // runs)
            began = time.perf_counter()
            steps(count)
            if number:  # the first round warms up
                times[name].append((time.perf_counter() - began) / count / runs * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Print a table for depths 1 and 4, without and with clipping by norm."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=9, help="turns that each contestant takes")
    parser.add_argument("--run-steps", type=int, default=4000, help="run-steps in a turn")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = _data()
    images = Images.of(data, torch.device("cpu"))
    for depth in (1, 4):
        for clip in (False, True):
            print(
                f"depth {depth}, {'clipping by norm' if clip else 'no clipping'}, {data.name}: µs a run-step"
            )
            contestants = {"plain PyTorch loop": (plain_loop(data, depth, clip), 1)}
            contestants["book's NumPy loop"] = (book_loop(data, depth, clip), 1)
            contestants |= {f"stacked, M = {m}": (stacked(images, depth, clip, m), m) for m in STACKS}
            found = measure(contestants, arguments.rounds, arguments.run_steps)
            for name, value in found.items():
                print(
                    f"  {name:20}{value:8.1f}   {found['plain PyTorch loop'] / value:5.1f} × the plain loop",
                    flush=True,
                )


def _cell(depth: int, clip: bool) -> Cell:
    clipping = Entry.of("norm", {"threshold": THRESHOLD}) if clip else None
    return Cell(depth, Entry("sigmoid"), Entry("lecun_normal"), clipping, WIDTH, Entry("sgd"), RATE)


def _chosen(images: int) -> Iterator[torch.Tensor]:
    while True:
        yield from torch.randperm(images).split(MINIBATCH)


def _one_hot(data: Data) -> torch.Tensor:
    return nn.functional.one_hot(torch.from_numpy(data.train_labels), CLASSES).float()


def _data() -> Data:
    with tempfile.TemporaryDirectory() as folder:
        npz = Path(folder) / "dataset.npz"
        prepare(Dataset(), npz, Path(folder) / "dataset.json", Path(folder) / "raw")
        return load(npz)


if __name__ == "__main__":
    main()

"""What takes training steps side by side: what a user would write, in several ways, and GradGrid's two.

All train on the same images, with minibatches gathered from the training set as part of their steps.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from benchmarks.book import BookNetwork
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Cell, Run
from gradgrid.data import Data
from gradgrid.train.compiled import CompiledStack
from gradgrid.train.images import CLASSES, Images
from gradgrid.train.initialization import initialize
from gradgrid.train.stack import Stack

DECAY, NORM, VALUE = 5.0 / 50_000, 1.0, 0.1

Steps = Callable[[int], None]
"""Takes a number of steps."""


@dataclass(frozen=True)
class Setting:
    """What is trained: sigmoid networks by cross-entropy, with weight decay."""

    depth: int = 1
    width: int = 30
    minibatch: int = 10
    optimizer: str = "sgd"
    clipping: str | None = None

    @property
    def rate(self) -> float:
        """The learning rate."""
        return 0.001 if self.optimizer == "adam" else 0.1

    @property
    def cell(self) -> Cell:
        """The same as GradGrid has it."""
        thresholds = {"norm": NORM, "value": VALUE}
        clipping = (
            Entry.of(self.clipping, {"threshold": thresholds[self.clipping]}) if self.clipping else None
        )
        start = Entry("sigmoid"), Entry("lecun_normal")
        return Cell(self.depth, *start, clipping, self.width, Entry(self.optimizer), self.rate)


def plain_loop(data: Data, setting: Setting) -> Steps:
    """What a PyTorch user writes: nn.Sequential, loss.backward, torch.optim, torch.nn.utils.clip_grad_*."""
    images, targets = torch.from_numpy(data.train_images), _one_hot(data)
    network, cost, chosen = _network(setting), nn.BCEWithLogitsLoss(reduction="sum"), _chosen(data, setting)
    optimizer = _optimizer(network, setting)

    def steps(number: int) -> None:
        for _ in range(number):
            indices = next(chosen)
            optimizer.zero_grad()
            (cost(network(images[indices]), targets[indices]) / setting.minibatch).backward()
            if setting.clipping == "norm":
                nn.utils.clip_grad_norm_(network.parameters(), NORM)
            elif setting.clipping == "value":
                nn.utils.clip_grad_value_(network.parameters(), VALUE)
            optimizer.step()

    return steps


def book_loop(data: Data, setting: Setting) -> Steps:
    """The book's way: NumPy, one image at a time; plain descent alone."""
    images, targets, chosen = data.train_images, _one_hot(data).numpy(), _chosen(data, setting)
    sizes = [images.shape[1], *[setting.width] * setting.depth, CLASSES]
    network = BookNetwork(sizes, NORM if setting.clipping else None)

    def steps(number: int) -> None:
        for _ in range(number):
            indices = next(chosen).numpy()
            network.step(images[indices], targets[indices], setting.rate, DECAY)

    return steps


def torch_func(data: Data, setting: Setting, runs: int) -> Steps:
    """The ensemble of PyTorch's tutorial: ``stack_module_state``, ``vmap`` and ``grad``; plain descent alone."""
    images, targets, chosen = torch.from_numpy(data.train_images), _one_hot(data), _chosen(data, setting)
    networks = [_network(setting) for _ in range(runs)]
    parameters, _ = stack_module_state(networks)
    parameters = {name: value.detach() for name, value in parameters.items()}
    like = networks[0]

    def cost(own: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        z = functional_call(like, own, (x,))
        return nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum") / setting.minibatch

    gradients = vmap(grad(cost), in_dims=(0, None, None))

    def steps(number: int) -> None:
        for _ in range(number):
            indices = next(chosen)
            found = gradients(parameters, images[indices], targets[indices])
            _descend(list(parameters.values()), list(found.values()), setting)

    return steps


def stacked_autograd(data: Data, setting: Setting, runs: int) -> Steps:
    """Stacked weights, ``torch.baddbmm`` and ``backward``; plain descent alone."""
    images, targets, chosen = torch.from_numpy(data.train_images), _one_hot(data), _chosen(data, setting)
    stacked, _ = stack_module_state([_network(setting) for _ in range(runs)])
    parameters = list(stacked.values())
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))

    def steps(number: int) -> None:
        for _ in range(number):
            indices = next(chosen)
            a, y = images[indices].expand(runs, -1, -1), targets[indices].expand(runs, -1, -1)
            for layer, (weights, biases) in enumerate(pairs):
                a = torch.baddbmm(biases[:, None], a if layer == 0 else torch.sigmoid(a), weights.mT)
            cost = nn.functional.binary_cross_entropy_with_logits(a, y, reduction="sum") / setting.minibatch
            gradients = torch.autograd.grad(cost, parameters)
            with torch.no_grad():
                _descend(parameters, gradients, setting)

    return steps


def stack(images: Images, setting: Setting, runs: int) -> Steps:
    """GradGrid's stack in PyTorch."""
    members, order = pytorch_stack(images, setting, runs), _orders(images)

    def endless() -> Iterator:
        while True:
            for some in images.training.minibatches(next(order), setting.minibatch):
                yield from some
                members.network.fold()

    minibatches = endless()

    @torch.inference_mode()
    def steps(number: int) -> None:
        for _ in range(number):
            members.step(next(minibatches))

    return steps


def kernel(images: Images, setting: Setting, runs: int, seconds: np.ndarray | None = None) -> Steps:
    """GradGrid's compiled kernel; adds the time of each part of a step to ``seconds``, if given."""
    members = compiled_stack(images, setting, runs)
    order = next(_orders(images))

    def steps(number: int) -> None:
        if number * setting.minibatch > len(order):
            raise ValueError(f"at most {len(order) // setting.minibatch} steps at a time")
        members.train([order[: number * setting.minibatch]], seconds=seconds)

    return steps


def compiled_stack(images: Images, setting: Setting, runs: int) -> CompiledStack:
    """Runs for the kernel."""
    return CompiledStack(pytorch_stack(images, setting, runs), images.training, setting.minibatch, DECAY)


def pytorch_stack(images: Images, setting: Setting, runs: int) -> Stack:
    """Runs as PyTorch has them."""
    members = [Run(setting.cell, seed) for seed in range(runs)]
    parameters = [initialize(run, "normal", images.probes.dense, CLASSES) for run in members]
    return Stack(members, parameters, "cross_entropy", DECAY, (setting.minibatch, *images.sizes()))


def _network(setting: Setting) -> nn.Sequential:
    sizes = [784, *[setting.width] * setting.depth, CLASSES]
    layers = [[nn.Linear(a, b), nn.Sigmoid()] for a, b in itertools.pairwise(sizes)]
    return nn.Sequential(*[module for pair in layers for module in pair][:-1])


def _optimizer(network: nn.Module, setting: Setting) -> torch.optim.Optimizer:
    if setting.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), lr=setting.rate, weight_decay=DECAY)
    momentum = 0.0 if setting.optimizer == "sgd" else 0.9
    kind = {"momentum": momentum, "nesterov": setting.optimizer == "nesterov"}
    return torch.optim.SGD(network.parameters(), lr=setting.rate, weight_decay=DECAY, **kind)


def _descend(parameters: list[Tensor], gradients: Iterable[Tensor], setting: Setting) -> None:
    """Plain descent of stacked parameters [M, …], clipped by each run's own norm."""
    gradients = list(gradients)
    if setting.clipping == "norm":
        norms = sum(gradient.flatten(1).square().sum(1) for gradient in gradients).sqrt()
        factor = (NORM / (norms + 1e-6)).clamp(max=1.0)
        gradients = [gradient * factor.view(-1, *[1] * (gradient.dim() - 1)) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if parameter.dim() == 3:
            parameter.mul_(1 - setting.rate * DECAY)
        parameter.sub_(gradient, alpha=setting.rate)


def _chosen(data: Data, setting: Setting) -> Iterator[Tensor]:
    while True:
        yield from torch.randperm(len(data.train_images)).split(setting.minibatch)


def _orders(images: Images) -> Iterator[np.ndarray]:
    while True:
        yield torch.randperm(images.size).numpy()


def _one_hot(data: Data) -> Tensor:
    return nn.functional.one_hot(torch.from_numpy(data.train_labels), CLASSES).float()

"""What takes training steps side by side: what a user would write, in several ways, and GradGrid's own.

All train on the same images, with minibatches gathered from the training set as part of their steps.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from gradgrid.train.dense import DenseStack
from gradgrid.train.images import CLASSES, Images
from gradgrid.train.initialization import initialize
from gradgrid.train.network import Parameters
from gradgrid.train.replay import AT_ONCE, WARM_UP, ReplayedSteps
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


def plain_loop(data: Data, setting: Setting, device: str = "cpu") -> Steps:
    """What a PyTorch user writes: nn.Sequential, loss.backward, torch.optim, torch.nn.utils.clip_grad_*."""
    images, targets, chosen = _on(device, data, setting)
    network, cost = _network(setting).to(device), nn.BCEWithLogitsLoss(reduction="sum")
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


def torch_func(data: Data, setting: Setting, runs: int, device: str = "cpu") -> Steps:
    """The ensemble of PyTorch's tutorial: ``stack_module_state``, ``vmap`` and ``grad``; plain descent alone."""
    images, targets, chosen = _on(device, data, setting)
    networks = [_network(setting).to(device) for _ in range(runs)]
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


def stacked_autograd(data: Data, setting: Setting, runs: int, device: str = "cpu") -> Steps:
    """Stacked weights, ``torch.baddbmm`` and ``backward``; plain descent alone."""
    images, targets, chosen = _on(device, data, setting)
    stacked, _ = stack_module_state([_network(setting).to(device) for _ in range(runs)])
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


def replayed(images: Images, setting: Setting, runs: int) -> Steps:
    """GradGrid's dense stack, of one seed; on CUDA its steps are replayed."""
    members, like = _members(setting, runs), images.training.targets
    parameters = [[(w.to(like), b.to(like)) for w, b in layers] for layers in _initial(members, images)]
    taken = ReplayedSteps(
        DenseStack(members, parameters, "cross_entropy", DECAY, 1), images.training, setting.minibatch
    )
    order = _orders(images)

    @torch.inference_mode()
    def steps(number: int) -> None:
        for begin in range(0, number, AT_ONCE):
            if taken.left < AT_ONCE:
                taken.begin(next(order)[None])
            taken.take(min(AT_ONCE, number - begin))

    steps(WARM_UP + 1)  # what is timed is replayed
    return steps


def compiled_stack(images: Images, setting: Setting, runs: int) -> CompiledStack:
    """Runs for the kernel."""
    return CompiledStack(pytorch_stack(images, setting, runs), images.training, setting.minibatch, DECAY)


def pytorch_stack(images: Images, setting: Setting, runs: int) -> Stack:
    """Runs as PyTorch has them."""
    members = _members(setting, runs)
    sizes = (setting.minibatch, *images.sizes())
    return Stack(members, _initial(members, images), "cross_entropy", DECAY, sizes)


def _members(setting: Setting, runs: int) -> list[Run]:
    return [Run(setting.cell, seed) for seed in range(runs)]


def _initial(members: Sequence[Run], images: Images) -> list[Parameters]:
    return [initialize(run, "normal", images.probes.dense, CLASSES) for run in members]


def products(setting: Setting, runs: int, device: str = "cpu") -> Steps:
    """The dense matrix products of a step, forward, backward and of the weight gradients, and nothing else."""
    sizes = [784, *[setting.width] * setting.depth, 10]
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        shapes = (setting.minibatch, inputs), (outputs, inputs), (setting.minibatch, outputs)
        layers.append([torch.rand(runs, *shape, device=device) for shape in shapes])

    def steps(number: int) -> None:
        for _ in range(number):
            for layer, (a, weights, delta) in enumerate(layers):
                torch.bmm(a, weights.mT)
                torch.bmm(delta.mT, a)
                if layer:
                    torch.bmm(delta, weights)

    return steps


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


def _on(device: str, data: Data, setting: Setting) -> tuple[Tensor, Tensor, Iterator[Tensor]]:
    """Images, one-hot targets and the numbers of each minibatch's images, on a device."""
    images = torch.from_numpy(data.train_images).to(device)
    return images, _one_hot(data).to(device), _chosen(data, setting, device)


def _chosen(data: Data, setting: Setting, device: str = "cpu") -> Iterator[Tensor]:
    while True:
        yield from torch.randperm(len(data.train_images), device=device).split(setting.minibatch)


def _orders(images: Images) -> Iterator[np.ndarray]:
    while True:
        yield torch.randperm(images.size).numpy()


def _one_hot(data: Data) -> Tensor:
    return nn.functional.one_hot(torch.from_numpy(data.train_labels), CLASSES).float()

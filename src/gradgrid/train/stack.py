"""A stack: runs of one architecture and one kind of optimizer, ready to take steps together."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradgrid.core.plan import Cell, Run
from gradgrid.train import losses
from gradgrid.train.clipping import StackLimits, limits
from gradgrid.train.hidden import Hidden
from gradgrid.train.images import Block
from gradgrid.train.losses import Loss
from gradgrid.train.network import Network, OwnImagesNetwork, Parameters, StackedNetwork, gradient_norms
from gradgrid.train.optimizers import State
from gradgrid.train.passes import Deltas, Trace
from gradgrid.train.pixels import AnyMinibatch
from gradgrid.train.updates import Gradients, OwnImagesDescent, Rates, Update, is_sparse, make_update


@dataclass(frozen=True)
class StepClipping:
    """Of some steps: each run's gradient's norm before clipping, and whether clipping changed it, both [steps, M]."""

    norms: Tensor
    clipped: Tensor


class Stack:
    """Runs that train together: their network, its update and their clipping limits."""

    def __init__(
        self,
        runs: Sequence[Run],
        parameters: Sequence[Parameters],
        loss: str,
        decay: float,
        images: Iterable[int] = (1,),
        own_images: bool = False,
    ) -> None:
        """Stack ``runs``, one of :func:`alike`, from their initial ``parameters`` in the same order.

        ``decay`` is the book's lambda/n; ``images`` are the numbers of images that will be fed at a time. With
        ``own_images`` each run sees its own, and all are plain gradient descent with one learning rate.
        """
        cell = runs[0].cell
        sparse = is_sparse(cell.optimizer, cell.learning_rate, decay)
        # Dense updates and running statistics have elementwise arithmetic on [M, 1, neurons], as if on one image.
        counts = images if sparse and cell.normalization is None else {1, *images}
        kind = OwnImagesNetwork if own_images else StackedNetwork
        rates = self._gather(runs, kind.of(parameters, Hidden.of(cell), counts), loss, decay)
        if own_images:
            self.update: Update = OwnImagesDescent(_shared_rate(runs), decay)
        else:
            self.update = make_update(cell.optimizer, rates, sparse)

    def _gather(self, runs: Sequence[Run], network: Network, loss: str, decay: float) -> Rates:
        """Keep what every kind of stack has, and return the settings of its steps."""
        self.runs, self.network = tuple(runs), network
        self.loss: Callable[[Tensor, Tensor], Loss] = getattr(losses, loss)
        stacked, like = network.stacked, network.biases[0]
        self.limits = StackLimits([limits(run.cell.clipping) for run in runs], stacked, like)
        rates = [run.cell.learning_rate for run in runs] + [0.0] * (stacked - len(runs))
        values = self.limits.values if self.limits.any_value else None
        self.rates = like.new_tensor(rates).view(-1, 1, 1)
        return Rates(self.rates, decay, values)

    def step(self, minibatch: AnyMinibatch) -> StepClipping | None:
        """One optimizer update of every run; says what clipping did, None where no run has any."""
        trace = self.forward(minibatch)
        return self.descend(minibatch, trace, self.network.backward(trace))

    def forward(self, minibatch: AnyMinibatch) -> Trace:
        """The forward pass of a step."""
        return self.network.forward(minibatch.images, minibatch.targets, self.loss)

    def descend(self, minibatch: AnyMinibatch, trace: Trace, deltas: Deltas) -> StepClipping | None:
        """The clipped update of a step, from its forward and backward pass."""
        self.network.remember(trace)
        mean = torch.full_like(self.limits.norms, 1 / minibatch.size)
        if not self.limits.any:
            self.update.step(self.network, Gradients(deltas, trace, minibatch, mean))
            return None
        norms = gradient_norms(deltas, trace, minibatch)
        factor = self.limits.norm_factor(norms)
        cut = self.update.step(self.network, Gradients(deltas, trace, minibatch, mean * factor))
        return StepClipping(norms.view(1, -1), (factor.view(1, -1) < 1) | cut)

    def reader(self) -> Callable[[Block], Loss]:
        """How the runs do on a block of images, by running statistics; valid until the next step."""
        network = self.network.reading()
        return lambda block: network.forward(block.images, block.targets, self.loss, running=True).loss

    def state(self) -> dict[str, list]:
        """Everything that steps change, as tensors and plain values; the tensors are the stack's own."""
        remembered = [(state.steps, state.averages) for state in self.update.states]
        return {"network": self.network.state(), "update": remembered}

    def restore(self, state: dict[str, list]) -> None:
        """Take over the :meth:`state` of a stack of the same runs."""
        for tensor, kept in zip(self.network.state(), state["network"], strict=True):
            tensor.copy_(kept)
        device = self.rates.device
        self.update.states = [
            State(_on(device, steps), {name: average.to(device) for name, average in averages.items()})
            for steps, averages in state["update"]
        ]


def _on(device: torch.device, steps: int | Tensor) -> int | Tensor:
    return steps.to(device) if isinstance(steps, Tensor) else steps


def _shared_rate(runs: Sequence[Run]) -> float:
    """The learning rate of runs that can see their own images."""
    rates = {run.cell.learning_rate for run in runs}
    if len(rates) > 1 or not all(_plain(run.cell) for run in runs):
        raise ValueError(
            "runs with their own images: sgd without clipping by value, normalization or residual connections, "
            "at one learning rate"
        )
    return rates.pop()


def _plain(cell: Cell) -> bool:
    remedies = cell.normalization is not None or cell.residual
    return cell.optimizer.name == "sgd" and limits(cell.clipping).value == math.inf and not remedies


def alike(runs: Sequence[Run], decay: float, largest: int) -> list[list[Run]]:
    """Cut a bundle's runs into groups that can be stacked, of at most ``largest`` runs and of even sizes."""
    groups: dict[object, list[Run]] = {}
    for run in runs:
        cell = run.cell
        sparse = is_sparse(cell.optimizer, cell.learning_rate, decay)
        kind = (run.seed, cell.optimizer, sparse, cell.normalization, cell.residual)
        groups.setdefault(kind, []).append(run)
    return [part for group in groups.values() for part in even_parts(group, largest)]


def even_parts(runs: list, largest: int) -> list[list]:
    """Cut runs, or whatever, into parts of at most ``largest`` and of even sizes."""
    size = math.ceil(len(runs) / math.ceil(len(runs) / largest))
    return [runs[i : i + size] for i in range(0, len(runs), size)]

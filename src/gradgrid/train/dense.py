"""Dense stacks: runs of several seeds side by side, in steps whose shapes never change, so that they can be replayed.

For a GPU. Dense, because lists of the pixels that are not zero have another length in every step. The runs stand seed
by seed, equally many of each; a seed's minibatch is there once, and layer 1 is one product for all its runs. The
mathematics is that of the other stacks.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from gradgrid.core.plan import Run
from gradgrid.train.clipping import Cutter
from gradgrid.train.hidden import Hidden
from gradgrid.train.losses import Loss
from gradgrid.train.network import OwnImagesNetwork, Parameters
from gradgrid.train.optimizers import State
from gradgrid.train.passes import Trace
from gradgrid.train.pixels import DenseMinibatch
from gradgrid.train.products import product
from gradgrid.train.stack import Stack, even_parts
from gradgrid.train.updates import DenseUpdate, direction_of


class DenseNetwork(OwnImagesNetwork):
    """Runs in P parts of equal size, one part after the other; those of a part see the same images, which are dense.

    No idle runs fill it up: on a GPU a run's last digits may depend on M (docs/gpu.md).
    """

    @staticmethod
    def multiple(parameters: Parameters, images: Iterable[int]) -> int:
        """See :class:`Network`."""
        return 1

    def _keep_first(self, weights: Tensor) -> None:
        self.first = weights.contiguous()

    def forward(self, images: Tensor, targets: Tensor, loss: Callable[[Tensor, Tensor], Loss]) -> Trace:
        """Feed each part its ``images`` [P, B, inputs] and compare with one-hot ``targets`` [M, B, classes]."""
        wide = product(images, self.first.view(len(images), -1, images.shape[2]).mT)
        by_run = wide.unflatten(2, (-1, self.first.shape[1])).transpose(1, 2).flatten(0, 1).contiguous()
        return self.upward(by_run + self.biases[0], targets, loss)

    def first_gradient(self, images: Tensor, deltas: Tensor) -> Tensor:
        """The gradient [M, width, inputs] of layer 1's weights, from its deltas [M, B, width]."""
        wide = deltas.unflatten(0, (len(images), -1)).transpose(1, 2).flatten(2)
        return product(wide.mT, images).unflatten(1, (-1, self.first.shape[1])).flatten(0, 1)

    def tensors(self) -> list[Tensor]:
        """The parameters themselves: the weights of all layers, the vectors."""
        return [self.first, *self.weights, *self.vectors()]


class _Update(DenseUpdate):
    """The dense update of a :class:`DenseNetwork`, which counts its steps on the device."""

    def _nothing_yet(self) -> State:
        return State(self.rates.learning.new_zeros((), dtype=torch.float64))

    def _first(
        self, network: DenseNetwork, minibatch: DenseMinibatch, deltas: Tensor, cutter: Cutter
    ) -> Tensor:
        return cutter.by_run(network.first_gradient(minibatch.images, deltas))

    def _descend_first(self, network: DenseNetwork, direction: Tensor) -> None:
        network.first.addcmul_(direction, self.rates.learning, value=-1)


class DenseStack(Stack):
    """Runs of one architecture and one kind of optimizer in ``parts`` of equal size, each with its own images."""

    def __init__(
        self, runs: Sequence[Run], parameters: Sequence[Parameters], loss: str, decay: float, parts: int
    ) -> None:
        """Stack ``runs``, one of :func:`side_by_side`, from their initial ``parameters`` in the same order.

        ``decay`` is the book's lambda/n.
        """
        self.parts, cell = parts, runs[0].cell
        rates = self._gather(runs, DenseNetwork.of(parameters, Hidden.of(cell)), loss, decay)
        self.update = _Update(rates, direction_of(cell.optimizer))


def seeds_of(runs: Sequence[Run]) -> list[int]:
    """The seeds of runs that stand seed by seed, equally many of each; ValueError if they do not."""
    seeds = list(dict.fromkeys(run.seed for run in runs))
    each = len(runs) // len(seeds)
    if [run.seed for run in runs] != [seed for seed in seeds for _ in range(each)]:
        raise ValueError("runs that train side by side: seed by seed, equally many of each")
    return seeds


def side_by_side(runs: Sequence[Run], largest: int) -> list[list[Run]]:
    """Cut a bundle's runs into groups that can be a :class:`DenseStack`, of at most ``largest`` runs.

    Together are seeds of which there are equally many runs; a seed is cut where it alone has more than ``largest``.
    """
    groups: dict[object, dict[int, list[Run]]] = {}
    for run in runs:
        kind = (run.cell.optimizer, run.cell.normalization, run.cell.residual)
        groups.setdefault(kind, {}).setdefault(run.seed, []).append(run)
    alike: dict[object, list[list[Run]]] = {}
    for kind, seeds in groups.items():
        for own in seeds.values():
            alike.setdefault((kind, len(own)), []).append(own)
    return [part for (_, each), seeds in alike.items() for part in _parts(seeds, each, largest)]


def _parts(seeds: list[list[Run]], each: int, largest: int) -> list[list[Run]]:
    if each > largest:
        return [part for own in seeds for part in even_parts(own, largest)]
    return [[run for own in some for run in own] for some in even_parts(seeds, largest // each)]


def halves(runs: Sequence[Run]) -> tuple[Sequence[Run], Sequence[Run]]:
    """Runs that can be stacked cut in two: between two seeds where there are several."""
    seeds = len({run.seed for run in runs})
    half = len(runs) // seeds * (seeds // 2) if seeds > 1 else len(runs) // 2
    return runs[:half], runs[half:]

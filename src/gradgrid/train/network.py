"""The stacked network: M runs of one architecture as one network with a leading run axis.

Weights are [M, out, in], as ``torch.nn.Linear`` lays them out; biases are [M, 1, out]. Layer 1 comes in two forms,
for runs that see the same images (:class:`StackedNetwork`) and for runs that each see their own
(:class:`OwnImagesNetwork`).

The backward pass is written out, because the deltas are what the project measures:
delta^l = (delta^{l+1} W^{l+1}) ∘ f'(z^l) (Nielsen, ch. 2, BP2). Hidden layers may be normalized
(normalization.py), and have residual connections: a^l = a^{l-1} + f(z^l) from the second on (He et al., 2016).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Self

import torch
from torch import Tensor

from gradgrid.train import products
from gradgrid.train.hidden import Hidden
from gradgrid.train.losses import Loss
from gradgrid.train.normalization import Normalization
from gradgrid.train.passes import Deltas, Trace
from gradgrid.train.pixels import Minibatch, Pixels

Parameters = list[tuple[Tensor, Tensor]]
"""One run's weights [out, in] and biases [out], layer by layer."""

_VECTOR = 32
"""Elements that an elementwise CPU kernel takes at a time; what is left over takes another path."""


class Network(ABC):
    """M runs' parameters: the given runs, and idle ones that fill the stack up. How layer 1 is kept, subclasses say.

    ``weights`` are those of layers 2 … depth+1, ``biases`` those of all layers.
    """

    def __init__(
        self,
        weights: Sequence[Tensor],
        biases: Sequence[Tensor],
        runs: int,
        hidden: Hidden,
    ) -> None:
        """Stacked ``weights`` and ``biases`` of all layers, of which the first ``runs`` are no idle ones."""
        self.weights, self.biases = list(weights[1:]), list(biases)
        self.runs, self.hidden = runs, hidden
        axis = hidden.normalization
        self.normalizations = [Normalization(axis, b) for b in biases[:-1]] if axis else []
        self._keep_first(weights[0])

    @classmethod
    def of(cls, runs: Sequence[Parameters], hidden: Hidden, images: Iterable[int] = (1,)) -> Self:
        """Stack the parameters of ``runs``, all of one architecture, type and device.

        ``images`` are the numbers of images that will be fed forward at a time: see :func:`stack_multiple`.
        """
        idle = [(torch.zeros_like(w), torch.zeros_like(b)) for w, b in runs[0]]
        filled = [*runs, *[idle] * (-len(runs) % cls.multiple(runs[0], images))]
        layers = list(zip(*filled, strict=True))
        weights = [products.stack(w for w, _ in layer) for layer in layers]
        return cls(
            weights, [torch.stack([b for _, b in layer])[:, None] for layer in layers], len(runs), hidden
        )

    @staticmethod
    def multiple(parameters: Parameters, images: Iterable[int]) -> int:
        """The number of which M must be a multiple, for runs of the architecture of ``parameters``."""
        return stack_multiple(parameters, images)

    @property
    def stacked(self) -> int:
        """M: the runs and the idle ones that fill the stack up."""
        return len(self.biases[0])

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.weights)

    def upward(
        self, z: Tensor, targets: Tensor, loss: Callable[[Tensor, Tensor], Loss], running: bool = False
    ) -> Trace:
        """From layer 1's pre-activations ``z`` [M, B, width] to the loss; ``running``: by running statistics."""
        activations, slopes, standardized = [], [], []
        for layer, (weights, biases) in enumerate(zip(self.weights, self.biases[1:], strict=True)):
            if self.normalizations:
                z, found = self.normalizations[layer].forward(z, running)
                standardized.append(found)
            a, slope = self.hidden.activation(z)
            if self.hidden.residual and layer:
                a = a + activations[-1]
            activations.append(a)
            slopes.append(slope)
            z = products.affine(biases, a, weights.mT)
        return Trace(activations, slopes, standardized, loss(z, targets))

    def backward(self, trace: Trace) -> Deltas:
        """The gradients that a forward pass with the images' own statistics leads to."""
        layers, gains, shifts = [trace.loss.delta], [], []
        above: Tensor | float = 0.0
        for layer in reversed(range(self.depth)):
            delta = products.product(layers[0], self.weights[layer])
            if self.hidden.residual:
                above = delta.add_(above).clone()
            delta.mul_(trace.slopes[layer])
            if self.normalizations:
                delta, gain, shift = self.normalizations[layer].backward(delta, trace.standardized[layer])
                gains.insert(0, gain)
                shifts.insert(0, shift)
            layers.insert(0, delta)
        return Deltas(layers, gains, shifts)

    def state(self) -> list[Tensor]:
        """Everything that a step changes, the tensors themselves: layer 1, parameters, running statistics."""
        running = [kept for each in self.normalizations for kept in (each.mean, each.variance)]
        return [*self._first(), *self.weights, *self.vectors(), *running]

    def remember(self, trace: Trace) -> None:
        """Let a minibatch's statistics into the running ones."""
        for normalization, found in zip(self.normalizations, trace.standardized, strict=True):
            normalization.remember(found)

    def vectors(self) -> list[Tensor]:
        """The parameters without weight decay [M, 1, neurons]: biases, and if there are any gains and shifts."""
        gains = [normalization.gains for normalization in self.normalizations]
        return [*self.biases, *gains, *(normalization.shifts for normalization in self.normalizations)]

    @abstractmethod
    def first_weights(self) -> Tensor:
        """The weights of layer 1 [M, width, inputs], a copy."""

    def parameters(self, run: int) -> Parameters:
        """Copies of one run's weights [out, in] and biases [out]."""
        weights = [self.first_weights()[run], *(layer[run] for layer in self.weights)]
        return [(w.clone(), b[run, 0].clone()) for w, b in zip(weights, self.biases, strict=True)]

    def finite(self) -> Tensor:
        """Whether every parameter of each run is finite [runs]."""
        rest = [torch.isfinite(t).flatten(1) for t in (*self.weights, *self.vectors())]
        return torch.cat([self._finite_first(), *rest], 1).all(1)[: self.runs]

    @abstractmethod
    def _keep_first(self, weights: Tensor) -> None:
        """Keep layer 1's weights [M, width, inputs], in whatever form."""

    @abstractmethod
    def _first(self) -> list[Tensor]:
        """The tensors in which layer 1's weights are kept."""

    @abstractmethod
    def _finite_first(self) -> Tensor:
        """Whether layer 1's weights are finite [M, entries], in any grouping of each run's weights."""


class StackedNetwork(Network):
    """Runs that see the same images, which are sparse.

    Layer 1's weights are one table [inputs, M·width] with a scale for each run, so that a step touches only the
    rows of pixels that are not zero: weights = scale · table.
    """

    def _keep_first(self, weights: Tensor) -> None:
        self.table = self.side_by_side(weights.mT)
        self.exact_scale = self.table.new_ones(self.stacked, 1, 1, dtype=torch.float64)

    @property
    def scale(self) -> Tensor:
        """Factor [M, 1, 1] between layer 1's table and its weights."""
        return self.exact_scale.to(self.table.dtype)

    def shrink(self, shrinkage: Tensor) -> None:
        """Multiply the weights of every layer by 1 - shrinkage [M, 1, 1] (float64): weight decay.

        Layer 1 shrinks by its scale alone, in double precision; see :meth:`fold`.
        """
        self.exact_scale.addcmul_(self.exact_scale, shrinkage, value=-1)
        shrinkage = shrinkage.to(self.table.dtype)
        for weights in self.weights:
            weights.addcmul_(weights, shrinkage, value=-1)

    def fold(self) -> None:
        """Multiply the scale into the table, before it grows too small to divide by."""
        self.table.view(len(self.table), self.stacked, -1).mul_(self.scale.transpose(0, 1))
        self.exact_scale.fill_(1.0)

    def by_run(self, wide: Tensor) -> Tensor:
        """[rows, M·width] as [M, rows, width], contiguous."""
        return wide.view(len(wide), self.stacked, -1).transpose(0, 1).contiguous()

    def side_by_side(self, deep: Tensor) -> Tensor:
        """[M, rows, width] as [rows, M·width], contiguous."""
        return deep.transpose(0, 1).reshape(deep.shape[1], -1)

    def forward(
        self,
        images: Pixels,
        targets: Tensor,
        loss: Callable[[Tensor, Tensor], Loss],
        running: bool = False,
    ) -> Trace:
        """Feed ``images`` [B, inputs] through every run and compare with one-hot ``targets`` [B, classes].

        Batch normalization takes the images' own statistics, or with ``running`` the running ones.
        """
        z = torch.addcmul(self.biases[0], self.by_run(images.times(self.table)), self.scale)
        return self.upward(z, targets, loss, running)

    def reading(self) -> "StackedNetwork":
        """The network itself: it reads any images."""
        return self

    def first_weights(self) -> Tensor:
        """See :class:`Network`."""
        return self.by_run(self.table).mul_(self.scale).mT

    def tensors(self) -> list[Tensor]:
        """The parameters themselves: layer 1's table, the weights of the other layers, the vectors."""
        return [self.table, *self.weights, *self.vectors()]

    def _first(self) -> list[Tensor]:
        return [self.table, self.exact_scale]

    def _finite_first(self) -> Tensor:
        return torch.isfinite(self.table).all(0).view(self.stacked, -1)


class OwnImagesNetwork(Network):
    """Runs that each see their own images, which are dense: seeds that train side by side."""

    def _keep_first(self, weights: Tensor) -> None:
        self.first = weights

    def fold(self) -> None:
        """Nothing to do: weights have no scale."""

    def forward(self, images: Tensor, targets: Tensor, loss: Callable[[Tensor, Tensor], Loss]) -> Trace:
        """Feed each run its ``images`` [M, B, inputs] and compare with one-hot ``targets`` [M, B, classes]."""
        return self.upward(products.affine(self.biases[0], images, self.first.mT), targets, loss)

    def reading(self) -> StackedNetwork:
        """The same runs for images that all of them see; valid until the next step."""
        network = StackedNetwork([self.first, *self.weights], self.biases, self.runs, self.hidden)
        network.normalizations = self.normalizations
        return network

    def first_weights(self) -> Tensor:
        """See :class:`Network`."""
        return self.first.clone()

    def _first(self) -> list[Tensor]:
        return [self.first]

    def _finite_first(self) -> Tensor:
        return torch.isfinite(self.first).flatten(1)


def stack_multiple(parameters: Parameters, images: Iterable[int]) -> int:
    """The number of which M must be a multiple, so that a run's numbers do not depend on M, bit for bit.

    Elementwise kernels round the elements that do not fill vector registers in another way, so every tensor of
    weights, and every tensor [M, images, neurons], must fill them. (Matrix products have a rule of their own:
    products.py.) At least eight, because a stack of one run would have fewer dimensions.
    """
    sizes = [weights.numel() for weights, _ in parameters]
    sizes += [len(biases) * count for _, biases in parameters for count in images]
    return math.lcm(8, *(_VECTOR // math.gcd(_VECTOR, size) for size in sizes))


def gradient_norms(deltas: Deltas, trace: Trace, minibatch: Minibatch) -> Tensor:
    """Norm [M, 1, 1] of each run's whole mean gradient, over all parameters.

    No weight gradient is formed: ||dW||² = sum((a aᵀ) ∘ (delta deltaᵀ)) over the B × B Gram matrices, and the
    bias gradient is that of an input which is always 1.
    """
    total = 0
    grams = [minibatch.gram, *(products.product(a, a.mT) for a in trace.activations)]
    for delta, gram in zip(deltas.layers, grams, strict=True):
        total = total + ((gram + 1) * products.product(delta, delta.mT)).flatten(1).sum(1)
    for gradient in (*deltas.gains, *deltas.shifts):
        total = total + gradient.square().flatten(1).sum(1)
    return total.clamp_(min=0).sqrt_().div_(minibatch.size).view(-1, 1, 1)

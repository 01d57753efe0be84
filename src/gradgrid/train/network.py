"""The stacked network: M runs of one architecture as one network with a leading run axis.

Layer 1 reads sparse images, and its weights are kept as one table [inputs, M·width] with a scale for each run, so
that a step touches only the rows of pixels that are not zero: weights = scale · table. The weights of layers
2 … depth+1 are [M, out, in], as ``torch.nn.Linear`` lays them out; biases are [M, 1, out].

The backward pass is written out, because the deltas are what the project measures:
delta^l = (delta^{l+1} W^{l+1}) ∘ f'(z^l) (Nielsen, ch. 2, BP2).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradgrid.train import products
from gradgrid.train.activations import Pair
from gradgrid.train.losses import Loss
from gradgrid.train.pixels import Minibatch, Pixels

Parameters = list[tuple[Tensor, Tensor]]
"""One run's weights [out, in] and biases [out], layer by layer."""

_VECTOR = 32
"""Elements that an elementwise CPU kernel takes at a time; what is left over takes another path."""


@dataclass(frozen=True)
class Trace:
    """What a forward pass leaves: of each hidden layer the activations and slopes f'(z) [M, B, width], and the
    output layer's loss terms [M, B, classes]."""

    activations: list[Tensor]
    slopes: list[Tensor]
    loss: Loss


class StackedNetwork:
    """M runs' parameters: the given runs, and idle ones that fill the stack up."""

    def __init__(
        self, runs: Sequence[Parameters], activation: Callable[[Tensor], Pair], images: Iterable[int] = (1,)
    ) -> None:
        """Stack the parameters of ``runs``, all of one architecture, type and device.

        ``images`` are the numbers of images that will be fed forward at a time: see :func:`stack_multiple`.
        """
        idle = [(torch.zeros_like(w), torch.zeros_like(b)) for w, b in runs[0]]
        self.runs = len(runs)
        stack = [*runs, *[idle] * (-len(runs) % stack_multiple(runs[0], images))]
        self.activation = activation
        self.table = torch.cat([parameters[0][0] for parameters in stack]).T.contiguous()
        self.exact_scale = self.table.new_ones(len(stack), 1, 1, dtype=torch.float64)
        layers = list(zip(*stack, strict=True))
        self.weights = [products.stack(w for w, _ in layer) for layer in layers[1:]]
        self.biases = [torch.stack([b for _, b in layer])[:, None] for layer in layers]

    @property
    def stacked(self) -> int:
        """M: the runs and the idle ones that fill the stack up."""
        return len(self.exact_scale)

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

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.weights)

    def by_run(self, wide: Tensor) -> Tensor:
        """[rows, M·width] as [M, rows, width], contiguous."""
        return wide.view(len(wide), self.stacked, -1).transpose(0, 1).contiguous()

    def side_by_side(self, deep: Tensor) -> Tensor:
        """[M, rows, width] as [rows, M·width], contiguous."""
        return deep.transpose(0, 1).reshape(deep.shape[1], -1)

    def forward(self, images: Pixels, targets: Tensor, loss: Callable[[Tensor, Tensor], Loss]) -> Trace:
        """Feed ``images`` [B, inputs] through every run and compare with one-hot ``targets`` [B, classes]."""
        z = torch.addcmul(self.biases[0], self.by_run(images.times(self.table)), self.scale)
        activations, slopes = [], []
        for weights, biases in zip(self.weights, self.biases[1:], strict=True):
            a, slope = self.activation(z)
            activations.append(a)
            slopes.append(slope)
            z = products.affine(biases, a, weights.mT)
        return Trace(activations, slopes, loss(z, targets))

    def backward(self, trace: Trace) -> list[Tensor]:
        """Deltas dC/dz [M, B, neurons] of each image's own cost, layers 1 … depth+1."""
        deltas = [trace.loss.delta]
        for weights, slope in zip(reversed(self.weights), reversed(trace.slopes), strict=True):
            deltas.append(products.product(deltas[-1], weights).mul_(slope))
        return deltas[::-1]

    def first_weights(self) -> Tensor:
        """The weights of layer 1 [M, width, inputs], a copy."""
        return self.by_run(self.table).mul_(self.scale).mT

    def parameters(self, run: int) -> Parameters:
        """Copies of one run's weights [out, in] and biases [out]."""
        weights = [self.first_weights()[run], *(layer[run] for layer in self.weights)]
        return [(w.clone(), b[run, 0].clone()) for w, b in zip(weights, self.biases, strict=True)]

    def tensors(self) -> list[Tensor]:
        """The parameters themselves: layer 1's table, the weights of the other layers, the biases."""
        return [self.table, *self.weights, *self.biases]

    def finite(self) -> Tensor:
        """Whether every parameter of each run is finite [runs]."""
        table = torch.isfinite(self.table).all(0).view(self.stacked, -1)
        rest = [torch.isfinite(t).flatten(1) for t in (*self.weights, *self.biases)]
        return torch.cat([table, *rest], 1).all(1)[: self.runs]


def stack_multiple(parameters: Parameters, images: Iterable[int]) -> int:
    """The number of which M must be a multiple, so that a run's numbers do not depend on M, bit for bit.

    Elementwise kernels round the elements that do not fill vector registers in another way, so every tensor of
    weights, and every tensor [M, images, neurons], must fill them. (Matrix products have a rule of their own:
    products.py.) At least eight, because a stack of one run would have fewer dimensions.
    """
    sizes = [weights.numel() for weights, _ in parameters]
    sizes += [len(biases) * count for _, biases in parameters for count in images]
    return math.lcm(8, *(_VECTOR // math.gcd(_VECTOR, size) for size in sizes))


def gradient_norms(deltas: Sequence[Tensor], trace: Trace, minibatch: Minibatch) -> Tensor:
    """Norm [M, 1, 1] of each run's whole mean gradient, weights and biases of all layers.

    No weight gradient is formed: ||dW||² = sum((a aᵀ) ∘ (delta deltaᵀ)) over the B × B Gram matrices, and the
    bias gradient is that of an input which is always 1.
    """
    total = 0
    grams = [minibatch.gram, *(products.product(a, a.mT) for a in trace.activations)]
    for delta, gram in zip(deltas, grams, strict=True):
        total = total + ((gram + 1) * products.product(delta, delta.mT)).flatten(1).sum(1)
    return total.clamp_(min=0).sqrt_().div_(minibatch.size).view(-1, 1, 1)

"""Stacks whose steps a compiled kernel takes: on the CPU, one run at a time, its weights in the processor's cache.

The kernel (kernel/, C++) computes what :class:`gradgrid.train.stack.Stack` computes, several times as fast; oracle
tests hold the two equal. It knows plain fully connected networks with the entries in ``KNOWN`` (core/kernel.py). What
it does not know, a GPU, and a machine without the compiled file are left to PyTorch.
"""

import ctypes
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

from gradgrid.core.entries import Entry
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.kernel import ACTIVATIONS, KNOWN, LOSSES, OPTIMIZERS
from gradgrid.core.plan import Cell, Run
from gradgrid.core.registry import entries
from gradgrid.train import products
from gradgrid.train.clipping import limits
from gradgrid.train.divergence import Divergence
from gradgrid.train.images import Block
from gradgrid.train.losses import Loss
from gradgrid.train.native import Common, ImageArrays, RunState, Shape, ToldArrays, find_kernel
from gradgrid.train.network import OwnImagesNetwork, StackedNetwork
from gradgrid.train.pixels import TrainingImages
from gradgrid.train.stack import Stack, StepClipping
from gradgrid.train.updates import is_sparse

_MEMORIES = {"sgd": 0, "momentum": 1, "nesterov": 1, "adam": 2}
"""What each optimizer remembers of a parameter."""
FOLD = 100
"""Steps after which layer 1's scale is multiplied into its table."""
_NEVER = -1


def why_not(runs: Sequence[Run], loss: str, decay: float, like: Tensor) -> str | None:
    """Why runs that can be stacked, on the device and in the type of ``like``, are left to PyTorch; None: they are not.

    ``decay`` is the book's lambda/n. What a run's neighbours are has no say.
    """
    cell = runs[0].cell
    if like.device.type != "cpu" or like.dtype != torch.float32:
        return (
            f"the compiled kernel is for single precision on the CPU, not {like.dtype} on {like.device.type}"
        )
    if find_kernel() is None:
        return "the compiled kernel was not built here (docs/performance.md)"
    if cell.normalization is not None or cell.residual:
        return "the compiled kernel has no normalization and no residual connections"
    if cell.optimizer.name == "sgd" and not is_sparse(cell.optimizer, cell.learning_rate, decay):
        return "the compiled kernel has no weight decay as strong as this"
    for name, digest in _entries(cell, loss).items():
        if KNOWN.get(name) != digest:
            return f"the compiled kernel does not know {name} as it is written now"
    return None


def _entries(cell: Cell, loss: str) -> dict[str, str]:
    """The entries whose functions the kernel has in place of Python's, with their digests."""
    found = _source().entries(cell, loss).items()
    return {name: digest for name, digest in found if not name.startswith(("initializers.", "clipping."))}


@cache
def _source() -> TrainingSource:
    return TrainingSource()


class CompiledNetwork:
    """M runs' parameters as the kernel lays them out (kernel/layout.h): ``parameters`` [M, entries].

    The first runs are the given ones, the others idle ones that fill the stack up for :meth:`reading`.
    """

    def __init__(self, network: StackedNetwork | OwnImagesNetwork) -> None:
        """Copy the parameters of ``network``."""
        first = network.first_weights()
        self.hidden, self.runs = network.hidden, network.runs
        classes = network.biases[-1].shape[2]
        self.shape = Shape(first.shape[2], first.shape[1], network.depth, classes)
        places = find_kernel().layout(self.shape)
        self.parameters = first.new_zeros(network.stacked, places[0])
        wide = _padded(self.shape.width)
        # Views: layer 1's weights [M, inputs, width], of the others [M, out, in] and their copies [M, in, out].
        self._weights, self._copies, self._biases = [], [], []
        neurons = [self.shape.width] * self.shape.depth + [classes]
        for layer, (weights, copy, biases) in enumerate(places[1:].reshape(-1, 3)):
            if layer == 0:
                self._first = self._view(weights, self.shape.inputs, wide)[..., : self.shape.width]
            else:
                self._weights.append(self._view(copy, neurons[layer], wide)[..., : self.shape.width])
                row = _padded(neurons[layer])
                self._copies.append(self._view(weights, self.shape.width, row)[..., : neurons[layer]])
            self._biases.append(self.parameters[:, None, biases : biases + neurons[layer]])
        self._first.copy_(first.mT)
        for ours, theirs in zip(self._weights, network.weights, strict=True):
            ours.copy_(theirs)
        for ours, theirs in zip(self._copies, network.weights, strict=True):
            ours.copy_(theirs.mT)
        for ours, theirs in zip(self._biases, network.biases, strict=True):
            ours.copy_(theirs)
        self.states = (RunState * self.runs)()
        for state, parameters in zip(self.states, self.parameters, strict=False):
            state.parameters, state.scale, state.diverged = parameters.data_ptr(), 1.0, _NEVER

    def _view(self, begin: int, rows: int, columns: int) -> Tensor:
        return self.parameters[:, begin : begin + rows * columns].view(-1, rows, columns)

    def reading(self) -> StackedNetwork:
        """The same runs as PyTorch computes with them; valid until the next step."""
        scales = self.parameters.new_ones(len(self.parameters), 1, 1)
        scales[: self.runs, 0, 0] = torch.tensor([state.scale for state in self.states])
        weights = [(self._first * scales).mT, *map(products.stack, self._weights)]
        return StackedNetwork(weights, [b.contiguous() for b in self._biases], self.runs, self.hidden)


class CompiledStack:
    """Runs that train in the kernel, with one order of the images for all of them or one for each."""

    def __init__(
        self,
        stack: Stack,
        training: TrainingImages,
        minibatch: int,
        decay: float,
        diverged: Iterable[int] = (),
    ) -> None:
        """Take over the runs of ``stack``, which has taken no step yet; ``decay`` is the book's lambda/n.

        Those that ``diverged`` take none. Whether the kernel can train them, :func:`why_not` says.
        """
        cell = stack.runs[0].cell
        self.runs, self.loss, self.rates = stack.runs, stack.loss, stack.rates
        self.network = CompiledNetwork(stack.network)
        like = self.network.parameters
        self._memories = [torch.zeros_like(like) for _ in range(_MEMORIES[cell.optimizer.name])]
        self._common = _common(cell, stack.loss.__name__, decay, minibatch, self.network.shape)
        self._training = training
        self.clips = False
        for number, (run, state) in enumerate(zip(self.runs, self.network.states, strict=True)):
            found = limits(run.cell.clipping)
            self.clips |= run.cell.clipping is not None
            state.rate, state.norm_limit, state.value_limit = run.cell.learning_rate, found.norm, found.value
            for place, memory in enumerate(self._memories):
                state.memory[place] = memory[number].data_ptr()
        for run in diverged:
            self.network.states[run].diverged = 0

    def train(
        self, orders: Sequence[np.ndarray], layers: Tensor | None = None, seconds: np.ndarray | None = None
    ) -> StepClipping | None:
        """Take steps along the images' numbers in ``orders`` [1 or runs, n]; the last may have fewer images.

        A run that has diverged takes no more steps. Says what clipping did in each of the others' steps, None where no
        run has any. Of one order ``layers`` [steps, runs, 2, layers], if given, gets the norms of each layer's
        gradient before each step, of biases and of weights. ``seconds`` [parts], if given, is added the time that each
        part takes (native.PARTS).
        """
        steps = -(-len(orders[0]) // self._common.minibatch)
        norms = torch.zeros(len(orders), steps, len(self.runs) // len(orders))
        clipped = torch.zeros_like(norms, dtype=torch.bool)
        pixels = self._training.images
        images = _images(pixels.indptr, pixels.indices, pixels.data, self._training.targets.numpy())
        for part, order in enumerate(orders):
            numbers = np.ascontiguousarray(order, np.int64)
            told = ToldArrays(
                norms[part].data_ptr(),
                clipped[part].data_ptr(),
                None if layers is None else layers.data_ptr(),
            )
            members = self._part(part, len(orders))
            pointers = ctypes.byref(self._common), members, len(members), ctypes.byref(images)
            find_kernel().train(
                *pointers, numbers.ctypes.data, len(numbers), ctypes.byref(told), seconds=seconds
            )
        if not self.clips:
            return None
        return StepClipping(norms.transpose(0, 1).flatten(1), clipped.transpose(0, 1).flatten(1))

    def _part(self, part: int, parts: int) -> ctypes.Array:
        """One of equal parts of the runs' states, not a copy."""
        each = len(self.runs) // parts
        return (RunState * each).from_buffer(self.network.states, part * each * ctypes.sizeof(RunState))

    @property
    def diverged(self) -> dict[int, Divergence]:
        """The runs that have become non-finite so far, and where."""
        found = enumerate(self.network.states)
        return {run: Divergence(state.diverged, state.layer) for run, state in found if state.diverged > 0}

    def reader(self) -> Callable[[Block], Loss]:
        """How the runs do on a block of images; valid until the next step."""

        def read(block: Block) -> Loss:
            pixels = block.images
            images = _images(pixels.offsets.numpy(), pixels.columns.numpy(), pixels.values.numpy())
            z = torch.empty(len(self.runs), len(block.labels), self.network.shape.classes)
            states = self.network.states
            pointers = ctypes.byref(self._common), states, len(states), ctypes.byref(images)
            find_kernel().read(*pointers, 0, len(block.labels), z.data_ptr())
            return self.loss(z, block.targets)

        return read

    def state(self) -> dict[str, list]:
        """Everything that steps change, as tensors and plain values; the tensors are the stack's own."""
        counts = [[state.scale, state.taken, state.diverged, state.layer] for state in self.network.states]
        return {"network": [self.network.parameters, *self._memories], "counts": counts}

    def restore(self, state: dict[str, list]) -> None:
        """Take over the :meth:`state` of a stack of the same runs."""
        for tensor, kept in zip([self.network.parameters, *self._memories], state["network"], strict=True):
            tensor.copy_(kept)
        for ours, counts in zip(self.network.states, state["counts"], strict=True):
            ours.scale, ours.taken, ours.diverged, ours.layer = counts


def _common(cell: Cell, loss: str, decay: float, minibatch: int, shape: Shape) -> Common:
    kinds = (
        LOSSES.index(loss),
        OPTIMIZERS.index(cell.optimizer.name),
        ACTIVATIONS.index(cell.activation.name),
    )
    keywords = (ctypes.c_double * 3)(*_parameters("optimizers", cell.optimizer))
    parameter = [*_parameters("activations", cell.activation), 0.0][0]
    return Common(shape, *kinds, minibatch, FOLD, decay, keywords, parameter)


def _parameters(registry: str, entry: Entry) -> list[float]:
    """All parameters of an entry, in the order of its function's."""
    specs = entries(registry)[entry.name].parameters
    return [entry.keywords.get(name, spec.default) for name, spec in specs.items()]


def _images(*arrays: np.ndarray) -> ImageArrays:
    """Offsets, pixels, values and, for training, targets; they must outlive what is returned."""
    kinds = (np.int32, np.int32, np.float32, np.float32)
    if any(a.dtype != kind or not a.flags.c_contiguous for a, kind in zip(arrays, kinds, strict=False)):
        raise TypeError("the kernel reads 32-bit whole numbers and single precision")
    return ImageArrays(*(array.ctypes.data for array in arrays))


def _padded(count: int) -> int:
    return -(-count // 16) * 16

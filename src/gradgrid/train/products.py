"""Matrix products of stacks, bit for bit independent of a run's place in its stack.

The library behind ``torch.bmm`` takes other kernels, with other rounding, for matrices that do not begin on a
16-byte boundary. So each run's matrix begins on one: where its size would leave the next run's off a boundary, the
stack gets gaps. All matrices here have the shape [M, rows, columns].
"""

from collections.abc import Sequence

import torch
from torch import Tensor

_BOUNDARY = 16
_GAPPED_TO = 64


def product(a: Tensor, b: Tensor) -> Tensor:
    """a b, run by run: [M, n, k] times [M, k, m]."""
    return torch.bmm(_aligned(a), _aligned(b), out=_output(a, b))


def affine(bias: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """bias + a b, run by run; ``bias`` is [M, 1, m]."""
    return torch.baddbmm(bias, _aligned(a), _aligned(b), out=_output(a, b))


def stack(matrices: Sequence[Tensor]) -> Tensor:
    """Stack matrices [rows, columns] of one shape."""
    return _aligned(torch.stack(list(matrices)))


def _aligned(matrices: Tensor) -> Tensor:
    """The same matrices, or a copy of them with gaps."""
    if matrices.stride(0) * matrices.element_size() % _BOUNDARY == 0:
        return matrices
    if matrices.stride(-1) != 1:
        return _aligned(matrices.mT).mT
    return _gapped(matrices, *matrices.shape).copy_(matrices)


def _output(a: Tensor, b: Tensor) -> Tensor | None:
    """Where a product is to be written; None where a new tensor will do."""
    shape = (a.shape[0], a.shape[1], b.shape[2])
    if shape[1] * shape[2] * a.element_size() % _BOUNDARY == 0:
        return None
    return _gapped(a, *shape)


def _gapped(like: Tensor, runs: int, rows: int, columns: int) -> Tensor:
    """An empty stack in which every matrix begins on a boundary."""
    multiple = _GAPPED_TO // like.element_size()
    stride = -(-rows * columns // multiple) * multiple
    return like.new_empty(runs * stride).as_strided((runs, rows, columns), (stride, columns, 1))

"""Images as lists of their non-zero pixels: four in five MNIST pixels are zero, and need no arithmetic.

A product with such a list is ``torch.embedding_bag`` with weights: each row of the result is a weighted sum of
rows of a table, taken in the order of the list, element by element. So a column of the result depends on its
own column of the table alone, bit for bit, however many runs stand side by side in the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from gradgrid.train.products import product

_STEPS_AT_ONCE = 100
_IMAGES_AT_ONCE = 4096


@dataclass(frozen=True)
class Pixels:
    """A sparse matrix [rows, columns] by rows: row i holds entries ``offsets[i]`` up to ``offsets[i+1]``."""

    columns: Tensor
    offsets: Tensor
    values: Tensor

    @classmethod
    def of(cls, matrix: sparse.csr_array, device: torch.device) -> "Pixels":
        """The same matrix on ``device``."""
        arrays = matrix.indices, matrix.indptr, matrix.data
        return cls(*(torch.from_numpy(array).to(device) for array in arrays))

    def times(self, table: Tensor) -> Tensor:
        """The product [rows, k] with ``table`` [columns, k]."""
        return torch.embedding_bag(
            table, self.columns, self.offsets, False, 0, False, self.values, include_last_offset=True
        )[0]


@dataclass(frozen=True)
class Minibatch:
    """One step's images, shared by every run of a tile.

    ``images`` is the minibatch x [B, inputs] by images; ``transposed`` [p, B] its transpose without the pixels
    that are zero in every image, and ``active`` [p] the pixels kept; ``gram`` [1, B, B] is x xᵀ and ``targets``
    is [B, classes].
    """

    images: Pixels
    transposed: Pixels
    active: Tensor
    gram: Tensor
    targets: Tensor

    @property
    def size(self) -> int:
        """Number of images B."""
        return len(self.targets)


@dataclass(frozen=True)
class OwnMinibatch:
    """One step's images of runs that each see their own.

    ``chosen`` [M, B] are the numbers of the images among ``dense`` [n, inputs] and ``classes`` [n, classes]. They are
    copied when they are first asked for, so that they are still in the cache when they are used.
    """

    chosen: Tensor
    dense: Tensor
    classes: Tensor

    @property
    def size(self) -> int:
        """Number of images B."""
        return self.chosen.shape[1]

    @cached_property
    def images(self) -> Tensor:
        """x [M, B, inputs]."""
        return self._of(self.dense)

    @cached_property
    def targets(self) -> Tensor:
        """One-hot targets [M, B, classes]."""
        return self._of(self.classes)

    def _of(self, rows: Tensor) -> Tensor:
        return rows.index_select(0, self.chosen.flatten()).view(*self.chosen.shape, -1)

    @property
    def gram(self) -> Tensor:
        """x xᵀ of each run's images, [M, B, B]."""
        return product(self.images, self.images.mT)


@dataclass(frozen=True)
class DenseMinibatch:
    """One step's images of P parts of a stack, each of ``runs`` runs, one after the other; a part's runs share them.

    ``images`` is x [P, B, inputs], ``classes`` are one-hot [P, B, classes].
    """

    images: Tensor
    classes: Tensor
    runs: int

    @property
    def size(self) -> int:
        """Number of images B."""
        return self.classes.shape[1]

    @property
    def targets(self) -> Tensor:
        """One-hot targets [M, B, classes]."""
        return self._of_runs(self.classes)

    @property
    def gram(self) -> Tensor:
        """x xᵀ of each run's images, [M, B, B]."""
        return self._of_runs(product(self.images, self.images.mT))

    def _of_runs(self, parts: Tensor) -> Tensor:
        return parts[:, None].expand(-1, self.runs, -1, -1).flatten(0, 1)


AnyMinibatch = Minibatch | OwnMinibatch | DenseMinibatch


class TrainingImages:
    """The training images [n, inputs] with one-hot targets [n, classes], from which minibatches are cut."""

    def __init__(self, images: np.ndarray, targets: Tensor) -> None:
        self.images = sparse.csr_array(images)
        self.targets = targets

    def minibatches(self, order: np.ndarray, size: int) -> Iterator[list[Minibatch]]:
        """One epoch's minibatches in the given order [n], some steps at a time, the last possibly smaller.

        How many steps come at a time depends on ``size`` alone.
        """
        whole = len(order) - len(order) % size
        at_once = size * max(1, min(_STEPS_AT_ONCE, _IMAGES_AT_ONCE // size))
        for begin in range(0, whole, at_once):
            yield self._cut(order[begin : min(begin + at_once, whole)], size)
        if whole < len(order):
            yield self._cut(order[whole:], len(order) - whole)

    def own_minibatches(self, orders: np.ndarray, size: int, stacked: int) -> Iterator[list[OwnMinibatch]]:
        """The same where run m of ``stacked`` has the order ``orders[m]`` [n]; the runs beyond see blank images."""
        images, targets = self._with_blank
        idle = np.full((stacked - len(orders), orders.shape[1]), len(self.targets))
        chosen = torch.from_numpy(np.concatenate([orders, idle])).to(targets.device)
        steps = chosen.split(size, 1)
        for begin in range(0, len(steps), _STEPS_AT_ONCE):
            yield [OwnMinibatch(of, images, targets) for of in steps[begin : begin + _STEPS_AT_ONCE]]

    @cached_property
    def dense(self) -> Tensor:
        """The images [n, inputs] on the device of their targets."""
        return torch.from_numpy(self.images.toarray()).to(self.targets.device)

    @cached_property
    def _with_blank(self) -> tuple[Tensor, Tensor]:
        """The images dense, and their targets, with a blank one at the end."""
        images = self.dense
        return torch.cat([images, images[:1] * 0]), torch.cat([self.targets, self.targets[:1] * 0])

    def _cut(self, chosen: np.ndarray, size: int) -> list[Minibatch]:
        """Cut the chosen images [steps·B] into minibatches of B = ``size``."""
        images, device = self.images[chosen], self.targets.device
        by_image = _split(
            images.indices, images.data, images.indptr, np.full(len(chosen) // size, size), device
        )
        by_pixel, active = _transposes(images, size, device)
        stacked = torch.from_numpy(images.toarray()).to(device).view(-1, size, images.shape[1])
        gram = torch.bmm(stacked, stacked.mT).split(1)
        targets = self.targets[torch.from_numpy(chosen).to(device)].split(size)
        return [Minibatch(*part) for part in zip(by_image, by_pixel, active, gram, targets, strict=True)]


def _transposes(
    images: sparse.csr_array, size: int, device: torch.device
) -> tuple[list[Pixels], list[Tensor]]:
    """The transposes of ``size`` rows at a time without their empty rows, and the numbers of the rows kept."""
    steps, inputs = images.shape[0] // size, images.shape[1]
    first_pixel = np.repeat(
        np.arange(steps, dtype=images.indices.dtype) * inputs, np.diff(images.indptr[::size])
    )
    side_by_side = (images.data, images.indices + first_pixel, images.indptr)
    wide = sparse.csr_array(side_by_side, shape=(steps * size, steps * inputs)).tocsc()
    active = np.flatnonzero(np.diff(wide.indptr)).astype(wide.indptr.dtype)
    kept = np.diff(np.searchsorted(active, np.arange(steps + 1) * inputs))
    offsets = np.append(wide.indptr[active], wide.indptr[-1])
    by_pixel = _split(wide.indices % size, wide.data, offsets, kept, device)
    return by_pixel, list(torch.from_numpy(active % inputs).to(device).split(kept.tolist()))


def _split(
    columns: np.ndarray, values: np.ndarray, offsets: np.ndarray, rows: np.ndarray, device: torch.device
) -> list[Pixels]:
    """Cut a sparse matrix into matrices of the given numbers of rows."""
    ends = offsets[np.cumsum(rows)]
    begins = np.concatenate([offsets[:1], ends[:-1]])
    # Each part's offsets count from its own first entry and end with its number of entries.
    own = np.insert(offsets[:-1], np.cumsum(rows), ends) - np.repeat(begins, rows + 1)
    sizes = (ends - begins).tolist()
    parts = (
        torch.from_numpy(columns).to(device).split(sizes),
        torch.from_numpy(own).to(device).split((rows + 1).tolist()),
        torch.from_numpy(values).to(device).split(sizes),
    )
    return [Pixels(*part) for part in zip(*parts, strict=True)]

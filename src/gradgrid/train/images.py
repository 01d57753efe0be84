"""A dataset on its device, in the forms in which training, probes and evaluation read it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.nn.functional import one_hot

from gradgrid.train.pixels import Pixels, TrainingImages

CLASSES = 10
PROBES = 1_000
"""Gradients are measured on this many training images, the first ones (Nielsen, ch. 5)."""
EVALUATED = 10_000
"""Training accuracy is measured on this many training images, the first ones."""
BLOCK = 250
"""Images fed forward at a time when something is measured: few enough to stay in the processor's cache."""


class Data(Protocol):
    """A dataset as arrays: images [n, inputs] in [0, 1], labels [n] from 0 to 9."""

    name: str
    digest: str
    train_images: np.ndarray
    train_labels: np.ndarray
    validation_images: np.ndarray
    validation_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


@dataclass(frozen=True)
class Block:
    """Some images: x [n, inputs], one-hot targets [n, classes], labels [n]."""

    images: Pixels
    targets: Tensor
    labels: Tensor


@dataclass(frozen=True)
class ProbeBlock(Block):
    """A block with its transpose xᵀ [inputs, n], for gradients."""

    transposed: Pixels


@dataclass(frozen=True)
class Probes:
    """The probe images in blocks, and dense [n, inputs] on the CPU."""

    blocks: list[ProbeBlock]
    dense: Tensor


@dataclass(frozen=True)
class Images:
    """A dataset's name, size and digest, its training images, probe images, and splits in blocks."""

    name: str
    digest: str
    training: TrainingImages
    probes: Probes
    splits: dict[str, list[Block]]

    @property
    def size(self) -> int:
        """Number of training images."""
        return len(self.training.targets)

    @classmethod
    def of(cls, data: Data, device: torch.device, dtype: torch.dtype = torch.float32) -> "Images":
        """Bring ``data`` to ``device``; pixels become ``dtype`` in [0, 1]."""
        kind = torch.empty(0, dtype=dtype).numpy().dtype
        train = data.train_images.astype(kind, copy=False)
        targets = one_hot(torch.from_numpy(data.train_labels), CLASSES).to(device, dtype)
        splits = {
            "train": (train[:EVALUATED], data.train_labels[:EVALUATED]),
            "validation": (data.validation_images.astype(kind, copy=False), data.validation_labels),
            "test": (data.test_images.astype(kind, copy=False), data.test_labels),
        }
        return cls(
            name=data.name,
            digest=data.digest,
            training=TrainingImages(train, targets),
            probes=_probes(train[:PROBES], data.train_labels[:PROBES], device),
            splits={name: _blocks(*split, device) for name, split in splits.items()},
        )

    def sizes(self) -> set[int]:
        """The numbers of images that are fed forward at a time when something is measured."""
        blocks = [*self.probes.blocks, *(block for split in self.splits.values() for block in split)]
        return {len(block.labels) for block in blocks}


def _blocks(images: np.ndarray, labels: np.ndarray, device: torch.device) -> list[Block]:
    begins = range(0, len(images), BLOCK)
    return [_block(images[i : i + BLOCK], labels[i : i + BLOCK], device) for i in begins]


def _block(images: np.ndarray, labels: np.ndarray, device: torch.device) -> Block:
    classes = torch.from_numpy(labels).to(device)
    targets = one_hot(classes, CLASSES).to(device, torch.from_numpy(images[:0]).dtype)
    return Block(Pixels.of(sparse.csr_array(images), device), targets, classes)


def _probes(images: np.ndarray, labels: np.ndarray, device: torch.device) -> Probes:
    blocks = []
    for i, block in enumerate(_blocks(images, labels, device)):
        transposed = Pixels.of(sparse.csr_array(images[i * BLOCK : (i + 1) * BLOCK].T), device)
        blocks.append(ProbeBlock(block.images, block.targets, block.labels, transposed))
    return Probes(blocks, torch.from_numpy(images))

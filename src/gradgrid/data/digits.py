"""The embedded digits: the 1,797 real handwritten digits that scikit-learn ships, as 28 × 28 images.

Like MNIST's, each digit is enlarged to 20 × 20 pixels and stands in the middle of an empty frame.
Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998 (its test part).
Everything here is integer arithmetic or a hash, so that the arrays are the same on every machine and with
every version of every library. Writers are not kept apart: one writer's digits stand in several splits.
"""

import hashlib

import numpy as np

from gradgrid.core.datasets import CLASSES, EMBEDDED, SIZES

_SIDE, _DIGIT_SIDE, _STORED_SIDE, _STORED_MAXIMUM = 28, 20, 8, 16
_UNIT = 10


def read_digits() -> dict[str, np.ndarray]:
    """The six uint8 arrays: images ``[n, 784]`` with values 0…255, labels ``[n]``."""
    from sklearn.datasets import load_digits

    stored = load_digits()
    images = enlarge(stored.images.astype(np.int64))
    labels = stored.target.astype(np.uint8)
    arrays = {}
    for split, rows in split_rows(labels).items():
        arrays[f"{split}_images"] = images[rows].reshape(len(rows), -1)
        arrays[f"{split}_labels"] = labels[rows]
    return arrays


def enlarge(images: np.ndarray) -> np.ndarray:
    """Interpolate integers ``[n, 8, 8]``, 0…16, bilinearly to 20 × 20, framed as uint8 ``[n, 28, 28]``, 0…255.

    The centres of the pixels are aligned, as ``torch.nn.functional.interpolate(align_corners=False)`` does;
    then times 255/16, rounded half up. All weights are multiples of 1/10, so that the sums are exact.
    """
    weights = _weights()
    sums = np.einsum("yj,njk,xk->nyx", weights, images, weights, optimize=True)
    scale = _UNIT**2 * _STORED_MAXIMUM
    digits = ((2 * 255 * sums + scale) // (2 * scale)).astype(np.uint8)
    frame = (_SIDE - _DIGIT_SIDE) // 2
    return np.pad(digits, ((0, 0), (frame, frame), (frame, frame)))


def _weights() -> np.ndarray:
    """Integers ``[20, 8]``: the new pixel's share, in tenths, of its two stored neighbours."""
    weights = np.zeros((_DIGIT_SIDE, _STORED_SIDE), np.int64)
    for new in range(_DIGIT_SIDE):
        # Centre of the new pixel in stored pixels: (new + 1/2) 8/20 - 1/2 = (4 new - 3) / 10.
        position = min(max(4 * new - 3, 0), (_STORED_SIDE - 1) * _UNIT)
        left, share = divmod(position, _UNIT)
        weights[new, left] += _UNIT - share
        weights[new, min(left + 1, _STORED_SIDE - 1)] += share
    return weights


def split_rows(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Rows of each split, in the order of a hash: 25 of each class validate, 25 test, the others train."""
    order = sorted(range(len(labels)), key=_rank)
    share = SIZES[EMBEDDED].test // CLASSES
    rows: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    seen = [0] * CLASSES
    for row in order:
        split = ("validation", "test", "train")[min(seen[labels[row]] // share, 2)]
        seen[labels[row]] += 1
        rows[split].append(row)
    return {split: np.array(chosen) for split, chosen in rows.items()}


def _rank(row: int) -> bytes:
    return hashlib.blake2b(f"gradgrid embedded digits {row}".encode(), digest_size=8).digest()

"""Numbers for the page: float32 arrays in one compressed text, thinned where the grid is too large for it.

The bytes of all numbers stand in planes (all first bytes, then all second ones, …), in which signs and exponents
repeat, so that gzip shrinks them; the page's script takes them apart again.
"""

import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

BUDGET = 5_000_000
"""Bytes of text that the curves of all runs may take in the page; the default grid's take a third of it."""
AT_ONCE = 1 << 20
"""Numbers that are compressed at a time."""
EXACT = 23
"""Bits of a float32's significand after the leading one."""


@dataclass(frozen=True)
class Thinning:
    """How curves are thinned: bits of the significand kept, which measured steps, whether seeds are kept apart."""

    bits: int = EXACT
    every: int = 1
    by_seed: bool = True

    @property
    def words(self) -> str:
        """What was left out, for the reader; empty if nothing was."""
        said = []
        if self.bits < EXACT:
            said.append(f"numbers are rounded to within {0.5**self.bits / 2:.1g} of their size")
        if self.every > 1:
            said.append(f"of the measured steps one in {self.every} is kept, and the last")
        if not self.by_seed:
            said.append("in place of each seed stands the mean over the seeds")
        return "; ".join(said)

    def steps(self, number: int) -> np.ndarray:
        """The places of the steps that are kept, of so many; there are none where nothing is clipped."""
        return np.union1d(np.arange(0, number, self.every), np.arange(number)[-1:])


LADDER = (
    Thinning(),
    Thinning(bits=12),
    Thinning(bits=12, every=2),
    Thinning(bits=12, by_seed=False),
    Thinning(bits=12, every=2, by_seed=False),
    Thinning(bits=8, every=4, by_seed=False),
    Thinning(bits=6, every=16, by_seed=False),
)
"""From everything to the least; the first that keeps the budget is taken, the last in any case."""


def fitted(curves: Mapping[str, np.ndarray], budget: int = BUDGET) -> tuple[dict[str, np.ndarray], Thinning]:
    """Curves [rows, seeds, steps] by name, thinned as little as lets their text keep a budget of bytes."""
    for thinning in LADDER:
        thinned = {name: _thinned(values, thinning) for name, values in curves.items()}
        if _fits(thinned, budget):
            break
    return thinned, thinning


def _thinned(values: np.ndarray, thinning: Thinning) -> np.ndarray:
    kept = values[:, :, thinning.steps(values.shape[2])]
    return rounded(kept if thinning.by_seed else over_seeds(kept), thinning.bits)


def over_seeds(values: np.ndarray) -> np.ndarray:
    """The mean over the seeds [rows, 1, steps] of the values that there are; NaN where there is none."""
    there = np.isfinite(values)
    total = np.where(there, values, 0).sum(axis=1, keepdims=True, dtype=np.float64)
    number = there.sum(axis=1, keepdims=True)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan).astype(np.float32)


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """float32 rounded to ``bits`` bits after the leading one: within 2^-(bits+1) of its size, ties to even."""
    if bits >= EXACT:
        return values
    dropped = np.uint32(EXACT - bits)
    whole = np.ascontiguousarray(values, dtype="<f4").view("<u4")
    odd = (whole >> dropped) & np.uint32(1)
    half = np.uint32((1 << (int(dropped) - 1)) - 1)
    return ((whole + half + odd) & ~np.uint32((1 << int(dropped)) - 1)).view("<f4")


def packed(arrays: Mapping[str, np.ndarray]) -> str:
    """All arrays, one after the other, as base64 of gzip of the planes of their bytes."""
    return b64encode(b"".join(_pieces(arrays))).decode()


def _fits(arrays: Mapping[str, np.ndarray], budget: int) -> bool:
    """Whether the text of the arrays keeps a budget of bytes; the work ends where it is spent."""
    size = 0
    for piece in _pieces(arrays):
        size += len(piece)
        if 4 * -(-size // 3) > budget:  # base64 writes four for each three that are begun
            return False
    return True


def _pieces(arrays: Mapping[str, np.ndarray]) -> Iterator[bytes]:
    """The gzip of the arrays' bytes piece by piece: plane after plane, and in each array after array."""
    # 16 more bits ask zlib for the frame of gzip, in which it leaves the time at 0
    press = zlib.compressobj(level=6, wbits=zlib.MAX_WBITS + 16)
    for plane in range(4):
        for values in arrays.values():
            numbers = np.ascontiguousarray(values, dtype="<f4").reshape(-1)
            for start in range(0, len(numbers), AT_ONCE):
                planes = numbers[start : start + AT_ONCE].view(np.uint8).reshape(-1, 4)
                yield press.compress(planes[:, plane].tobytes())
    yield press.flush()

"""What the plan knows of the compiled kernel of training: its source, as one short text, and what it can train.

Standard library alone: setup.py asks when nothing else is installed yet.
"""

import re
from functools import cache
from hashlib import blake2b
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "train" / "kernel"
"""The folder of the kernel's C++ source."""

ACTIVATIONS = (
    "identity", "sigmoid", "tanh", "lecun_tanh", "hardtanh", "softsign", "relu", "leaky_relu", "elu", "selu", "gelu",
    "silu",
)  # fmt: skip
LOSSES = ("cross_entropy", "softmax_cross_entropy", "quadratic")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam")
"""In the order of the kernel's own lists (layers.h, layout.h)."""

KNOWN = {
    "activations.identity": "b7ced4b65e9ca2ee",
    "activations.sigmoid": "5c14b1484f665722",
    "activations.tanh": "c948c701b6c3f151",
    "activations.lecun_tanh": "d5331858983db46b",
    "activations.hardtanh": "0af89beb26f2cd92",
    "activations.softsign": "ea752fbb580c193e",
    "activations.relu": "cd33ad53f10006fe",
    "activations.leaky_relu": "5b83840e2f3d04c5",
    "activations.elu": "e951818401263dd4",
    "activations.selu": "8bd053f8484fc28c",
    "activations.gelu": "6b24016da9f0690d",
    "activations.silu": "8f4fc27d06819e3b",
    "losses.cross_entropy": "863a8ecf74af38b4",
    "losses.softmax_cross_entropy": "c000cc2a2aeeb033",
    "losses.quadratic": "2b4af314fc77bb86",
    "optimizers.sgd": "8628c8e4b4d53146",
    "optimizers.momentum": "51294d4ec516f152",
    "optimizers.nesterov": "bb2e8ceb41647026",
    "optimizers.adam": "dca07ec1d764c58d",
}
"""The entries that the kernel computes, with the digests of the functions that it follows: of an entry that has been
edited since, it does not know what it says now."""


@cache
def built(folder: Path = SOURCE.parent) -> bool:
    """Whether the kernel was built here; whether from this source, only training finds out."""
    return any((folder / f"_kernel{suffix}").exists() for suffix in EXTENSION_SUFFIXES)


def kernel_digest(folder: Path = SOURCE) -> str:
    """Sixteen hexadecimal digits over the source files, without their // comments, the only ones they have."""
    texts = (
        f"{path.name}:{_without_comments(path.read_text(encoding='utf-8'))}"
        for path in sorted(folder.iterdir())
    )
    return blake2b("\n".join(texts).encode(), digest_size=8).hexdigest()


def _without_comments(text: str) -> str:
    return " ".join(re.sub(r"//.*", "", text).split())

"""Deep linear networks without biases, in which activations and gradients are powers of one number."""

import math
from functools import partial

import pandas as pd
import torch
from torch import Tensor

from gradgrid.core.entries import Entry
from gradgrid.core.laboratory_tables import LINEAR
from gradgrid.laboratory.networks import Networks, deviation, propagate
from gradgrid.laboratory.propagation import layer_rows
from gradgrid.laboratory.weights import draw, standard_normal

MINIBATCH = 16
PRECISIONS = {"float32": torch.float32, "float64": torch.float64}
_KINDS = {"scaled_identity": Entry("identity"), "gaussian": Entry("lecun_normal")}


@torch.inference_mode()
def linear(settings: dict) -> pd.DataFrame:
    """The table ``laboratory/linear``: layers with W = c I, and with N(0, g²/width).

    Inputs are MINIBATCH standard-normal vectors; c^l and g^l are what layer l makes of their standard deviation,
    exactly for W = c I, and for the random weights in the root of the mean square over many draws (at finite width a
    single draw strays from it the further the deeper). Weights of one seed differ only by g.
    """
    frames = [
        _networks(settings, kind, precision, seed)
        for kind in _KINDS
        for precision in PRECISIONS
        for seed in settings["seeds"]
    ]
    return pd.concat(frames, ignore_index=True)[LINEAR.schema.names]


def last_in_range(scale: float, precision: str) -> float:
    """The last l for which scale^l is a normal number of the precision, neither infinite nor subnormal; NaN: all."""
    limits = torch.finfo(PRECISIONS[precision])
    if scale == 1:
        return math.nan
    if scale < 1:
        return math.floor(math.log2(limits.tiny) / math.log2(scale))
    _, beyond = math.frexp(limits.max)
    return math.ceil(beyond / math.log2(scale)) - 1


def _networks(settings: dict, kind: str, precision: str, seed: int) -> pd.DataFrame:
    scales, width = settings["scale"], settings["width"]
    inputs, start = (standard_normal(of, seed, MINIBATCH, width) for of in ("inputs", "gradient"))
    weights = partial(draw, _KINDS[kind], width, seed, 1.0)
    networks = Networks([Entry("identity")] * len(scales), weights, lambda z: z.new_tensor(scales))
    found = propagate(networks, settings["depth"], inputs.to(PRECISIONS[precision]), start)
    expected = _expected(scales, found["nonfinite"], inputs, start)
    return layer_rows({**found, **expected}, "scale", scales).assign(
        kind=kind,
        precision=precision,
        seed=seed,
        in_range_until=lambda rows: rows["scale"].map(partial(last_in_range, precision=precision)),
    )


def _expected(scales: list[float], nonfinite: Tensor, inputs: Tensor, start: Tensor) -> dict[str, Tensor]:
    """scale^layer and, for the gradient, scale^(last finite layer - layer), times the deviation at the start."""
    scale = torch.tensor(scales, dtype=torch.float64)[:, None]
    layer = torch.arange(1, nonfinite.shape[1] + 1)
    last = (~nonfinite).sum(1, keepdim=True)
    gradient = scale ** (last - layer) * deviation(start[None])
    return {
        "expected_std": scale**layer * deviation(inputs[None]),
        "expected_gradient_std": gradient.masked_fill(nonfinite, torch.nan),
    }

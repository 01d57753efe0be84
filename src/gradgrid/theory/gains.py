"""Gains of the activations, exactly: what the weights must be multiplied by for one thing or another to be kept."""

import math
from collections.abc import Iterable

import pandas as pd
import torch

from gradgrid.core.entries import Entry
from gradgrid.core.registry import entries
from gradgrid.theory.gaussian import expectation, slope, value


def gains(activations: Iterable[Entry] | None = None) -> pd.DataFrame:
    """One row an activation (every one of the registry unless given), for a standard-normal pre-activation z.

    With weights of variance gain²/fan_in and no biases, and pre-activations of variance 1 in one layer:

    - ``deviation_gain`` = std(z)/std(f(z)). Keeps the variance of the *activations* about their mean. It leaves out the
      mean itself, so for activations whose mean is not 0 it serves only where biases or normalization take that away.
    - ``second_moment_gain`` = 1/√E[f(z)²]. Keeps the variance of the next *pre-activations* at 1, on which He et al.
      (2015, eq. 10) build: the right one for signals that must neither die out nor blow up.
    - ``backward_gain`` = 1/√E[f'(z)²]. Keeps the norm of the *deltas* from layer to layer (chi = 1), as long as the
      pre-activations have variance 1 (the backward case of He et al., 2015). Only where it equals the second-moment
      gain, as for ReLU, does one gain keep both.
    - ``torch_gain``: ``torch.nn.init.calculate_gain``, NaN where PyTorch has none.
    """
    asked = [Entry(name) for name in entries("activations")] if activations is None else list(activations)
    return pd.DataFrame([{"activation": entry.label, **_row(entry)} for entry in asked])


def _row(activation: Entry) -> dict[str, float]:
    f, df = value(activation), slope(activation)
    mean = expectation(f, 1.0)
    return {
        "deviation_gain": expectation(lambda u: (f(u) - mean).square(), 1.0) ** -0.5,
        "second_moment_gain": expectation(lambda u: f(u).square(), 1.0) ** -0.5,
        "backward_gain": expectation(lambda u: df(u).square(), 1.0) ** -0.5,
        "torch_gain": torch_gain(activation),
    }


def torch_gain(activation: Entry) -> float:
    """``torch.nn.init.calculate_gain`` of the activation, NaN where PyTorch has none."""
    parameters = dict(activation.parameters)
    slope_below = parameters.pop("negative_slope", None)
    name = {"identity": "linear"}.get(activation.name, activation.name)
    try:
        return math.nan if parameters else torch.nn.init.calculate_gain(name, slope_below)
    except ValueError:
        return math.nan

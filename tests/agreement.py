"""How far two trainings of the same runs agree, in the tables that they lead to."""

from collections.abc import Callable, Iterable

import pandas as pd
import torch
import training

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries
from gradgrid.train import probes, products, updates
from gradgrid.train.images import Images
from gradgrid.train.trainer import train

STEPS = 100
TOLERANCE = 2e-4
"""Largest relative difference of any measure, at initialization and at every step measured up to the last."""
TOLERANCE_OF_KINKED = 5e-3
"""The same where the slope of the activation jumps: rounding takes an image across, with its share of a gradient."""
KINKED = ("hardtanh", "relu", "leaky_relu", "selu")
MEASURES = ["bias_gradient_norm", "weight_gradient_norm", "weight_norm", "activation_std", "loss"]

CPU = torch.device("cpu")
DATA = training.dataset(images=200)
RECIPE = Training(digits_epochs=5, minibatch=10)
CLIPPINGS = [None, Entry.of("norm", {"threshold": 0.5}), Entry.of("value", {"threshold": 0.01})]
FOLLOWED = [name for name in entries("initializers") if name not in ("normal", "uniform")]
"""Without those that saturate deep networks: there rounding is much of what is left of a slope, 1 - a·a."""


def runs(initializers: Iterable[str] = ("xavier_normal",), **changes) -> list[Run]:
    """Runs of three hidden layers of 30 neurons, with every kind of clipping."""
    like = {"depth": 3, "width": 30, "activation": Entry("tanh")} | changes
    cells = [
        training.cell(**like, initializer=Entry(initializer), clipping=clipping)
        for initializer in initializers
        for clipping in CLIPPINGS
    ]
    return [Run(cell, 0) for cell in cells]


def cases() -> dict[str, list[Run]]:
    """Every activation, optimizer, normalization and initializer, by name."""
    rates = {"adam": 0.001}
    return {
        **{name: runs(activation=Entry(name)) for name in entries("activations")},
        **{n: runs(optimizer=Entry(n), learning_rate=rates.get(n, 0.03)) for n in entries("optimizers")},
        **{name: runs(normalization=Entry(name), residual=True) for name in entries("normalization")},
        "initializers": runs(FOLLOWED),
    }


def tolerance(case: str) -> float:
    """That of a case, by its name."""
    return TOLERANCE_OF_KINKED if case in KINKED else TOLERANCE


def trained(some: list[Run], device: torch.device = CPU, dtype: torch.dtype = torch.float32) -> pd.DataFrame:
    """Every measure of every run: at each measured step of each layer, and the cost on each split."""
    records = train(some, Images.of(DATA, device, dtype), RECIPE, lambda amount: None).tables()
    assert records["gradients"]["step"].max() == STEPS
    return pd.concat([records["gradients"], records["accuracy"]], ignore_index=True)


def apart(found: pd.DataFrame, expected: pd.DataFrame) -> pd.Series:
    """The largest relative difference of any measure, run by run."""
    relative = (found[MEASURES] / expected[MEASURES] - 1).abs().max(axis=1)
    return relative.groupby(expected["run_id"]).max()


def as_by_tf32(monkeypatch) -> None:
    """Let products of matrices see 10 bits of each factor's mantissa, as tensor cores do with TF32."""

    def shortened(values: torch.Tensor) -> torch.Tensor:
        bits = values.contiguous().view(torch.int32)
        return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)

    def product(a: torch.Tensor, b: torch.Tensor, exactly: Callable = products.product) -> torch.Tensor:
        return exactly(shortened(a), shortened(b))

    def affine(bias: torch.Tensor, a: torch.Tensor, b: torch.Tensor, exactly: Callable = products.affine):
        return exactly(bias, shortened(a), shortened(b))

    for module in (products, updates, probes):
        monkeypatch.setattr(module, "product", product)
    monkeypatch.setattr(products, "affine", affine)

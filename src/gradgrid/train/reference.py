"""The slow twin: one run, trained by the plain PyTorch loop that a user would write.

``torch.nn.Linear``, autograd, ``torch.optim`` and ``torch.nn.utils.clip_grad_*``; nothing of the stacked network.
Every entry of every registry is tested against it.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from gradgrid.core.entries import Entry
from gradgrid.core.plan import Cell
from gradgrid.core.registry import entries

_ACTIVATIONS = {
    "identity": lambda: nn.Identity(),
    "sigmoid": lambda steepness: nn.Sigmoid() if steepness == 1 else SteepSigmoid(steepness),
    "tanh": lambda: nn.Tanh(),
    "hardtanh": lambda: nn.Hardtanh(),
    "softsign": lambda: nn.Softsign(),
    "relu": lambda: nn.ReLU(),
    "leaky_relu": lambda negative_slope: nn.LeakyReLU(negative_slope),
    "elu": lambda alpha: nn.ELU(alpha),
    "selu": lambda: nn.SELU(),
    "gelu": lambda: nn.GELU(),
    "silu": lambda: nn.SiLU(),
    "softplus": lambda beta: nn.Softplus(beta, threshold=float("inf")),
}


_NORMALIZATIONS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class SteepSigmoid(nn.Module):
    """sigmoid(steepness · z), which ``torch.nn`` lacks."""

    def __init__(self, steepness: float) -> None:
        super().__init__()
        self.steepness = steepness

    def forward(self, z: Tensor) -> Tensor:
        """The activations of pre-activations ``z``."""
        return torch.sigmoid(self.steepness * z)


class LeCunTanh(nn.Module):
    """1.7159 tanh(2z/3), which ``torch.nn`` lacks."""

    def forward(self, z: Tensor) -> Tensor:
        """The activations of pre-activations ``z``."""
        return 1.7159 * torch.tanh(2 * z / 3)


class Residual(nn.Module):
    """A hidden layer that adds its input to its output."""

    def __init__(self, *layer: nn.Module) -> None:
        super().__init__()
        self.layer = nn.Sequential(*layer)

    def forward(self, a: Tensor) -> Tensor:
        """The sum of the activations ``a`` and of what the layer makes of them."""
        return a + self.layer(a)


def build(
    parameters: Sequence[tuple[Tensor, Tensor]],
    activation: Entry,
    normalization: Entry | None = None,
    residual: bool = False,
) -> nn.Sequential:
    """The network of one run, from its weights [out, in] and biases [out]; the outputs are pre-activations."""
    *hidden, output = [_linear(weight, bias) for weight, bias in parameters]
    layers: list[nn.Module] = []
    for linear in hidden:
        layer = [linear, *_normalization(normalization, linear), _activation(activation)]
        layers += [Residual(*layer)] if residual and layers else layer
    return nn.Sequential(*layers, output)


def train(
    network: nn.Sequential,
    cell: Cell,
    loss: str,
    decay: float,
    minibatches: Iterable[tuple[Tensor, Tensor]],
) -> None:
    """Train ``network`` in place on pairs of images [B, inputs] and one-hot targets [B, classes].

    ``decay`` is the book's lambda/n; it acts on weights, not on biases, gains and shifts.
    """
    network.train()
    optimizer = _optimizer(network, cell, decay)
    for images, targets in minibatches:
        optimizer.zero_grad()
        mean_cost(loss, network(images), targets).backward()
        clip(network, cell.clipping)
        optimizer.step()


def mean_cost(loss: str, z: Tensor, targets: Tensor) -> Tensor:
    """The mean over the images of a loss of the output layer's pre-activations."""
    if loss == "cross_entropy":
        return nn.functional.binary_cross_entropy_with_logits(z, targets, reduction="sum") / len(z)
    if loss == "softmax_cross_entropy":
        return nn.functional.cross_entropy(z, targets)
    return nn.functional.mse_loss(torch.sigmoid(z), targets, reduction="sum") / (2 * len(z))


def clip(network: nn.Module, clipping: Entry | None) -> None:
    """Clip the gradients that the network holds."""
    if clipping is None:
        return
    threshold = clipping.keywords["threshold"]
    if clipping.name == "norm":
        nn.utils.clip_grad_norm_(network.parameters(), threshold)
    else:
        nn.utils.clip_grad_value_(network.parameters(), threshold)


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    linear.weight.data, linear.bias.data = weight.clone(), bias.clone()
    return linear


def _normalization(normalization: Entry | None, linear: nn.Linear) -> list[nn.Module]:
    if normalization is None:
        return []
    return [_NORMALIZATIONS[normalization.name](linear.out_features, dtype=linear.weight.dtype)]


def _activation(activation: Entry) -> nn.Module:
    if activation.name == "lecun_tanh":
        return LeCunTanh()
    defaults = {
        name: spec.default for name, spec in entries("activations")[activation.name].parameters.items()
    }
    return _ACTIVATIONS[activation.name](**(defaults | activation.keywords))


def _optimizer(network: nn.Sequential, cell: Cell, decay: float) -> torch.optim.Optimizer:
    matrices = [parameter for parameter in network.parameters() if parameter.dim() == 2]
    vectors = [parameter for parameter in network.parameters() if parameter.dim() == 1]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    given, rate = cell.optimizer.keywords, cell.learning_rate
    if cell.optimizer.name == "adam":
        betas = given.get("beta1", 0.9), given.get("beta2", 0.999)
        return torch.optim.Adam(groups, lr=rate, betas=betas, eps=given.get("epsilon", 1e-8))
    if cell.optimizer.name == "sgd":
        return torch.optim.SGD(groups, lr=rate)
    nesterov = cell.optimizer.name == "nesterov"
    return torch.optim.SGD(groups, lr=rate, momentum=given.get("momentum", 0.9), nesterov=nesterov)

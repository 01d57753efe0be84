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


def build(parameters: Sequence[tuple[Tensor, Tensor]], activation: Entry) -> nn.Sequential:
    """The network of one run, from its weights [out, in] and biases [out]; the outputs are pre-activations."""
    layers: list[nn.Module] = []
    for weight, bias in parameters:
        linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
        linear.weight.data, linear.bias.data = weight.clone(), bias.clone()
        layers += [linear, _activation(activation)]
    return nn.Sequential(*layers[:-1])


def train(
    network: nn.Sequential,
    cell: Cell,
    loss: str,
    decay: float,
    minibatches: Iterable[tuple[Tensor, Tensor]],
) -> None:
    """Train ``network`` in place on pairs of images [B, inputs] and one-hot targets [B, classes].

    ``decay`` is the book's lambda/n; it acts on weights, not on biases.
    """
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


def _activation(activation: Entry) -> nn.Module:
    if activation.name == "lecun_tanh":
        return LeCunTanh()
    defaults = {
        name: spec.default for name, spec in entries("activations")[activation.name].parameters.items()
    }
    return _ACTIVATIONS[activation.name](**(defaults | activation.keywords))


def _optimizer(network: nn.Sequential, cell: Cell, decay: float) -> torch.optim.Optimizer:
    linears = [layer for layer in network if isinstance(layer, nn.Linear)]
    groups = [
        {"params": [layer.weight for layer in linears], "weight_decay": decay},
        {"params": [layer.bias for layer in linears], "weight_decay": 0.0},
    ]
    given, rate = cell.optimizer.keywords, cell.learning_rate
    if cell.optimizer.name == "adam":
        betas = given.get("beta1", 0.9), given.get("beta2", 0.999)
        return torch.optim.Adam(groups, lr=rate, betas=betas, eps=given.get("epsilon", 1e-8))
    if cell.optimizer.name == "sgd":
        return torch.optim.SGD(groups, lr=rate)
    nesterov = cell.optimizer.name == "nesterov"
    return torch.optim.SGD(groups, lr=rate, momentum=given.get("momentum", 0.9), nesterov=nesterov)

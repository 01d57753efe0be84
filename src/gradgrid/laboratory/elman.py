"""Plain recurrent networks (Elman, 1990), M of them stacked with a leading run axis.

    h_t = tanh(W_x x_t + W_h h_{t-1} + b),   h_0 = 0,   outputs = softmax(V h_T + c) after the last time step T

The cost C of an image is the cross-entropy of its outputs. Backpropagation through time is written out, because the
gradient with respect to the hidden state is what is measured: V^T (softmax - y) at the last time step, and before it

    dC/dh_{t-1} = W_h^T delta_t,   delta_t = dC/dz_t = (1 - h_t²) ∘ dC/dh_t,

so that a product of Jacobians leads from each time step to an earlier one, which may vanish or explode (Pascanu,
Mikolov and Bengio, 2013, eqs. 3 to 5).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gradgrid.train import products
from gradgrid.train.losses import Loss, softmax_cross_entropy
from gradgrid.train.network import stack_multiple
from gradgrid.train.products import affine, product


class Weights(NamedTuple):
    """Parameters or their gradient: of one run, or with a leading run axis of a stack.

    ``input`` W_x [hidden, inputs], ``recurrent`` W_h [hidden, hidden], ``bias`` b [1, hidden], ``output`` V
    [classes, hidden], ``output_bias`` c [1, classes].
    """

    input: Tensor
    recurrent: Tensor
    bias: Tensor
    output: Tensor
    output_bias: Tensor


@dataclass(frozen=True)
class Trace:
    """What a forward pass leaves: the hidden states h_1 … h_T [M, B, hidden], and the loss after the last."""

    states: list[Tensor]
    loss: Loss


def stack(runs: Sequence[Weights], images: Iterable[int]) -> Weights:
    """One stack of the runs, and of idle ones of zeros that fill it up so that no run's numbers depend on M.

    ``images`` are the numbers of images that will be fed at a time.
    """
    first = runs[0]
    sizes = [
        (first.input, first.bias[0]),
        (first.recurrent, first.bias[0]),
        (first.output, first.output_bias[0]),
    ]
    idle = Weights(*map(torch.zeros_like, first))
    filled = [*runs, *[idle] * (-len(runs) % stack_multiple(sizes, {1, *images}))]
    return Weights(*map(products.stack, zip(*filled, strict=True)))


def forward(weights: Weights, sequences: Tensor, targets: Tensor) -> Trace:
    """Feed each run its ``sequences`` [T, M, B, inputs]; ``targets`` [M, B, classes] are one-hot."""
    states = list(_states(weights, sequences))
    return Trace(states, _loss(weights, states[-1], targets))


def outcome(weights: Weights, sequences: Tensor, targets: Tensor) -> Loss:
    """The loss of a forward pass, without keeping the hidden states."""
    (last,) = deque(_states(weights, sequences), maxlen=1)
    return _loss(weights, last, targets)


def through_time(weights: Weights, trace: Trace) -> Iterator[tuple[Tensor, Tensor]]:
    """dC/dh_t and delta_t [M, B, hidden] of each image's own cost, from t = T back to 1."""
    by_state = product(trace.loss.delta, weights.output)
    for state in reversed(trace.states):
        delta = by_state * (1 - state.square())
        yield by_state, delta
        by_state = product(delta, weights.recurrent)


def mean_gradient(weights: Weights, sequences: Tensor, trace: Trace) -> Weights:
    """The gradient of the minibatch's mean cost."""
    earlier = [torch.zeros_like(trace.states[0]), *trace.states[:-1]]
    by_input, by_recurrent, by_bias = map(torch.zeros_like, weights[:3])
    inputs = reversed(sequences.unbind())
    for x, state, (_, delta) in zip(inputs, reversed(earlier), through_time(weights, trace), strict=True):
        by_input = affine(by_input, delta.mT, x)
        by_recurrent = affine(by_recurrent, delta.mT, state)
        by_bias = by_bias + delta.sum(1, keepdim=True)
    last = trace.loss.delta
    by_output, by_output_bias = product(last.mT, trace.states[-1]), last.sum(1, keepdim=True)
    found = Weights(by_input, by_recurrent, by_bias, by_output, by_output_bias)
    return Weights(*(part / last.shape[1] for part in found))


def gradient_norms(gradient: Weights) -> Tensor:
    """Norm [M, 1, 1] of each run's whole gradient, in float64: in float32 the squares overflow first."""
    whole = torch.cat([part.flatten(1) for part in gradient], 1)
    return torch.linalg.vector_norm(whole, dim=1, dtype=torch.float64).view(-1, 1, 1)


def descend(weights: Weights, gradient: Weights, rates: Tensor) -> None:
    """Subtract ``rates`` [M, 1, 1] times the gradient from the parameters, in place."""
    for parameter, part in zip(weights, gradient, strict=True):
        parameter.sub_(part * rates)


def finite(weights: Weights) -> Tensor:
    """Whether every parameter of each run is finite [M]."""
    return torch.cat([part.flatten(1) for part in weights], 1).isfinite().all(1)


def spectral_radius(matrix: Tensor) -> Tensor:
    """The largest absolute value of any eigenvalue of a matrix [n, n]."""
    return torch.linalg.eigvals(matrix).abs().max()


def _states(weights: Weights, sequences: Tensor) -> Iterator[Tensor]:
    bias, recurrent = weights.bias, weights.recurrent.mT
    first, *others = sequences
    state = torch.tanh(affine(bias, first, weights.input.mT))
    yield state
    for x in others:
        state = torch.tanh(affine(affine(bias, x, weights.input.mT), state, recurrent))
        yield state


def _loss(weights: Weights, state: Tensor, targets: Tensor) -> Loss:
    return softmax_cross_entropy(affine(weights.output_bias, state, weights.output.mT), targets)

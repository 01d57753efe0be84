"""The laboratory's random draws, and the networks that can share them.

Seeds are paired as in training: a layer's weights are drawn for the seed and the layer's number alone.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from gradgrid.core.entries import Entry
from gradgrid.core.seeds import derive
from gradgrid.laboratory.networks import Inputs, Networks
from gradgrid.train import initializers
from gradgrid.train.gains import gain


class _InputsAskedError(Exception):
    pass


def standard_normal(name: str, seed: int, minibatch: int, width: int) -> Tensor:
    """N(0, 1) [minibatch, width] in float32, drawn for a name and a seed."""
    return torch.randn(minibatch, width, generator=_generator(name, seed))


def draw(initializer: Entry, width: int, seed: int, gain: float, layer: int, inputs: Inputs) -> Tensor:
    """A layer's weights [width, width] in float32; ``inputs()`` are for an initializer that looks at them."""
    weight = torch.empty(width, width)
    given = initializers.Draw(_generator("weights", seed, layer), gain, inputs)
    getattr(initializers, initializer.name)(weight, given, **initializer.keywords)
    return weight


def side_by_side(
    initializer: Entry, activations: Sequence[Entry], width: int, seed: int
) -> Iterator[Networks]:
    """The activations' networks: all together where their weights differ by a factor alone, else one by one."""
    power = gain_power(initializer, width)
    if initializer.name == "lsuv":
        orthonormal = partial(draw, Entry("orthogonal"), width, seed, 1.0)
        yield Networks(activations, orthonormal, partial(_lsuv_factors, initializer))
    elif power is None:
        for activation in activations:
            weights = partial(draw, initializer, width, seed, gain(activation))
            yield Networks([activation], weights, lambda z: z.new_ones(1))
    else:
        factors = [gain(activation) ** power for activation in activations]
        yield Networks(
            activations, partial(draw, initializer, width, seed, 1.0), lambda z: z.new_tensor(factors)
        )


def gain_power(initializer: Entry, width: int) -> int | None:
    """0 where weights do not depend on the gain, 1 where they are proportional to it, None otherwise.

    None, too, where they depend on the layer's inputs. Tried with gains 1 and 2, between which floating point does
    not round.
    """
    try:
        one, two = (draw(initializer, width, 0, tried, 1, _refuse) for tried in (1.0, 2.0))
    except _InputsAskedError:
        return None
    return next((power for power in (0, 1) if torch.equal(2**power * one, two)), None)


def _refuse() -> Tensor:
    raise _InputsAskedError


def _lsuv_factors(initializer: Entry, z: Tensor) -> Tensor:
    """The factor of each network's orthonormal weights, whose pre-activations are z [K, minibatch, width].

    They are handed to ``lsuv`` as the inputs of a layer with one weight, which starts as ±1.
    """
    values = z.flatten(1)[..., None]
    return torch.cat([draw(initializer, 1, 0, 1.0, 1, lambda v=v: v).abs()[0] for v in values])


def _generator(*names: str | int) -> torch.Generator:
    return torch.Generator().manual_seed(derive(*names))

"""The examples of PyTorch weight-initialization tutorials, computed again as their code computes them."""

from collections.abc import Callable, Sequence

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import init

from gradgrid.core.references import references
from gradgrid.core.seeds import derive

NEURONS, LAYERS, MINIBATCH, DRAWS = 256, 100, 16, 10_000
NUDGES = 10
_GAIN = init.calculate_gain("tanh")


@torch.inference_mode()
def tutorial() -> pd.DataFrame:
    """Measured beside published numbers; columns id, layer, measured, published and rounding.

    ``id`` is that of ``core/references.csv``; ``layer`` is null for the gain of tanh, which was published with its
    measurement. ``rounding`` is the largest change of the measured number in NUDGES tries in which every input was
    replaced by one of the two float32 numbers next to it: digits below it depend on the machine.
    """
    with torch.random.fork_rng(devices=[]):
        frames = [
            _deep("tutorial-linear-normal", (1, 2, 3, 30), init.normal_, lambda z: z),
            _deep(
                "tutorial-tanh-xavier", (1, 2, 3, 100), lambda w: init.xavier_uniform_(w, _GAIN), torch.tanh
            ),
            _gain("tutorial-gain-tanh"),
        ]
    return pd.concat(frames, ignore_index=True)


def _deep(
    name: str,
    layers: Sequence[int],
    initialize: Callable[[Tensor], Tensor],
    activation: Callable[[Tensor], Tensor],
) -> pd.DataFrame:
    """Standard deviations of layers' activations; the linear layers draw their own weights first, as they do there."""
    torch.manual_seed(1)
    linears = [nn.Linear(NEURONS, NEURONS, bias=False) for _ in range(LAYERS)]
    for linear in linears:
        initialize(linear.weight)

    def deviations(x: Tensor) -> list[float]:
        found = []
        for linear in linears:
            x = activation(linear(x))
            found.append(float(x.std()))
        return [found[layer - 1] for layer in layers]

    return _compared(name, layers, deviations, torch.randn(MINIBATCH, NEURONS))


def _gain(name: str) -> pd.DataFrame:
    """The gain of tanh, measured as std(x)/std(tanh x), and PyTorch's."""
    torch.manual_seed(1)
    return _compared(
        name, (None, None), lambda x: [float(x.std() / x.tanh().std()), _GAIN], torch.randn(DRAWS)
    )


def _compared(
    name: str, layers: Sequence[int | None], measure: Callable[[Tensor], list[float]], inputs: Tensor
) -> pd.DataFrame:
    measured = pd.Series(measure(inputs))
    nudged = pd.DataFrame([measure(_nudged(inputs, number)) for number in range(NUDGES)])
    return pd.DataFrame(
        {
            "id": name,
            "layer": pd.Series(layers, dtype="Int32"),
            "measured": measured,
            "published": references()[name].numbers,
            "rounding": (nudged - measured).abs().max(),
        }
    )


def _nudged(x: Tensor, number: int) -> Tensor:
    """Every value replaced by the next larger or the next smaller one, at random."""
    generator = torch.Generator().manual_seed(derive("nudge", number))
    upwards = torch.rand(x.shape, generator=generator) < 0.5
    return torch.nextafter(x, torch.where(upwards, torch.inf, -torch.inf))

"""The tutorials' examples against their code as it is written there, and against the published digits."""

import pytest
import torch
from torch import nn

from gradgrid.core.references import references
from gradgrid.laboratory.tutorial import tutorial

torch.set_num_threads(1)


class MLP(nn.Module):
    """The network of the tutorials, written as there."""

    def __init__(self, neural_num, layers):
        super().__init__()
        self.linears = nn.ModuleList([nn.Linear(neural_num, neural_num, bias=False) for i in range(layers)])
        self.stds = []

    def forward(self, x, activation):
        for linear in self.linears:
            x = activation(linear(x))
            self.stds.append(x.std().item())
        return x

    def initialize(self, fill):
        for m in self.modules():
            if isinstance(m, nn.Linear):
                fill(m.weight.data)


def as_written(fill, activation):
    torch.manual_seed(1)
    net = MLP(256, 100)
    net.initialize(fill)
    inputs = torch.randn((16, 256))
    with torch.no_grad():
        net(inputs, activation)
    return net.stds


@pytest.fixture(scope="module")
def examples():
    state = torch.get_rng_state()
    rows = tutorial()
    assert torch.equal(state, torch.get_rng_state())
    return rows


def printed_digits(text):
    """Half of the last digit that a published number shows."""
    digits, _, exponent = text.partition("e")
    return 0.5 * 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))


@pytest.mark.parametrize(
    ("name", "fill", "activation"),
    [
        ("tutorial-linear-normal", nn.init.normal_, lambda x: x),
        (
            "tutorial-tanh-xavier",
            lambda w: nn.init.xavier_uniform_(w, gain=nn.init.calculate_gain("tanh")),
            torch.tanh,
        ),
    ],
)
def test_the_tutorials_networks_as_they_are_written(examples, name, fill, activation):
    stds = as_written(fill, activation)
    rows = examples[examples["id"] == name]
    assert list(rows["measured"]) == [stds[layer - 1] for layer in rows["layer"]]


def test_the_tutorials_digits(examples):
    """To the last printed digit; only at layer 100 of tanh are rounding errors larger than that."""
    assert len(examples) == 10
    for name, rows in examples.groupby("id"):
        assert tuple(rows["published"]) == references()[name].numbers
        for row, text in zip(rows.itertuples(), references()[name].value.split(";"), strict=True):
            last_digit = printed_digits(text)
            assert row.measured == pytest.approx(
                row.published, abs=1.0001 * max(last_digit, 2 * row.rounding)
            )
            assert row.rounding < last_digit or row.layer == 100
    tanh = examples[(examples["id"] == "tutorial-tanh-xavier") & (examples["layer"] == 100)]
    assert float(tanh["rounding"].iloc[0]) < 2e-4

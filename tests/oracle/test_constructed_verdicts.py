"""Networks built to come to a certain end, trained for real on the embedded digits: each is given its word."""

import numpy as np
import pyarrow as pa
import pytest
import torch
import training

from gradgrid.analysis.collect import finish_runs
from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.parquet import to_arrow
from gradgrid.core.plan import Run
from gradgrid.core.tables import GRADIENTS, RUNS
from gradgrid.core.verdicts import VERDICTS, Verdicts
from gradgrid.data.arrays import load, save
from gradgrid.data.digits import read_digits
from gradgrid.train.runs import train_runs

RECIPE = Training(digits_epochs=6)


def normal(std, mean=0.0):
    return Entry.of("normal", {"mean": mean, "std": std})


NETWORKS = {
    # tanh with Xavier's weights keeps the gradient's size.
    "healthy": {"depth": 2, "activation": Entry("tanh"), "initializer": Entry("xavier_normal")},
    # Each of two products multiplies the gradient by about √(30 · 0.05²) = 0.27.
    "vanishing": {"depth": 3, "activation": Entry("tanh"), "initializer": normal(0.05), "learning_rate": 0.5},
    # Each of three products multiplies it by about √(30 · 0.7² ÷ 2) = 2.7; clipped steps keep it from diverging.
    "exploding": {
        "depth": 4,
        "activation": Entry("relu"),
        "initializer": normal(0.7),
        "clipping": Entry.of("norm", {"threshold": 1.0}),
        "learning_rate": 0.03,
    },
    # Weights so large that nearly every tanh is at its end, and the output layer learns from the signs.
    "saturated": {"depth": 1, "activation": Entry("tanh"), "initializer": normal(3.0), "learning_rate": 0.1},
    # Pixels are not negative, so weights of negative mean silence most rectifiers, and a few are left to learn with.
    "dead units": {"depth": 1, "activation": Entry("relu"), "initializer": normal(0.04, mean=-0.015)},
    # Steps as long as the weights are large.
    "diverged": {"depth": 3, "activation": Entry("relu"), "initializer": normal(10.0), "learning_rate": 10.0},
    # All neurons of a layer are alike and stay so, and the input never reaches the output.
    "never learned": {
        "depth": 3,
        "activation": Entry("tanh"),
        "initializer": Entry.of("constant", {"value": 0.0}),
    },
}
"""By the word that each is to get, the network and why."""


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """The embedded digits as they are trained on."""
    path = tmp_path_factory.mktemp("data") / "dataset.npz"
    save(path, "digits", read_digits())
    return training.images_of(load(path), torch.float32)


@pytest.fixture(scope="module")
def trained(images):
    """Trains the network of a word once; gives its tables as a bundle's files have them."""
    made = {}

    def trained(word):
        if word not in made:
            cell = training.cell(**({"width": 30} | NETWORKS[word]))
            frames = train_runs([Run(cell, 0)], word, images, RECIPE)
            runs = frames["runs"].assign(seconds=1.0, fingerprint="0")
            made[word] = to_arrow(runs, RUNS), to_arrow(frames["gradients"], GRADIENTS)
        return made[word]

    return trained


def judge(tables: tuple[pa.Table, pa.Table], **limits) -> dict:
    return finish_runs(*tables, Verdicts(**limits)).to_pylist()[0]


def test_there_is_a_network_for_every_word():
    assert set(NETWORKS) == set(VERDICTS)


@pytest.mark.parametrize("word", NETWORKS)
def test_a_network_gets_the_word_that_it_was_built_for(word, trained):
    found = judge(trained(word))
    assert found["verdict"] == word, found["verdict_reason"]


@pytest.mark.parametrize(
    ("word", "limits", "then"),
    [
        ("vanishing", {"decades": 3.0}, "healthy"),
        ("exploding", {"decades": 3.0}, "healthy"),
        ("saturated", {"saturated_share": 1.0}, "healthy"),
        ("dead units", {"dead_share": 1.0}, "healthy"),
        ("healthy", {"never_learned_accuracy": 1.0}, "never learned"),
        ("healthy", {"decades": 0.1}, "vanishing"),
        ("never learned", {"never_learned_accuracy": 0.0}, "vanishing"),
        ("diverged", {"never_learned_accuracy": 0.0, "decades": 9.0}, "diverged"),
    ],
)
def test_another_threshold_gives_the_same_network_another_word(word, limits, then, trained):
    assert judge(trained(word), **limits)["verdict"] == then


def test_the_numbers_behind_the_word_are_those_of_the_tables(trained):
    gradients = trained("vanishing")[1].to_pandas()
    first = gradients[(gradients["step"] == 0) & (gradients["layer"] <= 3)]
    slope = np.polyfit(first["layer"], np.log10(first["bias_gradient_norm"].astype(float)), 1)[0]
    assert f"10^{2 * slope:.1f} times more slowly" in judge(trained("vanishing"))["verdict_reason"]
    gradients = trained("dead units")[1].to_pandas()
    last = gradients[(gradients["step"] == gradients["step"].max()) & (gradients["layer"] == 1)]
    assert (
        f"{100 * last['dead_fraction'].item():.1f} % of some"
        in judge(trained("dead units"))["verdict_reason"]
    )

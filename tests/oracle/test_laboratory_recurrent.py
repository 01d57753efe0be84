"""The recurrent networks of the laboratory against autograd, nn.RNN and the plain loop, in float64."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import training as small
from torch import nn

from gradgrid.core.entries import Entry
from gradgrid.core.laboratory import Recurrent
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.parquet import to_arrow
from gradgrid.laboratory import elman, recurrent
from gradgrid.laboratory.recurrent import MINIBATCH, READINGS, Run, initial
from gradgrid.train.trainer import data_order

DATA = small.dataset(images=57)
DATA.train_images = DATA.train_images * 3  # so that gradients are large enough to be clipped
IMAGES = small.images_of(DATA)
FLOAT32 = small.images_of(DATA, torch.float32)
SETTINGS = {
    "hidden": 7, "spectral_radius": [0.9, 1.2], "steps": 12, "pixel_steps": 4, "learning_rate": 0.2,
    "threshold": 0.8, "seeds": [0, 3],
}  # fmt: skip
# With larger radii training on pixels is chaotic: a change of W_h in its 15th digit has moved the loss by a hundredth
# after four steps, so that nothing could be compared.
CLIPPED = Entry.of("norm", {"threshold": SETTINGS["threshold"]})
KEYS = ["spectral_radius", "clipping", "seed"]


def read(name, images):
    """Images [n, 784] as sequences [n, T, inputs]."""
    square = images.reshape(-1, 28, 28)
    if name == "rows":
        return square
    return square.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(-1, 196, 1)


def built(run, inputs):
    """A run as nn.RNN and nn.Linear."""
    drawn = initial(run, SETTINGS["hidden"], inputs)
    network = nn.RNN(inputs, SETTINGS["hidden"], batch_first=True, dtype=torch.float64)
    output = nn.Linear(SETTINGS["hidden"], 10, dtype=torch.float64)
    with torch.no_grad():
        for parameter, values in zip(parameters(network, output), drawn, strict=True):
            parameter.copy_(values.reshape(parameter.shape))
        network.bias_hh_l0.zero_()
    network.bias_hh_l0.requires_grad = False  # it does what the other bias does
    return network, output


def parameters(network, output):
    """In the order of ``elman.Weights``."""
    return network.weight_ih_l0, network.weight_hh_l0, network.bias_ih_l0, output.weight, output.bias


def loss_of(network, output, sequences, labels):
    _, last = network(sequences)
    return nn.functional.cross_entropy(output(last[0]), labels)


def plainly_trained(name, run, steps):
    """Losses, norms before clipping, the validation accuracy and W_h of one run trained by the plain loop."""
    reading = READINGS[name]
    network, output = built(run, reading.inputs)
    trained = parameters(network, output)
    descent = torch.optim.SGD(trained, SETTINGS["learning_rate"])
    order = np.concatenate([data_order(run.seed, epoch, 57) for epoch in range(1, 6)])[: steps * MINIBATCH]
    found = SimpleNamespace(losses=[], norms=[])
    for chosen in order.reshape(steps, MINIBATCH):
        sequences = torch.from_numpy(read(name, DATA.train_images[chosen].astype(float)))
        loss = loss_of(network, output, sequences, torch.from_numpy(DATA.train_labels[chosen]))
        descent.zero_grad()
        loss.backward()
        limit = SETTINGS["threshold"] if run.clipping else np.inf
        found.norms.append(nn.utils.clip_grad_norm_(trained, limit).item())
        found.losses.append(loss.item())
        descent.step()
    sequences = torch.from_numpy(read(name, DATA.validation_images.astype(float)))
    answers = output(network(sequences)[1][0]).argmax(1).numpy()
    found.accuracy = (answers == DATA.validation_labels).mean()
    found.radius = np.abs(np.linalg.eigvals(network.weight_hh_l0.detach().numpy())).max()
    return found


def of_run(table, run):
    """A run's rows."""
    names = [name for name in run.labels if name in table]
    chosen = np.logical_and.reduce([table[name] == run.labels[name] for name in names])
    return table[chosen].reset_index(drop=True)


@pytest.fixture(scope="module")
def tables():
    return recurrent.recurrent(SETTINGS, IMAGES)


@pytest.mark.parametrize("name", READINGS)
def test_images_are_read_as_sequences(name):
    images = torch.from_numpy(DATA.train_images[:6]).view(2, 3, 784)
    found = READINGS[name].sequences(images)
    steps = {"rows": 28, "pixels": 196}[name]
    assert found.shape == (steps, 2, 3, READINGS[name].inputs)
    expected = read(name, DATA.train_images[:6]).reshape(2, 3, steps, -1)
    np.testing.assert_allclose(found.permute(1, 2, 0, 3), expected, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("hidden", [1, 7, 50])
def test_the_spectral_radius_is_the_setting_and_the_draw_is_the_seeds(hidden, seed):
    drawn = {radius: initial(Run(radius, None, seed), hidden, 28) for radius in (0.5, 1.0, 2.0)}
    for radius, weights in drawn.items():
        eigenvalues = np.linalg.eigvals(weights.recurrent.numpy())
        assert np.abs(eigenvalues).max() == pytest.approx(radius, rel=1e-12)
        np.testing.assert_allclose(weights.recurrent, radius * drawn[1.0].recurrent, rtol=1e-12)
        assert all(torch.equal(weights[i], drawn[1.0][i]) for i in (0, 2, 3, 4))
    assert not torch.equal(drawn[1.0].input, initial(Run(1.0, None, seed + 1), hidden, 28).input)


def test_gaussian_weights_have_the_variance_of_their_fan_in():
    weights = initial(Run(1.0, None, 0), 500, 28)
    assert weights.input.std().item() == pytest.approx(28**-0.5, rel=0.03)
    assert weights.output.std().item() == pytest.approx(500**-0.5, rel=0.05)
    assert weights.recurrent.std().item() == pytest.approx(500**-0.5, rel=0.1)  # the circular law: radius 1


@pytest.mark.parametrize("name", READINGS)
def test_losses_and_gradients_are_those_of_autograd_run_by_run(name):
    reading = READINGS[name]
    runs = [Run(radius, None, seed) for radius in (0.5, 1.5) for seed in (0, 3)]
    weights = elman.stack([initial(run, 7, reading.inputs) for run in runs], (5,))
    chosen = torch.arange(5 * len(weights.bias)).view(-1, 5) % 57
    images, labels = (
        torch.from_numpy(DATA.train_images).double()[chosen],
        torch.from_numpy(DATA.train_labels)[chosen],
    )
    sequences = reading.sequences(images)
    trace = elman.forward(weights, sequences, nn.functional.one_hot(labels, 10).double())
    gradient = elman.mean_gradient(weights, sequences, trace)
    norms = elman.gradient_norms(gradient).flatten()
    for i, run in enumerate(runs):
        network, output = built(run, reading.inputs)
        loss = loss_of(network, output, torch.from_numpy(read(name, images[i].numpy())), labels[i])
        loss.backward()
        assert trace.loss.cost()[i].mean().item() == pytest.approx(loss.item(), rel=1e-12)
        for found, expected in zip(gradient, parameters(network, output), strict=True):
            np.testing.assert_allclose(found[i].flatten(), expected.grad.flatten(), rtol=1e-9, atol=1e-14)
        every = torch.cat([p.grad.flatten() for p in parameters(network, output)])
        assert norms[i].item() == pytest.approx(every.norm().item(), rel=1e-12)


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize("radius", SETTINGS["spectral_radius"])
def test_gradients_through_time_are_those_of_autograd(name, radius, tables):
    network, output = built(Run(radius, None, 3), READINGS[name].inputs)
    sequences = torch.from_numpy(read(name, DATA.train_images.astype(float)))
    states, state = [], torch.zeros(57, 7, dtype=torch.float64)
    for x in sequences.unbind(1):
        z = x @ network.weight_ih_l0.T + network.bias_ih_l0 + state @ network.weight_hh_l0.T
        state = torch.tanh(z)
        state.retain_grad()
        states.append(state)
    labels = torch.from_numpy(DATA.train_labels)
    nn.functional.cross_entropy(output(state), labels, reduction="sum").backward()
    expected = [state.grad.norm(dim=1).mean().item() for state in states]
    found = of_run(tables["recurrent"].query("sequence == @name"), Run(radius, None, 3))
    assert found["time"].tolist() == list(range(1, len(expected) + 1))
    assert found["gradient_norm"].tolist() == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize("clipping", [None, CLIPPED])
@pytest.mark.parametrize("radius", SETTINGS["spectral_radius"])
@pytest.mark.parametrize("name", READINGS)
def test_training_is_that_of_the_plain_loop(name, radius, clipping, tables):
    run = Run(radius, clipping, 3)
    steps = SETTINGS[READINGS[name].steps]
    expected = plainly_trained(name, run, steps)
    found = of_run(tables["recurrent_training"].query("sequence == @name"), run)
    assert (found["status"] == "training").all()
    assert found["step"].tolist()[:1] + found["step"].tolist()[-1:] == [0, steps]
    assert found[["loss", "gradient_norm"]].iloc[0].isna().all()
    between = [range(a, b) for a, b in zip(found["step"], found["step"].iloc[1:], strict=False)]
    losses = [np.mean([expected.losses[i] for i in part]) for part in between]
    norms = [max(expected.norms[i] for i in part) for part in between]
    assert found["loss"].tolist()[1:] == pytest.approx(losses, rel=1e-7)
    assert found["gradient_norm"].tolist()[1:] == pytest.approx(norms, rel=1e-7)
    assert found["accuracy"].iloc[-1] == pytest.approx(expected.accuracy)
    assert found["trained_radius"].iloc[[0, -1]].tolist() == pytest.approx(
        [radius, expected.radius], rel=1e-7
    )


def test_some_of_the_gradients_were_clipped_and_some_not(tables):
    norms = tables["recurrent_training"].query("clipping != 'none'")["gradient_norm"].dropna()
    assert norms.min() < SETTINGS["threshold"] < norms.max()


@pytest.mark.parametrize("hidden", [1, 7, 50])
@pytest.mark.parametrize("name", READINGS)
def test_a_run_does_not_depend_on_its_neighbours_bit_for_bit(name, hidden):
    many = SETTINGS | {"hidden": hidden, "spectral_radius": [5.0, 0.9, 1e30, 1.1, 40.0], "seeds": [0, 3]}
    few = SETTINGS | {"hidden": hidden, "spectral_radius": [1.1], "seeds": [3]}
    for make in (recurrent.gradients, recurrent.training):
        together, alone = (make(name, settings, FLOAT32).set_index(KEYS) for settings in (many, few))
        runs = alone.index.unique()
        pd.testing.assert_frame_equal(together.loc[runs], alone.loc[runs], check_exact=True)


def test_a_diverged_run_keeps_its_rows_without_measures():
    settings = SETTINGS | {"hidden": 30, "spectral_radius": [0.9, 6.0], "seeds": [0], "pixel_steps": 10}
    table = recurrent.training("pixels", settings, FLOAT32)
    wild, tame = table.query("spectral_radius == 6"), table.query("spectral_radius == 0.9")
    measures = ["loss", "accuracy", "gradient_norm", "trained_radius"]
    assert wild.groupby("clipping")["step"].apply(list).tolist() == [list(range(11))] * 2
    assert wild.query("step == 0")["status"].tolist() == ["training"] * 2
    assert wild.query("step == 0")["accuracy"].notna().all()
    diverged = wild["status"] == "diverged"
    assert diverged.any()
    assert wild.loc[diverged, measures].isna().all(axis=None)
    assert wild.loc[~diverged & (wild["step"] > 0), measures].notna().all(axis=None)
    assert (tame["status"] == "training").all()
    assert np.isfinite(tame.query("step > 0")[measures]).all(axis=None)


def test_a_norm_is_finite_where_its_square_is_beyond_the_range_of_float32():
    weights = elman.stack([initial(Run(1.0, None, 0), 7, 1)], (1,))
    huge = elman.Weights(*(torch.full_like(part, 1e30, dtype=torch.float32) for part in weights))
    count = sum(part[0].numel() for part in weights)
    norms = elman.gradient_norms(huge)
    assert norms[0].item() == pytest.approx(1e30 * count**0.5, rel=1e-6)


def test_the_default_settings_have_what_the_experiment_reads_and_its_tables_have_their_columns():
    given = Recurrent().model_dump(mode="json") | {"hidden": 3, "steps": 2, "pixel_steps": 1, "seeds": [0]}
    made = recurrent.recurrent(given, FLOAT32)
    assert set(made) == {"recurrent", "recurrent_training"}
    radii = len(given["spectral_radius"])
    assert len(made["recurrent"]) == radii * (28 + 196)
    assert len(made["recurrent_training"]) == radii * 2 * (3 + 2)
    for name, frame in made.items():
        arrow = to_arrow(frame.assign(dataset="digits"), LABORATORY_TABLES[name])
        assert arrow.num_rows == len(frame)

"""Small runs for the tests of the compiled kernel."""

import numpy as np
import pytest
import torch
import training

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.train.compiled import CompiledStack
from gradgrid.train.images import Block
from gradgrid.train.native import find_kernel
from gradgrid.train.pixels import Pixels, TrainingImages
from gradgrid.train.stack import Stack
from gradgrid.train.trainer import train

built = pytest.mark.skipif(find_kernel() is None, reason="the compiled kernel was not built here")

IMAGES = training.images_of(training.dataset(images=57), torch.float32)
EXACT = training.images_of(training.dataset(images=57))
DECAY = 5.0 / 57
NORM, VALUE = Entry.of("norm", {"threshold": 0.5}), Entry.of("value", {"threshold": 1e-3})
CLIPPINGS = [None, NORM, VALUE]
HUGE = Entry.of("normal", {"std": 1e18})
WIDE = 16


def compiled_stack(runs, loss="cross_entropy", decay=DECAY, size=10):
    """A stack that has taken no step."""
    sizes = sorted({size, 57 % size or size, *IMAGES.sizes()})
    stack = Stack(runs, [training.initial(run, IMAGES) for run in runs], loss, decay, sizes)
    return CompiledStack(stack, IMAGES.training, size, decay)


def parameters(stack):
    """Every run's weights and biases, layer by layer."""
    network = stack.network.reading() if isinstance(stack, CompiledStack) else stack.network
    return [
        [tensor for layer in network.parameters(run) for tensor in layer] for run in range(len(stack.runs))
    ]


def activated(activation, z):
    """f(z) and f'(z) as the kernel works them out, of z [runs, 16].

    One hidden layer whose biases are z, no pixels, and an output layer that hands its input on: its pre-activations
    are f(z). The mean gradient of the biases, which momentum remembers, is (output - target) f'(z).
    """
    cell = training.cell(depth=1, width=WIDE, activation=activation, optimizer=Entry("momentum"))
    runs = [Run(cell, seed) for seed in range(len(z))]
    layers = [[(torch.zeros(WIDE, 784), biases), (torch.eye(WIDE), torch.zeros(WIDE))] for biases in z]
    targets = (z < 0).float()
    pictures = TrainingImages(np.zeros((len(z), 784), np.float32), targets)
    stack = CompiledStack(Stack(runs, layers, "cross_entropy", 0.0, (1,)), pictures, 1, 0.0)
    nothing = Pixels.of(pictures.images[:1], torch.device("cpu"))
    block = Block(nothing, torch.zeros(1, WIDE), torch.zeros(1))
    stack.loss = lambda outputs, _: outputs
    found = stack.reader()(block)[:, 0]
    stack.train([np.array([run]) for run in range(len(z))])
    begin = find_kernel().layout(stack.network.shape)[3]
    gradients = stack._memories[0][: len(z), begin : begin + WIDE].double()
    return found, gradients / (torch.sigmoid(found.double()) - targets)


def tables_of(runs, kernel=True, **settings):
    """What is measured of runs that are trained together, each sorted by run."""
    recipe = Training(**({"digits_epochs": 2, "minibatch": 10} | settings))
    found = train(runs, IMAGES, recipe, lambda steps: None, compiled=kernel).tables()
    return {name: table.sort_values("run_id", kind="stable") for name, table in found.items()}

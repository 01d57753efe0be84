"""Small cells, datasets and stacks for the tests of training."""

from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn

from gradgrid.core.entries import Entry
from gradgrid.core.plan import Cell, Run
from gradgrid.core.seeds import derive
from gradgrid.train import reference
from gradgrid.train.images import Images
from gradgrid.train.initialization import initialize
from gradgrid.train.network import Network
from gradgrid.train.stack import Stack

INPUTS, CLASSES = 784, 10

torch.set_num_threads(1)


def cell(**changes) -> Cell:
    """The book's cell of depth 2 with narrow layers, or another one."""
    settings = {
        "depth": 2,
        "activation": Entry("sigmoid"),
        "initializer": Entry("lecun_normal"),
        "clipping": None,
        "width": 6,
        "optimizer": Entry("sgd"),
        "learning_rate": 0.1,
        "normalization": None,
        "residual": False,
    }
    return Cell(**(settings | changes))


def dataset(images: int = 60, seed: int = 0) -> SimpleNamespace:
    """Random images, four pixels in five zero, of a dataset named like the embedded one."""
    random = np.random.default_rng(seed)
    pixels = random.random((3 * images, INPUTS)) * (random.random((3 * images, INPUTS)) < 0.2)
    labels = random.integers(0, CLASSES, 3 * images)
    arrays = {}
    for i, split in enumerate(("train", "validation", "test")):
        arrays[f"{split}_images"] = pixels[i * images : (i + 1) * images].astype(np.float32)
        arrays[f"{split}_labels"] = labels[i * images : (i + 1) * images]
    return SimpleNamespace(name="digits", digest="0" * 32, **arrays)


def images_of(data: SimpleNamespace, dtype: torch.dtype = torch.float64) -> Images:
    """The dataset on the CPU."""
    return Images.of(data, torch.device("cpu"), dtype)


def initial(run: Run, images: Images, bias: str = "normal") -> list[tuple[Tensor, Tensor]]:
    """A run's initial parameters in the type of the images."""
    dtype = images.training.targets.dtype
    drawn = initialize(run, bias, images.probes.dense.float(), CLASSES)
    return [(w.to(dtype), b.to(dtype)) for w, b in drawn]


def order(images: int, seed: int = 0) -> np.ndarray:
    """A permutation of the training images."""
    return np.random.default_rng(derive("test order", seed)).permutation(images)


def stacked(runs, images: Images, loss: str, decay: float, size: int) -> Stack:
    """The stack after one epoch."""
    sizes = sorted({size, images.size % size or size, *images.sizes()})
    stack = Stack(runs, [initial(run, images) for run in runs], loss, decay, sizes)
    for steps in images.training.minibatches(order(images.size), size):
        for minibatch in steps:
            stack.step(minibatch)
        stack.network.fold()
    return stack


def stacked_parameters(runs, images: Images, loss: str, decay: float, size: int):
    """Every run's parameters after one epoch of the stacked network."""
    network = stacked(runs, images, loss, decay, size).network
    return [network.parameters(i) for i in range(len(runs))]


def plain(run: Run, images: Images) -> torch.nn.Sequential:
    """The plain network of a run before training."""
    cell = run.cell
    return reference.build(initial(run, images), cell.activation, cell.normalization, cell.residual)


def plainly_trained(run: Run, images: Images, loss: str, decay: float, size: int) -> torch.nn.Sequential:
    """A run's network after one epoch of the plain loop."""
    network = plain(run, images)
    dense = torch.from_numpy(images.training.images.toarray())[torch.from_numpy(order(images.size))]
    targets = images.training.targets[torch.from_numpy(order(images.size))]
    reference.train(network, run.cell, loss, decay, zip(dense.split(size), targets.split(size), strict=True))
    return network


def reference_parameters(run: Run, images: Images, loss: str, decay: float, size: int):
    """A run's parameters after one epoch of the plain loop."""
    network = plainly_trained(run, images, loss, decay, size)
    linears = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    return [(layer.weight.data, layer.bias.data) for layer in linears]


def of_stack(network: Network, run: int) -> dict[str, list[Tensor]]:
    """A run's weights, biases, gains, shifts and running statistics, layer by layer."""
    weights, biases = zip(*network.parameters(run), strict=True)
    norms = network.normalizations
    kept = [n for n in norms if n.axis.running]
    return {
        "weights": list(weights),
        "biases": list(biases),
        "gains": [n.gains[run, 0].clone() for n in norms],
        "shifts": [n.shifts[run, 0].clone() for n in norms],
        "means": [n.mean[run, 0].clone() for n in kept],
        "variances": [n.variance[run, 0].clone() for n in kept],
    }


def of_module(network: nn.Module) -> dict[str, list[Tensor]]:
    """The same of a plain network."""
    linears = [module for module in network.modules() if isinstance(module, nn.Linear)]
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm1d | nn.LayerNorm)]
    kept = [n for n in norms if isinstance(n, nn.BatchNorm1d)]
    return {
        "weights": [m.weight.data for m in linears],
        "biases": [m.bias.data for m in linears],
        "gains": [n.weight.data for n in norms],
        "shifts": [n.bias.data for n in norms],
        "means": [n.running_mean for n in kept],
        "variances": [n.running_var for n in kept],
    }

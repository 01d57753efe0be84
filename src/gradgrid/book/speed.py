"""The speed of learning, ‖dC/db‖ of each layer: before training, neuron by neuron, and through training."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gradgrid.book.recipe import FULL_BATCH, WEIGHT_DECAY, run
from gradgrid.core.entries import Entry
from gradgrid.core.jobs import Progress
from gradgrid.core.plan import Run
from gradgrid.train.compiled import CompiledStack, why_not
from gradgrid.train.gains import largest_slope
from gradgrid.train.images import CLASSES, Images
from gradgrid.train.initialization import initialize
from gradgrid.train.probes import bias_gradients, layer_norms, measure
from gradgrid.train.stack import Stack, even_parts

_SIDE_BY_SIDE = 64
_STEPS_AT_ONCE = 20
"""Full-batch steps between two reports of progress."""
_PICTURED = 2
_NORMS = ("bias_gradient_norm", "weight_gradient_norm")


@torch.inference_mode()
def initial_speed(settings: dict, images: Images) -> dict[str, pd.DataFrame]:
    """Before training: the tables ``book/initial_speed``, ``book/neurons`` and ``book/steepness``."""
    deepest = max(settings["depth"])
    return {
        "initial_speed": pd.concat(
            _untrained([run(depth, seed) for seed in settings["seeds"]], images)
            for depth in settings["depth"]
        ),
        "neurons": _neurons([run(_PICTURED, seed) for seed in settings["seeds"]], images),
        "steepness": pd.concat(
            _untrained(_steep(deepest, steepness, settings["seeds"]), images).assign(steepness=steepness)
            for steepness in settings["steepness"]
        ),
    }


@torch.inference_mode()
def training_speed(settings: dict, images: Images) -> pd.DataFrame:
    """Through full-batch training on the first 1,000 training images: the rows of one depth.

    The norms are those before each update (table ``book/training_speed``).
    """
    depth, steps, activations = settings["depth"], settings["steps"], settings["activation"]
    total = steps * len(settings["seeds"]) * len(activations)
    progress = Progress(f"depth {depth}: {steps} full-batch steps", total, "run-steps")
    frames = []
    for activation in map(Entry.from_written, activations):
        runs = [run(depth, seed, activation=activation) for seed in settings["seeds"]]
        frames += [_followed(part, images, steps, progress) for part in even_parts(runs, _SIDE_BY_SIDE)]
    return pd.concat(frames)


def _stack(runs: Sequence[Run], images: Images, sizes: Sequence[int]) -> Stack:
    """The runs before training; ``sizes`` are the numbers of images that they will be fed."""
    like = images.training.targets
    drawn = (initialize(run, "normal", images.probes.dense, CLASSES) for run in runs)
    parameters = [[(w.to(like), b.to(like)) for w, b in layers] for layers in drawn]
    return Stack(runs, parameters, "cross_entropy", WEIGHT_DECAY / FULL_BATCH, sizes)


def _untrained(runs: Sequence[Run], images: Images) -> pd.DataFrame:
    slope = largest_slope(runs[0].cell.activation)
    stacks = (_stack(part, images, sorted(images.sizes())) for part in even_parts(runs, _SIDE_BY_SIDE))
    found = [measure(stack, images.probes, slope) for stack in stacks]
    return _table(runs, {name: torch.cat([norms[name] for norms in found]) for name in _NORMS}, "layer")


def _neurons(runs: Sequence[Run], images: Images) -> pd.DataFrame:
    """dC/db of every hidden neuron."""
    stacks = (_stack(part, images, sorted(images.sizes())) for part in even_parts(runs, _SIDE_BY_SIDE))
    found = [torch.stack(bias_gradients(stack, images.probes)[:-1], 1) for stack in stacks]
    return _table(runs, {"bias_gradient": torch.cat(found)}, "layer", "neuron")


def _steep(depth: int, steepness: float, seeds: Sequence[int]) -> list[Run]:
    activation = Entry.of("sigmoid", {"steepness": steepness} if steepness != 1 else {})
    return [run(depth, seed, activation=activation) for seed in seeds]


def _followed(
    runs: Sequence[Run], images: Images, steps: int, progress: Callable[[int], None]
) -> pd.DataFrame:
    """Train on the full batch, and record the norms before each step."""
    decay = WEIGHT_DECAY / FULL_BATCH
    compiled = why_not(runs, "cross_entropy", decay, images.training.targets) is None
    follow = _by_the_kernel if compiled else _by_pytorch
    stack = _stack(runs, images, (FULL_BATCH,))
    found = []
    for norms in follow(stack, images, steps):
        found.append(norms)
        progress(len(norms) * len(runs))
    both = torch.cat(found).permute(2, 1, 0, 3)
    rows = _table(runs, dict(zip(_NORMS, both, strict=True)), "step", "layer")
    return rows.assign(step=rows["step"] - 1)


def _by_the_kernel(stack: Stack, images: Images, steps: int) -> Iterator[Tensor]:
    """Some steps at a time, the norms [steps, runs, 2, layers] of each layer's gradient of biases and of weights."""
    members = CompiledStack(stack, images.training, FULL_BATCH, WEIGHT_DECAY / FULL_BATCH)
    for begin in range(0, steps, _STEPS_AT_ONCE):
        number = min(_STEPS_AT_ONCE, steps - begin)
        norms = torch.zeros(number, len(stack.runs), 2, stack.network.depth + 1)
        members.train([np.tile(np.arange(FULL_BATCH), number)], norms)
        yield norms


def _by_pytorch(stack: Stack, images: Images, steps: int) -> Iterator[Tensor]:
    """The same, step by step."""
    ((batch,),) = images.training.minibatches(np.arange(FULL_BATCH), FULL_BATCH)
    for _ in range(steps):
        trace = stack.forward(batch)
        deltas = stack.network.backward(trace)
        norms = torch.stack(layer_norms(stack.network, batch, trace, deltas), 1)
        yield norms[None, : len(stack.runs)]
        stack.descend(batch, trace, deltas)
        stack.network.fold()


def _table(runs: Sequence[Run], measures: dict[str, Tensor], *axes: str) -> pd.DataFrame:
    """Measures [runs, …] as rows; the other axes are named, and counted from 1."""
    shape = next(iter(measures.values())).shape
    counted = [range(1, size + 1) for size in shape[1:]]
    index = pd.MultiIndex.from_product([[run.seed for run in runs], *counted], names=["seed", *axes])
    columns = {name: measure.flatten().cpu().numpy() for name, measure in measures.items()}
    cell = runs[0].cell
    return (
        pd.DataFrame(columns, index=index)
        .reset_index()
        .assign(depth=cell.depth, activation=cell.activation.label)
    )

"""Deep narrow tanh networks trained across the phase diagram (Schoenholz et al., 2017).

Weights begin as N(0, sigma_w2/fan_in) and biases as N(0, sigma_b2). Theory expects that networks can be trained up to
a depth of about 6 ξ_c, beyond which their outputs no longer tell how alike two inputs were.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from gradgrid.core.entries import Entry
from gradgrid.core.jobs import Progress
from gradgrid.core.plan import Cell, Run
from gradgrid.laboratory.phase import predicted
from gradgrid.train.evaluation import evaluate
from gradgrid.train.images import CLASSES, Images
from gradgrid.train.initialization import initialize
from gradgrid.train.network import Parameters
from gradgrid.train.pixels import OwnMinibatch
from gradgrid.train.stack import Stack
from gradgrid.train.trainer import data_order

MINIBATCH = 50


class Point(NamedTuple):
    """Where in the phase diagram a network begins, and its seed."""

    sigma_w2: float
    sigma_b2: float
    seed: int


@torch.inference_mode()
def trainability(settings: dict, images: Images) -> pd.DataFrame:
    """Table ``laboratory/trainability``: so many steps of plain gradient descent on softmax cross-entropy.

    Accuracy is that on the probe images, null for a network with a parameter that is not finite.
    """
    levels = (settings[name] for name in ("sigma_w2", "sigma_b2", "seeds"))
    points = list(itertools.starmap(Point, itertools.product(*levels)))
    total = sum(settings["depth"]) * settings["steps"] * len(points)
    progress = Progress(f"{len(points)} deep networks of each depth", total, "layer-steps")
    frames = []
    for depth in settings["depth"]:
        stack = stacked(points, depth, settings, images)
        for minibatch in itertools.islice(minibatches(stack, images), settings["steps"]):
            stack.step(minibatch)
            progress(depth * len(points))
        _, accuracy = evaluate(stack, images.probes.blocks)
        kept = accuracy.where(stack.network.finite().cpu(), math.nan)
        frames.append(pd.DataFrame(points).assign(depth=depth, accuracy=kept.numpy()))
    theory = predicted(pd.DataFrame(points).drop_duplicates(["sigma_w2", "sigma_b2"]))
    at = ["sigma_w2", "sigma_b2"]
    return pd.concat(frames, ignore_index=True).merge(theory[[*at, "xi_c"]], on=at, how="left")


def stacked(points: Sequence[Point], depth: int, settings: dict, images: Images) -> Stack:
    """The untrained networks of one depth."""
    width, learning_rate = settings["width"], settings["learning_rate"]
    cell = Cell(depth, Entry("tanh"), Entry("lecun_normal"), None, width, Entry("sgd"), learning_rate)
    runs = [Run(cell, point.seed) for point in points]
    parameters = [initial(*pair, images) for pair in zip(runs, points, strict=True)]
    sizes = {MINIBATCH, images.size % MINIBATCH or MINIBATCH, *images.sizes()}
    return Stack(runs, parameters, "softmax_cross_entropy", 0.0, sizes, own_images=True)


def initial(run: Run, point: Point, images: Images) -> Parameters:
    """Parameters before training: the underlying draws of a seed are the same at every point."""
    drawn = initialize(run, "normal", images.probes.dense, CLASSES)
    weights, biases = math.sqrt(point.sigma_w2), math.sqrt(point.sigma_b2)
    like = images.training.targets
    return [(weights * w.to(like), biases * b.to(like)) for w, b in drawn]


def minibatches(stack: Stack, images: Images) -> Iterator[OwnMinibatch]:
    """Each run's minibatches in the order of its seed, epoch after epoch, without end."""
    for epoch in itertools.count(1):
        orders = np.stack([data_order(run.seed, epoch, images.size) for run in stack.runs])
        for some in images.training.own_minibatches(orders, MINIBATCH, stack.network.stacked):
            yield from some

"""Evaluation: mean cost and accuracy of every run of a stack on a split."""

from collections.abc import Sequence

from torch import Tensor

from gradgrid.train.images import Block
from gradgrid.train.stack import Stack


def evaluate(stack: Stack, blocks: Sequence[Block]) -> tuple[Tensor, Tensor]:
    """Mean cost without weight decay, and share of images classified correctly, each [runs].

    Batch normalization takes its running statistics.
    """
    images = sum(len(block.labels) for block in blocks)
    network, cost, correct = stack.network.reading(), 0, 0
    for block in blocks:
        loss = network.forward(block.images, block.targets, stack.loss, running=True).loss
        cost = cost + loss.cost().double().sum(1)
        correct = correct + (loss.outputs.argmax(2) == block.labels).sum(1)
    runs = len(stack.runs)
    return (cost[:runs] / images).cpu(), (correct[:runs].double() / images).cpu()

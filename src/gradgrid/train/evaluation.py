"""Evaluation: mean cost and accuracy of every run of a stack on a split."""

from collections.abc import Sequence

from torch import Tensor

from gradgrid.train.compiled import CompiledStack
from gradgrid.train.images import Block
from gradgrid.train.stack import Stack


def evaluate(stack: Stack | CompiledStack, blocks: Sequence[Block]) -> tuple[Tensor, Tensor]:
    """Mean cost without weight decay, and share of images classified correctly, each [runs].

    Batch normalization takes its running statistics.
    """
    images = sum(len(block.labels) for block in blocks)
    read, cost, correct = stack.reader(), 0, 0
    for block in blocks:
        loss = read(block)
        cost = cost + loss.cost().double().sum(1)
        correct = correct + (loss.outputs.argmax(2) == block.labels).sum(1)
    runs = len(stack.runs)
    return (cost[:runs] / images).cpu(), (correct[:runs].double() / images).cpu()

"""The book's recipe, and its networks as runs."""

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Cell, Run

WIDTH, LEARNING_RATE, MINIBATCH, WEIGHT_DECAY = 30, 0.1, 10, 5.0
"""Neurons a hidden layer, eta, images a step and lambda of chapter 5."""
FULL_BATCH = 1_000
"""The first so many training images are the full batch on which the speed of learning is followed."""
SIGMOID, N_OVER_FAN_IN = Entry("sigmoid"), Entry("lecun_normal")
"""The book's activation, and its weights N(0, 1/n_in); biases are N(0, 1)."""


def run(
    depth: int,
    seed: int,
    *,
    activation: Entry = SIGMOID,
    initializer: Entry = N_OVER_FAN_IN,
    width: int = WIDTH,
) -> Run:
    """[784, width, …, width, 10], trained by plain gradient descent."""
    return Run(Cell(depth, activation, initializer, None, width, Entry("sgd"), LEARNING_RATE), seed)


def training(epochs: int) -> Training:
    """The recipe for so many epochs on any dataset; gradients are measured at initialization only."""
    return Training(
        epochs=epochs,
        digits_epochs=epochs,
        minibatch=MINIBATCH,
        weight_decay=WEIGHT_DECAY,
        loss="cross_entropy",
        bias="normal",
        measure_steps=(0,),
    )

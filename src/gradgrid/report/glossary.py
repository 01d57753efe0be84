"""The glossary: the report's words, each in a plain sentence or two, with links to where they are used."""

from collections.abc import Mapping
from dataclasses import dataclass

from gradgrid.report.pictures import anchor


@dataclass(frozen=True)
class Term:
    """A word with its meaning, its address, and title and address of the sections that use it."""

    name: str
    meaning: str
    anchor: str
    used: tuple[tuple[str, str], ...]


def glossary(titles: Mapping[str, str]) -> list[Term]:
    """All terms, with links to those sections that the page has; ``titles`` are theirs by address."""
    return [
        Term(name, meaning, f"term-{anchor(name)}", tuple((titles[a], a) for a in used if a in titles))
        for name, (meaning, *used) in sorted(TERMS.items())
    ]


TERMS = {
    "activation": (
        "The function f that a hidden neuron applies to its weighted input z; also the neuron's output a = f(z).",
        "run-factors",
        "laboratory-gains",
    ),
    "bundle": ("Runs of one architecture that were trained together in one process.", "provenance-training"),
    "cell": (
        "One combination of the factors' levels, trained with every seed.",
        "explorer-cells-title",
        "run-factors",
    ),
    "clipping": (
        "Making a gradient smaller before the step: by norm the whole gradient is scaled down to a threshold, by value "
        "each of its elements is cut off there.",
        "methods-propagation",
        "clipping",
    ),
    "condition": (
        "A combination of all factors but the one whose levels are compared.",
        "methods-statistics",
        "statistics-differences",
    ),
    "critical difference": (
        "How far apart two mean ranks must be to be told apart.",
        "statistics-ranks",
        "methods-statistics",
    ),
    "dead unit": (
        "A neuron whose slope is 0 on every probe image: no gradient passes through it. The verdict dead units "
        "is of a run with a layer in which many are dead at the end.",
        "methods-verdicts",
    ),
    "decade": ("A factor of ten.", "methods-measures"),
    "delta": (
        "The gradient of the cost with respect to a neuron's weighted input, dC/dz, which equals that with respect to "
        "its bias.",
        "methods-measures",
        "book-matrix",
    ),
    "depth": ("The number of hidden layers: [784, 30, 30, 10] has depth 2.", "run-factors"),
    "diverged": (
        "Said of a run in which a parameter became non-finite, infinite or no number at all. It is counted "
        "and ranked last.",
        "methods-verdicts",
        "run-rests",
    ),
    "epoch": ("One pass through all training images.",),
    "exploding": (
        "Gradients that grow from layer to layer on the way back, so that early layers change by far too much.",
        "methods-propagation",
        "methods-verdicts",
    ),
    "factor": (
        "A property of the nets that the grid varies, such as depth. Its values are levels.",
        "run-factors",
    ),
    "fan-in": (
        "The number of inputs of a neuron. Initial weights are scaled by it, so that a sum over many inputs does not "
        "become too large.",
        "methods-propagation",
    ),
    "gain": (
        "What initial weights are multiplied by to make up for what the activation does to a signal's size.",
        "laboratory-gains",
    ),
    "gradient": (
        "How the cost changes with each parameter; a step goes against it.",
        "methods-measures",
    ),
    "gradient slope": (
        "By how many decades the speed of learning changes from one hidden layer to the next, before training. "
        "Positive where early layers learn more slowly.",
        "methods-measures",
    ),
    "healthy": ("The verdict of a run to which none of the others applies.", "methods-verdicts"),
    "initializer": (
        "The rule by which a net's weights are drawn before training.",
        "run-factors",
        "laboratory-by-hand",
    ),
    "inside the noise": (
        "Said of a difference that the seeds do not tell from chance.",
        "statistics-differences",
        "methods-statistics",
    ),
    "interval": (
        "The 95 % interval over the seeds: how far another set of seeds would move a number. It says nothing of other "
        "data or settings.",
        "methods-statistics",
    ),
    "layer": (
        "Counted from the input: 1 is the first hidden layer, depth + 1 the output layer.",
        "methods-measures",
    ),
    "learning rate": ("By how much a step follows the gradient, η in the book.", "run-factors"),
    "length map": (
        "In the theory of wide layers, what makes the variance of a layer's weighted inputs from that of the layer "
        "before it.",
        "laboratory-theory",
    ),
    "minibatch": ("The few training images whose mean gradient makes one step.", "run"),
    "never learned": (
        "The verdict of a run whose accuracy at the end is hardly better than guessing.",
        "methods-verdicts",
    ),
    "normalization": (
        "Giving a layer's weighted inputs mean 0 and variance 1 before the activation: over the minibatch (batch) or "
        "over the layer's neurons (layer).",
        "laboratory-remedies",
    ),
    "orthogonal": (
        "Weights that turn a signal without changing its length.",
        "laboratory-deep",
    ),
    "probe images": (
        "The first 1,000 training images. Every gradient in this report is measured on them, never on a minibatch.",
        "methods-measures",
    ),
    "residual connection": (
        "A layer's input is added to its output, so that signal and gradient have a way around the layer.",
        "laboratory-remedies",
    ),
    "run": ("One trained net: one cell with one seed.", "run"),
    "saturated": (
        "Said of an activation where its function is nearly flat, so that hardly any gradient passes; as a "
        "verdict, of a run with a layer that is almost wholly so at the end.",
        "methods-verdicts",
        "laboratory-deep",
    ),
    "seed": (
        "The number of the replicate. It fixes the initial draw and the order of the images, the same for every cell.",
        "run-rests",
        "methods-statistics",
    ),
    "share of variance": (
        "How much of all differences in accuracy goes with one factor, or with two of them together.",
        "statistics-variance",
    ),
    "singular value": (
        "By how much a matrix stretches a vector along one direction.",
        "book-matrix",
    ),
    "spectral radius": (
        "The largest size of a matrix's eigenvalues: what repeated multiplication by it comes to.",
        "laboratory-recurrent",
    ),
    "speed of learning": (
        "The length of the vector of a layer's gradients with respect to its biases, on the probe images: how fast "
        "the layer would change.",
        "methods-measures",
        "speed-of-learning",
    ),
    "step": ("One update of the parameters, after one minibatch.",),
    "update ratio": (
        "The size of a step's change of a layer's weights ÷ the size of the weights.",
        "dictionary",
    ),
    "vanishing": (
        "Gradients that shrink from layer to layer on the way back, so that early layers hardly learn.",
        "methods-propagation",
        "methods-verdicts",
    ),
    "verdict": (
        "One word for what a run's gradients looked like and how it ended.",
        "methods-verdicts",
        "grid-outcomes",
    ),
    "weight decay": ("Shrinking all weights a little at every step; the book's λ.", "run"),
    "weighted input": (
        "The sum that a neuron's activation is applied to, z = w a + b; also called pre-activation.",
        "methods-propagation",
    ),
    "width": ("The number of neurons in each hidden layer.", "run-factors"),
}

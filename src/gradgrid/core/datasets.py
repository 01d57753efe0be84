"""The datasets' names and sizes: what the plan must know before any image is loaded."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of images in the three splits."""

    train: int
    validation: int
    test: int


_MNIST_LIKE = Sizes(train=50_000, validation=10_000, test=10_000)

EMBEDDED = "digits"
"""The dataset that needs neither a file nor a network: 1,797 handwritten digits that scikit-learn ships."""

SIZES = {
    "mnist": _MNIST_LIKE,
    "fashion_mnist": _MNIST_LIKE,
    "kmnist": _MNIST_LIKE,
    EMBEDDED: Sizes(train=1_297, validation=250, test=250),
}

TITLES = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "kmnist": "Kuzushiji-MNIST",
    EMBEDDED: "the embedded digits of scikit-learn",
}
"""What a reader calls them."""

PIXELS = 28 * 28
"""Neurons of the input layer: every dataset is stored as 28 × 28 images."""

CLASSES = 10
"""Neurons of the output layer."""

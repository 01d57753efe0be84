"""Training as the book does it: NumPy, one image at a time (Nielsen's network2.py, written anew)."""

import itertools

import numpy as np


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z))."""
    return 1.0 / (1.0 + np.exp(-z))


class BookNetwork:
    """Column vectors, sigmoid neurons, cross-entropy, weight decay lambda/n, optional clipping by norm."""

    def __init__(self, sizes: list[int], threshold: float | None) -> None:
        random = np.random.default_rng(0)
        self.biases = [random.standard_normal((y, 1)) for y in sizes[1:]]
        self.weights = [random.standard_normal((y, x)) / np.sqrt(x) for x, y in itertools.pairwise(sizes)]
        self.threshold = threshold

    def step(self, images: np.ndarray, targets: np.ndarray, rate: float, decay: float) -> None:
        """One update from images [B, inputs] and one-hot targets [B, classes]."""
        sums = [np.zeros(p.shape) for p in (*self.biases, *self.weights)]
        for x, y in zip(images, targets, strict=True):
            sums = [
                total + one for total, one in zip(sums, self._gradients(x[:, None], y[:, None]), strict=True)
            ]
        gradients = [total / len(images) for total in sums]
        if self.threshold is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            gradients = [g * min(1.0, self.threshold / norm) for g in gradients]
        layers = len(self.biases)
        self.biases = [b - rate * g for b, g in zip(self.biases, gradients[:layers], strict=True)]
        decayed = ((1 - rate * decay) * w for w in self.weights)
        self.weights = [w - rate * g for w, g in zip(decayed, gradients[layers:], strict=True)]

    def _gradients(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        activations = [x]
        for b, w in zip(self.biases, self.weights, strict=True):
            activations.append(sigmoid(w @ activations[-1] + b))
        deltas = [activations[-1] - y]
        for w, a in zip(self.weights[:0:-1], activations[-2:0:-1], strict=True):
            deltas.append((w.T @ deltas[-1]) * a * (1 - a))
        deltas.reverse()
        return deltas + [delta @ a.T for delta, a in zip(deltas, activations, strict=False)]

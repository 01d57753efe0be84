"""What a network's forward and backward passes leave."""

from dataclasses import dataclass

from torch import Tensor

from gradgrid.train.losses import Loss
from gradgrid.train.normalization import Standardized


@dataclass(frozen=True)
class Trace:
    """What a forward pass leaves: of each hidden layer the activations, slopes f' [M, B, width] and, if they are
    normalized, the standardized pre-activations; and the output layer's loss terms [M, B, classes]."""

    activations: list[Tensor]
    slopes: list[Tensor]
    standardized: list[Standardized]
    loss: Loss


@dataclass(frozen=True)
class Deltas:
    """What a backward pass leaves: dC/dz [M, B, neurons] of each image's own cost, of layers 1 … depth+1; and of
    normalized hidden layers dC/dγ and dC/dβ [M, 1, width], summed over the images."""

    layers: list[Tensor]
    gains: list[Tensor]
    shifts: list[Tensor]

    def times(self, factor: Tensor) -> "Deltas":
        """All of them times ``factor`` [M, 1, 1]."""
        return Deltas(
            *([delta * factor for delta in kind] for kind in (self.layers, self.gains, self.shifts))
        )

    def of_vectors(self) -> list[Tensor]:
        """Gradients [M, 1, neurons] of :meth:`Network.vectors`, summed over the images."""
        return [*(delta.sum(1, keepdim=True) for delta in self.layers), *self.gains, *self.shifts]

    def of_shifts(self) -> list[Tensor]:
        """Gradients [M, neurons] of each layer's biases, summed over the images, or of its shifts β if it has them."""
        return [delta.sum(1) for delta in (*self.shifts, *self.layers[len(self.shifts) :])]

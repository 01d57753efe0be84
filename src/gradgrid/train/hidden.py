"""What hidden layers do with their pre-activations."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from gradgrid.core.plan import Cell
from gradgrid.train import normalization
from gradgrid.train.activations import Pair
from gradgrid.train.gains import activation_function
from gradgrid.train.normalization import Axis


@dataclass(frozen=True)
class Hidden:
    """The activation, the normalization before it if there is one, and whether layers from the second on add their
    input: a^l = a^{l-1} + f(z^l) (He et al., 2016, eq. 1)."""

    activation: Callable[[Tensor], Pair]
    normalization: Axis | None = None
    residual: bool = False

    @classmethod
    def of(cls, cell: Cell) -> "Hidden":
        """The hidden layers of a cell."""
        kind = cell.normalization
        axis = None if kind is None else getattr(normalization, kind.name)(**kind.keywords)
        return cls(activation_function(cell.activation), axis, cell.residual)

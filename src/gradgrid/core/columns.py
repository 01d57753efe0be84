"""The columns that several tables have, and how a column is described.

A table that means something narrower by such a column says so with :meth:`Column.described`. The source of this
module counts in the fingerprints of jobs that write tables with them, and not in those of trained runs.
"""

from dataclasses import dataclass, replace

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column: its name, arrow type, unit (``1`` for a pure number) and description."""

    name: str
    type: pa.DataType
    unit: str
    description: str

    def described(self, description: str) -> "Column":
        """The same column with another description."""
        return replace(self, description=description)


def text(name: str, description: str, unit: str = "name") -> Column:
    """A column of texts that recur, as a dictionary."""
    return Column(name, pa.dictionary(pa.int32(), pa.string()), unit, description)


def i32(name: str, unit: str, description: str) -> Column:
    """A column of int32."""
    return Column(name, pa.int32(), unit, description)


def f32(name: str, unit: str, description: str) -> Column:
    """A column of float32."""
    return Column(name, pa.float32(), unit, description)


def f64(name: str, unit: str, description: str) -> Column:
    """A column of float64."""
    return Column(name, pa.float64(), unit, description)


DATASET = text("dataset", "data actually used; digits where MNIST could not be had")
DEPTH = i32("depth", "layers", "number of hidden layers; [784, 30, 30, 10] has depth 2")
WIDTH = i32("width", "neurons", "neurons in each hidden layer")
ACTIVATION = text("activation", "activation of the hidden layers, with its parameters")
INITIALIZER = text("initializer", "how the weights are drawn, with its parameters")
CLIPPING = text("clipping", "gradient clipping: none, norm=threshold or value=threshold")
SEED = i32("seed", "1", "replicate number; fixes the initial draw and the data order")
STEP = i32("step", "steps", "optimizer updates done before the measurement; 0 is initialization")
LAYER = i32("layer", "layer", "1 … depth+1 from the input; depth+1 is the output layer")
SPLIT = text("split", "train (its first 10,000 images), validation or test")
ACCURACY = f32("accuracy", "fraction", "share of images classified correctly; null once the run has diverged")

"""The data: MNIST and its relatives, from files or the network, and the digits that scikit-learn ships."""

from gradgrid.data.arrays import Data, identify, load
from gradgrid.data.preparation import prepare
from gradgrid.data.provenance import DatasetProvenance

__all__ = ["Data", "DatasetProvenance", "identify", "load", "prepare"]

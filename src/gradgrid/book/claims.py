"""The book's claims, each with a measured number, a rule and a verdict (table ``book/claims``)."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from gradgrid.book import chain_claims, learning_claims, speed_claims
from gradgrid.core.book_tables import CLAIMS
from gradgrid.core.parquet import read_frame, write_frame


def judge(tables: Mapping[str, Path], out: Path) -> None:
    """Write the table of claims from the files of the tables that :func:`claims` takes."""
    write_frame(claims({name: read_frame(path) for name, path in tables.items()}), CLAIMS, out)


def claims(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The table of claims: chapter 5's in the order of the chapter, then chapter 3's on initial weights.

    A claim is left out where the tables lack what it is about (a depth, a width, a step, an initializer); it is shown
    but not judged where they differ from the book in what they are about (other images, fewer epochs or steps) or
    have a single seed. Claims on chains concern no images: their dataset is empty.

    Args:
        tables: accuracy, initialization, initial_speed, neurons, training_speed and chain, as read from parquet.
    """
    rows = [
        *learning_claims.depth(tables["accuracy"]),
        *speed_claims.neurons(tables["neurons"]),
        *speed_claims.before_training(tables["initial_speed"]),
        *speed_claims.through_training(tables["training_speed"]),
        *chain_claims.chains(tables["chain"]),
        *learning_claims.initial_weights(tables["initialization"]),
    ]
    return pd.DataFrame(rows, columns=CLAIMS.schema.names)

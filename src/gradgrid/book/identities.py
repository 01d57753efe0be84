"""The identities of the book's chapter: the chain, the matrix form and the problems, as four tables."""

import pandas as pd

from gradgrid.book import chain, matrix, neuron, problems
from gradgrid.train.images import Images


def identities(settings: dict, images: Images) -> dict[str, pd.DataFrame]:
    """The tables ``book/chain``, ``book/matrix``, ``book/problems`` and ``book/curves``.

    ``settings`` has the number of random ``chains`` and the ``seeds`` of the networks whose gradient is factored.
    """
    chains = chain.table(settings["chains"])
    singular_values, factored = matrix.table(settings["seeds"], images)
    solved = [*chain.problems(chains), *factored, *problems.problems(), *neuron.problems()]
    drawn = [*problems.curves(), *chain.curves(chains), *neuron.curves()]
    return {
        "chain": chains,
        "matrix": singular_values,
        "problems": pd.DataFrame(solved),
        "curves": pd.concat(drawn, ignore_index=True),
    }

"""The book's chain: one neuron a layer, whose gradient is a product of factors w σ'(z).

dC/db_l = σ'(z_l) w_{l+1} σ'(z_{l+1}) … w_L σ'(z_L) dC/da_L, with C = (a_L - y)²/2 and L = 4, as in the book.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy.special import expit, ndtr

from gradgrid.book.problems import Problem, largest_difference, shares, slope, width_of_set
from gradgrid.core.seeds import derive

LAYERS = 4
LARGE = 100.0
"""The weights of the book's exploding chain."""


@dataclass(frozen=True)
class Chains:
    """Weights and biases [chains, layers], inputs and targets [chains]."""

    weights: np.ndarray
    biases: np.ndarray
    inputs: np.ndarray
    targets: np.ndarray


def random_chains(count: int) -> Chains:
    """Weights and biases N(0, 1), inputs and targets uniform on [0, 1); a chain does not depend on ``count``."""
    normal = np.random.default_rng(derive("chains", "normal")).standard_normal((count, 2, LAYERS))
    uniform = np.random.default_rng(derive("chains", "uniform")).random((count, 2))
    return Chains(normal[:, 0], normal[:, 1], uniform[:, 0], uniform[:, 1])


def exploding_chain() -> Chains:
    """One chain with weights 100 and every z = 0: input and activations are 1/2, so the biases are -50."""
    weights = np.full((1, LAYERS), LARGE)
    return Chains(weights, -weights / 2, np.full(1, 0.5), np.zeros(1))


def weighted_inputs(chains: Chains) -> np.ndarray:
    """z = w a + b, [chains, layers]."""
    z, a = np.empty_like(chains.weights), chains.inputs
    for layer in range(z.shape[1]):
        z[:, layer] = chains.weights[:, layer] * a + chains.biases[:, layer]
        a = expit(z[:, layer])
    return z


def gradients(chains: Chains, z: np.ndarray) -> np.ndarray:
    """dC/db [chains, layers] by the formula."""
    factors = np.hstack(
        [chains.weights[:, 1:] * slope(z[:, 1:]), (expit(z[:, -1]) - chains.targets)[:, None]]
    )
    return slope(z) * np.cumprod(factors[:, ::-1], axis=1)[:, ::-1]


def autograd(chains: Chains) -> np.ndarray:
    """dC/db [chains, layers] by automatic differentiation."""
    weights, biases, a, targets = (
        torch.from_numpy(values) for values in (chains.weights, chains.biases, chains.inputs, chains.targets)
    )
    biases = biases.clone().requires_grad_()
    for w, b in zip(weights.T, biases.T, strict=True):
        a = torch.sigmoid(w * a + b)
    (found,) = torch.autograd.grad((a - targets).square().sum() / 2, biases)
    return found.numpy()


def table(count: int) -> pd.DataFrame:
    """Random chains and the exploding one (table ``book/chain``)."""
    return pd.concat(
        [_rows("normal", random_chains(count)), _rows("exploding", exploding_chain())], ignore_index=True
    )


def _rows(kind: str, chains: Chains) -> pd.DataFrame:
    z = weighted_inputs(chains)
    columns = {
        "weight": chains.weights,
        "bias": chains.biases,
        "weighted_input": z,
        "factor": chains.weights * slope(z),
        "gradient": gradients(chains, z),
        "gradient_autograd": autograd(chains),
    }
    index = pd.MultiIndex.from_product([range(len(z)), range(1, LAYERS + 1)], names=["chain", "layer"])
    rows = pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index)
    return rows.reset_index().assign(kind=kind)


def problems(chain: pd.DataFrame) -> list[Problem]:
    """The rows on the chains of the table."""
    normal, exploding = (chain[chain["kind"] == kind] for kind in ("normal", "exploding"))
    return [*_checks(normal), *_factor_rows(normal), *_ratio_rows(normal), *_exploding_rows(exploding)]


def curves(chain: pd.DataFrame) -> list[pd.DataFrame]:
    """Distributions over the random chains: the share of values that are at most x.

    ``factor_distribution``: of |w σ'(z)|, layers 2 to 4; ``ratio_distribution``: of |dC/db1| ÷ |dC/db3|.
    """
    normal = chain[chain["kind"] == "normal"]
    return [
        shares("factor_distribution", _factors(normal), np.linspace(0, 1, 201)),
        shares("ratio_distribution", _ratios(normal), np.geomspace(1e-6, 1, 241)),
    ]


def _by_layer(chain: pd.DataFrame, column: str) -> np.ndarray:
    """A column as [chains, layers]."""
    return chain[column].to_numpy().reshape(-1, LAYERS)


def _factors(chain: pd.DataFrame) -> np.ndarray:
    """|w σ'(z)| of the layers that the gradient passes: all but the first."""
    return np.abs(_by_layer(chain, "factor")[:, 1:]).ravel()


def _ratios(chain: pd.DataFrame) -> np.ndarray:
    gradient = _by_layer(chain, "gradient")
    return np.abs(gradient[:, 0] / gradient[:, 2])


def _checks(chain: pd.DataFrame) -> Iterator[Problem]:
    found, expected = _by_layer(chain, "gradient"), _by_layer(chain, "gradient_autograd")
    yield Problem(
        "chain",
        "largest relative difference of dC/db from autograd",
        largest_difference(found, expected),
        0.0,
        f"Nielsen, ch. 5: the gradient in a chain of four neurons; {len(found):,} random chains, all layers",
    )
    weights, slopes = _by_layer(chain, "weight"), slope(_by_layer(chain, "weighted_input"))
    two = slopes[:, 0] * weights[:, 1] * slopes[:, 1] * weights[:, 2]
    yield Problem(
        "chain",
        "largest relative difference of σ'(z1) w2 σ'(z2) w3 from dC/db1 ÷ dC/db3 by autograd",
        largest_difference(two, expected[:, 0] / expected[:, 2]),
        0.0,
        "the two extra terms of dC/db1: each weight stands with the slope of the neuron before it, w2 σ'(z1) and "
        "w3 σ'(z2), not w2 σ'(z2) and w3 σ'(z3)",
    )


def _factor_rows(chain: pd.DataFrame) -> Iterator[Problem]:
    sizes = _factors(chain)
    for bound in (0.25, 1.0):
        certain = 2 * ndtr(4 * bound) - 1
        yield Problem(
            "chain",
            f"share of |w σ'(z)| below {bound:g}, weights and biases N(0, 1)",
            float((sizes < bound).mean()),
            np.nan,
            f"Nielsen, ch. 5: typically below 1/4. Below {bound:g} for certain where |w| < {4 * bound:g}, as are "
            f"{100 * certain:.2f} % of all weights; layers 2 to {LAYERS}",
        )
    yield Problem.published(
        "chain", "median |w σ'(z)|", float(np.median(sizes)), "identity-typical-factor", "typically below"
    )


def _ratio_rows(chain: pd.DataFrame) -> Iterator[Problem]:
    ratios = _ratios(chain)
    yield Problem(
        "chain",
        "share of chains with |dC/db1| at least 16 times smaller than |dC/db3|",
        float((ratios <= 1 / 16).mean()),
        np.nan,
        "Nielsen, ch. 5: usually; for certain where |w2 w3| ≤ 1",
    )
    yield Problem.published(
        "chain",
        "median of |dC/db3| ÷ |dC/db1|",
        float(np.median(1 / ratios)),
        "identity-two-layers",
        "or more",
    )


def _exploding_rows(chain: pd.DataFrame) -> Iterator[Problem]:
    found = _by_layer(chain, "gradient_autograd")[0]
    growth = found[:-1] / found[1:]
    yield Problem.published(
        "exploding chain",
        "dC/db ÷ dC/db of the next layer, by autograd",
        float(growth.mean()),
        "identity-exploding-chain",
        f"from {growth.min():.6g} to {growth.max():.6g} over the layers; weights {LARGE:g}, every z = 0",
    )
    yield Problem(
        "exploding chain",
        "largest relative difference of dC/db from autograd",
        largest_difference(_by_layer(chain, "gradient"), _by_layer(chain, "gradient_autograd")),
        0.0,
        "the chain's formula",
    )
    yield Problem(
        "exploding chain",
        f"width of the set of activations with |w σ'(wa + b)| ≥ 1, |w| = {LARGE:g}",
        float(width_of_set(LARGE)),
        np.nan,
        "equation 123: how exact the biases must be for the gradient not to vanish",
    )

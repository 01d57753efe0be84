"""Ranks and the critical difference against the example and the table that Demšar published."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statistical import runs

from gradgrid.analysis.ranks import block_ranks, critical_difference, friedman, ranks
from gradgrid.core.tables import FACTOR_NAMES

# Demšar (2006), table 6: the area under the curve of four variants of C4.5 on 14 data sets. Of the last but one the
# paper ranks the third variant before the fourth, which its three digits do not show: hence the fifth digit.
AUC = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.97501, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def of_paper():
    """The paper's table as runs: its data sets as depths, its methods as initializers."""
    rows = [(depth, str(method), 0, auc) for (depth, method), auc in np.ndenumerate(AUC)]
    frame = pd.DataFrame(rows, columns=["depth", "initializer", "seed", "score"])
    rest = {name: "x" for name in FACTOR_NAMES if name not in frame}
    return frame.assign(**rest, dataset="mnist", diverged=False)


def test_ranks_and_critical_difference_are_those_of_demsars_example():
    found = ranks(of_paper()).set_index("initializer")
    assert found["mean_rank"][["0", "1", "2", "3"]].tolist() == pytest.approx(
        [3.143, 2.000, 2.893, 1.964], abs=5e-4
    )
    assert found["critical_difference"].unique() == pytest.approx(1.25, abs=5e-3)
    assert found["conditions"].unique() == 14
    # The paper's χ² of 9.28 is not corrected for ties: with the correction it is larger.
    blocks = block_ranks(of_paper(), [name for name in FACTOR_NAMES if name != "initializer"]).to_numpy()
    uncorrected = 12 * 14 / (4 * 5) * ((blocks.mean(axis=0) ** 2).sum() - 4 * 25 / 4)
    assert uncorrected == pytest.approx(9.28, abs=5e-3)
    ties = sum((count**3 - count) for row in blocks for count in np.unique(row, return_counts=True)[1])
    assert found["friedman_statistic"].iloc[0] == pytest.approx(uncorrected / (1 - ties / (14 * (4**3 - 4))))
    assert found["friedman_p"].iloc[0] == pytest.approx(stats.chi2.sf(found["friedman_statistic"].iloc[0], 3))


@pytest.mark.parametrize(
    ("levels", "quantile"),
    [
        (2, 1.960),
        (3, 2.343),
        (4, 2.569),
        (5, 2.728),
        (6, 2.850),
        (7, 2.949),
        (8, 3.031),
        (9, 3.102),
        (10, 3.164),
    ],
)
def test_critical_values_are_those_of_demsars_table_5(levels, quantile):
    scale = np.sqrt(levels * (levels + 1) / (6 * 72))
    assert critical_difference(levels, 72) / scale == pytest.approx(quantile, abs=1e-3)


def test_friedman_needs_three_levels_that_are_not_all_tied():
    assert np.isnan(friedman(np.array([[1.0, 2.0], [2.0, 1.0]]))).all()
    assert np.isnan(friedman(np.full((4, 3), 2.0))).all()


def test_diverged_runs_share_the_last_places_and_are_counted():
    frame = runs(
        lambda f: f["initializer"].map({"lecun_normal": 0.5, "kaiming_normal": 0.05, "orthogonal": 0.4})
    )
    lost = frame["initializer"].eq("lecun_normal") | frame["initializer"].eq("orthogonal") & frame[
        "depth"
    ].eq(4)
    frame = frame.assign(diverged=lost)
    found = ranks(frame).set_index("initializer")
    # At depth 1: orthogonal 1, kaiming 2, lecun 3; at depth 4: kaiming 1, the two others 2.5.
    assert found["mean_rank"].to_dict() == {"kaiming_normal": 1.5, "orthogonal": 1.75, "lecun_normal": 2.75}
    assert found["runs_diverged"].to_dict() == {"kaiming_normal": 0, "orthogonal": 20, "lecun_normal": 40}
    assert found["runs"].unique() == 40

"""The phase diagram against the theory point by point, which integrates where the diagram sums a series."""

import numpy as np
import pandas as pd
import pytest

from gradgrid.core.laboratory import Phase
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.parquet import to_arrow
from gradgrid.laboratory import phase
from gradgrid.laboratory.phase import TANH, correlation_scales, predicted
from gradgrid.theory.correlation import correlation_limit
from gradgrid.theory.meanfield import chi, length_map, limit


@pytest.fixture(scope="module")
def diagram():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phase, "SIGMA_W2", np.linspace(0.5, 4.0, 8))
        patch.setattr(phase, "SIGMA_B2", np.array([0.0, 0.1, 0.3]))
        yield phase.phase({"sigma_w2": [0.7, 1.5], "sigma_b2": [0.05]})


def test_the_points_are_the_grid_and_those_of_the_settings(diagram):
    assert sorted(diagram["sigma_w2"].unique()) == [0.5, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]
    assert sorted(diagram["sigma_b2"].unique()) == [0.0, 0.05, 0.1, 0.3]
    assert len(diagram.drop_duplicates(["sigma_w2", "sigma_b2"])) == len(diagram) == 9 * 4
    assert to_arrow(diagram, LABORATORY_TABLES["phase"])["xi_c"].null_count == 3


def test_lengths_stand_still_and_chi_belongs_to_them(diagram):
    for row in diagram.itertuples():
        assert length_map(TANH, row.sigma_w2, row.sigma_b2, row.q_star) == pytest.approx(
            row.q_star, rel=1e-10
        )
        assert chi(TANH, row.sigma_w2, row.q_star) == pytest.approx(row.chi_1, rel=1e-10)


def test_the_critical_line_parts_the_phases(diagram):
    off = diagram[diagram["sigma_w2"] != diagram["critical_sigma_w2"]]
    assert ((off["chi_1"] > 1) == (off["sigma_w2"] > off["critical_sigma_w2"])).all()
    lines = diagram.groupby("sigma_b2")["critical_sigma_w2"]
    assert (lines.nunique() == 1).all()
    assert lines.first().is_monotonic_increasing
    assert lines.first()[0.0] == 1


def test_the_signal_dies_out_without_biases_and_large_weights(diagram):
    dead = diagram["xi_c"].isna()
    assert dead.tolist() == ((diagram["sigma_b2"] == 0) & (diagram["sigma_w2"] <= 1)).tolist()
    assert (diagram.loc[dead, "q_star"] == 0).all()


@pytest.mark.parametrize(
    "point", [(1.0, 0.0), (1.001, 0.0), (1.0, 1e-6), (0.0, 0.3), (15.5, 0.4), (16.0, 0.4)]
)
def test_signals_end_where_their_orbits_end(point):
    """At the critical point, near it, without weights, and on both sides of the largest sum."""
    end = limit(TANH, *point)
    row = predicted(pd.DataFrame([point], columns=["sigma_w2", "sigma_b2"])).iloc[0]
    assert (row["q_star"], row["chi_1"]) == pytest.approx((end.q, end.chi), rel=1e-11, abs=0)


POINTS = [(0.8, 0.05), (1.7, 0.05), (1.8, 0.05), (2.5, 0.0), (4.0, 0.05), (3.45, 1.0), (5.0, 0.5), (8.0, 0.3)]
"""Ordered, chaotic, and on both sides near the critical line; the last has too large a q for the series."""


@pytest.mark.parametrize("point", POINTS)
def test_depth_scales_are_those_of_the_integrals(point):
    end = limit(TANH, *point)
    row = {"sigma_w2": [point[0]], "sigma_b2": [point[1]], "q_star": [end.q], "chi_1": [end.chi]}
    found = correlation_scales(pd.DataFrame(row)).item()
    assert found == pytest.approx(correlation_limit(TANH, *point).depth_scale, rel=1e-5)


def test_the_default_diagram_stays_within_the_series():
    corner = limit(TANH, phase.SIGMA_W2.max(), phase.SIGMA_B2.max())
    assert corner.q < phase._LARGEST_Q
    assert max(Phase().sigma_w2) <= phase.SIGMA_W2.max()

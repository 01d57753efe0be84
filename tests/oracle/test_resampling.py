"""Intervals, effect sizes and corrections over few seeds, against scipy, enumeration and simulation."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from gradgrid.analysis.resampling import effect_size, expanded_level, holm, interval, jackknife, paired_p

METHODS = Path(__file__).parents[2] / "docs" / "methods.md"


def test_holms_correction_is_the_published_procedure():
    # Smallest p times 4, next times 3, …; a corrected value is never below the one before.
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.5, 0.9])) == pytest.approx([1.0, 1.0])
    assert np.isnan(holm(np.array([np.nan, np.nan]))).all()


def test_the_t_test_is_scipys_for_many_rows():
    values = np.random.default_rng(0).standard_normal((20, 5)) + 0.5
    np.testing.assert_allclose(paired_p(values), stats.ttest_1samp(values, 0, axis=1).pvalue)


def test_the_bootstrap_interval_is_the_quantile_of_all_resamples():
    values = np.array([0.011, 0.018, 0.013, 0.024, 0.009])
    means = np.array([np.mean(resample) for resample in itertools.product(values, repeat=5)])
    tail = (1 - expanded_level(5)) / 2
    low, high, how = interval(values[None])
    assert how == "bootstrap"
    assert low[0] == pytest.approx(np.quantile(means, tail), abs=4e-4)
    assert high[0] == pytest.approx(np.quantile(means, 1 - tail), abs=4e-4)


def test_the_expanded_level_gives_students_width_for_normal_data():
    for n in (5, 10, 30):
        tail = (1 - expanded_level(n)) / 2
        assert -stats.norm.ppf(tail) * np.sqrt((n - 1) / n) == pytest.approx(stats.t.ppf(0.975, n - 1))


def test_few_seeds_have_students_interval_and_one_has_none():
    values = np.array([[0.1, 0.3, 0.2, 0.6]])
    low, high, how = interval(values)
    expected = stats.t.interval(0.95, 3, values.mean(), stats.sem(values, axis=1)[0])
    assert (low[0], high[0], how) == (*map(pytest.approx, expected), "t")
    assert interval(values[:, :1])[2] == "none"
    assert np.isnan(interval(values[:, :1])[0]).all()


def test_the_effect_size_has_no_bias_for_few_seeds():
    values = np.random.default_rng(0).standard_normal((200_000, 5)) + 0.8
    assert effect_size(values).mean() == pytest.approx(0.8, abs=0.01)
    assert (values.mean(1) / values.std(1, ddof=1)).mean() > 0.95


def test_the_jackknife_of_a_mean_is_students_interval():
    values = np.array([0.31, 0.35, 0.28, 0.4, 0.33])
    without = np.array([np.delete(values, i).mean() for i in range(5)])
    expected = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    assert jackknife(values.mean(), without) == pytest.approx(expected)
    assert np.isnan(jackknife(0.3, without[:2])).all()


@pytest.mark.slow
def test_the_coverage_of_the_intervals_is_what_the_methods_say():
    """Percentage of 4,000 samples whose interval holds the true mean; its standard error is below 0.6."""
    rows = re.findall(
        r"^ *\| (\d+) seeds \| (\d+) % \| (\d+) % \|$", METHODS.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert [int(row[0]) for row in rows] == [3, 5, 10, 20]
    for n, *said in rows:
        found = [coverage(int(n), kind) for kind in ("normal", "skewed")]
        assert found == pytest.approx([float(share) for share in said], abs=1.5), n


def coverage(n, kind):
    rng = np.random.default_rng(n)
    draw, mean = (rng.standard_normal, 0.0) if kind == "normal" else (rng.standard_exponential, 1.0)
    held = []
    for _ in range(20):
        low, high, _ = interval(draw((200, n)))
        held.append((low <= mean) & (mean <= high))
    return 100 * np.mean(held)

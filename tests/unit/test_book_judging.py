"""The rules that judge a claim, at their thresholds, and their intervals against scipy's."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gradgrid.book.judging import (
    FAILS,
    HOLDS,
    NOT_JUDGED,
    ON_AVERAGE,
    Claim,
    Sample,
    always,
    between,
    near,
    row,
    usually,
    wilson,
)


def sample(values, *, ratio=False):
    return Sample(pd.Series(values, dtype=float), ratio)


def ends(finding):
    return finding.value, finding.low, finding.high


def test_the_interval_of_a_mean_is_scipys():
    values = np.random.default_rng(0).normal(0.4, 0.2, 16)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert ends(between(sample(values), low=0)) == pytest.approx((values.mean(), low, high))


def test_ratios_are_averaged_as_logarithms():
    values = np.random.default_rng(1).lognormal(2, 1, 24)
    low, high = stats.ttest_1samp(np.log(values), 0).confidence_interval(0.95)
    found = between(sample(values, ratio=True), low=1)
    assert ends(found) == pytest.approx((stats.gmean(values), np.exp(low), np.exp(high)))
    assert "geometric mean" in found.rule


@pytest.mark.parametrize("ratio", [False, True])
def test_the_prediction_interval_holds_one_more_seed_19_times_in_20(ratio):
    rng = np.random.default_rng(2)
    draws = rng.normal(1, 0.3, (1000, 6))
    values = 10**draws if ratio else draws
    inside = [near(sample(seeds[:5], ratio=ratio), seeds[5]).verdict == HOLDS for seeds in values]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def test_the_prediction_interval_is_that_of_the_closed_form_and_holds_its_ends():
    values = np.array([96.1, 96.4, 96.5, 96.9])
    spread = values.std(ddof=1) * np.sqrt(1 + 1 / 4)
    expected = stats.t.interval(0.95, 3, values.mean(), spread)
    found = near(sample(values), 96.5)
    assert ends(found)[1:] == pytest.approx(expected)
    assert (found.share_of_seeds, found.seeds) == (0.5, 4)
    assert near(sample(values), found.high).verdict == HOLDS
    assert near(sample(values), np.nextafter(found.high, np.inf)).verdict == FAILS
    assert near(sample(values), found.low).verdict == HOLDS
    assert near(sample(values), np.nextafter(found.low, -np.inf)).verdict == FAILS


@pytest.mark.parametrize(
    ("against", "verdict"),
    [(0, HOLDS), (1, HOLDS), (2, ON_AVERAGE), (5, ON_AVERAGE), (6, FAILS), (20, FAILS)],
)
def test_a_claim_holds_for_at_least_19_of_20_seeds_and_on_average_if_the_interval_does(against, verdict):
    values = np.where(np.arange(20) < against, -1.0, 1.0) * np.linspace(0.99, 1.01, 20)
    found = between(sample(values), low=0)
    assert found.verdict == verdict
    assert found.share_of_seeds == pytest.approx(1 - against / 20)
    assert (stats.ttest_1samp(values, 0).confidence_interval(0.95).low > 0) == (verdict != FAILS)


def test_the_bounds_themselves_are_outside():
    assert between(sample([0.0, 0.0]), low=0).verdict == FAILS
    assert between(sample([2.0, 2.0], ratio=True), 0.5, 2).verdict == FAILS
    assert between(sample([0.0, *[1.0] * 9]), low=0).share_of_seeds == 0.9
    tiny = np.nextafter(0, 1)
    assert between(sample([tiny, tiny]), low=0).verdict == HOLDS


def test_a_mean_outside_the_bounds_on_either_side_fails():
    near_one = 1 + np.linspace(-0.01, 0.01, 5)
    assert between(sample(near_one), 0.5, 2).verdict == HOLDS
    assert between(sample(3 * near_one), 0.5, 2).verdict == FAILS
    assert between(sample(near_one / 3), 0.5, 2).verdict == FAILS
    assert between(sample(near_one), high=0).verdict == FAILS
    assert between(sample(-near_one), high=0).verdict == HOLDS


@pytest.mark.parametrize("ratio", [False, True])
def test_seeds_without_a_number_count_against_a_claim(ratio):
    def found(missing, seeds):
        return between(sample([np.nan] * missing + [2.0, 3.0] * ((seeds - missing) // 2), ratio=ratio), low=1)

    assert (found(2, 40).verdict, found(2, 40).share_of_seeds, found(2, 40).missing) == (HOLDS, 0.95, 2)
    assert found(2, 38).verdict == FAILS
    assert found(38, 40).verdict == FAILS
    assert (found(4, 4).verdict, found(4, 4).share_of_seeds, found(4, 4).seeds) == (FAILS, 0.0, 4)
    assert np.isnan(found(4, 4).value)
    assert near(sample([np.nan, 2.0, 3.0]), 2.5).verdict == FAILS
    assert near(sample([np.nan, 2.0, 3.0]), 2.0).share_of_seeds == pytest.approx(2 / 3)


def test_a_ratio_with_a_zero_is_no_number():
    found = between(sample([np.inf, 0.0, -1.0, 4.0, 4.0], ratio=True), low=1)
    assert (found.missing, found.share_of_seeds, found.value) == (3, 0.4, pytest.approx(4))


@pytest.mark.parametrize(("true", "trials"), [(0, 5), (3, 5), (5, 5), (8100, 10_000)])
def test_the_interval_of_a_share_is_scipys_wilson_interval(true, trials):
    expected = stats.binomtest(true, trials).proportion_ci(0.95, method="wilson")
    assert wilson(true / trials, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_usually_is_more_than_half_of_the_cases_for_as_many_trials_as_draws():
    def found(true, draws, cases=1):
        events = np.zeros((draws, cases), bool)
        events[:true] = True
        return usually(pd.DataFrame(events))

    least = next(true for true in range(101) if wilson(true / 100, 100)[0] > 0.5)
    assert found(least, 100).verdict == HOLDS
    assert found(least - 1, 100).verdict == FAILS
    assert ends(found(60, 100, cases=3)) == ends(found(60, 100))
    assert (found(60, 100).share_of_seeds, found(60, 100, cases=3).seeds) == (0.6, 100)


def test_always_allows_no_exception():
    assert always(pd.Series([True, True]), 1.0).verdict == HOLDS
    found = always(pd.Series([True, False]), 1.0)
    assert (found.verdict, found.share_of_seeds) == (FAILS, 0.5)


def test_a_row_says_how_many_seeds_lack_a_number():
    finding = between(sample([np.nan, 1.0, 2.0]), low=0)
    assert row(Claim("a", "text", "points", finding))["measure"] == "points (1 of 3 seeds without a number)"


def test_one_seed_is_shown_and_not_judged():
    for finding in (between(sample([1.0]), low=0), near(sample([1.0]), 1.0)):
        made = row(Claim("a", "text", "points", finding, 1.0))
        assert (made["value"], made["share_of_seeds"], made["seeds"]) == (1.0, 1.0, 1)
        assert np.isnan([made["low"], made["high"]]).all()
        assert made["verdict"] == NOT_JUDGED
        assert made["rule"] == f"not judged: one seed gives no interval. Else: {finding.rule}"


def test_objections_take_the_verdict_and_leave_the_numbers():
    finding = between(sample([1.0, 2.0]), low=0)
    plain, made = (
        row(Claim("a", "text", "points", finding), objections=reasons) for reasons in ((), ("one", "two"))
    )
    assert made == plain | {"verdict": NOT_JUDGED, "rule": f"not judged: one; two. Else: {finding.rule}"}

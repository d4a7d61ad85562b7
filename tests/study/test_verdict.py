"""The verdict: which code, which numbers, and how many people would have been needed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fer_nb.study import StudyConfig
from fer_nb.study.verdict import MOST_N, n_needed, verdict

CONFIG = StudyConfig()


def test_two_stimuli_are_compared_by_their_mean_valence(result):
    (answer,) = verdict(result.comparison, result.metrics, result.config)
    row = result.comparison.query("metric == 'average' and signal == 'valence'").iloc[0]
    assert (answer.first, answer.second) == (row["first"], row["second"])
    assert answer.estimate == row["difference"]
    assert answer.paired == (row["design"] == "paired")


@pytest.mark.parametrize(
    ("difference", "low", "high", "p", "n", "code"),
    [
        (0.4, 0.2, 0.6, 0.001, 20, "first"),
        (-0.4, -0.6, -0.2, 0.001, 20, "second"),
        (0.1, -0.2, 0.4, 0.5, 20, "not_shown"),
        (0.4, -0.01, 0.8, 0.03, 20, "not_shown"),  # test and interval must agree
        (0.4, 0.01, 0.8, 0.07, 20, "not_shown"),
        (0.4, 0.2, 0.6, np.nan, 6, "too_few"),
    ],
)
def test_the_code_of_a_comparison(result, difference, low, high, p, n, code):
    comparison = result.comparison.copy()
    numbers = {"difference": difference, "low": low, "high": high, "p": p, "p_holm": p}
    comparison[list(numbers)] = list(numbers.values())
    comparison[["n_first", "n_second"]] = n
    (answer,) = verdict(comparison, result.metrics, CONFIG)
    assert answer.code == code


@pytest.mark.parametrize(
    ("estimate", "low", "high", "code"),
    [
        (0.3, 0.1, 0.5, "rise"),
        (-0.3, -0.5, -0.1, "fall"),
        (0.0, -0.2, 0.2, "not_shown"),
        (0.3, np.nan, np.nan, "too_few"),
    ],
)
def test_the_code_of_one_stimulus(result, estimate, low, high, code):
    metrics = result.metrics[result.metrics["stimulus"] == next(iter(result.audiences))].copy()
    metrics[["estimate", "low", "high"]] = estimate, low, high
    (answer,) = verdict(result.comparison.iloc[:0], metrics, CONFIG)
    assert (answer.code, answer.second) == (code, "")
    (answer,) = verdict(result.comparison.iloc[:0], metrics, CONFIG.with_(baseline="none"))
    assert answer.code == "no_baseline"


@given(st.floats(0.06, 3))
def test_the_number_needed_is_the_least_that_reaches_the_power(effect):
    n = n_needed(effect, paired=True)

    def power(n):
        t = stats.t.isf(0.025, n - 1)
        return stats.nct.sf(t, n - 1, effect * np.sqrt(n))

    assert power(n) >= 0.8 - 1e-3
    assert n == 4 or power(n - 1) < 0.8 + 1e-3


def test_no_effect_needs_more_people_than_there_are():
    assert n_needed(0.0, paired=True) == float("inf")
    assert n_needed(0.001, paired=False) == float("inf")
    assert np.isnan(n_needed(float("nan"), paired=True))
    assert n_needed(0.05, paired=True) < MOST_N

"""The interval of an accuracy, where pictures of one person resemble each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fer_nb.training.scores import classifier_scores


def answers(right):
    """Votes and probabilities of a classifier that is right where `right` says so."""
    right = np.asarray(right)
    truth = np.eye(9)[np.full(len(right), 4)]
    return truth, np.eye(9)[np.where(right, 4, 5)]


def interval(right, group=None):
    found = classifier_scores(*answers(right), group=group)
    return found["accuracy_low"], found["accuracy_high"]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.booleans(), min_size=2, max_size=30), st.integers(2, 6))
def test_repeats_of_a_picture_teach_nothing_new(right, times):
    once = interval(right)
    assert interval(right, group=np.arange(len(right))) == pytest.approx(once)
    who = np.repeat([f"person {i}" for i in range(len(right))], times)
    assert interval(np.repeat(right, times), group=who) == pytest.approx(once)


def test_interval_over_people_is_that_of_the_binomial_distribution():
    # Each of 100 people is always recognised or never: 2000 pictures say no more than 100.
    right = np.arange(100) < 25
    expected = stats.binom.ppf([0.025, 0.975], 100, 0.25) / 100
    who = np.repeat(np.arange(100), 20)
    assert interval(np.repeat(right, 20), group=who) == pytest.approx(expected, abs=0.011)
    assert np.ptp(interval(np.repeat(right, 20))) < np.ptp(expected) / 3


def test_people_count_by_their_pictures():
    right, who = [True] * 3 + [False], ["ann", "ann", "ann", "bob"]
    found = classifier_scores(*answers(right), group=who)
    assert found["accuracy"] == 0.75
    # Two people give ann alone, both, or bob alone.
    assert (found["accuracy_low"], found["accuracy_high"]) == (0, 1)


def test_one_person_gives_no_interval():
    found = classifier_scores(*answers([True, True, False]), group=["ann"] * 3)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert np.isnan([found["accuracy_low"], found["accuracy_high"]]).all()

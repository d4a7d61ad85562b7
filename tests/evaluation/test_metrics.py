"""The interval of an accuracy, where pictures of one person resemble each other."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fer_nb.evaluation import metrics
from fer_nb.evaluation.metrics import classifier_scores


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
    who = np.repeat([f"person {i:02d}" for i in range(len(right))], times)
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


def test_scores_of_a_known_classifier():
    truth = np.eye(9)[[0, 0, 4, 5]]
    probs = np.full((4, 9), 0.05)
    probs[[0, 1, 2, 3], [0, 4, 4, 5]] = 0.6
    counts = metrics.confusion_table(truth, probs)
    assert counts.loc["anger"].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 0]
    assert metrics.recalls(counts.to_numpy())[[0, 4, 5]].tolist() == [0.5, 1, 1]
    summary = metrics.classifier_scores(truth, probs)
    assert summary["accuracy"] == 0.75
    assert summary["macro_recall"] == pytest.approx(2.5 / 3)
    assert summary["calibration_error"] == pytest.approx(0.15)
    expected = -(3 * np.log(0.6) + np.log(0.05)) / 4
    assert summary["cross_entropy"] == pytest.approx(expected)
    assert summary["accuracy_low"] <= 0.75 <= summary["accuracy_high"]
    table = metrics.reliability(truth, probs, bins=5)
    assert table["count"].tolist() == [0, 0, 0, 4, 0]
    assert np.isnan(table["accuracy"][0])


@given(st.integers(0, 2**16), st.integers(2, 9))
@settings(max_examples=20, deadline=None)
def test_measures_are_those_of_scikit_learn(seed, classes):
    rng = np.random.default_rng(seed)
    truth, said = rng.integers(0, classes, (2, 60))
    score = rng.integers(0, 9, 60) / 9
    labels = np.unique(truth)
    assert metrics.macro_f1(truth, said, classes) == pytest.approx(
        sklearn.metrics.f1_score(truth, said, labels=labels, average="macro")
    )
    counts = metrics.confusion(truth, said, classes)
    np.testing.assert_array_equal(
        counts, sklearn.metrics.confusion_matrix(truth, said, labels=range(classes))
    )
    recalls = sklearn.metrics.recall_score(truth, said, labels=labels, average=None)
    np.testing.assert_allclose(metrics.recalls(counts)[labels], recalls)
    positive = np.r_[True, False, truth[2:] == truth[0]]
    assert metrics.auroc(positive, score) == pytest.approx(
        sklearn.metrics.roc_auc_score(positive, score)
    )


def test_macro_f1_by_hand():
    truth, said = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 1])
    # class 0: 2*2/(3+2); class 1: 2*1/(1+3); class 2: 0
    assert metrics.macro_f1(truth, said, 5) == pytest.approx((0.8 + 0.5 + 0) / 3)


def test_recalls_leave_out_absent_classes():
    counts = metrics.confusion(np.array([0, 0, 2]), np.array([0, 1, 2]), 4)
    assert counts.tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(metrics.recalls(counts), [0.5, np.nan, 1.0, np.nan])


def test_auroc_by_hand():
    assert metrics.auroc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])) == 0.75
    assert metrics.auroc(np.array([0, 1]), np.array([1.0, 1.0])) == 0.5
    assert np.isnan(metrics.auroc(np.array([1, 1]), np.array([0.0, 1.0])))


def test_concordance_minds_offset_and_scale():
    truth = np.array([0.0, 1.0, 2.0, 3.0])
    assert metrics.concordance(truth, truth) == pytest.approx(1)
    # variance 1.25 each, offset 1: 2 * 1.25 / (2.5 + 1)
    assert metrics.concordance(truth, truth + 1) == pytest.approx(2.5 / 3.5)
    assert metrics.pearson(truth, truth + 1) == pytest.approx(1)
    assert metrics.rmse(truth, truth + 1) == 1


@given(st.integers(0, 2**16), st.floats(-3, 3), st.floats(-2, 2))
def test_concordance_is_nearer_to_nothing_than_the_correlation(seed, scale, shift):
    truth, noise = np.random.default_rng(seed).normal(size=(2, 50))
    answer = scale * truth + shift + noise
    ccc, r = metrics.concordance(truth, answer), metrics.pearson(truth, answer)
    assert abs(ccc) <= abs(r) + 1e-9
    assert np.sign(ccc) == np.sign(r)


def test_correlations_of_constants_are_not_numbers():
    same = np.full(4, 2.0)
    assert np.isnan(metrics.concordance(same, same))
    assert np.isnan(metrics.pearson(same, np.arange(4.0)))
    assert metrics.concordance(same, np.arange(4.0)) == 0


def test_calibration_against_votes_by_hand():
    share = np.array([[0.6, 0.4], [1.0, 0.0], [0.2, 0.8]])
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7]])
    # one bin holds 0.9, 0.9 against 0.6, 1.0; another 0.7 against 0.8
    assert metrics.calibration_error(share, probs) == pytest.approx((0.2 + 0.1) / 3)


def test_interval_of_a_share_is_that_of_the_binomial_distribution():
    found = np.arange(400) < 100
    value, low, high = metrics.interval(np.mean, found, draws=4000)
    assert value == 0.25
    # 90 % or 99 % ends lie 0.007 and more from these
    assert [low, high] == pytest.approx(stats.binom.ppf([0.025, 0.975], 400, 0.25) / 400, abs=0.003)


def test_interval_draws_rows_together_and_leaves_out_what_is_no_number():
    labels = np.arange(30) % 3
    assert metrics.interval(lambda a, b: np.mean(a == b), labels, labels) == [1, 1, 1]
    rare = np.arange(10) == 0  # missing from a third of the draws
    assert metrics.interval(metrics.auroc, rare, rare) == [1, 1, 1]


def test_scores_of_known_values():
    truth = np.array([[1.0, 4], [2, 4], [3, 4]])
    scores = metrics.va_scores(truth, truth + np.array([1, 0]))
    assert scores["valence_r"] == pytest.approx(1)
    assert scores["valence_rmse"] == pytest.approx(1)
    assert scores["valence_ccc"] == pytest.approx(4 / 7)
    assert np.isnan(scores["arousal_r"])


def test_calibration_error_of_a_sure_and_a_doubtful_classifier():
    truth = np.eye(2)[[0, 0, 0, 1]]
    doubtful, sure = np.tile([0.75, 0.25], (4, 1)), np.tile([1.0, 0.0], (4, 1))
    assert metrics.calibration_error(truth, doubtful) == pytest.approx(0)
    assert metrics.calibration_error(truth, sure) == pytest.approx(0.25)

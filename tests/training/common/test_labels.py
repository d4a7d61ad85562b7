"""Class names of other people's data, and valence/arousal labels made from emotions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_nb.emotions import EMOTIONS, rating_table
from fer_nb.errors import FerError
from fer_nb.training.common.labels import (
    VA_METHODS,
    canonical_emotions,
    one_hot,
    va_labels,
)


def test_names_of_common_data_sets():
    fer2013 = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    ferplus = ["neutral", "happiness", "surprise", "sadness", "anger", "contempt", "unknown", "NF"]
    assert canonical_emotions(fer2013)[0] == "anger"
    assert canonical_emotions(ferplus)[-2:] == ["uncertain", "uncertain"]
    assert canonical_emotions(["Joy", "1_HAPPINESS", "not-a-face"]) == ["happy"] * 2 + ["uncertain"]


def test_all_unknown_names_in_one_error():
    with pytest.raises(FerError, match=r"'bored', 'hungry'.*anger, contempt"):
        canonical_emotions(["hungry", "sad", "bored", "hungry"])


@given(st.lists(st.sampled_from(EMOTIONS)))
def test_one_hot_inverts(names):
    assert [EMOTIONS[i] for i in one_hot(names).argmax(axis=1)] == names
    assert one_hot(names).shape == (len(names), 9)


def test_random_labels_stay_within_the_references_range():
    target = one_hot(["happy"] * 4000)
    labels = va_labels(target, "random", table="reference")
    assert np.abs(labels - [6.6, 4.2]).max() <= 0.2201
    assert labels.std(axis=0) == pytest.approx(0.44 / 12**0.5, rel=0.05)


def test_gaussian_labels_have_the_published_spread():
    labels = va_labels(one_hot(["fear"] * 20000), "gaussian")
    table, fear = rating_table(), EMOTIONS.index("fear")
    assert labels.mean(axis=0) == pytest.approx(
        [table.valence[fear], table.arousal[fear]], abs=0.03
    )
    assert labels.std(axis=0) == pytest.approx([0.68, 1.10], rel=0.03)
    assert va_labels(one_hot(["neutral"]), "gaussian").tolist() == [[4.0, 4.0]]


def test_expected_labels_average_over_the_votes():
    half = (one_hot(["happy"]) + one_hot(["surprise"])) / 2
    assert va_labels(half, "expected")[0] == pytest.approx([(5.88 + 3.88) / 2, (5.27 + 4.31) / 2])


@given(
    st.integers(0, 2**16), st.sampled_from(VA_METHODS), st.sampled_from(["adfes2011", "reference"])
)
def test_labels_are_on_the_scale_and_repeatable(seed, how, table):
    target = np.random.default_rng(seed).dirichlet(np.ones(9), 30)
    labels = va_labels(target, how, table, seed=seed)
    assert labels.min() >= 1
    assert labels.max() <= 7
    assert np.array_equal(labels, va_labels(target, how, table, seed=seed))


def test_wrong_questions():
    with pytest.raises(FerError, match="random, gaussian, expected"):
        va_labels(one_hot(["sad"]), "guess")
    with pytest.raises(FerError, match="nine emotions"):
        va_labels(np.ones((2, 7)))

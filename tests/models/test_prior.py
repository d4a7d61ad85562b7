"""Class frequencies of faces without labels."""

import numpy as np
import pytest

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.models.prior import estimate_prior

EVEN = dict.fromkeys(EMOTIONS, 1 / 9)


def answers(frequency: np.ndarray, count: int, sharp: float = 3.0) -> np.ndarray:
    """What a calibrated classifier under an even prior says of faces that occur so often."""
    rng = np.random.default_rng(0)
    label = rng.choice(9, count, p=frequency)
    # Two unit Gaussians a distance `sharp` apart: their likelihood ratio is exact.
    seen = np.eye(9)[label] * sharp + rng.standard_normal((count, 9))
    likelihood = np.exp(seen * sharp - seen.max(axis=1, keepdims=True) * sharp)
    return likelihood / likelihood.sum(axis=1, keepdims=True)


def test_frequencies_are_found_that_the_mean_answer_misses():
    truth = np.array([0.02, 0.02, 0.02, 0.02, 0.2, 0.6, 0.08, 0.02, 0.02])
    probs = answers(truth, 4000, sharp=1.5)
    found = np.array(list(estimate_prior(probs, EVEN).values()))
    assert np.abs(found - truth).max() < 0.03
    assert np.abs(probs.mean(axis=0) - truth).max() > 0.1


def test_faces_that_follow_the_prior_change_it_little():
    found = estimate_prior(answers(np.full(9, 1 / 9), 3000), EVEN)
    assert max(abs(value - 1 / 9) for value in found.values()) < 0.03


def test_no_class_vanishes_and_few_faces_change_little():
    sure = np.tile(np.eye(9)[4] * 0.91 + 0.01, (200, 1))
    found = estimate_prior(sure, EVEN)
    assert min(found.values()) > 0.005
    assert found["happy"] > 0.85
    assert estimate_prior(sure[:1], EVEN)["happy"] < 0.2


@pytest.mark.parametrize("probs", [np.zeros((0, 9)), np.ones(9), np.ones((3, 7))])
def test_other_shapes_are_refused(probs):
    with pytest.raises(FerError, match=r"\(n, 9\)"):
        estimate_prior(probs, EVEN)


def test_a_prior_needs_nine_emotions():
    with pytest.raises(FerError, match="contempt"):
        estimate_prior(np.ones((2, 9)) / 9, {"happy": 1.0})
    with pytest.raises(FerError, match="strength"):
        estimate_prior(np.ones((2, 9)) / 9, EVEN, strength=0)

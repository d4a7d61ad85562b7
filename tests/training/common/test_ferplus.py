"""FER+ reading: votes to nine emotions, repeats kept together, targets from votes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.training.common.ferplus import (
    VOTE_EMOTIONS,
    load_ferplus,
    nine_votes,
    pixel_groups,
    vote_targets,
)

NAMES = list(VOTE_EMOTIONS)


@pytest.fixture
def npz(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 48, 48), dtype=np.uint8)
    images[5] = images[4]  # a repeat inside Training
    images[55] = images[3]  # PublicTest repeats Training
    votes = rng.multinomial(10, np.full(10, 0.1), size=60).astype(np.uint8)
    usage = np.r_[np.zeros(50), np.ones(10)].astype(np.uint8)
    path = tmp_path / "ferplus.npz"
    np.savez(
        path,
        images=images,
        votes=votes,
        vote_names=NAMES,
        usage=usage,
        usage_names=["Training", "PublicTest", "PrivateTest"],
    )
    return path


def test_no_picture_is_on_two_sides(npz):
    data = load_ferplus(npz, held_out=0.2)
    parts = [data.part(name) for name in ("train", "val", "test")]
    groups = [set(part.group.tolist()) for part in parts]
    assert not groups[0] & groups[1]
    assert not (groups[0] | groups[1]) & groups[2]
    assert data.split[55] == ""
    assert data.split[4] == data.split[5]
    assert len(parts[2]) == 9
    assert len(parts[1]) in (10, 11)


def test_split_follows_the_seed(npz):
    first, again, other = (load_ferplus(npz, held_out=0.2, seed=s).split for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_votes_land_on_their_emotion():
    counts = nine_votes(np.eye(10, dtype=np.uint8), NAMES)
    assert [EMOTIONS[i] for i in counts.argmax(1)] == list(VOTE_EMOTIONS.values())


def test_errors_name_the_remedy(npz, tmp_path):
    with pytest.raises(FerError, match="no file"):
        load_ferplus(tmp_path / "absent.npz")
    np.savez(tmp_path / "other.npz", images=np.zeros(1))
    with pytest.raises(FerError, match=r"lacks usage, usage_names, vote_names, votes"):
        load_ferplus(tmp_path / "other.npz")
    with pytest.raises(FerError, match="unknown vote 'boredom'"):
        nine_votes(np.ones((1, 1)), ["boredom"])
    with pytest.raises(FerError, match="no face is in the split 'validation'"):
        load_ferplus(npz).part("validation")


def test_groups_by_pixels_only():
    images = np.zeros((3, 4, 4), np.uint8)
    images[1, 0, 0] = 1
    assert pixel_groups(images).tolist() == [0, 1, 0]


@given(
    st.lists(
        st.lists(st.integers(0, 10), min_size=9, max_size=9).filter(any), min_size=1, max_size=5
    ),
    st.floats(0, 1),
)
def test_targets_are_distributions_and_only_uncertain_gains(votes, disagreement):
    votes = np.array(votes, np.float32)
    target = vote_targets(votes, disagreement)
    share = votes / votes.sum(1, keepdims=True)
    np.testing.assert_allclose(target.sum(1), 1, atol=1e-5)
    assert (target[:, :8] <= share[:, :8] + 1e-6).all()
    assert (target[:, 8] >= share[:, 8] - 1e-6).all()


def test_agreement_leaves_the_votes_alone():
    votes = np.array([[6, 4, 0, 0, 0, 0, 0, 0, 0]], np.float32)
    np.testing.assert_allclose(vote_targets(votes, 0.5), votes / 10)

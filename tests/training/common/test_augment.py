"""Augmented views: repeatable, of the same size, and different from the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_nb.errors import FerError
from fer_nb.training.common.augment import AUGMENTATIONS, Augmentation, augment, view_of

FACE = np.random.default_rng(0).integers(0, 256, (40, 32, 3), np.uint8)


@given(st.integers(0, 99), st.integers(0, 9), st.sampled_from(list(AUGMENTATIONS)), st.booleans())
def test_repeatable_and_of_the_same_kind(number, view, how, grey):
    face = FACE[..., 0] if grey else FACE
    made = view_of(face, number, view, how, seed=1)
    assert made.shape == face.shape
    assert made.dtype == np.uint8
    assert np.array_equal(made, view_of(face, number, view, how, seed=1))


def test_view_0_is_the_picture_and_others_differ():
    assert view_of(FACE, 0, 0, "standard") is FACE
    assert view_of(FACE, 0, 3, "none") is FACE
    views = [view_of(FACE, 0, view, "standard") for view in range(1, 6)]
    assert len({view.tobytes() for view in [FACE, *views]}) == 6


def test_mirror_swaps_about_half_and_changes_nothing_else():
    swapped = 0
    for number in range(200):
        view = view_of(FACE, number, 1, "mirror")
        same, mirrored = np.array_equal(view, FACE), np.array_equal(view, FACE[:, ::-1])
        assert same != mirrored
        swapped += mirrored
    assert 70 < swapped < 130


def test_unknown_augmentation():
    with pytest.raises(FerError, match="none, mirror, standard, webcam"):
        view_of(FACE, 0, 1, "wild")


@pytest.mark.parametrize("side", [24, 48, 100])
def test_augmentation_is_seeded_sized_and_leaves_its_input(side):
    face = np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8)
    kept = face.copy()
    for seed in range(30):
        one, two = (augment(face, np.random.default_rng(seed), 40) for _ in range(2))
        assert one.shape == (40, 40)
        assert one.dtype == np.uint8
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(face, kept)
    assert (one != augment(face, np.random.default_rng(99), 40)).any()


def test_without_any_step_a_face_stays():
    chances = dict.fromkeys(["p_light", "p_small", "p_blur", "p_noise", "p_jpeg", "p_erase"], 0)
    still = Augmentation(0, (1.0, 1.0), 0, **chances)
    face = np.tile(np.arange(48, dtype=np.uint8) * 5, (48, 1))
    made = [augment(face, np.random.default_rng(seed), 48, still) for seed in range(20)]
    # Only the flip and a stretch of a few per cent are left.
    errors = [
        min(np.abs(m - face.astype(int)).mean(), np.abs(m[:, ::-1] - face.astype(int)).mean())
        for m in made
    ]
    assert max(errors) < 6
    assert {bool(m[0, 0] > m[0, -1]) for m in made} == {True, False}

"""Augmented views: repeatable, of the same size, and different from the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_nb.errors import FerError
from fer_nb.training.views import AUGMENTATIONS, view_of

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
    with pytest.raises(FerError, match="none, mirror, standard"):
        view_of(FACE, 0, 1, "wild")

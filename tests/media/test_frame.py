"""A frame's small luma, and pictures at half their size, are what the whole would give."""

from fractions import Fraction

import numpy as np
import pytest
from test_planes import BT601, MIRROR, PLAIN, QUARTER, frame

from fer_nb.faces.face import Face, crop_face
from fer_nb.media.frame import SMALL_SIDE, halved, halvings
from fer_nb.opencv import cv2


@pytest.mark.parametrize(
    ("shape", "times"),
    [((360, 480), 0), ((360, 481), 1), ((1080, 1920), 2), ((1, 5000), 0), ((3, 5000, 3), 1)],
)
def test_halvings_stop_when_the_picture_is_small(shape, times):
    assert halvings(shape) == times


def test_halving_averages_and_leaves_an_odd_row_out():
    picture = np.array([[0, 4, 9], [8, 12, 9], [9, 9, 9]], np.uint8)
    np.testing.assert_array_equal(halved(picture), [[6]])
    assert halved(np.zeros((100, 61), np.uint8), 2).shape == (25, 15)


@pytest.mark.parametrize("matrix", [PLAIN, QUARTER, MIRROR])
@pytest.mark.parametrize("aspect", [1, Fraction(64, 45)])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "gbrp"])
def test_small_luma_is_luma_made_smaller(astronaut, matrix, aspect, full, pixels):
    picture = cv2.resize(np.ascontiguousarray(astronaut[:240, 60:400]), (1020, 720))
    one = frame(picture, matrix, space=BT601, full=full, pixels=pixels, aspect=aspect)
    small = one.small_luma
    assert "luma" not in one.__dict__ or pixels == "gbrp", "the whole plane was converted"
    assert max(small.shape) <= SMALL_SIDE
    whole = halved(one.luma, halvings(one.shape))
    assert small.shape == whole.shape
    difference = np.abs(small.astype(int) - whole)
    if aspect == 1:
        assert difference.max() <= 1
    assert difference.mean() < 2  # oblong pixels are made square after they are halved
    assert small.flags.c_contiguous


def test_a_large_face_is_cut_from_the_picture_at_half_its_size(astronaut):
    picture = np.ascontiguousarray(astronaut[:240, 60:400])
    weights, face = (0.2065, 0.587, 0.2065), Face(110, 20, 131, 140, 1.0)
    one = frame(picture)
    for parts, whole in ((one, one.image), (frame(picture).grey(weights), None)):
        if whole is None:
            whole = cv2.transform(one.image, np.array([weights]))
        crop = crop_face(parts, face, max_side=64)
        told = crop_face(whole, face, max_side=64)
        assert crop.shape == told.shape
        assert np.abs(crop.astype(int) - told).mean() < 3
        if parts is not one:
            assert "image" not in parts.frame.__dict__, "the whole picture was converted"

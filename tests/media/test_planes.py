"""A part of a picture converted by itself is that part of the whole picture."""

from fractions import Fraction

import av
import numpy as np
import pytest

from fer_nb.media.frame import Frame
from fer_nb.media.geometry import View
from fer_nb.media.planes import Planes
from fer_nb.opencv import cv2

QUARTER = (0, 65536, -65536, 0)
HALF = (-65536, 0, 0, -65536)
MIRROR = (-65536, 0, 0, 65536)
PLAIN = (1, 0, 0, 1)
FULL, BT709, BT601 = 2, 1, 5


def frame(picture, matrix=PLAIN, *, space=BT601, full=False, pixels="yuv420p", aspect=1) -> Frame:
    options = {"dst_colorspace": space, "dst_color_range": FULL if full else 1}
    decoded = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels, **options)
    decoded.colorspace, decoded.color_range = space, FULL if full else 1
    view = View.of(decoded.width, decoded.height, matrix, Fraction(aspect))
    return Frame(0, 0.0, decoded, view)


@pytest.mark.parametrize("matrix", [PLAIN, QUARTER, HALF, MIRROR])
@pytest.mark.parametrize(
    ("space", "full"), [(BT601, False), (BT709, False), (BT601, True)], ids=["601", "709", "full"]
)
def test_a_part_is_that_of_the_whole(astronaut, matrix, space, full):
    picture = np.ascontiguousarray(astronaut[:240, 60:400])
    part = np.s_[31:201, 40:133]
    by_itself = frame(picture, matrix, space=space, full=full)[part].astype(int)
    whole = frame(picture, matrix, space=space, full=full).image[part]
    assert by_itself.shape == whole.shape
    difference = np.abs(by_itself - whole)
    assert difference.max() <= 6  # FFmpeg rounds coarsely
    assert difference.mean() < 2


@pytest.mark.parametrize("matrix", [PLAIN, QUARTER, HALF])
@pytest.mark.parametrize("aspect", [Fraction(64, 45), Fraction(3, 4), Fraction(9, 8)])
@pytest.mark.parametrize(
    "part", [np.s_[31:201, 40:133], np.s_[0:50, 0:61], np.s_[180:, 200:], np.s_[5:5, 3:9]]
)
def test_a_part_of_oblong_pixels_is_that_of_the_whole(astronaut, matrix, aspect, part):
    picture = np.ascontiguousarray(astronaut[:240, 60:400])
    oblong = frame(picture, matrix, aspect=aspect)
    by_itself = oblong[part].astype(int)
    assert "image" not in oblong.__dict__, "the whole picture was converted"
    whole = oblong.image[part]
    assert by_itself.shape == whole.shape
    if whole.size:
        difference = np.abs(by_itself - whole)
        assert difference.max() <= 8  # FFmpeg rounds coarsely
        assert difference.mean() < 2


@pytest.mark.parametrize("aspect", [1, Fraction(64, 45)])
@pytest.mark.parametrize("space", [BT601, BT709])
def test_grey_is_that_of_the_whole_without_its_colours(astronaut, space, aspect):
    picture = np.ascontiguousarray(astronaut[:240, 60:400])
    weights, part = (0.2065, 0.587, 0.2065), np.s_[31:201, 40:133]
    coloured = frame(picture, QUARTER, space=space, aspect=aspect)
    grey = coloured.grey(weights)
    by_itself = grey[part].astype(int)
    assert "image" not in coloured.__dict__, "the whole picture was converted"
    assert grey.shape == coloured.shape[:2]
    whole = cv2.transform(coloured.image, np.array([weights]))[part]
    difference = np.abs(by_itself - whole)
    assert difference.max() <= 6
    assert difference.mean() < 2
    np.testing.assert_array_equal(grey[part], whole)  # once the picture is there, it is taken


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p"])
def test_half_is_the_picture_at_half_its_size(astronaut, pixels):
    picture = np.ascontiguousarray(astronaut[:240, 60:400])
    half = frame(picture, QUARTER, pixels=pixels).half
    small = cv2.resize(frame(picture, QUARTER).image, (120, 170), interpolation=cv2.INTER_AREA)
    assert half.shape == small.shape
    difference = np.abs(half[20:90, 31:100].astype(int) - small[20:90, 31:100])
    assert difference.mean() < 2
    assert difference.max() < 40  # colours at an edge


def test_only_the_usual_pixels_are_taken_from_planes(astronaut):
    unusual = frame(np.ascontiguousarray(astronaut[:240, 60:400]), pixels="yuv444p")
    assert unusual.shape == unusual.image.shape
    np.testing.assert_array_equal(unusual[10:50, 20:70], unusual.image[10:50, 20:70])


def test_planes_are_views(astronaut):
    decoded = frame(np.ascontiguousarray(astronaut[:240, :320]), QUARTER)
    planes = Planes.of(decoded._decoded, decoded._view, BT601)
    assert planes.y.shape == (320, 240)
    assert not planes.y.flags.owndata

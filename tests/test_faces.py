import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_nb.errors import FerError
from fer_nb.faces import Face, crop_face

coordinate = st.floats(-40, 120)
side = st.floats(3, 80)


def test_boxes_far_larger_than_the_picture_are_refused(astronaut):
    with pytest.raises(FerError, match="far larger than the picture"):
        crop_face(astronaut, Face(0, 0, 100_000, 3, 1.0))


@pytest.mark.parametrize("box", [(float("nan"), 0, 5, 5), (0, 0, float("inf"), 5)])
def test_boxes_of_no_numbers_are_refused(astronaut, box):
    with pytest.raises(FerError, match="finite"):
        crop_face(astronaut, Face(*box, 1.0))


@given(coordinate, coordinate, side, side, st.floats(0, 1))
def test_crop_is_a_square_that_shows_the_picture_where_it_is(x, y, width, height, margin):
    image = np.add.outer(np.arange(80), np.arange(100)).astype(np.uint8)
    face = Face(x, y, width, height, 1.0)
    square = round(max(width, height) * (1 + margin))
    x0 = round(x + width / 2 - max(2, square) / 2)
    y0 = round(y + height / 2 - max(2, square) / 2)
    if x0 >= 100 or y0 >= 80 or x0 + max(2, square) <= 0 or y0 + max(2, square) <= 0:
        with pytest.raises(FerError, match="outside"):
            crop_face(image, face, margin)
        return
    crop = crop_face(image, face, margin)
    assert crop.shape == (max(2, square),) * 2
    rows = np.clip(np.arange(y0, y0 + len(crop)), 0, 79)
    columns = np.clip(np.arange(x0, x0 + len(crop)), 0, 99)
    np.testing.assert_array_equal(crop, image[np.ix_(rows, columns)])

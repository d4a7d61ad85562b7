import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_nb.errors import FerError
from fer_nb.faces import Face, check_picture, crop_face
from fer_nb.faces.pose import Pose
from fer_nb.opencv import cv2

coordinate = st.floats(-40, 120)
side = st.floats(3, 80)


def test_boxes_far_larger_than_the_picture_are_refused(astronaut):
    with pytest.raises(FerError, match="far larger than the picture"):
        crop_face(astronaut, Face(0, 0, 100_000, 3, 1.0))


@pytest.mark.parametrize("box", [(float("nan"), 0, 5, 5), (0, 0, float("inf"), 5)])
def test_boxes_of_no_numbers_are_refused(astronaut, box):
    with pytest.raises(FerError, match="finite"):
        crop_face(astronaut, Face(*box, 1.0))


def test_a_picture_of_another_kind_is_refused_with_a_remedy(astronaut):
    clear = np.dstack([astronaut, astronaut[..., 0]])
    with pytest.raises(FerError, match=r"without its transparency: picture\[\.\.\., :3\]"):
        check_picture(clear)
    with pytest.raises(FerError, match=r"\(255 \* picture\)"):
        check_picture(astronaut / 255)


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


def points_of(box, tilt_deg) -> np.ndarray:
    """Five landmarks of a frontal face in a box, turned about its middle (clockwise on screen)."""
    x, y, side = box
    level = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]) - 0.5
    angle = np.radians(tilt_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return level @ turn * side + (x + side / 2, y + side / 2)


@pytest.mark.parametrize("tilt_deg", [-45, -20, 3, 20, 45, 90])
@pytest.mark.parametrize("max_side", [None, 48])
def test_a_tilted_face_is_turned_upright(astronaut, tilt_deg, max_side):
    x, y, side = 170, 62, 104
    middle = (x + side / 2 - 0.5, y + side / 2 - 0.5)
    turn = cv2.getRotationMatrix2D(middle, -tilt_deg, 1)
    tilted = cv2.warpAffine(astronaut, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    face = Face(x, y, side, side, 1.0, points_of((x, y, side), tilt_deg))
    assert np.degrees(face.tilt) == pytest.approx(tilt_deg)
    level = crop_face(astronaut, Face(x, y, side, side, 1.0), max_side=max_side)
    turned = crop_face(tilted, face, upright=True, max_side=max_side)
    assert turned.shape == level.shape
    inner = np.s_[len(level) // 8 : -len(level) // 8, len(level) // 8 : -len(level) // 8]
    difference = np.abs(turned.astype(int) - level)[inner].mean()
    as_it_lies = crop_face(tilted, face, max_side=max_side)
    assert difference < 6
    if abs(tilt_deg) > 10:
        assert difference < np.abs(as_it_lies.astype(int) - level)[inner].mean() / 3


def test_a_face_without_landmarks_stays_as_it_is(astronaut):
    face = Face(170, 62, 104, 104, 1.0)
    np.testing.assert_array_equal(
        crop_face(astronaut, face, 0.1, upright=True), crop_face(astronaut, face, 0.1)
    )


def test_turning_at_the_pictures_edge_repeats_its_border(astronaut):
    face = Face(0, 0, 60, 60, 1.0, points_of((0, 0, 60), 30))
    assert crop_face(astronaut, face, 0.2, upright=True).shape == (72, 72, 3)
    assert crop_face(astronaut[..., 0], face, upright=True).shape == (60, 60)


def test_a_face_carried_to_another_picture_keeps_its_pose():
    face = Face(10, 20, 30, 40, 1.0, np.ones((5, 2)), Pose(10.0, -5.0, 3.0))
    assert face.placed(2.0, 7.0, 1.0).pose == face.pose == Pose(10.0, -5.0, 3.0)

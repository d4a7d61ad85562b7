"""Tilted faces, seen by a detector that takes them for less tilted than they are."""

from dataclasses import replace

import numpy as np
import pytest

from fer_nb.faces import Face
from fer_nb.faces.closer import REGION_SIDE, look_at, upright
from fer_nb.faces.pose import Pose
from fer_nb.faces.tracking import Tracker

GREYS = (60, 100, 140, 180, 220)
LEVEL = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]) - 0.5


def dots(tilt_deg: float, middle=(150, 120), side=100) -> np.ndarray:
    """A picture (240, 320) of five landmarks, each of its own grey."""
    image = np.zeros((240, 320), np.uint8)
    angle = np.radians(tilt_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for value, (x, y) in zip(GREYS, LEVEL @ turn * side + middle, strict=True):
        image[round(y) - 5 : round(y) + 6, round(x) - 5 : round(x) + 6] = value
    return image


def half_sighted(image: np.ndarray) -> list[Face]:
    """Find the dots; tell of half the tilt only."""
    points = []
    for value in GREYS:
        ys, xs = np.nonzero(np.abs(image.astype(int) - value) < 8)
        if not len(xs):
            return []
        points.append((np.median(xs), np.median(ys)))
    points = np.array(points)
    across, down = points[1] - points[0]
    tilt = np.arctan2(down, across)
    middle = points.mean(axis=0)
    back = np.array(
        [[np.cos(tilt / 2), -np.sin(tilt / 2)], [np.sin(tilt / 2), np.cos(tilt / 2)]]
    )  # turned upright by half
    side = 2.5 * np.hypot(across, down)
    seen = (points - middle) @ back + middle
    return [Face(*(middle - side / 2), side, side, 1.0, seen)]


@pytest.mark.parametrize("tilt_deg", [-40, -15, 15, 40])
def test_a_few_looks_find_the_whole_tilt(tilt_deg):
    image = dots(tilt_deg)
    (first,) = half_sighted(image)
    assert np.degrees(first.tilt) == pytest.approx(tilt_deg / 2, abs=2)
    face = upright(image, first, half_sighted)
    assert np.degrees(face.tilt) == pytest.approx(tilt_deg, abs=4)
    assert face.width == pytest.approx(100, abs=8)
    assert (face.x + face.width / 2, face.y + face.height / 2) == pytest.approx((150, 125), abs=8)


def test_the_pose_seen_in_a_turned_cut_is_that_of_the_picture():
    def with_pose(cut):
        return [replace(f, angles=Pose(8.0, -3.0, np.degrees(f.tilt))) for f in half_sighted(cut)]

    image = dots(30)
    (first,) = half_sighted(image)
    face = upright(image, first, with_pose)
    assert face.pose == pytest.approx((8, -3, np.degrees(face.tilt)), abs=2)


def test_a_level_face_is_not_looked_at_again():
    (first,) = half_sighted(dots(0))
    assert upright(dots(0), first, lambda _: pytest.fail("looked")) is first
    unmarked = Face(10, 10, 50, 50, 1.0)
    assert upright(dots(0), unmarked, lambda _: pytest.fail("looked")) is unmarked


def test_what_cannot_be_found_again_stays(astronaut):
    (first,) = half_sighted(dots(30))
    assert upright(dots(30), first, lambda _: []) is first
    assert look_at(dots(30), first, lambda _: []) is None


def test_cuts_are_small():
    sizes = []

    def measured(cut):
        sizes.append(max(cut.shape))
        return half_sighted(cut)

    (first,) = half_sighted(dots(30, side=150))
    look_at(dots(30, side=150), first, measured)
    assert sizes == [REGION_SIDE]


def test_a_tracked_face_is_turned_to_its_whole_tilt():
    tracker = Tracker(half_sighted, detect_interval_s=0)
    for i in range(6):
        (track,) = tracker.update(dots(30), i / 10)
    assert np.degrees(track.face.tilt) == pytest.approx(30, abs=3)

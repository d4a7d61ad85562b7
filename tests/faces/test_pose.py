import numpy as np
import pytest

from fer_nb.faces import Face
from fer_nb.faces.pose import MEAN_FACE, Pose, head_pose


def seen(yaw, pitch, roll, face=MEAN_FACE, distance_cm=60.0, focal=700.0) -> np.ndarray:
    """Landmarks (5, 2) of a turned face before a camera, in pixels."""
    y, p, r = np.radians([yaw, pitch, roll])
    # x to the person's left, y down, z away from the camera: the nose points to -z.
    turned = [[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]]
    raised = [[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]]
    tilted = [[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]]
    turn = np.array(tilted) @ np.array(turned) @ np.array(raised)
    points = (face - face.mean(axis=0)) @ turn.T + (0, 0, distance_cm)
    return points[:, :2] / points[:, 2:] * focal + (320, 240)


@pytest.mark.parametrize(
    ("angles", "which"),
    [((25, 0, 0), "yaw"), ((0, 20, 0), "pitch"), ((0, 0, 30), "roll")],
)
def test_signs_are_those_of_the_person(angles, which):
    """To the left, up, and to the left shoulder are positive, as seen by the person."""
    points = seen(*angles)
    pose = head_pose(points)._asdict()
    assert pose[which] == pytest.approx(max(angles), abs=3)
    assert all(abs(value) < 3 for name, value in pose.items() if name != which)
    straight = seen(0, 0, 0)
    nose = points[2] - points[:2].mean(axis=0) - (straight[2] - straight[:2].mean(axis=0))
    if which == "yaw":
        assert nose[0] > 0  # the person's left is to the right in the picture
    elif which == "pitch":
        assert nose[1] < 0  # up
    else:
        assert points[1, 1] > points[0, 1]  # clockwise: the left eye is the lower one
        assert Face(0, 0, 9, 9, 1, points).tilt == pytest.approx(np.radians(30), abs=0.05)


def test_mean_error_on_turned_faces_of_other_shapes():
    """Faces 5 % wider, longer or flatter, before a near camera, landmarks a bit off."""
    rng = np.random.default_rng(0)
    away = []
    for _ in range(300):
        angles = rng.uniform((-45, -30, -45), (45, 30, 45))
        face = MEAN_FACE * rng.normal(1, 0.05, 3)
        points = seen(*angles, face=face)
        size = np.ptp(points[:, 0])
        away.append(
            np.abs(np.subtract(head_pose(points + rng.normal(0, 0.02 * size, (5, 2))), angles))
        )
    assert (np.mean(away, axis=0) <= 6).all(), np.mean(away, axis=0)


def test_pose_depends_on_neither_size_nor_place():
    points = seen(20, -10, 5)
    assert head_pose(points * 3 + 100) == pytest.approx(head_pose(points), abs=1e-4)


@pytest.mark.parametrize("points", [None, np.full((5, 2), 7.0), np.full((5, 2), np.nan)])
def test_pose_is_unknown_where_nothing_is_known(points):
    assert np.isnan(head_pose(points)).all()
    assert np.isnan(Face(0, 0, 9, 9, 1, points).pose).all()


def test_a_picture_turned_clockwise_rolls_the_head_only():
    assert Pose(10, 20, 5).rolled(30) == Pose(10, 20, 35)
    assert Pose(10, 20, 170).rolled(30).roll == pytest.approx(-160)
    assert Pose(10, 20, -170).rolled(-30).roll == pytest.approx(160)

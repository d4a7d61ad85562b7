import pickle
from pathlib import Path

import numpy as np
import pytest
import skimage

from fer_nb.errors import FerError, ModelError
from fer_nb.faces import face5, load_detector
from fer_nb.faces.pose import Pose, head_pose
from fer_nb.media import VideoReader
from fer_nb.opencv import cv2
from fer_nb.widgets.samples import sample_video

# Read off the picture.
EYES_NOSE_MOUTH = np.array([[204, 100], [246, 103], [224, 126], [204, 140], [243, 141]])


@pytest.fixture(scope="module")
def detector():
    return load_detector("face5")


def middle(face) -> np.ndarray:
    return np.array([face.x + face.width / 2, face.y + face.height / 2])


def turned(image: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.7)
    return cv2.warpAffine(image, matrix, (width, height)), matrix


def test_it_is_small():
    assert face5.FILE.stat().st_size + face5.POINTS_FILE.stat().st_size < 1_000_000


def test_the_face_and_its_landmarks_lie_where_they_are(detector, astronaut):
    (face,) = detector(astronaut)
    assert middle(face) == pytest.approx([223, 120], abs=8)
    assert np.abs(face.landmarks - EYES_NOSE_MOUTH).max() < 6
    assert 0.5 < face.score <= 1
    (mirrored,) = detector(np.ascontiguousarray(astronaut[:, ::-1]))
    assert middle(mirrored)[0] == pytest.approx(512 - middle(face)[0], abs=4)
    assert mirrored.landmarks[0, 0] == pytest.approx(512 - face.landmarks[1, 0], abs=5)


@pytest.mark.parametrize("degrees", [-45, -30, -20, 20, 30, 45])
def test_landmarks_turn_with_a_tilted_face(detector, astronaut, degrees):
    image, matrix = turned(astronaut, degrees)
    face = max(detector(image), key=lambda face: face.score)
    expected = EYES_NOSE_MOUTH @ matrix[:, :2].T + matrix[:, 2]
    assert np.abs(face.landmarks - expected).max() < 9


@pytest.mark.parametrize("degrees", [-30, 20])
def test_a_tilt_of_the_picture_is_a_roll_of_the_head(detector, astronaut, degrees):
    """Turned on screen, a head has rolled, but is neither turned nor raised."""
    level = detector(turned(astronaut, 0)[0])[0].pose
    tilted = max(detector(turned(astronaut, degrees)[0]), key=lambda face: face.score).pose
    assert tilted.roll - level.roll == pytest.approx(-degrees, abs=4)  # counter-clockwise is less
    assert (tilted.yaw, tilted.pitch) == pytest.approx((level.yaw, level.pitch), abs=6)


def test_a_nose_pushed_to_one_side_is_a_head_turned_there(detector, hopper):
    """What is wider on one side of the nose than on the other is nearer there."""
    height, width = hopper.shape[:2]
    (face,) = detector(hopper)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    push = 0.13 * face.width * np.exp(-(((x - face.landmarks[2, 0]) / (0.45 * face.width)) ** 2))
    turned_heads = [
        detector(cv2.remap(hopper, (x + side * push).astype(np.float32), y, cv2.INTER_LINEAR))[0]
        for side in (1, 0, -1)
    ]
    right, middle, left = (face.pose.yaw for face in turned_heads)
    assert right < middle - 3 < middle + 3 < left


def test_in_the_mirror_a_head_is_tilted_to_the_other_side(detector, astronaut):
    (face,) = detector(astronaut)
    (mirrored,) = detector(np.ascontiguousarray(astronaut[:, ::-1]))
    assert face.pose.roll > 3
    assert np.multiply(mirrored.pose, (-1, 1, -1)) == pytest.approx(face.pose, abs=3)


def test_the_pose_of_a_face_of_few_pixels_is_that_of_its_landmarks(detector, astronaut):
    (face,) = detector(cv2.resize(astronaut, (144, 144), interpolation=cv2.INTER_AREA))
    assert max(face.width, face.height) < face5.FEW_PIXELS
    assert face.angles is None
    assert face.pose == head_pose(face.landmarks)


def test_grey_and_colour_give_the_same_faces(detector, hopper):
    colour = detector(hopper)
    grey = detector(cv2.cvtColor(hopper, cv2.COLOR_RGB2GRAY))
    assert len(colour) == len(grey) > 0
    for one, other in zip(colour, grey, strict=True):
        assert np.array_equal(middle(one), middle(other))
        assert np.array_equal(one.landmarks, other.landmarks)


def test_boxes_do_not_depend_on_resolution(detector, astronaut):
    (small,) = detector(astronaut)
    (large,) = detector(cv2.resize(astronaut, None, fx=4, fy=4))
    assert middle(large) / 4 == pytest.approx(middle(small), abs=3)
    assert large.width / 4 == pytest.approx(small.width, rel=0.1)


def test_a_face_is_found_from_ten_percent_of_the_picture_to_all_of_it(detector, head):
    for side in (48, 96, 200, 640, 1200):
        assert len(detector(cv2.resize(head, (side, side)))) == 1, side
    board = np.full((640, 640, 3), 120, np.uint8)
    board[300:348, 300:348] = cv2.resize(head, (48, 48), interpolation=cv2.INTER_AREA)
    assert len(detector(board)) == 1


def test_twelve_faces_in_a_large_photo_are_found(detector, head, hopper):
    photo = np.random.default_rng(0).normal(110, 12, (3000, 4000, 3)).astype(np.uint8)
    heads = [cv2.resize(h, (280, 280)) for h in (head, hopper[60:340, 110:390])]
    places = [(x, y) for y in (300, 1300, 2300) for x in (400, 1400, 2400, 3400)]
    for i, (x, y) in enumerate(places):
        photo[y : y + 280, x : x + 280] = heads[i % 2]
    faces = detector(photo)
    assert len(faces) == 12
    for x, y in places:
        assert any((np.abs(middle(face) - (x + 140, y + 140)) < 60).all() for face in faces)


def test_a_cut_around_a_known_face_is_enough(detector, astronaut):
    (face,) = detector(astronaut)
    cut = np.ascontiguousarray(astronaut[22:222, 124:324])
    (near,) = detector.near(cut)
    corner = np.array([124, 22])
    assert middle(near) + corner == pytest.approx(middle(face), abs=6)
    assert np.abs(near.landmarks + corner - face.landmarks).max() < 8


def test_less_is_needed_to_know_a_face_again_than_to_find_one(astronaut):
    strict = load_detector("face5", min_score=0.95)
    assert strict(astronaut) == []
    assert len(strict.near(np.ascontiguousarray(astronaut[22:222, 124:324]))) == 1


@pytest.mark.parametrize(
    ("second", "third", "score", "looks"),
    [(0.9, 0.0, 0.75, 1), (0.6, 0.8, 0.7, 2), (0.6, 0.2, 0.6, 2), (0.2, 0.9, 0.4, 1)],
)
def test_who_just_falls_short_is_looked_at_once_more(
    detector, second, third, score, looks, monkeypatch
):
    face = np.array([0.6, 40, 40, 80, 90, 50, 60, 70, 60, 60, 70, 50, 80, 70, 80])
    given = []

    def look_alone(self, grey, faces):
        given.append(len(faces))
        return np.full(len(faces), [second, third][len(given) - 1])

    monkeypatch.setattr(face5.Face5Detector, "_look_alone", look_alone)
    picture = np.zeros((200, 200), np.uint8)
    [seen] = detector._look_again(picture, [face], 0.65, np.inf)
    assert seen[0] == pytest.approx(score)
    assert sum(given) == looks


@pytest.mark.parametrize(
    ("axis", "beyond", "alike"), [("yaw", 25, 0.85), ("pitch", 14, 0.45), ("roll", 14, 0.85)]
)
def test_the_pose_is_that_of_the_labels(detector, shared, axis, beyond, alike):
    """Of pictures that were not learned from, those said to be turned to one side and the other."""
    pack = np.load(Path(shared) / "data" / "genki4k_dev.npz")
    angles = np.degrees(pack["pose"][:, Pose._fields.index(axis)])
    at = [i for i in range(1700, 2000) if abs(angles[i]) > beyond][:24]
    found, said = [], []
    for i in at:
        start, end = pack["offsets"][i : i + 2]
        bgr = cv2.imdecode(pack["jpeg"][start:end], cv2.IMREAD_COLOR)
        faces = detector(np.ascontiguousarray(bgr[..., ::-1]))
        if faces:
            found.append(getattr(faces[0].pose, axis))
            said.append(angles[i])
    assert len(found) >= 12
    assert np.corrcoef(found, said)[0, 1] > alike


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "brick", "text", "moon"])
def test_pictures_of_nobody_show_nobody(detector, name):
    picture = getattr(skimage.data, name)()
    assert detector(picture) == []


@pytest.mark.parametrize(
    "shape", [(1, 1, 3), (5, 300, 3), (40, 40), (200, 300), (1, 5000, 3), (5000, 1)]
)
def test_empty_pictures_of_any_size_show_nobody(detector, shape):
    assert detector(np.full(shape, 128, np.uint8)) == []


def test_what_is_asked_for_is_kept(astronaut):
    assert load_detector("face5", min_size=200)(astronaut) == []
    assert len(load_detector("face5", min_size=40, long_side=320)(astronaut)) == 1
    again = pickle.loads(pickle.dumps(load_detector("face5", min_score=0.6, long_side=320)))
    assert (again.min_score, again.min_size, again.long_side) == (0.6, 0.0, 320)


@pytest.mark.parametrize(
    "options", [{"min_score": 0}, {"min_score": 1.5}, {"min_size": -1}, {"long_side": 5}], ids=str
)
def test_settings_that_cannot_work_are_refused(options):
    with pytest.raises(ModelError, match=next(iter(options))):
        load_detector("face5", **options)


def test_what_is_no_picture_is_refused(detector):
    for wrong in (np.zeros((50, 50, 3)), np.zeros((0, 5), np.uint8), np.zeros((9, 9, 4), np.uint8)):
        with pytest.raises(FerError, match="uint8 array"):
            detector(wrong)


def test_people_in_photos_are_found(detector, shared):
    counts = {"obama.jpg": 1, "biden.jpg": 1, "obama_and_biden.jpg": 2, "two_people.jpg": 2}
    for name, count in counts.items():
        path = Path(shared) / "data" / "photos" / name
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        assert len(detector(image)) == count, name


def test_a_wider_box_round_a_face_is_no_second_one():
    face, hair, crowd = (0.8, 40, 40, 80, 90), (0.7, 30, 20, 95, 110), (0.7, 0, 0, 200, 200)
    rows = np.zeros((3, 15))
    rows[:, :5] = face, hair, crowd
    kept = np.array(face5.best(rows))[:, 1:5]
    np.testing.assert_array_equal(kept, [face[1:], crowd[1:]])  # five times as wide: another


def test_a_name_patch_in_the_sample_video_is_no_face(detector, tmp_path):
    with VideoReader(sample_video(tmp_path / "sample.mp4")) as video:
        picture = next(iter(video)).image
    assert len(detector(picture)) == 2

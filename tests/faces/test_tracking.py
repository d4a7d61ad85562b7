import numpy as np
import pytest

from fer_nb.faces import Face
from fer_nb.faces.detectors import load_detector
from fer_nb.faces.tracking import Track, Tracker
from fer_nb.opencv import cv2

SIZE = (240, 480)


class Perfect:
    """A detector that is told the truth, and counts how often it is asked."""

    name, margin = "perfect", 0.0

    def __init__(self):
        self.boxes: list[tuple] = []
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        full = image.shape[:2] == SIZE
        return [Face(*box, 1.0) for box in self.boxes] if full else []


@pytest.fixture
def heads(head, hopper):
    return [cv2.resize(h, (90, 90)) for h in (head, hopper[40:330, 110:400])]


def scene(heads, places) -> np.ndarray:
    """Heads pasted on a textured ground; a place of None leaves one out."""
    rng = np.random.default_rng(3)
    image = cv2.resize(rng.integers(60, 190, (24, 48, 3), dtype=np.uint8), SIZE[::-1])
    for picture, place in zip(heads, places, strict=True):
        if place is not None:
            x, y = place
            image[y : y + 90, x : x + 90] = picture
    return image


def follow(heads, path, detector, fps=15, **options):
    """The id nearest to each head in every frame, None where there is none."""
    tracker = Tracker(detector, **options)
    seen = []
    for i, places in enumerate(path):
        if isinstance(detector, Perfect):
            detector.boxes = [(*place, 90, 90) for place in places if place is not None]
        tracks = tracker.update(scene(heads, places), i / fps)
        row = []
        for place in places:
            found = None
            for track in tracks:
                centre = np.array([track.face.x + track.face.width / 2, track.face.y + 45])
                if place is not None and np.abs(centre - np.add(place, 45)).max() < 30:
                    found = track.id
            row.append(found)
        seen.append(row)
    return np.array(seen, dtype=object), tracker


def test_two_people_keep_their_identities_with_a_real_detector(heads):
    """They approach each other, but do not overlap, and part again."""
    path = []
    for i in range(90):
        reach = round(60 * np.sin(np.pi * i / 89))
        path.append([(60 + reach, 70 + round(10 * np.sin(i / 5))), (330 - reach, 80)])
    seen, _ = follow(heads, path, load_detector("haar"))
    assert set(seen[3:, 0]) == {seen[-1, 0]}
    assert set(seen[3:, 1]) == {seen[-1, 1]}
    assert seen[-1, 0] != seen[-1, 1]


@pytest.mark.parametrize(("gap_frames", "same"), [(7, True), (13, True), (40, True)])
def test_identity_survives_gaps(heads, gap_frames, same):
    path = [[(80, 60), (300, 70)]] * 30
    path += [[None, (300, 70)]] * gap_frames
    path += [[(90, 64), (300, 70)]] * 30
    seen, _ = follow(heads, path, Perfect())
    before, after = seen[25, 0], seen[-1, 0]
    assert (before == after) is same
    assert after is not None
    assert set(seen[1:, 1]) == {seen[-1, 1]}
    assert seen[30 + min(gap_frames - 1, 5), 0] is None


def test_newcomer_far_away_gets_a_new_identity(heads):
    path = [[(20, 60), None]] * 20 + [[None, None]] * 5 + [[None, (340, 70)]] * 30
    seen, _ = follow(heads, path, Perfect())
    assert seen[-1, 1] not in (None, seen[10, 0])


def test_detector_runs_on_few_frames(heads):
    detector = Perfect()
    follow(heads, [[(100, 60), (300, 60)]] * 60, detector, fps=30)
    assert detector.calls <= 2 * 2 / 0.2 + 5  # both faces five times a second, for two seconds
    every_frame = Perfect()
    follow(heads, [[(100, 60), None]] * 10, every_frame, detect_interval_s=0)
    assert every_frame.calls >= 10


class Counted:
    """The detector that ships, and how often it searched everywhere and looked nearby."""

    grey, margin = True, 0.0

    def __init__(self):
        self.detector = load_detector()
        self.searches = self.looks = 0

    def __call__(self, image):
        self.searches += 1
        return self.detector(image)

    def near(self, region):
        self.looks += 1
        return self.detector.near(region)


def test_where_nothing_changes_little_is_searched(heads):
    still, restless = Counted(), Counted()
    follow(heads, [[(100, 60), None]] * 91, still)  # six seconds
    path = [[(100, 60), (250 + 6 * (i % 20), 70)] for i in range(91)]
    follow([heads[0], heads[1][::-1]], path, restless)  # something moves that is no face
    assert still.searches <= 4  # at first, when it is certain, and every three seconds
    assert restless.searches >= 6  # every second
    assert 12 <= still.looks <= 20  # every 0.4 s, not every 0.2 s


@pytest.mark.parametrize("first", [47, 52, 60])
def test_a_newcomer_before_a_still_ground_is_found_within_the_second(heads, first):
    path = [[(100, 60), None]] * first + [[(100, 60), (320, 80)]] * 40
    seen, _ = follow(heads, path, Counted())
    assert seen[first + 15 + 6, 1] is not None  # a second, and the wait for the next detection
    assert set(seen[1:, 0]) == {seen[-1, 0]}


def test_a_face_that_begins_to_move_is_looked_at_as_often_as_ever(heads):
    detector, looks = Counted(), []
    tracker = Tracker(detector)
    for i in range(120):
        x = 60 if i < 60 else 60 + 4 * (i - 60)
        tracker.update(scene(heads, [(x, 60), None]), i / 30)
        looks.append(detector.looks + detector.searches)
    still, moving = looks[59] - looks[29], looks[119] - looks[89]
    assert still <= 3 < 5 <= moving  # in one second each


def test_an_empty_picture_is_searched_as_often_as_ever(heads):
    detector = Counted()
    follow(heads, [[None, None]] * 31, detector)  # two seconds
    assert detector.searches >= 10


def test_face_is_followed_between_detections(heads):
    """Between its detections a moving face is located to a few pixels."""
    detector = Perfect()
    tracker = Tracker(detector, detect_interval_s=5, search_interval_s=5, follow_s=5, max_gap_s=5)
    for i in range(30):
        place = (60 + 4 * i, 70 + i)
        detector.boxes = [(*place, 90, 90)]
        (track,) = tracker.update(scene(heads[:1], [place]), i / 25)
        assert track.face.x == pytest.approx(place[0], abs=4)
        assert track.face.y == pytest.approx(place[1], abs=4)
    assert detector.calls == 1


def test_face_that_left_is_not_seen_on(heads):
    path = [[(200, 70), None]] * 20 + [[None, None]] * 20
    _, tracker = follow(heads, path, Perfect())
    assert tracker.update(scene(heads, [None, None]), 2.7) == []


def test_a_change_of_format_does_not_stop_it(heads):
    detector = Perfect()
    tracker = Tracker(detector)
    detector.boxes = [(100, 60, 90, 90)]
    tracker.update(scene(heads, [(100, 60), None]), 0.0)
    assert tracker.update(np.zeros((120, 160, 3), np.uint8), 0.1) == []


@pytest.mark.parametrize("shape", [(1, 5000, 3), (5000, 2, 3)])
def test_thin_pictures_do_not_stop_it(shape):
    detector = Perfect()
    detector.boxes = [(0, 0, shape[1], shape[0])]
    tracker = Tracker(detector, detect_interval_s=0)
    for i in range(3):
        tracker.update(np.full(shape, 128, np.uint8), i / 10)


@pytest.mark.parametrize(
    ("hits", "rounds", "last_s", "is_face"),
    [(5, 6, 0.2, True), (2, 5, 0.2, False), (1, 2, 0.2, True), (2, 4, 2.0, True)],
    ids=["found often", "false alarm", "has just come", "found over a longer time"],
)
def test_false_alarms_are_told_from_faces(hits, rounds, last_s, is_face):
    face = Face(5, 5, 20, 20, 1.0)
    track = Track(0, face, True, last_s, last_s, born_s=0.0, hits=hits, rounds=rounds)
    assert track.confirmed(min_detections=3) is is_face

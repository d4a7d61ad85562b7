"""Who is who: crossing, cuts, coming back, many people, and a photograph on the wall."""

import numpy as np
import pytest

from fer_nb.faces import Face
from fer_nb.faces.appearance import ALIKE, OTHER, appearance
from fer_nb.faces.tracking import Tracker
from fer_nb.opencv import cv2

HEIGHT, WIDTH, SIDE = 360, 640, 70


def people(count: int) -> list[np.ndarray]:
    """Heads that nobody has: patches of a colour and pattern of their own."""
    heads = []
    for i in range(count):
        rng = np.random.default_rng(100 + i)
        coarse = rng.integers(30, 225, (6, 6, 3), dtype=np.uint8)
        heads.append(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
    return heads


def room(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 190, (9, 16, 3), dtype=np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


class Told:
    """A detector that is told where in the whole picture the faces are."""

    def __init__(self):
        self.places: list[tuple[int, int]] = []

    def __call__(self, image):
        return [Face(x, y, SIDE, SIDE, 1.0) for x, y in self.places]


def watch(frames, fps=15, **options) -> list[dict]:
    """Track scenes, each (room, [(head, (x, y)), …]); give the id at each head, by its index."""
    detector = Told()
    options = {"detect_interval_s": 0.0, "search_interval_s": 0.0} | options
    tracker, seen = Tracker(detector, **options), []
    for i, (ground, heads) in enumerate(frames):
        picture = ground.copy()
        for head, (x, y) in heads:
            picture[y : y + SIDE, x : x + SIDE] = head
        detector.places = [place for _, place in heads]
        tracks = tracker.update(picture, i / fps)
        row = {}
        for track in tracks:
            near = [np.hypot(track.face.x - x, track.face.y - y) for _, (x, y) in heads]
            if near and min(near) < SIDE / 3:
                row[int(np.argmin(near))] = track.id
        seen.append(row)
    return seen


@pytest.mark.parametrize("interval_s", [0.0, 0.2])
def test_two_who_cross_keep_their_numbers(interval_s):
    """One walks past in front of the other."""
    (a, b), ground = people(2), room(1)
    frames = [(ground, [(b, (500 - 8 * i, 150)), (a, (60 + 8 * i, 140))]) for i in range(50)]
    seen = watch(frames, detect_interval_s=interval_s)
    assert seen[5][0] != seen[5][1]
    assert {k: seen[-1][k] for k in (0, 1)} == {k: seen[5][k] for k in (0, 1)}


def test_two_who_change_places_at_a_cut_keep_their_numbers():
    (a, b), ground = people(2), room(1)
    left, right = (120, 130), (430, 140)
    frames = [(ground, [(a, left), (b, right)])] * 20 + [(ground, [(b, left), (a, right)])] * 20
    seen = watch(frames)
    assert seen[15] == {0: 0, 1: 1}
    assert seen[-1] == {0: 1, 1: 0}


def test_three_people_one_after_the_other_are_three():
    place = (280, 130)
    frames = [(room(i), [(head, place)]) for i, head in enumerate(people(3)) for _ in range(20)]
    seen = watch(frames)
    assert [seen[i][0] for i in (15, 35, 55)] == [0, 1, 2]


def test_who_comes_back_after_a_cut_gets_the_number_back():
    (a, b), place = people(2), (280, 130)
    shots = [(room(1), a, place), (room(2), b, place), (room(1), a, (150, 90)), (room(2), b, place)]
    frames = [(ground, [(head, at)]) for ground, head, at in shots for _ in range(20)]
    seen = watch(frames)
    assert [seen[i][0] for i in (15, 35, 55, 75)] == [0, 1, 0, 1]


def test_who_is_away_for_longer_than_the_memory_is_new():
    (a,), ground, place = people(1), room(1), (280, 130)
    frames = [(ground, [(a, place)])] * 20 + [(ground, [])] * 60 + [(ground, [(a, place)])] * 20
    assert watch(frames, memory_s=10.0)[-1] == {0: 0}
    assert watch(frames, memory_s=2.0)[-1] == {0: 1}


def test_twelve_people_are_twelve():
    ground, heads = room(1), people(12)
    at = [(30 + 150 * (i % 4), 20 + 110 * (i // 4)) for i in range(12)]
    frames = [
        (
            ground,
            [
                (h, (x + round(8 * np.sin(i / 4 + x)), y))
                for h, (x, y) in zip(heads, at, strict=True)
            ],
        )
        for i in range(40)
    ]
    seen = watch(frames, detect_interval_s=0.2)
    assert seen[5] == seen[-1] == {i: i for i in range(12)}


def test_a_photograph_on_the_wall_is_nobody_who_moves(head):
    """The portrait of a person hangs beside the person; who leaves does not become the portrait."""
    person = cv2.resize(head, (SIDE, SIDE))
    ground, wall = room(1), (480, 40)
    walk = [[(person, wall), (person, (60 + 6 * i, 200))] for i in range(30)]
    frames = [(ground, heads) for heads in walk] + [(ground, [(person, wall)])] * 20
    frames += [(ground, [(person, wall), (person, (200, 200))])] * 20
    seen = watch(frames)
    assert {row[0] for row in seen} == {0}
    assert seen[20][1] == seen[-1][1] == 1


def test_looks_tell_people_apart(head, hopper):
    other = cv2.resize(hopper[40:330, 110:400], (180, 180))
    face = Face(30, 30, 120, 120, 1.0)
    darker = (head * 0.7).astype(np.uint8)
    one, again, two = (appearance(image, face) for image in (head, darker, other))
    assert float(one @ one) == pytest.approx(1, abs=1e-5)
    assert float(one @ again) > ALIKE
    assert float(one @ two) < OTHER
    grey = appearance(head[..., 1], face)
    assert len(grey) < len(one)

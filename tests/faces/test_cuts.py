from itertools import islice

import numpy as np
import pytest

from fer_nb.faces import Tracker, load_detector
from fer_nb.faces.cuts import Cuts, changes, thumbnail
from fer_nb.media import VideoReader
from fer_nb.opencv import cv2


def cuts_in(frames) -> list[int]:
    is_cut = Cuts()
    return [i for i, frame in enumerate(frames) if is_cut(frame)]


@pytest.fixture
def grey(astronaut):
    return cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)


def people_before_one_wall(count: int) -> list[np.ndarray]:
    """Heads of one size on a light wall: their thumbnails correlate by about 0.7."""
    pictures = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        picture = np.full((240, 320), 170.0)
        cv2.ellipse(picture, [(160, 130), (130, 180), 0], 100.0, -1)
        marks = cv2.resize(rng.normal(0, 36, (8, 8)), (320, 240), interpolation=cv2.INTER_CUBIC)
        pictures.append(np.clip(picture + marks, 10, 250).astype(np.uint8))
    return pictures


def with_bars(picture: np.ndarray, across: int, down: int) -> np.ndarray:
    return cv2.copyMakeBorder(picture, down, down, across, across, cv2.BORDER_CONSTANT)


def test_movement_and_light_are_no_cuts(grey):
    assert cuts_in([grey, np.roll(grey, 20, axis=1), (grey * 0.4).astype(np.uint8), grey]) == []


def test_another_scene_is_a_cut_and_so_is_black(grey):
    black = np.zeros_like(grey)
    assert cuts_in([grey, grey, grey[::-1], black, black, grey]) == [2, 3, 5]


@pytest.mark.parametrize(("across", "down"), [(0, 0), (0, 60), (300, 0)])
def test_people_before_one_wall_are_told_apart_by_how_suddenly_they_change(across, down):
    first, second = (with_bars(p, across, down) for p in people_before_one_wall(2))
    moved = [np.roll(first, i % 3, axis=1) for i in range(10)]
    assert cuts_in([*moved, *[second] * 5, *moved]) == [10, 15]


def test_what_changes_all_the_time_is_movement():
    first, second = people_before_one_wall(2)
    half = cv2.addWeighted(first, 0.3, second, 0.7, 0)
    assert cuts_in([first, half] * 5) == []
    assert cuts_in([*[first] * 5, half]) == [5]


def test_light_is_no_change():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 200, (240, 320), dtype=np.uint8)
    same = changes(thumbnail(picture), thumbnail(picture + 40))
    np.testing.assert_allclose(same, 0, atol=1e-3)
    other = changes(thumbnail(picture), thumbnail(np.where(np.arange(320) < 40, 255, picture)))
    assert other[:, :3].min() > 5 * other[:, 3:].max()


def test_who_sits_before_one_wall_after_another_gets_a_number_of_their_own(shared):
    """Three recordings of one kind, cut to each other and back."""
    shots = {}
    for name in ("d6", "d18", "d19"):
        with VideoReader(shared / "data" / "videos" / f"liveportrait_{name}.mp4") as video:
            shots[name] = [cv2.resize(frame.image, (480, 480)) for frame in islice(video, 50)]
    tracker, seen = Tracker(load_detector()), []
    for shot in ("d18", "d19", "d6", "d18"):
        begin = 25 if shot in [name for name, _ in seen] else 0
        for picture in shots[shot][begin : begin + 25]:
            time_s = len(seen) / 25
            seen.append((shot, [track.id for track in tracker.update(picture, time_s)]))
    assert [ids for _, ids in seen[20::25]] == [[0], [1], [2], [0]]

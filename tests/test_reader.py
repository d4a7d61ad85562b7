"""One way from a picture to readings, whoever asks."""

import numpy as np
import pytest

from fer_nb.draw import draw_reactions, draw_readings
from fer_nb.emotions import PROBABILITY_COLUMNS
from fer_nb.faces import Face
from fer_nb.media import VideoReader
from fer_nb.models import load_model
from fer_nb.opencv import cv2
from fer_nb.reactions import analyze_frames, analyze_image, analyze_video
from fer_nb.reader import FaceReader, picture_quality


def test_brightness_and_contrast():
    dark = np.zeros((64, 64, 3), np.uint8)
    dark[:, 32:] = 200
    assert picture_quality(dark) == pytest.approx((100, 100), abs=1)


@pytest.mark.parametrize("val_ar", [False, True])
def test_a_photo_gives_its_table(astronaut, val_ar):
    both = np.hstack([astronaut, astronaut[:, ::-1]])
    table = analyze_image(both)
    readings = FaceReader().read(both)
    assert [reading.id for reading in readings] == table["face_id"].tolist() == [0, 1]
    for reading, row in zip(readings, table.to_dict("records"), strict=True):
        assert reading.emotion == row["emotion"] == "happy"
        assert reading.probs.tolist() == [row[name] for name in PROBABILITY_COLUMNS]
        assert (reading.valence, reading.arousal) == (row["valence"], row["arousal"])
        assert reading.face.x == pytest.approx(row["x"], abs=1e-3)
    drawn = draw_readings(both, readings, val_ar)
    np.testing.assert_array_equal(drawn, draw_reactions(both, table, val_ar))


def test_live_frames_are_read_as_those_of_a_recording(astronaut):
    frames = [(i / 10, np.roll(astronaut, 2 * i, axis=1)) for i in range(12)]
    table = analyze_frames(frames)
    reader = FaceReader()
    live = [reading for time_s, image in frames for reading in reader.read(image, time_s)]
    assert [r.face.x for r in live] == pytest.approx(table["x"], abs=1e-3)
    probs = np.array([reading.probs for reading in live])
    np.testing.assert_allclose(probs, table[list(PROBABILITY_COLUMNS)], atol=0.02)


def test_a_face_is_told_of_when_it_was_found_often_enough(astronaut):
    reader = FaceReader(report_after=2, detect_interval_s=0)
    assert reader.read(astronaut, 0.0) == []
    assert len(reader.read(astronaut, 0.1)) == 1


class Blink:
    """A detector that takes a corner for a face, but only for a moment."""

    name, margin = "blink", 0.0

    def __init__(self):
        self.asked = 0

    def __call__(self, image):
        self.asked += 1
        corner = [Face(10, 10, 60, 60, 0.1)] if self.asked <= 2 else []
        return [Face(170, 65, 110, 110, 1.0), *corner]


def test_a_false_alarm_is_no_person_in_the_end(astronaut):
    frames = [(i / 10, astronaut) for i in range(30)]
    table = analyze_frames(frames, detector=Blink(), detect_interval_s=0)
    assert table["face_id"].unique().tolist() == [0]
    assert table["x"].max() > 100
    everything = analyze_frames(frames, detector=Blink(), detect_interval_s=0, min_detections=1)
    assert set(everything["face_id"]) == {0, 1}


def test_threads_change_nothing(viewer):
    """One frame after the other, or three threads: the same faces, to the last bit."""
    cores = cv2.getNumThreads()
    with VideoReader(viewer) as video:
        threaded = list(FaceReader(load_model()).read_frames(video))
        try:
            cv2.setNumThreads(1)
            reader = FaceReader(load_model(threads=1))
            single = [reader.read(frame, frame.time_s) for frame in video]
        finally:
            cv2.setNumThreads(cores)
    assert sum(len(readings) for readings in single) > 30
    for frame, readings in zip(threaded, single, strict=True):
        for one, other in zip(frame.readings, readings, strict=True):
            for name in ("x", "y", "width", "height", "score"):
                assert getattr(one.face, name) == getattr(other.face, name)
            np.testing.assert_array_equal(one.face.landmarks, other.face.landmarks)
        for one, other in zip(frame.readings, readings, strict=True):
            np.testing.assert_allclose(one.probs, other.probs, atol=1e-5)


def test_a_video_is_read_as_its_pictures(viewer):
    """From the decoder's planes or from whole pictures in colour: nearly the same."""
    table = analyze_video(viewer)
    with VideoReader(viewer) as video:
        pictures = analyze_frames((frame.time_s, frame.image) for frame in video)
    assert table["face_id"].equals(pictures["face_id"])
    seen = table["face_id"].notna()
    names = [*PROBABILITY_COLUMNS, "valence"]
    difference = (table.loc[seen, names] - pictures.loc[seen, names]).abs()
    difference["valence"] /= 6  # its scale is six points long, a probability's one
    assert difference.mean().max() < 0.02

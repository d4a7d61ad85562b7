"""What the webcam preview does with frames, without a browser."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from fer_nb.errors import FerError
from fer_nb.models import Predictions
from fer_nb.tables import COLUMNS, check_table
from fer_nb.widgets.live import CALIBRATION_S, LiveSession, live_detector
from fer_nb.widgets.samples import sample


class Brightness:
    """A model whose valence follows the brightness of the face, so that a change can be made."""

    name = "brightness"

    def predict_batch(self, faces):
        light = np.array([face.mean() / 255 for face in faces], dtype=np.float32)
        probs = np.full((len(faces), 9), 0.05, np.float32)
        probs[:, 4] = 0.6
        return Predictions(probs, 1 + 6 * light, np.full_like(light, 4.0), {})


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    return cv2.resize(sample("astronaut")[:300, 60:460], (640, 480))


@pytest.fixture(scope="module")
def two() -> np.ndarray:
    return sample("two faces")


@pytest.fixture
def session() -> LiveSession:
    return LiveSession(Brightness(), live_detector(None), detect_interval_s=0.1)


def run(session, image, start_s: float, seconds: float, fps: int = 10) -> list[dict]:
    count = round(seconds * fps)
    return [session.look(image, start_s + i / fps) for i in range(count)]


def test_answers_carry_the_face_as_shares_of_the_picture(session, frame):
    *_, last = run(session, frame, 0, 1)
    (face,) = last["faces"]
    assert 0.2 < face["x"] < 0.5
    assert 0 < face["y"] < 0.6
    assert 0.6 < face["w"] * 640 / (face["h"] * 480) < 1  # a head, in pixels
    assert sum(face["probs"]) == pytest.approx(1, abs=1e-3)
    assert face["emotion"] == "happy"
    assert face["id"] == 0


def test_identities_are_steady_for_two_people(session, two):
    answers = run(session, two, 0, 3)
    places = {}
    for answer in answers:
        for face in answer["faces"]:
            places.setdefault(face["id"], []).append(face["x"])
    assert len(places) == 2
    assert all(np.ptp(xs) < 0.05 for xs in places.values())


def test_recording_is_a_reaction_table_that_starts_at_zero(session, frame):
    run(session, frame, 5, 1)
    session.record()
    run(session, frame, 6, 1)
    run(session, np.full_like(frame, 90), 7, 8)  # the person leaves
    session.stop_recording()
    run(session, frame, 20, 1)  # is not recorded
    table = check_table(session.table())
    assert tuple(table.columns) == COLUMNS
    assert table["time_s"].iloc[0] == 0
    assert table["time_s"].iloc[-1] == pytest.approx(8.9, abs=0.01)
    assert table["face_id"].isna().iloc[-1]
    assert len(table) == 90
    assert session.recorded() == {"frames": 90, "rows": 90, "seconds": pytest.approx(8.9)}
    assert table.attrs["video"]["fps"] == pytest.approx(10, rel=0.02)
    assert table.attrs["model"] == "brightness"


def test_nothing_recorded_is_said(session):
    with pytest.raises(FerError, match="press Record"):
        session.table()


def test_neutral_is_the_persons_own_mean(session, frame):
    run(session, frame, 0, 1)
    session.calibrate()
    answers = run(session, frame, 1, CALIBRATION_S + 0.5)
    assert answers[0]["calibration"] > 2.5
    assert "baseline" not in answers[0]["faces"][0]
    said = [answer["said"] for answer in answers if answer["said"]]
    assert said == ["Neutral is set; the change from it is shown."]
    (brighter,) = run(session, np.clip(frame * 1.3, 0, 255).astype(np.uint8), 5, 0.1)[-1]["faces"]
    assert brighter["valence"] > brighter["baseline"]["valence"] + 0.3
    assert session.baselines[0].frames >= 25


def test_the_neutral_of_a_recording_is_by_the_tables_numbers_and_stays(session, two):
    run(session, two[:, :360], 0, 1)  # one person, who leaves before the recording
    run(session, np.full_like(two, 90), 1, 6)
    run(session, two[:, 360:], 7, 3)
    session.record()
    session.calibrate()
    last = run(session, two[:, 360:], 10, CALIBRATION_S + 0.5)[-1]
    (face,) = last["faces"]
    assert face["id"] > 0
    session.stop_recording()
    session.start()  # the camera is started again
    table = session.table()
    assert table["face_id"].dropna().unique().tolist() == [0]
    assert table.attrs["neutral"]["0"]["valence"] == pytest.approx(
        face["baseline"]["valence"], 1e-2
    )
    assert list(session.neutral()) == [0]


def test_calibration_without_a_face_is_said(session):
    session.calibrate()
    grey = np.full((480, 640, 3), 90, np.uint8)
    said = [a["said"] for a in run(session, grey, 0, CALIBRATION_S + 0.5) if a["said"]]
    assert len(said) == 1
    assert "No face" in said[0]


def test_clock_that_runs_backwards_is_straightened(session, frame):
    session.record()
    for time_s in (1.0, 0.5, 1.0, 1.2):
        session.look(frame, time_s)
    assert (np.diff(session.table()["time_s"]) > 0).all()


def test_cells_may_ask_while_frames_come(session, frame):
    session.record()
    trouble = []

    def ask():
        try:
            for _ in range(20):
                session.stats()
                session.recorded()
        except Exception as error:
            trouble.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    run(session, frame, 0, 1)
    asking.join()
    assert not trouble
    assert session.stats()["fps"] == pytest.approx(10, rel=0.01)

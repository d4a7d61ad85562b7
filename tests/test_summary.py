import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_nb.emotions import EMOTIONS
from fer_nb.faces import Face
from fer_nb.models import Predictions
from fer_nb.summary import (
    headline,
    main_person,
    person_rows,
    recording_quality,
    same_person,
    smoothed,
    strongest_moments,
    time_code,
)
from fer_nb.tables import TableBuilder
from fer_nb.tracking import Track


def readings(happy) -> Predictions:
    """Happy with the given probability, else neutral; valence rises with it."""
    happy = np.asarray(happy, dtype=float)
    probs = np.zeros((len(happy), 9), np.float32)
    probs[:, EMOTIONS.index("happy")] = happy
    probs[:, EMOTIONS.index("neutral")] = 1 - happy
    return Predictions(probs, 4 + 2 * happy, 4 + happy, {})


def recording(times, happy, others=(), brightness=120) -> pd.DataFrame:
    """A table of one person; NaN in `happy` is a frame without a face."""
    builder = TableBuilder(min_detections=1)
    person = Track(0, Face(100, 50, 80, 80, 1.0), True, 0, 0)
    other = Track(1, Face(10, 10, 30, 30, 1.0), True, 0, 0)
    for i, (time_s, p) in enumerate(zip(times, happy, strict=True)):
        seen = [] if np.isnan(p) else [(person, p)]
        seen += [(other, 0.0)] if i in others else []
        picture = np.full((16, 16, 3), brightness, np.uint8)
        picture[:8] += 10
        picture[8:] -= 10
        read = readings([h for _, h in seen] or np.empty(0))
        builder.add(i, time_s, picture, [track for track, _ in seen], read)
    return builder.table()


def test_main_person_fills_most_of_the_picture():
    table = recording(np.arange(10) / 10, [0.1] * 3 + [np.nan] * 7, others=range(10))
    assert main_person(table) == 0
    assert main_person(recording([0.0, 0.1], [np.nan, np.nan])) is None
    rows = person_rows(table, 0)
    assert rows["frame"].tolist() == list(range(10))
    assert rows["face_id"].notna().sum() == 3
    assert rows["valence"].notna().sum() == 3


def test_who_comes_back_under_another_number_is_the_same_person():
    builder = TableBuilder(min_detections=1)
    first, again = (Track(i, Face(100, 50, 80, 80, 1.0), True, 0, 0) for i in (0, 1))
    beside = Track(2, Face(10, 10, 78, 78, 1.0), True, 0, 0)  # at a like size, but elsewhere
    picture = np.full((16, 16, 3), 120, np.uint8)
    for i in range(100):
        tracks = [first] if i < 30 else [again] if i >= 60 else []
        tracks = [*tracks, beside] if i > 40 else tracks
        builder.add(i, i / 10, picture, tracks, readings([0.1] * len(tracks)))
    table = builder.table()  # numbers faces as they come: the one beside is 1
    assert same_person(table, 0) == [0, 2]
    assert same_person(table, 1) == [1]
    rows = person_rows(table, 2)
    assert rows["face_id"].notna().sum() == 70
    assert rows["face_id"].dropna().unique().tolist() == [2]
    quality = recording_quality(table, 0)
    assert quality["face_share"] == pytest.approx(0.7)
    assert quality["other_faces_share"] == pytest.approx(0.4)


def test_quality_counts_gaps_and_others():
    happy = np.full(100, 0.1)
    happy[20:45] = np.nan
    happy[90:] = np.nan
    quality = recording_quality(recording(np.arange(100) / 10, happy, others=[3, 4, 30]))
    assert quality["face_share"] == pytest.approx(0.65)
    assert quality["longest_gap_s"] == pytest.approx(2.6)  # from the last sighting to the next
    assert quality["effective_fps"] == pytest.approx(10)
    assert quality["duration_s"] == pytest.approx(10)
    assert quality["brightness"] == pytest.approx(120, abs=1)
    assert quality["face_px"] == 80
    assert quality["other_faces_share"] == pytest.approx(0.02)  # beside the respondent
    assert quality["usable"]


def test_unusable_recordings_say_why():
    dark = recording_quality(recording(np.arange(50) / 10, [0.1] * 50, brightness=12))
    assert not dark["usable"]
    assert "too dark" in dark["reasons"][0]
    empty = recording_quality(recording(np.arange(50) / 10, [np.nan] * 50))
    assert empty["face_share"] == 0
    assert empty["longest_gap_s"] == pytest.approx(5.0)
    assert empty["reasons"] == ["face seen in 0% of the time, least 40%"]
    slow = recording_quality(recording(np.arange(10) / 2.0, [0.1] * 10))
    assert "2.0 frames per second" in slow["reasons"][0]
    single = recording_quality(recording([0.0], [0.1]))
    assert single["reasons"] == ["0.0 frames per second, least 5"]
    nothing = recording_quality(recording([], []))
    assert not nothing["usable"]
    assert nothing["longest_gap_s"] == 0


def test_the_share_of_the_face_is_one_of_time():
    times = np.concatenate([np.arange(0, 5, 0.1), np.arange(5, 10, 0.5)])
    half = recording_quality(recording(times, np.where(times < 5, np.nan, 0.1)))
    assert half["face_share"] == pytest.approx(0.5, abs=0.05)  # though in 10 of 60 frames
    assert half["usable"]


def test_the_time_after_who_leaves_counts_as_time_without():
    happy = np.where(np.arange(100) < 60, 0.1, np.nan)
    quality = recording_quality(recording(np.arange(100) / 10, happy))
    assert quality["longest_gap_s"] == pytest.approx(4.1)
    assert quality["usable"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.01, 0.5), st.one_of(st.just(np.nan), st.floats(0, 1))),
        min_size=1,
        max_size=60,
    ),
    st.floats(0, 3),
)
def test_smoothing_is_a_mean_of_what_was_seen_around(frames, window_s):
    steps, happy = zip(*frames, strict=True)
    times = np.cumsum(steps)
    happy = np.array(happy)
    rows = person_rows(recording(times, happy), 0)
    curve = smoothed(rows, window_s)["p_happy"].to_numpy()
    assert (np.isnan(curve) == np.isnan(happy)).all()  # nothing is made up
    for i in np.flatnonzero(~np.isnan(happy)):
        near = np.abs(times - times[i]) <= window_s / 2
        clear = np.abs(np.abs(times - times[i]) - window_s / 2).min() > 1e-6
        if clear or window_s == 0:
            expected = np.nanmean(happy[near]) if window_s > 0 else happy[i]
            assert curve[i] == pytest.approx(expected, abs=1e-5)


def test_moments_are_where_they_were_put():
    times = np.arange(300) / 10
    bumps = (5.0, 0.5), (15.0, 0.8), (16.0, 0.3), (29.9, 0.4)
    happy = sum(h * np.exp(-0.5 * ((times - t) / 0.4) ** 2) for t, h in bumps)
    curves = smoothed(person_rows(recording(times, happy), 0), 0.5)
    moments = strongest_moments(curves)
    assert moments["time_s"].tolist() == pytest.approx([5, 15, 29.9], abs=0.15)
    assert set(moments["emotion"]) == {"happy"}
    assert moments["rise"].idxmax() == 1
    assert len(strongest_moments(curves, count=1)) == 1
    flat = smoothed(person_rows(recording(times, happy * 0 + 0.3), 0))
    assert strongest_moments(flat).empty


def test_headline_weighs_frames_by_time():
    times = np.concatenate([np.arange(0, 5, 0.1), np.arange(5, 10, 0.5)])
    happy = np.where(times < 5, 1.0, 0.0)
    rows = person_rows(recording(times, happy), 0)
    figures = headline(rows, smoothed(rows))
    assert figures["mean_valence"] == pytest.approx(5.0, abs=0.1)  # though 50 of 60 frames smile
    assert figures["dominant"] == "happy"
    assert figures["peak_valence"] == pytest.approx(6)
    assert figures["peak_valence_s"] < 5 < figures["low_valence_s"]
    none = person_rows(recording([0.0], [np.nan]), None)
    assert headline(none, smoothed(none)) == {"measured_s": 0.0}


@pytest.mark.parametrize(
    ("seconds", "code"), [(0, "0:00.0"), (59.96, "1:00.0"), (83.24, "1:23.2"), (605, "10:05.0")]
)
def test_time_code(seconds, code):
    assert time_code(seconds) == code

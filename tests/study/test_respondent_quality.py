"""Who the respondent is, and whether the recording can be used."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fer_nb.person import LIMITS, find_person, measure, recording_quality
from fer_nb.reports.words import notes_text, reason_text
from fer_nb.study import StudyConfig
from fer_nb.study.config import SIGNALS
from fer_nb.study.curves import bin_recording
from fer_nb.study.quality import judge


def table(rows):
    """A reaction table of (frame, time, face_id or None, x, width) rows."""
    data = []
    for frame, time_s, face, x, width in rows:
        row = {"frame": frame, "time_s": time_s, "face_id": face, "x": x, "y": 50.0}
        row |= {"width": width, "height": width, "brightness": 100.0, "contrast": 40.0}
        row |= {"yaw": 5.0, "pitch": -8.0}
        row |= {s: (np.nan if face is None else float(face)) for s in SIGNALS}
        data.append(row)
    frame = pd.DataFrame(data)
    frame["face_id"] = frame["face_id"].astype("Int64")
    return frame


def test_the_largest_and_longest_present_face_is_the_respondent():
    rows = []
    for k in range(40):
        rows.append((k, k / 10, 1, 100.0, 120.0))
        if k < 25:
            rows.append((k, k / 10, 0, 400.0, 60.0))
    person = find_person(table(rows))
    assert (person.values[:, 0] == 1).all()
    assert person.n_faces.tolist() == [2] * 25 + [1] * 15
    assert (person.faces, person.joined) == (2, 0)


def test_a_renumbered_face_in_the_same_place_is_joined_and_a_passer_by_is_not():
    rows = [(k, k / 10, 0, 100.0, 100.0) for k in range(20)]
    rows += [(k, k / 10, 1, 110.0, 95.0) for k in range(20, 30)]  # renumbered after a gap
    rows += [(k, k / 10, 2, 500.0, 95.0) for k in range(30, 36)]  # somebody elsewhere
    person = find_person(table(rows))
    assert np.isfinite(person.values[:30, 0]).all()
    assert np.isnan(person.values[30:, 0]).all()
    assert (person.faces, person.joined) == (3, 1)


def test_somebody_beside_the_respondent_is_never_joined():
    rows = []
    for k in range(30):
        rows.append((k, k / 10, 0, 100.0, 100.0))
        rows.append((k, k / 10, 1, 130.0, 100.0))
    person = find_person(table(rows))
    assert len(set(person.values[:, 0])) == 1


def test_who_is_there_during_the_stimulus_counts():
    rows = [(k, k / 10, 0, 100.0, 150.0) for k in range(60)]
    rows += [(k, k / 10, 1, 120.0, 100.0) for k in range(60, 100)]
    assert np.nanmax(find_person(table(rows), 6.0, 10.0).values[70:, 0]) == 1


def test_no_face_at_all():
    person = find_person(table([(k, k / 10, None, np.nan, np.nan) for k in range(5)]))
    assert np.isnan(person.values).all()
    assert person.faces == 0


def quality(rows, start=0.0, duration=4.0, fps=10.0, **changes):
    frame = table(rows)
    for name, value in changes.items():
        frame[name] = value
    config = StudyConfig()
    person = find_person(frame, start, start + duration)
    m, reasons, notes = judge(person, start, duration, fps, np.nan, config)
    told = [reason_text(code, m, config.as_dict()) for code in reasons]
    line = m | {"notes": "; ".join(notes), "messages": "", "status": "kept"}
    return m, " | ".join(told), notes_text(line)


def steady(face=lambda t: 0, seconds=4.0, fps=10):
    return [
        (k, k / fps, face(k / fps), 100.0 if face(k / fps) is not None else np.nan, 100.0)
        for k in range(round(seconds * fps))
    ]


def test_a_good_recording_is_kept_and_measured():
    m, reasons, notes = quality(steady())
    assert reasons == notes == ""
    assert m["face_share"] == pytest.approx(1.0)
    assert m["effective_fps"] == pytest.approx(10)
    assert m["longest_gap_s"] == pytest.approx(0, abs=1e-9)
    assert m["jitter_ms"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "changes", "part"),
    [
        (steady(), {"brightness": 9.0}, "too dark"),
        (steady(), {"contrast": 3.0}, "contrast too low (3.0, minimum 8)"),
        (steady(), {"width": 20.0, "height": 20.0}, "px wide"),
        (steady(), {"yaw": -45.0}, "facing the camera 0%"),
        (steady(), {"pitch": 40.0}, "facing the camera 0%"),
        (steady(lambda t: 0 if t < 1 else None), {}, "face seen 25%"),
        (steady(fps=3), {}, "frames per second"),
    ],
)
def test_reasons(rows, changes, part):
    assert part in quality(rows, **changes)[1]


def test_a_face_seen_in_half_of_the_time_is_kept_with_a_warning():
    m, reasons, notes = quality(steady(lambda t: 0 if t % 1 < 0.5 else None))
    assert 0.4 < m["face_share"] < 0.6
    assert reasons == ""
    assert "face seen only 50% of the time" in notes


def test_a_viewer_who_leaves_is_kept_with_a_remark():
    m, reasons, notes = quality(steady(lambda t: 0 if t < 2.5 else None))
    assert reasons == ""
    assert m["left_at_s"] == pytest.approx(2.4)
    assert "counts only while seen" in notes


def test_a_short_recording_and_a_false_frame_rate_are_remarked():
    _, reasons, notes = quality(steady(seconds=2.5), fps=30.0)
    assert reasons == ""
    assert "recording ends at 2.5 s of 4.0 s" in notes
    assert "the file says 30" in notes


def test_a_recording_without_the_stimulus_says_so():
    assert "check start_s" in quality(steady(), start=60.0)[1]


def test_what_lies_before_the_stimulus_does_not_count():
    rows = steady(lambda t: None if t < 4 else 0, seconds=8)
    m, reasons, _ = quality(rows, start=4.0)
    assert reasons == ""
    assert m["face_share"] == pytest.approx(1.0)


@pytest.mark.parametrize("max_hold_s", [0.1, 0.3, 0.5, 2.0])
def test_the_face_is_seen_for_as_long_as_the_curves_are_measured(max_hold_s):
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.02, 1.5, 60))
    rows = [(k, t, 0 if rng.random() < 0.7 else None, 100.0, 100.0) for k, t in enumerate(times)]
    person = find_person(table(rows), max_hold_s=max_hold_s)
    measured = measure(person, 5.0, 20.0)
    _, coverage = bin_recording(person, np.linspace(5.0, 25.0, 21), min_coverage=0.5)
    assert measured["face_share"] == pytest.approx(coverage.mean())


def test_one_recording_alone_is_judged_as_in_a_study():
    assert {name: StudyConfig().as_dict()[name] for name in LIMITS} == LIMITS
    for face in (lambda t: 0, lambda t: 0 if t < 1.9 else None, lambda t: 0 if t < 1.5 else None):
        for changes in ({}, {"contrast": 3.0}, {"yaw": 45.0}, {"brightness": 9.0}):
            frame = table(steady(face)).assign(**changes)
            frame["emotion"] = None
            alone = recording_quality(frame)
            m, reasons, _ = quality(steady(face), **changes)
            told = [reason_text(code, alone, LIMITS) for code in alone["reasons"]]
            assert " | ".join(told) == reasons
            assert alone["usable"] == (not reasons)
            assert alone["face_share"] == pytest.approx(m["face_share"])

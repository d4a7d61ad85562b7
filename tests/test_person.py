import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.faces import Face
from fer_nb.person import (
    SIGNALS,
    find_person,
    headline,
    main_person,
    person_rows,
    recording_quality,
    relative_to_rest,
    same_person,
    smoothed,
    strongest_moments,
)
from fer_nb.person.rest import _level
from fer_nb.reader import FrameReadings, Reading
from fer_nb.reports.recording import headline_facts, quality_facts, reasons, verdict
from fer_nb.reports.words import time_code
from fer_nb.study import StudyConfig, run_study
from fer_nb.tables import TableBuilder, read_table, write_table


def reading(number: int, face: Face, happy: float) -> Reading:
    """Happy with the given probability, else neutral; valence rises with it."""
    probs = np.zeros(9, np.float32)
    probs[EMOTIONS.index("happy")] = happy
    probs[EMOTIONS.index("neutral")] = 1 - happy
    return Reading(number, face, probs, 4 + 2 * happy, 4 + happy)


def recording(times, happy, others=(), brightness=120) -> pd.DataFrame:
    """A table of one person; NaN in `happy` is a frame without a face."""
    builder = TableBuilder()
    person, other = Face(100, 50, 80, 80, 1.0), Face(10, 10, 30, 30, 1.0)
    for i, (time_s, p) in enumerate(zip(times, happy, strict=True)):
        seen = [] if np.isnan(p) else [reading(0, person, p)]
        seen += [reading(1, other, 0.0)] if i in others else []
        builder.add(FrameReadings(i, time_s, brightness, 10.0, seen))
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
    builder = TableBuilder()
    place = Face(100, 50, 80, 80, 1.0)
    first, again = (reading(i, place, 0.1) for i in (0, 1))
    beside = reading(2, Face(10, 10, 78, 78, 1.0), 0.1)  # at a like size, but elsewhere
    for i in range(100):
        seen = [first] if i < 30 else [again] if i >= 60 else []
        seen = [*seen, beside] if i > 40 else seen
        builder.add(FrameReadings(i, i / 10, 120.0, 10.0, seen))
    table = builder.table()  # numbers faces as they come: the one beside is 1
    assert same_person(table, 0) == [0, 2]
    assert same_person(table, 1) == [1]
    rows = person_rows(table, 2)
    assert rows["face_id"].notna().sum() == 70
    assert rows["face_id"].dropna().unique().tolist() == [2]
    quality = recording_quality(table, 0)
    assert quality["face_share"] == pytest.approx(0.7)
    assert quality["other_face_share"] == pytest.approx(0.4)


def test_quality_counts_gaps_and_others():
    happy = np.full(100, 0.1)
    happy[20:45] = np.nan
    happy[90:] = np.nan
    quality = recording_quality(recording(np.arange(100) / 10, happy, others=[3, 4, 30]))
    assert quality["face_share"] == pytest.approx(0.65)
    assert quality["longest_gap_s"] == pytest.approx(2.5)
    whole = recording_quality(recording(np.arange(100) / 10, np.full(100, 0.1)))
    assert whole["longest_gap_s"] == pytest.approx(0, abs=1e-9)
    assert quality["effective_fps"] == pytest.approx(10)
    assert quality["duration_s"] == pytest.approx(10)
    assert quality["brightness"] == pytest.approx(120, abs=1)
    assert quality["face_px"] == 80
    assert quality["other_face_share"] == pytest.approx(0.02)  # beside the respondent
    assert quality["usable"]


def test_unusable_recordings_say_why():
    dark = recording_quality(recording(np.arange(50) / 10, [0.1] * 50, brightness=12))
    assert not dark["usable"]
    assert reasons(dark) == ["too dark (brightness 12, minimum 40): light the face from the front"]
    empty = recording_quality(recording(np.arange(50) / 10, [np.nan] * 50))
    assert empty["face_share"] == 0
    assert empty["longest_gap_s"] == pytest.approx(5.0)
    assert empty["reasons"] == ["face_share"]
    (told,) = reasons(empty)
    assert told.startswith("face seen 0% of the time (minimum 40%): keep the whole face in the")
    slow = recording_quality(recording(np.arange(10) / 2.0, [0.1] * 10))
    (told,) = reasons(slow)
    assert told.startswith("2.0 frames per second (minimum 5): record in better light")
    single = recording_quality(recording([0.0], [0.1]))
    assert single["reasons"] == ["effective_fps"]
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
    assert quality["longest_gap_s"] == pytest.approx(4.0)
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
def test_smoothing_weighs_frames_by_time(frames, window_s):
    steps, happy = zip(*frames, strict=True)
    times = np.cumsum(steps)
    happy = np.array(happy)
    rows = person_rows(recording(times, happy), 0)
    curve = smoothed(rows, window_s)["p_happy"].to_numpy()
    assert (np.isnan(curve) == np.isnan(happy)).all()  # nothing is made up
    held = np.append(np.diff(times), np.median(np.diff(times)) if len(times) > 1 else 0.5)
    for i in np.flatnonzero(~np.isnan(happy)):
        middle = times[i] + held[i] / 2
        begin = np.maximum(times, middle - window_s / 2)
        inside = np.clip(np.minimum(times + held, middle + window_s / 2) - begin, 0, None)
        inside = np.where(np.isnan(happy), 0, inside)
        if window_s == 0 or inside.sum() > 1e-3:
            expected = happy[i] if window_s == 0 else inside @ np.nan_to_num(happy) / inside.sum()
            assert curve[i] == pytest.approx(expected, abs=1e-4)


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


# --- one measure: a report, a study and a mood give the same figures ------------------------------


def stall():
    """A second of a smile at 20 frames a second, 20 s without a frame, a second of none."""
    times = np.concatenate([np.arange(20) / 20, 21 + np.arange(20) / 20])
    return recording(times, np.where(times < 10, 1.0, 0.0))


def gap():
    """Ten seconds at 10 frames a second; the face is away from 3 s to 5 s."""
    times = np.arange(100) / 10
    return recording(times, np.where((times >= 3) & (times < 5), np.nan, times / 10))


def variable():
    """A smile for 2.9 s at 5 frames a second, then none for 6.4 s at 30 frames a second."""
    times = np.concatenate([np.arange(0, 2.9 - 1e-9, 0.2), np.arange(2.9, 9.3, 1 / 30)])
    return recording(times, np.where(times < 2.9 - 1e-9, 1.0, 0.0))


CLIPS = {
    "stall": (stall(), 2.45, 22.0, 4 + 2 * (0.95 + 0.5) / 2.45),
    "gap": (gap(), 8.0, 10.0, 4 + 0.2 * (0.3 * 1.45 + 0.5 * 7.45) / 0.8),
    "one frame": (recording([0.0], [0.5]), 0.5, 0.5, 5.0),
    "variable": (variable(), 9.3, 9.3, 4 + 2 * 2.9 / 9.3),
}  # fmt: skip


@pytest.mark.parametrize("name", CLIPS)
def test_report_study_and_mood_agree(name, tmp_path):
    table, measured_s, duration_s, valence = CLIPS[name]
    rows = person_rows(table, 0)
    quality, figures = recording_quality(table), headline(rows, smoothed(rows))
    assert quality["duration_s"] == pytest.approx(duration_s, abs=0.06)
    assert figures["measured_s"] == pytest.approx(measured_s, abs=0.06)
    assert figures["mean_valence"] == pytest.approx(valence, abs=0.01)
    # one figure per page: what is measured, in seconds and as a share, is the same everywhere
    assert quality["measured_s"] == pytest.approx(figures["measured_s"])
    share = figures["measured_s"] / quality["duration_s"]
    assert quality["face_share"] == pytest.approx(share)
    digits = 0 if quality["duration_s"] >= 2 else 1
    seconds = f"{figures['measured_s']:.{digits}f} of {quality['duration_s']:.{digits}f} seconds"
    assert seconds in verdict(quality, figures)
    assert quality_facts(quality)["time with the face in view"] == f"{share:.1%}"
    assert headline_facts(figures)["seconds measured"] == f"{figures['measured_s']:.1f}"
    # a mood
    person = find_person(table)
    assert person.measured_s == pytest.approx(figures["measured_s"])
    assert person.means()[0] == pytest.approx(figures["mean_valence"], abs=1e-6)
    # a study, over the whole recording as its stimulus
    manifest = tmp_path / "m.csv"
    manifest.write_text("respondent,stimulus,video\na,film,a.mp4\n")
    (tmp_path / "stimuli.csv").write_text(f"stimulus,duration_s\nfilm,{quality['duration_s']}\n")
    free = {"min_face_share": 0, "min_fps": 0, "baseline": "none", "min_bin_coverage": 0.01}
    config = StudyConfig(n_boot=200, isc_shifts=1, **free)
    study = run_study(manifest, tables={"a.mp4": table}, config=config)
    line = study.quality.iloc[0]
    assert line["face_share"] == pytest.approx(quality["face_share"])
    level = study.metrics.query("metric == 'level' and signal == 'valence'")
    if name not in ("stall", "gap"):  # there a person counts for half of the time at least
        assert level["estimate"].iloc[0] == pytest.approx(figures["mean_valence"], abs=0.02)


def test_the_curve_of_a_variable_rate_clip_is_the_truth():
    """Frames come three times as fast while the face smiles: the mean must not follow them."""
    times = np.concatenate([np.arange(0, 1, 1 / 30), np.arange(1, 2, 0.1)])
    rows = person_rows(recording(times, np.where(times < 1, 1.0, 0.0)), 0)
    curve = smoothed(rows, 1.0)["p_happy"]
    at = curve.index[np.argmin(np.abs(curve.index - 1.0))]
    assert curve[at] == pytest.approx(0.45, abs=0.02)  # the frames alone would say 0.75


def test_facing_is_the_share_of_the_seen_time_in_which_the_head_is_turned_here():
    """Ten seconds: four turned away, two raised, one not seen, three straight."""
    times = np.arange(100) / 10
    table = pd.DataFrame({"frame": np.arange(100), "time_s": times})
    table["face_id"] = pd.array(np.where(times < 9, 0, pd.NA), dtype="Int64")
    for name in ("x", "y", "width", "height"):
        table[name] = 100.0
    for name in SIGNALS:
        table[name] = np.where(times < 9, 0.5, np.nan)
    table["yaw"] = np.where(times < 4, -40.0, 10.0)
    table["pitch"] = np.where((times >= 4) & (times < 6), 35.0, -5.0)
    table["roll"] = -25.0
    quality = recording_quality(table)
    assert quality["facing_share"] == pytest.approx(3 / 9)
    assert quality["tilt_deg"] == pytest.approx(25)
    assert quality["reasons"] == ["facing_share"]
    unknown = recording_quality(table.drop(columns=["yaw", "pitch", "roll"]))
    assert np.isnan(unknown["facing_share"])
    assert unknown["usable"]


# --- rest ----------------------------------------------------------------------------------------


def smiling(resting: float, rise: float, seconds: int = 20) -> pd.DataFrame:
    """A face of its own resting p_happy that smiles from 8 to 12 s."""
    times = np.arange(seconds * 10) / 10
    wobble = 0.01 * np.sin(7 * times)
    return recording(times, resting + wobble + rise * ((times >= 8) & (times < 12)))


def test_the_same_smile_counts_the_same_on_a_stern_and_on_a_friendly_face():
    stern, friendly = (relative_to_rest(smiling(level, 0.3)) for level in (0.05, 0.45))
    peaks = [t.loc[t["time_s"].between(8, 11.9), "d_p_happy"].mean() for t in (stern, friendly)]
    assert peaks == pytest.approx([0.3, 0.3], abs=0.01)
    assert stern["d_p_happy"].median() == pytest.approx(0, abs=0.01)
    assert stern.attrs["rest"]["faces"]["0"]["p_happy"] == pytest.approx(0.05, abs=0.01)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 0.6), st.floats(0.05, 0.35), st.floats(0.02, 0.45), st.integers(0, 1000))
def test_rest_is_found_wherever_reactions_take_less_than_half(level, rise, share, seed):
    times = np.arange(200) / 10
    order = np.random.default_rng(seed).permutation(20)
    reacts = np.repeat(order < 20 * share, 10)
    table = relative_to_rest(recording(times, np.where(reacts, level + rise, level)))
    assert table.attrs["rest"]["faces"]["0"]["p_happy"] == pytest.approx(level, abs=1e-3)
    assert table["d_p_happy"].to_numpy() == pytest.approx(np.where(reacts, rise, 0), abs=1e-3)


def test_a_stretch_of_rest_can_be_given_and_files_keep_the_columns(tmp_path):
    table = relative_to_rest(smiling(0.1, 0.4), (8, 12))
    assert table["d_p_happy"].min() < -0.35
    for suffix in (".parquet", ".csv"):
        path = write_table(table, tmp_path / f"t{suffix}")
        again = read_table(path)
        pd.testing.assert_frame_equal(again, table)
        assert again.attrs["rest"]["how"] == [8.0, 12.0]


def test_a_face_seen_too_shortly_has_no_rest():
    table = relative_to_rest(recording(np.arange(10) / 10, [0.2] * 10))
    assert table["d_valence"].isna().all()
    assert "too short" in table.attrs["warnings"][0]
    nobody = relative_to_rest(recording([0.0, 0.1], [np.nan, np.nan]))
    assert nobody["d_valence"].isna().all()


@pytest.mark.parametrize("rest", ["calm", (3, 3), (1, 2, 3), 5.0])
def test_rest_must_be_auto_or_two_times(rest):
    with pytest.raises(FerError, match="auto"):
        relative_to_rest(smiling(0.1, 0.2), rest)


def test_a_frame_without_a_face_departs_from_nothing():
    table = relative_to_rest(recording(np.arange(60) / 10, [0.2, np.nan] * 30))
    assert table["d_valence"].isna().tolist() == [False, True] * 30


def test_a_still_face_has_a_spread_of_nothing_however_its_gaps_round():
    means = np.full((3, 11), 4.0)
    means[2] = np.nan
    rest = _level(means, np.array([0.2, 0.2, -1e-17]))
    assert rest.sd.tolist() == [0.0] * 11
    assert rest.mean == pytest.approx([4.0] * 11)

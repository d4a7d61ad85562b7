"""The demo study: its script, its faces, and how it is written. No model is needed here."""

from __future__ import annotations

import json
from dataclasses import replace

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_nb import load_detector
from fer_nb.demo import DemoStudy, make, make_demo, sample_recording, script
from fer_nb.demo.drawing import trailer, viewers
from fer_nb.demo.drawing.looks import LOOKS, Look, cast
from fer_nb.demo.drawing.people import collins
from fer_nb.demo.drawing.puppet import ACTIONS, Puppet, mouth_texture
from fer_nb.demo.drawing.warp import Grid, pixel_grid
from fer_nb.errors import FerError
from fer_nb.media import VideoReader
from fer_nb.study.manifest import read_manifest

SEEDS = st.integers(0, 10_000)
VIEWERS = st.sampled_from(script.VIEWERS)
STRENGTH = st.floats(0, 1)


# The script -------------------------------------------------------------------------------------


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_truth_is_consistent(seed):
    truth = script.truth(seed)
    assert list(truth["respondent"].unique()) == [v.respondent for v in script.VIEWERS]
    assert truth[["smile", "frown", "surprise"]].stack().between(0, 1).all()
    difference = (truth["smile"] - truth["frown"]).clip(-1, 1)
    np.testing.assert_allclose(truth["valence"], difference, atol=1e-12)
    before = truth["stimulus_s"] < script.SCENES[0].end_s
    assert (truth.loc[before, ["smile", "frown", "surprise"]] == 0).all(axis=None)
    for viewer, part in truth.groupby("respondent"):
        start = next(v.start_s for v in script.VIEWERS if v.respondent == viewer)
        np.testing.assert_allclose(part["time_s"] - part["stimulus_s"], start, atol=1e-6)
        np.testing.assert_allclose(np.diff(part["time_s"]), 0.1, atol=1e-6)
        assert part["stimulus_s"].max() >= script.DURATION_S
    assert set(truth["note"]) == {"synthetic demo"}


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_viewers_share_their_reactions(seed):
    truth = script.truth(seed)
    for begin, end, column in ((8.2, 9.6, "smile"), (13.0, 14.8, "frown"), (17.2, 20, "smile")):
        seen = truth[truth["stimulus_s"].between(begin, end)].groupby("respondent")[column]
        assert (seen.min() > 0.6).all()
    peaks = truth[truth["stimulus_s"].between(10.5, 13)].groupby("respondent")["surprise"].max()
    assert (peaks > 0.7).all()
    assert peaks.nunique() == len(peaks)  # but everyone in her own way


def test_one_viewer_leaves_and_one_is_dark():
    truth = script.truth()
    hidden = truth[~truth["visible"]]
    assert set(hidden["respondent"]) == {"R04"}
    assert 2.5 < len(hidden) / script.TRUTH_RATE_HZ < 4.5
    assert set(truth.loc[~truth["usable"], "respondent"]) == {"R06"}


@given(VIEWERS, SEEDS)
@settings(max_examples=40, deadline=None)
def test_frames_follow_each_other(viewer, seed):
    times = script.frame_times(viewer, 15.0, seed)
    steps = np.diff(times)
    assert times[0] == 0
    assert (steps > 0).all()
    assert times[-1] < viewer.duration_s
    assert len(times) == pytest.approx(15 * viewer.duration_s, rel=0.1)
    spread = steps.std() / steps.mean()
    assert spread == pytest.approx(0, abs=1e-9) if not viewer.jitter else spread > 0.15


# Warps and faces --------------------------------------------------------------------------------


def test_grid_moves_nothing_on_its_rim():
    grid = Grid((10, 10, 90, 70), step=5)
    points = np.array([[30.0, 30], [60, 30], [45, 55], [20, 60]])
    moved = points + np.array([6, -4])
    field = grid.field(moved, points)
    coords = pixel_grid(100, 80)
    shift = grid.sample(field, coords)
    assert np.abs(shift[:10]).max() == 0
    assert np.abs(shift[:, :10]).max() == 0
    x, y = moved[0].astype(int)
    np.testing.assert_allclose(shift[y, x], (-6, 4), atol=0.6)


@pytest.fixture(scope="module")
def puppets() -> dict[str, Puppet]:
    made = {}
    for name in ("R01", "R02", "R03", "R05"):
        person = cast(LOOKS[name])
        made[name] = Puppet(person, mouth_texture(collins(), person))
    return made


@pytest.mark.parametrize("name", ["R01", "R02", "R03"])
def test_actions_move_the_face_as_people_do(puppets, name):
    puppet = puppets[name]
    names = list(puppet.person.points)
    rest = dict(zip(names, puppet.landmarks({}), strict=True))

    def moved(action):
        return dict(zip(names, puppet.landmarks({action: 1.0}), strict=True))

    smile, frown, surprise = map(moved, ("smile", "frown", "surprise"))
    for side in "LR":
        assert smile[f"corner.{side}"][1] < rest[f"corner.{side}"][1] - 3  # up
        assert frown[f"corner.{side}"][1] > rest[f"corner.{side}"][1] + 3  # down
        assert frown[f"brow4.{side}"][1] > rest[f"brow4.{side}"][1] + 3
        assert surprise[f"brow2.{side}"][1] < rest[f"brow2.{side}"][1] - 3
    assert np.ptp([smile["corner.L"][0], smile["corner.R"][0]]) > np.ptp(
        [rest["corner.L"][0], rest["corner.R"][0]]
    )
    opening = surprise["in_low3"][1] - surprise["in_up3"][1]
    assert opening > 0.2 * puppet.person.unit
    assert rest["in_low3"][1] == pytest.approx(rest["in_up3"][1], abs=0.5)  # closed at rest


@given(
    st.sampled_from(["R01", "R02", "R03", "R05"]), STRENGTH, STRENGTH, st.sampled_from([*ACTIONS])
)
@settings(max_examples=25, deadline=None)
def test_warps_do_not_fold(puppets, name, strength, other, action):
    """Outside the opened mouth the map keeps its orientation: no skin is torn or turned over."""
    puppet = puppets[name]
    expression = {action: strength, "surprise": other * (1 - strength)}
    moved = puppet.landmarks(expression)
    grid = puppet._grid
    left, top = grid.origin
    right, bottom = grid.points[-1]
    coords = pixel_grid(int(right - left), int(bottom - top)) + np.float32((left, top))
    source = puppet._source(coords, moved, puppet._rest)
    dx, dy = np.gradient(source, axis=1), np.gradient(source, axis=0)
    turned = dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0] <= 0
    mouth = np.zeros(turned.shape, np.uint8)
    outline = np.vstack([moved[puppet._lips], moved[puppet._lower_lips][::-1]]) - (left, top)
    cv2.fillPoly(mouth, [np.rint(outline).astype(np.int32)], 1)
    mouth = cv2.dilate(mouth, np.ones((9, 9), np.uint8))
    assert not (turned & (mouth == 0)).any()


def test_a_small_change_of_expression_is_a_small_change_of_the_picture(puppets):
    puppet = puppets["R02"]
    coords = pixel_grid(512, 530)
    before = puppet.draw(coords, {"smile": 0.5}).astype(int)
    after = puppet.draw(coords, {"smile": 0.52}).astype(int)
    change = np.abs(after - before)
    assert 0 < change.max() < 80
    assert change.mean() < 0.5


def test_a_mirrored_viewer_is_the_same_picture_turned_round():
    """Drawn in a mirror about the nose: the pixels of the left are those of the right."""
    person = collins()
    coords = pixel_grid(601, 400)
    coords[..., 0] += np.float32(person.points["nose"][0] - 300)  # the nose in the middle
    mouth = mouth_texture(person, person)
    plain = Puppet(person, mouth).draw(coords, {"smile": 0.7})
    mirrored = Puppet(replace(person, mirror=True), mouth).draw(coords, {"smile": 0.7})
    difference = np.abs(plain[:, ::-1].astype(int) - mirrored.astype(int))
    assert difference.mean() < 1.5
    assert np.abs(plain.astype(int) - mirrored).mean() > 5


def test_glasses_sit_on_the_eyes_and_stay_still():
    bare, worn = collins(), cast(Look("collins", "", glasses=True))
    painted = np.abs(bare.texture.astype(int) - worn.texture).max(axis=2) > 60
    for side in "LR":
        x, y = bare.eye(side).astype(int)
        reach = int(0.45 * bare.unit)
        assert painted[y - reach : y + reach, x - reach : x + reach].mean() > 0.05
    assert painted.mean() < 0.02
    assert len(worn.still) > len(bare.still)


# Frames -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recordings() -> dict[str, viewers.Recording]:
    return {v.respondent: viewers.Recording(v) for v in script.VIEWERS}


def _at(recording: viewers.Recording, stimulus_s: float) -> np.ndarray:
    when = recording.viewer.start_s + stimulus_s
    return recording.frame(int(np.searchsorted(recording.times, when)))


def test_the_same_seed_gives_the_same_frames(recordings):
    again = viewers.Recording(script.VIEWERS[2], seed=0)
    other = viewers.Recording(script.VIEWERS[2], seed=1)
    first = recordings["R03"].frame(130)
    assert first.dtype == np.uint8
    assert first.shape == (360, 480, 3)
    np.testing.assert_array_equal(first, again.frame(130))
    assert (first != other.frame(130)).mean() > 0.5
    np.testing.assert_array_equal(trailer.frame(11.2), trailer.frame(11.2))


def test_viewers_look_different(recordings):
    pictures = [_at(recordings[f"R0{i}"], 1.0).astype(float) for i in range(1, 6)]
    for i, one in enumerate(pictures):
        for other in pictures[:i]:
            assert np.abs(one - other).mean() > 15


def test_detectors_find_the_faces(recordings):
    cascades = ("frontalface_alt2", "frontalface_default")
    detectors = [load_detector("haar", cascade=name) for name in cascades]
    found = {}
    for name in ("R01", "R02", "R03", "R04", "R05"):
        for detector in detectors:
            seen = [detector(_at(recordings[name], t)) for t in (0.5, 7.0, 8.9, 11.5, 13.7, 18.0)]
            found.setdefault(name, []).extend(len(faces) > 0 for faces in seen)
    assert all(np.mean(hits) >= 0.9 for hits in found.values()), found


def test_the_leaving_viewer_is_gone_and_the_dark_one_dark(recordings):
    gone = _at(recordings["R04"], 4.2)
    present = _at(recordings["R04"], 1.0)
    room = recordings["R04"]._room.astype(float)
    lit = recordings["R04"]._gain * room
    caption = slice(0, 340)
    without, within = (np.abs(p[caption] - lit[caption]).mean() for p in (gone, present))
    assert without < 10
    assert within > 1.7 * without
    assert load_detector("haar")(gone) == []
    assert recordings["R06"].frame(100).mean() < 15


def test_every_picture_says_that_it_is_synthetic(recordings):
    """The caption is burnt in: where its letters are, the picture is bright."""
    letters = viewers.caption(np.zeros((360, 480, 3), np.uint8))[..., 0] > 160
    assert letters.sum() > 100
    for name, recording in recordings.items():
        image = recording.frame(20)
        least = 50 if name == "R06" else 150
        assert np.median(image[letters]) > least, name
    for time_s in (1, 8, 13, 19):
        corner = trailer.frame(time_s)[4:24, -120:]
        assert (corner.min(axis=2) > 200).sum() > 60


# The study on disk ------------------------------------------------------------------------------


@pytest.fixture
def brief(monkeypatch):
    """Only a few frames of each video, so that writing is quick."""
    few = script.frame_times
    monkeypatch.setattr(script, "frame_times", lambda *a: few(*a)[:4])
    monkeypatch.setattr(viewers, "frame_times", lambda *a: few(*a)[:4])
    monkeypatch.setattr(trailer, "times", lambda: np.arange(4) / 15)


def test_a_study_is_written_whole(brief, tmp_path):
    study = make_demo(tmp_path / "demo")
    assert isinstance(study, DemoStudy)
    assert sorted(p.name for p in study.folder.iterdir()) == sorted(p.name for p in study.files)
    assert len(study.recordings) == 6
    pd.testing.assert_frame_equal(pd.read_parquet(study.truth), script.truth(0))
    again = pd.read_csv(study.truth_csv)
    np.testing.assert_allclose(again["smile"], script.truth(0)["smile"], atol=1e-5)
    manifest = pd.read_csv(study.manifest)
    assert list(manifest.columns[:4]) == ["respondent", "stimulus", "video", "start_s"]
    assert manifest["start_s"].nunique() > 1
    assert set(manifest["note"]) == {"synthetic demo"}
    scenes = json.loads(pd.read_csv(study.stimuli)["scenes"][0])
    assert [s["name"] for s in scenes] == [s.name for s in script.SCENES]
    described = read_manifest(study.manifest)  # as the study reads it
    assert len(described.recordings) == 6
    assert described.stimuli[script.STIMULUS].duration_s == script.DURATION_S


def test_videos_say_what_they_are_and_keep_their_stamps(brief, tmp_path):
    study = make_demo(tmp_path / "demo")
    for path in (study.trailer, *study.recordings):
        with av.open(str(path)) as container:
            assert "synthetic" in container.metadata["title"].lower()
            assert "synthetic" in container.metadata["comment"].lower()
    for viewer, path in zip(script.VIEWERS, study.recordings, strict=True):
        with VideoReader(path) as video:
            times = [frame.time_s for frame in video]
        np.testing.assert_allclose(times, script.frame_times(viewer, 15.0), atol=1e-3)
        with av.open(str(path)) as container:
            first = next(container.decode(video=0)).time
        assert first == pytest.approx(viewer.first_stamp_s, abs=1e-3)


def test_the_same_seed_gives_the_same_files(brief, tmp_path):
    one, two = make_demo(tmp_path / "one", seed=3), make_demo(tmp_path / "two", seed=3)
    for a, b in zip(one.files, two.files, strict=True):
        assert a.read_bytes() == b.read_bytes(), a.name


def test_nothing_is_overwritten_unless_asked(brief, tmp_path):
    (tmp_path / "demo").mkdir()
    kept = tmp_path / "demo" / "R02.mp4"
    kept.write_text("mine")
    with pytest.raises(FerError, match=r"R02\.mp4 exists already"):
        make_demo(tmp_path / "demo")
    assert kept.read_text() == "mine"
    assert list((tmp_path / "demo").iterdir()) == [kept]
    make_demo(tmp_path / "demo", force=True)
    assert kept.stat().st_size > 1000


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError("disk full"), RuntimeError])
def test_an_interrupted_demo_leaves_nothing(brief, tmp_path, monkeypatch, failure):
    def broken(time_s, seed):
        if time_s > 0.1:
            raise failure
        return np.zeros((360, 640, 3), np.uint8)

    monkeypatch.setattr(trailer, "frame", broken)
    expected = FerError if isinstance(failure, OSError) else failure
    with pytest.raises(expected):
        make_demo(tmp_path / "demo")
    assert not (tmp_path / "demo").exists()
    other = tmp_path / "notes.txt"
    other.write_text("mine")
    with pytest.raises(expected):
        make_demo(tmp_path)
    assert list(tmp_path.iterdir()) == [other]


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FerError, match="cannot"):
        make_demo(tmp_path / "file")


def test_the_sample_recording_is_made_once(brief, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_NB_CACHE", str(tmp_path / "cache"))
    path = sample_recording()
    assert path.is_relative_to(tmp_path / "cache")
    assert "synthetic" in path.name
    stamp = path.stat().st_mtime_ns
    assert sample_recording() == path
    assert path.stat().st_mtime_ns == stamp
    monkeypatch.setattr(make.viewers, "Recording", None)
    assert sample_recording() == path

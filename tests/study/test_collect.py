"""Every recording is read once, and a stimulus has the length that it has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fer_nb.errors import FerError, StudyError
from fer_nb.media import VideoWriter
from fer_nb.person import find_person, usual_rest
from fer_nb.reports.words import baseline_text, reason_text
from fer_nb.study import read_manifest, run_study
from fer_nb.study.collect import measure_recordings


@pytest.fixture
def unstated(make_study):
    """Return a function that makes a study whose manifest does not state the length."""

    def make(**options):
        manifest, tables = make_study(**options)
        Path(manifest).with_name("stimuli.csv").unlink()
        return manifest, tables

    return make


def test_each_recording_is_read_once(unstated, quick):
    manifest, tables = unstated(n=5)
    del tables["p2.mp4"]
    reads, told = Counter(), []

    def load(row):
        reads[row["video"]] += 1
        if row["video"] not in tables:
            raise FerError("it is gone")
        return tables[row["video"]]

    quality, kept, durations, _ = measure_recordings(
        read_manifest(manifest, need_videos=False), load, quick, lambda *p: told.append(p)
    )
    assert set(reads.values()) == {1}
    assert len(reads) == 5
    gone = {"p2.mp4": "it is gone"}
    assert told == [(k + 1, 5, name, gone.get(name, "")) for k, name in enumerate(reads)]
    assert quality["respondent"].tolist() == [f"p{i}" for i in range(5)]
    assert quality["status"].tolist() == ["kept", "kept", "failed", "kept", "kept"]
    assert [r.respondent for r in kept] == ["p0", "p1", "p3", "p4"]
    assert durations["film"] == pytest.approx(20, abs=0.2)


def test_recordings_stay_in_the_order_of_the_manifest(make_study, quick):
    manifest, tables = make_study(n=4)
    text = manifest.read_text().replace("p1,film", "p1,other").replace("p3,film", "p3,other")
    manifest.write_text(text)
    with open(manifest.with_name("stimuli.csv"), "a") as file:
        file.write("other,15\n")
    result = run_study(manifest, tables=tables, config=quick)
    assert result.quality["respondent"].tolist() == ["p0", "p1", "p2", "p3"]
    assert result.quality["stimulus"].tolist() == ["film", "other"] * 2
    assert list(result.audiences) == ["film", "other"]


def test_a_recording_that_ends_before_the_stimulus_does_not_set_its_length(unstated, quick):
    manifest, tables = unstated(n=5)
    text = manifest.read_text()
    for name in ("p0", "p1", "p2"):
        text = text.replace(f"{name}.mp4,5", f"{name}.mp4,500")
    manifest.write_text(text)
    result = run_study(manifest, tables=tables, config=quick)
    assert result.stimuli["film"].duration_s == pytest.approx(20, abs=0.2)
    assert result.quality["status"].tolist() == ["excluded"] * 3 + ["kept"] * 2
    assert result.quality["reasons"][0] == "not_recorded"
    assert "check start_s" in reason_text("not_recorded", {}, {})


def test_a_length_that_nothing_tells_is_said(unstated, quick, tmp_path):
    manifest, tables = unstated(n=3, start=500)
    result = run_study(manifest, tables=tables, config=quick, out_dir=tmp_path / "out")
    assert result.quality["status"].tolist() == ["failed"] * 3
    for part in ("length of stimulus 'film' is unknown", "check start_s", "duration_s"):
        assert part in result.quality["messages"][0]
    assert np.isnan(result.stimuli["film"].duration_s)


def test_a_stimulus_video_that_cannot_be_read_stops_the_study_before_any_work(make_study, quick):
    manifest, tables = make_study(n=3)
    folder = manifest.parent
    (folder / "film.mp4").write_bytes(b"this is no video")
    (folder / "stimuli.csv").write_text("stimulus,video\nfilm,film.mp4\n")

    def load(row):
        raise AssertionError("no recording should be read")

    described = read_manifest(manifest, need_videos=False)
    with pytest.raises(StudyError, match=r"stimulus 'film'.*film\.mp4.*duration_s"):
        measure_recordings(described, load, quick)
    (folder / "stimuli.csv").write_text("stimulus,video,duration_s\nfilm,film.mp4,20\n")
    assert run_study(manifest, tables=tables, config=quick).kept == 3


LATE = '"[{""name"": ""late"", ""start_s"": 100, ""end_s"": 200}]"'


def test_a_scene_beyond_the_recordings_is_told(unstated, quick):
    manifest, tables = unstated(n=3)
    manifest.with_name("stimuli.csv").write_text(f"stimulus,scenes\nfilm,{LATE}\n")
    result = run_study(manifest, tables=tables, config=quick)
    assert result.kept == 3
    for note in result.quality["messages"]:
        assert "scene 'late' ends at 200 s, after the stimulus (20 s)" in note


def test_a_scene_beyond_the_film_stops_the_study_before_any_work(make_study, quick):
    manifest, tables = make_study(n=3)
    with VideoWriter(manifest.with_name("film.mp4"), fps=15) as video:
        for i in range(30):
            video.write(np.zeros((64, 64, 3), np.uint8), i / 15)
    text = f"stimulus,video,scenes\nfilm,film.mp4,{LATE}\n"
    manifest.with_name("stimuli.csv").write_text(text)
    with pytest.raises(StudyError, match=r"stimulus 'film': scene 'late' ends at 200 s, after"):
        run_study(manifest, tables=tables, config=quick)


def test_rest_as_found_may_serve_as_the_baseline(make_study, quick):
    manifest, tables = make_study(n=4)
    config = quick.with_(baseline_from="auto")
    result = run_study(manifest, tables=tables, config=config)
    assert result.provenance["baseline"]["source"] == "auto"
    assert "median" in baseline_text("auto", config)
    audience = result.audiences["film"]
    own = usual_rest(find_person(tables["p2.mp4"]), config.rate_hz)
    np.testing.assert_allclose(
        audience.corrected[2], audience.raw[2] - own.mean[:, None], equal_nan=True
    )
    with pytest.raises(StudyError, match="stated or auto"):
        quick.with_(baseline_from="guess")

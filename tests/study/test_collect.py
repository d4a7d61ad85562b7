"""Every recording is read once, and a stimulus has the length that it has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer_nb.errors import FerError, StudyError
from fer_nb.files import sha256
from fer_nb.media import VideoWriter
from fer_nb.models import Predictions
from fer_nb.study import load_study, read_manifest, run_study
from fer_nb.study.collect import measure_recordings, table_loader
from fer_nb.tables import write_table


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
    assert told == [(k, 5) for k in range(1, 6)]
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
    assert "check start_s" in result.quality["reasons"][0]


def test_a_length_that_nothing_tells_is_said(unstated, quick, tmp_path):
    manifest, tables = unstated(n=3, start=500)
    result = run_study(manifest, tables=tables, config=quick, out_dir=tmp_path / "out")
    assert result.quality["status"].tolist() == ["failed"] * 3
    for part in ("length of stimulus 'film' is unknown", "check start_s", "duration_s"):
        assert part in result.quality["reasons"][0]
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


def test_a_damaged_table_is_analysed_again(tmp_path, viewer, quick):
    (tmp_path / "m.csv").write_text(f"respondent,stimulus,video\nann,film,{viewer}\n")
    options = {"config": quick, "out_dir": tmp_path / "out", "every": 15}
    first = run_study(tmp_path / "m.csv", **options).quality
    (kept,) = (tmp_path / "out" / "tables").iterdir()
    whole = kept.stat().st_size
    kept.write_bytes(b"cut off")
    pd.testing.assert_frame_equal(run_study(tmp_path / "m.csv", **options).quality, first)
    assert kept.stat().st_size == whole


def same_names(make_study, folder, second="after/anna.mp4"):
    """A manifest of two recordings with one file name, and their tables."""
    _, tables = make_study(n=2)
    (folder / "m.csv").write_text(
        f"respondent,stimulus,video,phase\nann,film,before/anna.mp4,b\nann,film,{second},a\n"
    )
    return folder / "m.csv", list(tables.values())


@pytest.mark.parametrize("second", ["after/anna.mp4", "before/anna.avi", "x/y/anna.avi"])
def test_two_recordings_do_not_share_a_table(make_study, quick, tmp_path, second):
    manifest, (table, _) = same_names(make_study, tmp_path, second)
    write_table(table, tmp_path / "tables" / "anna.parquet")
    with pytest.raises(StudyError) as caught:
        run_study(manifest, tables=tmp_path / "tables", config=quick)
    for part in ("'before/anna.mp4'", repr(second), "anna.parquet", "STIMULUS/RESPONDENT"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_recordings_of_one_name_have_tables_in_folders(make_study, quick, tmp_path):
    manifest, tables = same_names(make_study, tmp_path)
    for phase, table in zip(("before", "after"), tables, strict=True):
        table.attrs["sha256"] = phase
        write_table(table, tmp_path / "tables" / phase / "anna.parquet")
    result = run_study(manifest, tables=tmp_path / "tables", config=quick)
    assert result.quality["sha256"].tolist() == ["before", "after"]
    # One recording may show two stimuli; a dot before its name makes it no other.
    manifest.write_text(
        "respondent,stimulus,video,start_s\nann,film,before/anna.mp4,0\n"
        "ann,other,./before/anna.mp4,9\n"
    )
    manifest.with_name("stimuli.csv").write_text("stimulus,duration_s\nfilm,9\nother,9\n")
    assert run_study(manifest, tables=tmp_path / "tables", config=quick).kept == 2


def test_a_table_of_another_recording_is_refused(make_study, quick, tmp_path):
    manifest, tables = make_study(n=3)
    for k, (name, table) in enumerate(tables.items()):
        (tmp_path / name).write_bytes(name.encode())
        known = sha256(tmp_path / name), None, sha256(tmp_path / "p0.mp4")
        table.attrs["sha256"] = known[k]
        write_table(table, tmp_path / "tables" / f"p{k}.parquet")
    quality = run_study(manifest, tables=tmp_path / "tables", config=quick).quality
    assert quality["status"].tolist() == ["kept", "kept", "failed"]
    assert "p2.parquet" in quality["reasons"][2]
    assert "is not of 'p2.mp4'" in quality["reasons"][2]


@pytest.mark.parametrize("video", [".", "..", "/"])
def test_a_video_without_a_name_has_no_table(tmp_path, video):
    with pytest.raises(FerError, match="no ready table for"):
        table_loader(tmp_path)({"video": video, "respondent": "ann", "stimulus": "film"})


class OwnModel:
    """A model that answers like ours and tells nothing of itself."""

    def predict_batch(self, faces):
        n = len(faces)
        return Predictions(np.full((n, 9), 1 / 9), np.full(n, 4.0), np.full(n, 4.0), None)


def test_a_model_of_ones_own_runs_a_study(tmp_path, viewer, quick):
    (tmp_path / "m.csv").write_text(f"respondent,stimulus,video\nann,film,{viewer}\n")
    options = {"config": quick, "every": 15, "out_dir": tmp_path / "out"}
    assert len(run_study(tmp_path / "m.csv", model=OwnModel(), **options).quality) == 1
    # Nothing tells one such model from another, so that no table is taken for its own.
    assert not list((tmp_path / "out" / "tables").iterdir())
    with pytest.raises(StudyError, match="sha256"):
        run_study(tmp_path / "m.csv", model=OwnModel(), workers=2, **options)
    named = OwnModel()
    named.sha256 = "0123"
    run_study(tmp_path / "m.csv", model=named, **options)
    assert len(list((tmp_path / "out" / "tables").iterdir())) == 1


def test_every_may_be_any_whole_number(tmp_path, viewer, quick):
    (tmp_path / "m.csv").write_text(f"respondent,stimulus,video\nann,film,{viewer}\n")
    options = {"config": quick, "out_dir": tmp_path / "out"}
    run_study(tmp_path / "m.csv", every=np.int64(2), **options)
    assert load_study(tmp_path / "out").quality["status"].tolist() == ["kept"]
    for wrong in (0, 2.5, "2"):
        with pytest.raises(StudyError, match=f"every is {wrong!r}; .* whole number from 1"):
            run_study(tmp_path / "m.csv", every=wrong, **options)


LATE = '"[{""name"": ""late"", ""start_s"": 100, ""end_s"": 200}]"'


def test_a_scene_beyond_the_recordings_is_told(unstated, quick):
    manifest, tables = unstated(n=3)
    manifest.with_name("stimuli.csv").write_text(f"stimulus,scenes\nfilm,{LATE}\n")
    result = run_study(manifest, tables=tables, config=quick)
    assert result.kept == 3
    for note in result.quality["notes"]:
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

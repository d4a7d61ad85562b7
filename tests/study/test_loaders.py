"""Each recording gets its own table, ready or made, and no other's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fer_nb.errors import FerError, StudyError
from fer_nb.files import sha256
from fer_nb.models import Predictions
from fer_nb.study import load_study, run_study
from fer_nb.study.loaders import table_loader
from fer_nb.tables import write_table


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


def test_two_recordings_do_not_share_a_table_of_a_mapping(make_study, quick, tmp_path):
    manifest, tables = same_names(make_study, tmp_path)
    with pytest.raises(StudyError) as caught:
        run_study(manifest, tables={("ann", "film"): tables[0]}, config=quick)
    for part in ("'before/anna.mp4'", "'after/anna.mp4'", "('ann', 'film')"):
        assert part in str(caught.value)
    videos = ("before/anna.mp4", "after/anna.mp4")
    own = dict(zip(videos, tables, strict=True))
    assert run_study(manifest, tables=own, config=quick).kept == 2


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
    assert "p2.parquet" in quality["messages"][2]
    assert "is not of 'p2.mp4'" in quality["messages"][2]


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

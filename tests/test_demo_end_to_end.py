"""What is measured follows what was put in: the demo study through the whole pipeline."""

import numpy as np
import pandas as pd
import pytest

from fer_nb.demo import make_demo
from fer_nb.reactions import analyze_video
from fer_nb.summary import main_person, person_rows, recording_quality, smoothed

USABLE = ("R01", "R02", "R03", "R04", "R05")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_demo(tmp_path_factory.mktemp("demo") / "study", progress=False)


@pytest.fixture(scope="module")
def tables(study) -> dict[str, pd.DataFrame]:
    return {video.stem: analyze_video(video) for video in study.recordings}


def test_measured_valence_follows_the_truth(study, tables):
    """On 2026-11-22 with compact 0.3.1: r = 0.93, 0.90, 0.95, 0.88, 0.95; floors leave a margin."""
    truth = pd.read_parquet(study.truth)
    found = {}
    for name in USABLE:
        rows = person_rows(tables[name], main_person(tables[name]))
        curve = smoothed(rows, 0.5)["valence"].dropna()
        own = truth[truth["respondent"] == name]
        intended = np.interp(curve.index, own["time_s"], own["valence"])
        found[name] = np.corrcoef(intended, curve)[0, 1]
    assert min(found.values()) > 0.7, found
    assert np.mean(list(found.values())) > 0.8, found


def test_dark_recording_is_flagged_and_the_others_are_not(tables):
    judged = {name: recording_quality(table) for name, table in tables.items()}
    assert [name for name, quality in judged.items() if not quality["usable"]] == ["R06"]
    assert any("dark" in reason for reason in judged["R06"]["reasons"])


def test_viewer_who_leaves_is_absent_only_then(study, tables):
    truth = pd.read_parquet(study.truth)
    own = truth[(truth["respondent"] == "R04")]
    gone = own.loc[~own["visible"], "time_s"]
    rows = person_rows(tables["R04"], main_person(tables["R04"]))
    inside = rows["time_s"].between(gone.min() + 0.7, gone.max() - 0.2)
    assert inside.sum() > 10
    assert rows.loc[inside, "face_id"].isna().mean() > 0.9
    assert rows.loc[~inside, "face_id"].notna().mean() > 0.6
    assert rows["face_id"].dropna().nunique() == 1

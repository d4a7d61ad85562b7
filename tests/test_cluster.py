"""Every command works on a Dask cluster as it does here, and its workers may stand elsewhere."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_cli import fer

from fer_nb.tables import read_table


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    distributed = pytest.importorskip("distributed")
    here = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    try:
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as found:
            os.chdir(here)
            yield found.scheduler_address
    finally:
        os.chdir(here)


@pytest.fixture
def recordings(tmp_path, viewer, monkeypatch):
    """A folder with two recordings, of which one is none, in which the commands are given."""
    shutil.copy(viewer, tmp_path / "a.mp4")
    (tmp_path / "b.mp4").write_text("no film")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_reports(cluster, recordings):
    given = ("report", "a.mp4", "b.mp4", "--stimulus", "a.mp4", "--every", "5")
    run = fer(*given, "--out", "there", "--scheduler", cluster)
    assert run.returncode == 1
    assert "b.mp4: b.mp4 is not a video" in run.stderr
    assert "1 of 2 recordings analysed" in (recordings / "there" / "index.html").read_text("utf-8")
    assert fer(*given, "--out", "here", "--workers", "1").returncode == 1
    names = [sorted(os.listdir(recordings / place)) for place in ("there", "here")]
    assert names[0] == names[1]
    tables = [read_table(recordings / place / "a.parquet") for place in ("there", "here")]
    pd.testing.assert_frame_equal(*tables)
    assert tables[0].attrs == tables[1].attrs


def test_annotated_copies(cluster, recordings):
    run = fer("video", "a.mp4", "b.mp4", "--every", "5", "--out", "c", "--scheduler", cluster)
    assert run.returncode == 1
    assert "1 of 2 videos could not be analysed" in run.stderr
    assert run.stdout.split() == ["c/a.mp4", "c/a.parquet"]
    assert sorted(os.listdir(recordings / "c")) == ["a.mp4", "a.parquet"]
    alone = fer("video", "a.mp4", "--every", "5", "--out", "d.mp4", "--scheduler", cluster)
    assert alone.returncode == 0, alone.stderr
    pd.testing.assert_frame_equal(read_table("d.parquet"), read_table("c/a.parquet"))


def test_photos(cluster, recordings, astronaut):
    (recordings / "photos").mkdir()
    Image.fromarray(astronaut).save(recordings / "photos" / "a.png")
    Image.fromarray(np.zeros((60, 60, 3), np.uint8)).save(recordings / "b.png")
    run = fer("image", "photos", "b.png", "--out", "e", "--scheduler", cluster)
    assert run.returncode == 0, run.stderr
    assert "b.png: no face was found; if there is one, " in run.stdout
    assert sorted(os.listdir(recordings / "e")) == ["b.csv", "b.csv.json", "b.png", "emotions.csv"]
    rows = pd.read_csv(recordings / "e" / "emotions.csv")
    assert rows[["folder", "file", "emotion"]].values.tolist() == [["photos", "a.png", "happy"]]

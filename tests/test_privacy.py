"""Nothing that is written tells where on this computer it was made."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fer_nb import load_detector, load_model
from fer_nb.faces.detectors import describe_detector
from fer_nb.files import told_path, without_folders
from fer_nb.photos import photo_folders
from fer_nb.reports import report_study, report_videos
from fer_nb.study import StudyConfig, load_study

USER = "ann-the-user"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A user's home, whose name nobody else need know."""
    folder = tmp_path / "homes" / USER
    (folder / "my recordings").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    return folder


def assert_untold(out: Path, *secrets: str) -> None:
    files = [path for path in out.rglob("*") if path.is_file()]
    assert files
    for path in files:
        text = path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            text = str(pq.read_schema(path).metadata) + pq.read_table(path).to_pandas().to_csv()
        for secret in secrets:
            at = text.find(secret)
            assert at < 0, f"{path.name}: {text[max(0, at - 80) : at + 120]}"


@pytest.mark.parametrize("where", ["beside", "elsewhere"])
def test_reports_name_files_without_the_users_folders(home, tmp_path, viewer, where):
    folder = home / "my recordings"
    good, broken = folder / "a.mp4", folder / "b c.mp4"
    shutil.copy(viewer, good)
    broken.write_text("no film")
    out = home / "out" if where == "beside" else tmp_path / "out"
    videos = [good, broken, folder / "missing.mp4"]
    done = report_videos(videos, out, every=15, stimulus=good)
    assert [report.ok for report in done] == [True, False, False]
    assert "b c.mp4" in done[1].error
    assert_untold(out, USER, str(tmp_path))
    again = report_videos(videos[:1] + videos[2:], out, every=15, stimulus=good, force=True)
    assert [report.ok for report in again] == [True, False]


def test_a_study_names_files_without_the_users_folders(home, tmp_path, viewer):
    folder = home / "my recordings"
    shutil.copy(viewer, folder / "a.mp4")
    (folder / "b c.mp4").write_text("no film")
    (folder / "m.csv").write_text(
        f"respondent,stimulus,video\nann,film,{folder / 'a.mp4'}\nbob,film,{folder / 'b c.mp4'}\n"
    )
    (folder / "stimuli.csv").write_text(f"stimulus,video\nfilm,{folder / 'a.mp4'}\n")
    quick = StudyConfig(n_boot=200, n_permutations=200)
    (folder / "norms").mkdir()
    for out in (home / "out", tmp_path / "out"):
        report_study(folder / "m.csv", out, config=quick, every=3, norms=folder / "norms")
        assert_untold(out, USER, str(tmp_path))
        quality = load_study(out).quality
        assert quality["status"].tolist() == ["kept", "failed"]
        assert quality["recording"].tolist() == ["a.mp4", "b c.mp4"]
        # The film was found, and shown, all the same.
        assert "data:video/mp4" in (out / "study.html").read_text("utf-8")
    assert load_study(home / "out").stimuli["film"].video.is_file()
    assert not load_study(tmp_path / "out").stimuli["film"].video.is_file()
    films = {"film": folder / "a.mp4"}
    assert load_study(tmp_path / "out", films).stimuli["film"].video.is_file()


def test_a_table_of_photos_names_them_without_the_users_folders(home, tmp_path):
    folder = home / "my recordings"
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(folder / "a.png")
    (folder / "b.png").write_text("no photo")
    photo_folders([folder], load_model(), load_detector(), tmp_path / "out")
    assert_untold(tmp_path / "out", USER, str(tmp_path))


class Own:
    name, margin = "own", 0.0

    def __init__(self, file):
        self.file = str(file)

    def __call__(self, image):
        return []


def test_settings_of_ones_own_detector_tell_no_folder(home):
    assert describe_detector(Own(home / "net.onnx")) == {"name": "own", "file": "net.onnx"}


def test_paths_are_relative_unless_they_lead_through_the_users_folders(home, tmp_path):
    assert told_path(home / "a" / "x.mp4", home / "out") == "../a/x.mp4"
    assert told_path(home / "out" / "x.mp4", home / "out") == "x.mp4"
    assert told_path(home / "x.mp4", tmp_path / "out") == "x.mp4"
    assert told_path("/x.mp4", tmp_path) == "x.mp4"


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("/home/ann/a.mp4 is empty", "a.mp4 is empty"),
        ("there is no file /srv/x/y.mp4; check", "there is no file y.mp4; check"),
        ("cannot read '/srv/x/y.mp4'", "cannot read 'y.mp4'"),
        (r"C:\Users\Ann\a.mp4 is empty", "a.mp4 is empty"),
        ("24 km/h and/or see https://opencv.org/a/b", "24 km/h and/or see https://opencv.org/a/b"),
        ("a 1/2 and 3 / 4", "a 1/2 and 3 / 4"),
    ],
)
def test_messages_name_files_without_folders(message, left):
    assert without_folders(message) == left

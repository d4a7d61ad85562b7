import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import fer_nb
from fer_nb import cli
from fer_nb.media import VideoReader
from fer_nb.tables import read_table
from fer_nb.weights import shipped_models


def fer(*arguments, cwd=None, **variables) -> subprocess.CompletedProcess:
    """Run the program as a user does, without a display."""
    environment = os.environ | {"COLUMNS": "100"} | variables
    environment.pop("DISPLAY", None)
    environment.pop("WAYLAND_DISPLAY", None)
    return subprocess.run(
        [sys.executable, "-m", "fer_nb.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=300,
    )


def test_lab_copies_the_notebooks_and_takes_the_options_of_jupyterlab(tmp_path):
    folder = tmp_path / "lessons"

    def lab(*options):
        run = fer("lab", "--folder", folder, *options, "--version")
        assert run.returncode == 0, run.stderr
        assert run.stdout.strip() == version("jupyterlab")
        return run.stderr

    assert str(folder) in lab()
    names = {path.relative_to(folder) for path in folder.rglob("*.ipynb")}
    assert {Path("00_quickstart.ipynb"), Path("solutions/00_quickstart.ipynb")} <= names
    first, before = folder / "00_quickstart.ipynb", (folder / "00_quickstart.ipynb").read_text()
    first.write_text("mine")
    assert "kept: 00_quickstart.ipynb" in lab()  # nobody is there to be asked
    assert first.read_text() == "mine"
    lab("--yes")
    assert first.read_text() == before


@pytest.fixture
def photos(tmp_path, astronaut, hopper):
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    Image.fromarray(astronaut).save(folder / "astronaut.png")
    Image.fromarray(hopper).save(folder / "more" / "hopper.jpg")
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(folder / "empty.png")
    (folder / "notes.txt").write_text("not a photo")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        *("image", "video", "webcam", "report", "study", "reproduce", "norms", "train", "models"),
        *("demo", "lab"),
    ],
)
def test_help_has_an_example(command):
    run = fer(command, "--help")
    assert run.returncode == 0
    if command in ("train", "models"):
        assert "Commands" in run.stdout
    else:
        assert f"Example: fer-nb {command}" in run.stdout


@pytest.mark.parametrize("group", [(), ("norms",), ("models",), ("train",)])
def test_lists_of_commands_say_each_in_a_whole_sentence(group):
    listed = fer(*group, "--help").stdout.partition("Commands:")[2].strip().splitlines()
    assert len(listed) > 1
    assert not [line for line in listed if line.endswith("...")]


def test_image_prints_and_writes(photos, tmp_path):
    run = fer("image", photos / "astronaut.png", "--va", "--out", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    assert "happy" in run.stdout
    assert "valence" in run.stdout
    annotated = np.array(Image.open(tmp_path / "out" / "astronaut.png"))
    assert annotated.shape == (512, 512, 3)
    assert len(read_table(tmp_path / "out" / "astronaut.csv")) == 1
    again = fer("image", photos / "astronaut.png", "--out", tmp_path / "out")
    assert again.returncode == 1
    assert "exists already" in again.stderr
    forced = fer("image", photos / "astronaut.png", "--out", tmp_path / "out", "--force")
    assert forced.returncode == 0


def test_folder_gives_a_row_per_photo(photos, tmp_path):
    run = fer("image", photos, "--out", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    table = pd.read_csv(tmp_path / "out" / "emotions.csv").set_index("file")
    assert list(table.index) == ["astronaut.png", "empty.png", "more/hopper.jpg"]
    assert table.loc["astronaut.png", "emotion"] == "happy"
    assert table.loc["empty.png", "faces"] == 0
    assert pd.isna(table.loc["empty.png", "emotion"])
    (photos / "broken.jpg").write_text("no photo")
    run = fer("image", photos)
    assert run.returncode == 1
    assert ",astronaut.png,1,happy" in run.stdout  # the others are there all the same
    assert "not an image" in run.stdout


def test_folders_share_one_table(photos, astronaut, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    Image.fromarray(astronaut).save(other / "astronaut.png")
    run = fer("image", photos, other, "--out", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    table = pd.read_csv(tmp_path / "out" / "emotions.csv")
    assert table["folder"].tolist() == ["../photos"] * 3 + ["../other"]
    assert table["file"].tolist()[-1] == "astronaut.png"


def test_photos_of_one_name_do_not_replace_each_other(photos, astronaut, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "astronaut.jpg")
    run = fer(
        "image", photos / "astronaut.png", tmp_path / "astronaut.jpg", "--out", tmp_path / "out"
    )
    assert run.returncode == 1
    assert "several photos are called astronaut" in run.stderr
    assert not (tmp_path / "out").exists()


def test_a_photo_does_not_take_the_name_of_the_folders_table(photos, astronaut, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "emotions.jpg")
    run = fer("image", tmp_path / "emotions.jpg", photos, "--out", tmp_path / "out", "--force")
    assert run.returncode == 1
    assert "emotions.csv" in run.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["image", "video"])
def test_debug_shows_where_a_file_failed(tmp_path, command):
    run = fer(
        "--debug", command, tmp_path / "missing.mp4", tmp_path / "other.mp4", "--workers", "1"
    )
    assert run.returncode == 1
    assert "direct cause" in run.stderr
    assert "MediaError: there is no file" in run.stderr


def test_photos_that_are_not_named_in_utf8(tmp_path, astronaut):
    folder = tmp_path / "photos"
    folder.mkdir()
    odd = folder / os.fsdecode(b"\xff.png")
    Image.fromarray(astronaut).save(odd)
    (folder / os.fsdecode(b"broken\xff.jpg")).write_text("no photo")
    run = fer("image", folder, "--out", tmp_path / "out")
    assert run.returncode == 1  # one cannot be read
    assert "1 of the photos failed" in run.stderr
    table = pd.read_csv(tmp_path / "out" / "emotions.csv")
    assert table["file"].tolist() == ["broken\ufffd.jpg", "\ufffd.png"]
    assert table["emotion"].tolist()[1] == "happy"
    assert "broken\ufffd.jpg is not an image" in table["error"][0]
    run = fer("image", odd, "--out", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    assert "\ufffd.png: happy" in run.stdout
    run = fer("image", folder, "--out", tmp_path / os.fsdecode(b"out\xff"))
    assert run.stdout.endswith("out\ufffd/emotions.csv\n")


def test_video_is_annotated(viewer, tmp_path):
    run = fer("video", viewer, "--va", "--out", tmp_path / "out.mp4", "--every", "2")
    assert run.returncode == 0, run.stderr
    with VideoReader(tmp_path / "out.mp4") as video:
        assert len(list(video)) == 45
    assert len(read_table(tmp_path / "out.parquet")) == 23
    assert fer("video", viewer, "--out", tmp_path / "out.mp4").returncode == 1
    assert "name it .mp4" in fer("video", viewer, "--out", tmp_path / "x.avi").stderr


def test_rest_is_asked_for_in_words_or_seconds(viewer, tmp_path):
    run = fer("video", viewer, "--out", tmp_path / "out.mp4", "--rest", "0-1")
    assert run.returncode == 0, run.stderr
    table = read_table(tmp_path / "out.parquet")
    assert table.attrs["rest"]["how"] == [0, 1]
    assert table["d_valence"].notna().any()
    run = fer("video", viewer, "--out", tmp_path / "x.mp4", "--rest", "5-2")
    assert "two seconds in order" in run.stderr


def test_originals_are_kept(photos, viewer, tmp_path):
    copy = tmp_path / "viewer.mp4"
    shutil.copy(viewer, copy)
    before = copy.read_bytes(), (photos / "astronaut.png").read_bytes()
    for arguments in (
        ("video", "viewer.mp4", "--out", copy),
        ("image", "photos/astronaut.png", "--out", photos),
    ):
        run = fer(*arguments, "--force", cwd=tmp_path)
        assert run.returncode == 1
        assert "original itself" in run.stderr
    assert (copy.read_bytes(), (photos / "astronaut.png").read_bytes()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "viewer.mp4"]


def test_webcam_without_a_display_points_to_the_notebook():
    run = fer("webcam")
    assert run.returncode == 1
    assert "fer-nb lab" in run.stderr


def test_models_list():
    run = fer("models", "list")
    assert run.returncode == 0, run.stderr
    lines = {line.split()[0]: line for line in run.stdout.splitlines()}
    assert "version" in lines["compact"]
    assert "MIT" in lines["compact-0.10"]
    assert "research and teaching" in lines["compact"]
    assert "research only" in lines["hsemotion/enet_b2_8"]


def test_models_list_names_those_that_cannot_be_loaded(tmp_path, monkeypatch):
    shutil.copytree(shipped_models() / "compact", tmp_path / "mine")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.json").write_text("{")
    shutil.copytree(shipped_models() / "compact", tmp_path / "empty")
    (tmp_path / "empty" / "model.onnx").unlink()
    monkeypatch.setenv("FER_NB_MODELS", str(tmp_path))
    run = fer("models", "list")
    assert run.returncode == 1
    assert "mine  version " in run.stdout
    assert "\ncompact  version " in run.stdout  # not instead of it
    assert "broken  cannot be loaded" in run.stderr
    assert "empty  cannot be loaded" in run.stderr


def test_version():
    run = fer("--version")
    assert run.returncode == 0
    assert run.stdout == f"fer_nb {fer_nb.__version__}\n"


def test_errors_are_one_line_and_debug_shows_where(tmp_path):
    run = fer("video", tmp_path / "missing.mp4", cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].startswith("fer-nb: there is no file")
    assert "Traceback" not in run.stderr
    assert "Traceback" in fer("video", "missing.mp4", "--debug", cwd=tmp_path).stderr
    assert fer("image", "x.png", "--model", "none").returncode == 1
    assert fer("report", "x.mp4").returncode == 2  # no --out: wrong usage
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as POSIX systems do")
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_is_one_line(tmp_path, workers):
    (tmp_path / "work.py").write_text(
        "import os, time\n"
        "def wait(folder):\n"
        "    open(f'{folder}/{os.getpid()}', 'w').close()\n"
        "    time.sleep(60)\n"
    )
    # What a shell starts in the background ignores Ctrl-C; the tests may be run so, too.
    (tmp_path / "program.py").write_text(
        "import signal\n"
        "import work\n"
        "from fer_nb import batch, cli\n"
        "@cli.app.command()\n"
        "def wait(folder: str, workers: int):\n"
        "    list(batch.map_in_order(work.wait, [folder] * 9, workers=workers))\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "if __name__ == '__main__':\n"
        "    cli.main()\n"
    )
    (tmp_path / "seen").mkdir()
    command = [sys.executable, tmp_path / "program.py", "wait", tmp_path / "seen", str(workers)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        try:
            end = time.monotonic() + 60
            while len(os.listdir(tmp_path / "seen")) < workers and time.monotonic() < end:
                time.sleep(0.05)
            os.killpg(run.pid, signal.SIGINT)
            told, error = run.communicate(timeout=30)
        finally:
            run.kill()
    assert (run.returncode, told, error) == (130, "", "fer-nb: stopped\n")
    for worker in os.listdir(tmp_path / "seen"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(worker), 0)


def test_a_video_that_is_cut_off_leaves_nothing(tmp_path, viewer, monkeypatch, capsys):
    def stop(*_, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("fer_nb.videos.annotate_video", stop)
    arguments = ["video", str(viewer), "--out", str(tmp_path / "x.mp4"), "--every", "15"]
    monkeypatch.setattr(sys, "argv", ["fer-nb", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 130
    assert capsys.readouterr().err == "fer-nb: stopped\n"
    assert not list(tmp_path.iterdir())


def test_without_any_report_there_is_no_index(tmp_path):
    run = fer("report", tmp_path / "missing.mp4", "--out", tmp_path / "out")
    assert run.returncode == 1
    assert run.stdout == ""
    assert "1 of 1 recordings could not be analysed" in run.stderr
    assert not list((tmp_path / "out").iterdir())


def test_report_fails_if_one_recording_failed(tmp_path, viewer):
    run = fer("report", viewer, tmp_path / "missing.mp4", "--out", tmp_path / "out")
    assert run.returncode == 1
    assert "1 of 2 recordings could not be analysed" in run.stderr
    assert (tmp_path / "out" / "viewer.html").is_file()
    assert "missing.mp4" in (tmp_path / "out" / "index.html").read_text()


def test_study_fails_if_one_recording_failed(tmp_path, viewer):
    (tmp_path / "broken.mp4").write_text("no video")
    (tmp_path / "m.csv").write_text(
        f"respondent,stimulus,video\nann,film,{viewer}\nbob,film,broken.mp4\n"
    )
    run = fer("study", tmp_path / "m.csv", "--out", tmp_path / "out", "--every", "5")
    assert run.returncode == 1
    assert run.stdout.strip() == str(tmp_path / "out" / "study.html")
    told = [line for line in run.stderr.splitlines() if line.startswith("fer-nb: ")]
    assert len(told) == 2
    assert told[0].startswith("fer-nb: broken.mp4: ")
    assert told[1] == "fer-nb: 1 of 2 recordings could not be analysed"


def test_unwritable_folder_is_named(tmp_path, viewer):
    (tmp_path / "file").write_text("")
    run = fer("report", viewer, "--out", tmp_path / "file" / "out")
    assert run.returncode == 1
    assert "cannot make the folder" in run.stderr

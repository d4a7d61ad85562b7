"""`fer-nb video` on many files, and what their copies hold."""

import os
import signal
import subprocess
import sys
import time

import av
import numpy as np
import pytest
from clips import encode
from test_cli import fer

from fer_nb.draw import annotate_video
from fer_nb.errors import FerError
from fer_nb.media import VideoReader, sound_note
from fer_nb.reactions import analyze_video
from fer_nb.tables import read_table
from fer_nb.videos import plan_copies


def sounds(path) -> np.ndarray:
    """Start times of a file's sound packets, in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return np.array([float(p.pts * p.time_base) for p in container.demux(stream) if p.dts])


def test_copies_keep_the_sound_in_step(tmp_path, astronaut):
    path = tmp_path / "x.mp4"
    encode(path, images=[astronaut] * 50, times=0.4 + np.arange(50) / 25, sound_s=2.4)
    table = analyze_video(path, every=25)
    whole = sounds(annotate_video(path, table, tmp_path / "whole.mp4"))
    assert whole[0] == pytest.approx(0, abs=0.15)
    assert whole[-1] == pytest.approx(1.9, abs=0.2)  # 2.4 s less those before the picture
    part = sounds(annotate_video(path, table, tmp_path / "part.mp4", span=(0.5, 1.0)))
    assert part[-1] == pytest.approx(0.4, abs=0.2)


def test_sound_that_mp4_cannot_carry_is_told(tmp_path, astronaut):
    path = tmp_path / "x.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 512, 512, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        for _ in range(5):
            picture = av.VideoFrame.from_ndarray(astronaut, format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), "s16", "mono")
        silence.sample_rate = 8000
        container.mux(sound.encode(silence))
    assert "pcm_s16le" in sound_note(path)
    run = fer("video", path, "--out", tmp_path / "out.mp4", "--every", "5")
    assert run.returncode == 0, run.stderr
    assert "the copy has no sound" in run.stderr
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio


def test_copies_within_the_folder_are_not_annotated_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "emotions/a.mp4", "sub/emotions/a.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    for sources in (["."], [str(tmp_path)]):
        names = [os.path.relpath(copy.video) for copy in plan_copies(sources, None)]
        assert names == ["a.mp4", "sub/emotions/a.mp4"]
    assert len(plan_copies(["emotions"], None)) == 1  # asked for by name
    assert len(plan_copies(["."], ".")) == 3


def test_a_stretch_without_frames_is_told(tmp_path, viewer):
    run = fer("video", viewer, "--start", "999", "--out", tmp_path / "a.mp4")
    assert run.returncode == 1
    assert "no frame lies in the stretch asked for; the video has" in run.stderr
    assert not list(tmp_path.iterdir())


def test_many_videos_and_folders_go_into_one_folder(tmp_path, viewer, monkeypatch):
    folder = tmp_path / "clips"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.mp4", "sub/a.mp4", "._a.mp4"):
        (folder / name).write_bytes(viewer.read_bytes())
    (folder / "bad.mp4").write_text("no video")
    encode(folder / "dark.mkv")
    (folder / "old.rmvb").write_bytes(b"x")
    (folder / "notes.txt").write_text("who is who")
    out = tmp_path / "out"
    run = fer("video", folder, "--out", out, "--csv", "--fps", "2", "--end", "1", "--workers", "1")
    assert run.returncode == 1
    assert "bad.mp4" in run.stderr
    assert "warning: clips: left out old.rmvb, as only files that end in .mp4," in run.stderr
    assert "1 of 4 videos could not be analysed" in run.stderr
    told = "warning: dark.mkv: face seen 0% of the time (minimum 40%): keep the whole face in"
    assert told in run.stderr
    made = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    pairs = [f"{name}{suffix}" for name in ("a", "dark", "sub/a") for suffix in (".csv", ".mp4")]
    assert [name for name in made if not name.endswith(".json")] == sorted(pairs)
    table = read_table(out / "a.csv")
    assert table["time_s"].nunique() == 3  # 0, 0.5 and 1 s
    assert table["source"].unique().tolist() == ["a.mp4"]
    with VideoReader(out / "a.mp4") as video:
        assert video.info.duration_s == pytest.approx(1.0, abs=0.1)


def test_names_that_would_meet_are_told_before_the_work(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.mp4").write_bytes(b"x")
    with pytest.raises(FerError, match="would both become"):
        plan_copies([tmp_path / "a", tmp_path / "b" / "x.mp4"], tmp_path / "out")
    with pytest.raises(FerError, match="give a folder"):
        plan_copies([tmp_path / "a"], tmp_path / "out.mp4")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FerError, match="holds no video"):
        plan_copies([tmp_path / "empty"], None)


def test_each_face_of_a_folders_photos(tmp_path, astronaut, hopper):
    from PIL import Image

    (tmp_path / "photos").mkdir()
    both = np.hstack([astronaut[:500], hopper[:500]])
    Image.fromarray(both).save(tmp_path / "photos" / "=both.png")
    (tmp_path / "photos" / "live.mov").write_bytes(b"x")  # a phone puts it beside the photo
    one = fer("image", tmp_path / "photos")
    each = fer("image", tmp_path / "photos", "--all-faces")
    assert "warning: photos: left out live.mov, as only files" in one.stderr
    assert len(one.stdout.strip().splitlines()) == 2
    assert len(each.stdout.strip().splitlines()) == 3
    assert ",'=both.png,2,happy," in each.stdout


@pytest.mark.skipif(os.name != "posix", reason="ends processes as POSIX systems do")
def test_a_program_that_is_ended_leaves_no_part_file(tmp_path, viewer):
    path = tmp_path / "x.mp4"
    encode(path, images=[np.zeros((480, 640, 3), np.uint8)] * 400, options={"preset": "ultrafast"})
    command = [sys.executable, "-m", "fer_nb.cli", "video", str(path), "--every", "400"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as run:
        try:
            end = time.monotonic() + 90
            while not list(tmp_path.glob(".*.part.mp4")) and time.monotonic() < end:
                time.sleep(0.01)
            os.kill(run.pid, signal.SIGTERM)
            run.communicate(timeout=60)
        finally:
            run.kill()
    assert run.returncode == 143
    assert os.listdir(tmp_path) == ["x.mp4"]


def test_consoles_that_are_not_utf8(tmp_path, astronaut):
    from PIL import Image

    Image.fromarray(astronaut).save(tmp_path / "Gesicht-ä-顔.png")
    command = [sys.executable, "-m", "fer_nb.cli", "image", "Gesicht-ä-顔.png"]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, encoding="cp1252"
    )
    assert run.returncode == 0, run.stderr
    assert "Gesicht-ä-?.png: happy" in run.stdout

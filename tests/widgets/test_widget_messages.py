"""The kernel's side of the widgets: what comes in, what goes out, and what is said of errors."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_nb import PhotoExplorer, VideoExplorer, WebcamPreview, load_detector, load_model
from fer_nb.errors import FerError, MediaError
from fer_nb.reactions import analyze_image, analyze_video
from fer_nb.widgets import assets, pictures
from fer_nb.widgets.base import Uploads
from fer_nb.widgets.samples import SAMPLES, sample, sample_video


def listen(widget) -> list:
    """Collect what a widget sends."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))
    return sent


def tell(widget, buffers=(), **message) -> None:
    widget._receive(widget, message, list(buffers))


# --- pieces of files ---
@settings(deadline=None)  # disks have their moods
@given(st.binary(max_size=2000), st.integers(1, 700))
def test_a_file_arrives_as_it_was_however_it_is_cut(data, size):
    uploads = Uploads()
    starts = range(0, max(len(data), 1), size)
    done = None
    for start in starts:
        piece = memoryview(data[start : start + size])
        last = start + size >= len(data)
        done = uploads.take({"id": "a", "name": "x.bin", "start": start, "last": last}, piece)
        assert (done is not None) == last
    assert done.read_bytes() == data


def test_a_lost_piece_is_said_and_names_do_not_leave_the_folder():
    uploads = Uploads()
    uploads.take({"id": "a", "name": "x", "start": 0, "last": False}, b"1234")
    with pytest.raises(FerError, match="choose it again"):
        uploads.take({"id": "a", "name": "x", "start": 8, "last": True}, b"5678")
    with pytest.raises(FerError, match="choose it again"):
        uploads.take({"id": "b", "name": "x", "start": 4, "last": True}, b"5678")
    for name in ("../../evil", "..\\evil", "/etc/evil"):
        path = uploads.take({"id": "c", "name": name, "start": 0, "last": True}, b"1")
        assert path.name == "evil"
        assert Path(tempfile.gettempdir()).resolve() in path.resolve().parents


def test_a_file_that_is_open_outlives_the_arrival_of_another(clip, viewer):
    explorer = VideoExplorer()
    sent = listen(explorer)
    data = clip.read_bytes()
    piece = {"type": "upload", "name": "a.mp4"}
    tell(explorer, [data], id="1", start=0, last=True, **piece)
    opened = explorer._path
    tell(explorer, [viewer.read_bytes()[:500]], id="2", start=0, last=False, **piece)
    assert opened.read_bytes() == data
    tell(explorer, [b""], id="2", start=9, last=True, **piece)  # a lost piece
    assert sent[-1][0] | {"text": ""} == {"type": "failed", "text": "", "view": None, "upload": "2"}
    assert len(explorer.analyze()) == 25
    tell(explorer, [viewer.read_bytes()], id="3", start=0, last=True, **piece)
    assert explorer._path.read_bytes() == viewer.read_bytes()
    assert [path.name for path in opened.parents[1].rglob("*.mp4")] == ["a.mp4"]


# --- errors ---
def test_errors_are_told_and_end_the_preview():
    preview = WebcamPreview()
    sent = listen(preview)
    tell(preview, type="start", view="a")
    assert preview.running
    tell(preview, [b"no jpeg"], type="frame", view="a", seq=1, t=0.0)
    assert sent[-1][0]["type"] == "failed"
    assert "cannot be decoded" in sent[-1][0]["text"]
    assert not preview.running


def test_an_interrupt_ends_the_preview_with_a_sentence(astronaut):
    preview = WebcamPreview()
    sent = listen(preview)
    tell(preview, type="start", view="a")

    def interrupted(*_):
        raise KeyboardInterrupt

    preview._session.look = interrupted
    tell(preview, [pictures.jpeg(astronaut)], type="frame", view="a", seq=1, t=0.0)
    assert "interrupted" in sent[-1][0]["text"]
    assert not preview.running


def test_an_unforeseen_error_is_told(caplog):
    explorer = PhotoExplorer()
    sent = listen(explorer)
    explorer._read = lambda: 1 / 0
    tell(explorer, type="detector", value="haar/frontalface_alt2")
    assert "ZeroDivisionError" in sent[-1][0]["text"]
    assert "ZeroDivisionError" in caplog.text


# --- the preview ---
def test_frames_are_answered_once_each_and_only_for_the_view_that_runs(astronaut):
    preview = WebcamPreview()
    sent = listen(preview)
    jpeg = pictures.jpeg(astronaut)
    tell(preview, type="start", view="a")
    tell(preview, type="start", view="b")  # the same preview, shown a second time
    assert [content["view"] for content, _ in sent] == ["a", "b"]
    tell(preview, [jpeg], type="frame", view="a", seq=1, t=0.0)
    assert sent[-1][0] == {"type": "answer", "view": "a", "seq": 1, "faces": [], "ms": 0}
    for seq in range(1, 6):
        tell(preview, [jpeg], type="frame", view="b", seq=seq, t=seq / 4, pad=5000, delay=40)
    answers = [c for c, _ in sent if c["type"] == "answer" and c["view"] == "b"]
    assert [answer["seq"] for answer in answers] == [1, 2, 3, 4, 5]
    assert len(answers[-1]["faces"]) == 1
    assert len(sent[-1][1][0]) == 5000
    assert preview.stats["delay_ms_median"] == 40
    tell(preview, type="stop", view="a")
    assert preview.running
    tell(preview, type="stop", view="b")
    assert not preview.running


def test_recording_ends_with_the_camera(astronaut):
    preview = WebcamPreview()
    listen(preview)
    with pytest.raises(FerError, match="start the preview"):
        preview.record()
    jpeg = pictures.jpeg(astronaut)
    tell(preview, type="start", view="a")
    tell(preview, type="record", on=True)
    for seq in range(6):
        tell(preview, [jpeg], type="frame", view="a", seq=seq, t=seq / 4)
    assert preview.recording
    tell(preview, type="stop", view="a")
    assert not preview.recording
    assert preview.rows == 6
    assert preview.reactions["time_s"].tolist() == pytest.approx([i / 4 for i in range(6)])


def test_only_the_view_that_asked_is_answered(clip, astronaut):
    preview, photo = WebcamPreview(), PhotoExplorer()
    video = VideoExplorer(clip, reactions=analyze_video(clip))
    sent = listen(preview), listen(photo), listen(video)
    tell(preview, type="start", view="a")
    tell(preview, type="record", on=True)
    tell(preview, [pictures.jpeg(astronaut)], type="frame", view="a", seq=1, t=0.0)
    for one in sent:
        one.clear()
    tell(preview, type="csv", view="b")
    tell(photo, type="hello", view="b")
    tell(photo, type="save", value="table", view="b")
    tell(video, type="hello", view="b")
    tell(video, type="frame", seq=1, t=0.0, view="b")
    tell(video, type="save", value="table", span=[], people=[0], smooth=0, view="b")
    got = [[(content["type"], content["view"]) for content, _ in one] for one in sent]
    kinds = ["file"], ["photo", "file"], ["video", "table", "frame", "file"]
    assert got == [[(kind, "b") for kind in of] for of in kinds]


# --- photo ---
def test_photo_agrees_with_analyze_image(hopper):
    explorer = PhotoExplorer(hopper)
    expected = analyze_image(hopper)
    pd.testing.assert_frame_equal(explorer.reactions, expected)
    sent = listen(explorer)
    tell(explorer, type="hello")
    content, buffers = sent[-1]
    face = content["faces"][0]
    assert face["x"] * 512 == pytest.approx(expected["x"].iloc[0])
    assert face["emotion"] == expected["emotion"].iloc[0]
    shown = pictures.decode(buffers[0])
    assert shown.shape == hopper.shape
    assert abs(shown.astype(int) - hopper).mean() < 6  # also: red and blue are not swapped
    assert pictures.decode(buffers[1]).shape[0] == content["input"]


def test_a_cascade_file_of_ones_own(tmp_path):
    import cv2

    own = tmp_path / "mine.xml"
    own.write_bytes((Path(cv2.data.haarcascades) / "haarcascade_frontalface_alt.xml").read_bytes())
    explorer = PhotoExplorer()
    sent = listen(explorer)
    tell(explorer, [own.read_bytes()], type="upload", id="1", name="mine.xml", start=0, last=True)
    assert sent[-1][0]["detector"] == "haar/mine.xml"
    assert explorer.choices["detectors"][0] == "haar/mine.xml"
    assert len(explorer.reactions) == 1
    for name in ("haar/frontalface_default", "haar/mine.xml"):
        tell(explorer, type="detector", value=name)
        assert sent[-1][0]["type"] == "photo", sent[-1][0]["text"]
        assert sent[-1][0]["detector"] == name


def test_a_model_and_a_detector_of_ones_own_can_be_chosen_again(astronaut):
    class Own:
        name, size = "own model", 64

        def predict_batch(self, faces):
            return model.predict_batch(faces)

    model = load_model()
    own, strict = Own(), load_detector("haar", min_neighbors=9)
    explorer = PhotoExplorer(astronaut, own, strict)
    sent = listen(explorer)
    for kind, names in (
        ("model", ("compact", "own model")),
        ("detector", ("haar/frontalface_default", "haar")),
    ):
        for name in names:
            tell(explorer, type=kind, value=name)
            assert sent[-1][0]["type"] == "photo", sent[-1][0]["text"]
            assert sent[-1][0][kind] == name
    assert explorer._model is own
    assert explorer._detector is strict


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_rgb(name):
    photo = sample(name)
    assert photo.dtype == np.uint8
    assert photo.ndim == 3


# --- video ---
@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return sample_video(tmp_path_factory.mktemp("clip") / "clip.mp4", "astronaut", 2.0, 12.5)


def test_video_agrees_with_analyze_video(clip):
    explorer = VideoExplorer(clip)
    with pytest.raises(FerError, match="not analysed yet"):
        _ = explorer.reactions
    sent = listen(explorer)
    table = explorer.analyze()
    pd.testing.assert_frame_equal(table, analyze_video(clip))
    content, buffers = sent[-1]
    block = np.frombuffer(buffers[0], np.float32).reshape(content["rows"], content["columns"])
    np.testing.assert_allclose(block[:, 0], table["time_s"], atol=1e-4)
    np.testing.assert_allclose(block[:, -2], table["valence"], rtol=1e-6)
    np.testing.assert_allclose(block[:, 7:16].sum(axis=1), 1, atol=1e-5)
    explorer.span = [0.5, 1.0]
    assert explorer.selected["time_s"].between(0.5, 1.0).all()
    assert len(explorer.selected) in (6, 7)


def test_no_cell_of_a_saved_table_is_a_formula(clip, tmp_path):
    hostile = tmp_path / "=1+1.mp4"
    hostile.write_bytes(clip.read_bytes())
    explorer = VideoExplorer(hostile, reactions=analyze_video(hostile, every=5))
    sent = listen(explorer)
    tell(explorer, type="save", value="table", span=[], people=[0], smooth=0, view="b")
    text = bytes(sent[-1][1][0]).decode()
    assert "'=1+1.mp4" in text
    assert ",=1+1.mp4" not in text


def test_frames_are_those_of_their_time(clip):
    explorer = VideoExplorer(clip)
    sent = listen(explorer)
    seen = {}
    for seq, time_s in enumerate([0.0, 1.21, 0.41, 5.0, 0.0]):
        tell(explorer, type="frame", seq=seq, t=time_s)
        content, buffers = sent[-1]
        seen[seq] = content["shown"], pictures.decode(buffers[0])
    shown = [round(time_s, 2) for time_s, _ in seen.values()]
    assert shown == [0.0, 1.2, 0.4, 1.92, 0.0]
    assert (seen[0][1] == seen[4][1]).all()
    assert abs(seen[0][1].astype(int) - seen[1][1]).mean() > 2


def test_cancel_keeps_what_was_there(clip):
    explorer = VideoExplorer(clip)
    explorer.analyze()
    before = explorer.reactions
    sent = listen(explorer)
    started = explorer._detector

    class Slow:
        name = "slow"

        def __call__(self, image):
            explorer._cancel.set()
            return started(image)

    explorer._detector = Slow()
    tell(explorer, type="analyze", every=1)
    explorer._job.join(60)
    assert sent[-1][0] == {"type": "cancelled", "what": "analysis"}
    assert explorer.reactions is before


def test_two_jobs_at_once_are_refused(clip):
    explorer = VideoExplorer(clip)
    sent = listen(explorer)
    tell(explorer, type="analyze", every=1)
    tell(explorer, type="analyze", every=1)
    assert any("under way" in c.get("text", "") for c, _ in sent)
    explorer.cancel()


@pytest.mark.parametrize("end", [KeyboardInterrupt, ValueError, None])
def test_an_analysis_in_a_cell_that_ends_early_frees_the_widget(clip, end):
    explorer = VideoExplorer(clip)
    sent = listen(explorer)

    class Ending:
        def __call__(self, image):
            if end:
                raise end("on purpose")
            tell(explorer, type="cancel")
            return []

    explorer._detector = Ending()
    with pytest.raises(end or FerError, match="on purpose" if end else "cancelled in the widget"):
        explorer.analyze()
    assert sent[-1][0]["type"] == ("failed" if end is ValueError else "cancelled")


def test_a_cell_does_not_analyse_beside_the_widget(clip):
    explorer = VideoExplorer(clip)
    sent = listen(explorer)
    tell(explorer, type="analyze", every=1)
    tell(explorer, type="cancel")
    if explorer._job.is_alive():
        with pytest.raises(FerError, match="under way"):
            explorer.analyze()
    explorer._job.join(60)
    assert sent[-1][0]["type"] == "cancelled"


def test_a_given_table_is_checked(clip):
    table = analyze_video(clip)
    text = table.assign(emotion=table["emotion"].astype(str))
    less = table.assign(emotion=table["emotion"].cat.remove_unused_categories())
    for given_table in (text, less):
        explorer = VideoExplorer(clip, reactions=given_table)
        pd.testing.assert_series_equal(explorer.reactions["emotion"], table["emotion"])
    with pytest.raises(FerError, match="lacks valence"):
        VideoExplorer(clip, reactions=table.drop(columns="valence"))
    with pytest.raises(FerError, match="give the video"):
        VideoExplorer(reactions=table)


def test_a_figure_shows_somebody_who_is_switched_on(monkeypatch, tmp_path):
    from fer_nb.widgets import still

    drawn = []
    real = still.curves_figure
    monkeypatch.setattr(
        still, "curves_figure", lambda t, person, w: drawn.append(person) or real(t, person, w)
    )
    two = sample_video(tmp_path / "two.mp4", "two faces", 1.0, 10)
    explorer = VideoExplorer(two, reactions=analyze_video(two))
    listen(explorer)
    for people in ([0], [1], [0, 1]):
        tell(explorer, type="save", value="figure", span=[], people=people, smooth=0.5)
    assert drawn[:2] == [0, 1]
    assert len(drawn) == 3


def test_clip_of_a_span_overwrites_nothing(clip, tmp_path, monkeypatch):
    from fer_nb.media import VideoReader

    monkeypatch.chdir(tmp_path)
    explorer = VideoExplorer(clip, reactions=analyze_video(clip))
    listen(explorer)
    for _ in range(2):
        tell(explorer, type="save", value="clip", span=[0.5, 1.0])
        explorer._job.join(60)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["clip-annotated-2.mp4", "clip-annotated.mp4"]
    with VideoReader(tmp_path / names[0]) as video:
        assert [round(f.time_s, 2) for f in video][:2] == [0.0, 0.08]


def test_a_wrong_path_is_told(tmp_path):
    with pytest.raises(MediaError, match="no file"):
        VideoExplorer(tmp_path / "none.mp4")
    explorer = VideoExplorer()
    sent = listen(explorer)
    tell(explorer, type="path", value=f' "{tmp_path}" ')
    assert "is a folder" in sent[-1][0]["text"]


# --- without a browser ---
@pytest.mark.parametrize("make", [PhotoExplorer, WebcamPreview, VideoExplorer])
def test_without_a_front_end_there_is_a_sentence_and_no_widget(make):
    widget = make()
    data, _ = widget._repr_mimebundle_()
    assert "JupyterLab" in data["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" not in data
    assert widget.comm is None
    assert ("image/png" in data) == (make is not VideoExplorer)


def test_scripts_hold_what_they_share_once_and_reach_out_to_nobody():
    for name in ("webcam", "photo", "video"):
        text = assets.script(name)
        assert text.count("function drawFaces") == 1
        assert text.count("export default") == 1
        for word in ("http://", "https://", "import(", "eval("):
            # Addresses occur only in what is said to the user about tunnels.
            lines = [line for line in text.splitlines() if word in line]
            assert all("ssh -L" in line for line in lines)

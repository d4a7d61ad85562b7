from fractions import Fraction

import av
import numpy as np
import pytest
from clips import encode

from fer_nb.draw import (
    GREEN,
    GREY,
    RED,
    annotate_video,
    blur_picture,
    draw_bbox_with_emotion,
    draw_box,
    draw_reactions,
    valence_color,
)
from fer_nb.emotions import COLORS
from fer_nb.errors import FerError
from fer_nb.faces.detectors import load_detector
from fer_nb.media import VideoReader
from fer_nb.opencv import cv2
from fer_nb.reactions import analyze_image, analyze_video


class Says:
    """A model that gives one answer, and keeps what it was shown."""

    def __init__(self, answer):
        self.answer = answer

    def predict(self, image):
        self.seen = image
        return self.answer


@pytest.mark.parametrize(
    ("answer", "color"),
    [
        ("happy", GREEN),
        (["sad", 2.0, 3.1], RED),
        (["neutral", 4.0, 4.0], GREY),
        (["happy", 5.9, 5.3], GREEN),
        (["sad", 3.999, 4.0], RED),
    ],
)
def test_box_follows_the_reference_rule(astronaut, answer, color):
    before = astronaut.copy()
    model = Says(answer)
    out = draw_bbox_with_emotion(astronaut, model, 170, 60, 110, 110)
    np.testing.assert_array_equal(astronaut, before)
    assert model.seen.shape == (110, 110, 3)
    assert out.shape == astronaut.shape
    assert tuple(out[115, 170]) == color  # the left side of the box
    changed = np.argwhere((out != before).any(axis=2))
    assert changed[:, 0].min() < 60  # the caption stands above it
    assert changed[:, 0].max() <= 172


def test_valence_color():
    assert [valence_color(v) for v in (1, 3.9, 4, 4.1, 7)] == [RED, RED, GREY, GREEN, GREEN]
    colors = [valence_color(v, band=0.05) for v in (3.9, 3.96, 4.04, 4.1)]
    assert colors == [RED, GREY, GREY, GREEN]  # grey where the caption says 4.0


@pytest.mark.parametrize("box", [(0, 0, 40, 40), (490, 500, 60, 60), (-30, -30, 50, 50)])
def test_captions_stay_in_the_picture(astronaut, box):
    out = draw_box(astronaut, *box, "a rather long caption", RED)
    assert (out != astronaut).any()


def test_tiny_picture_can_be_drawn_on():
    assert draw_box(np.zeros((4, 4, 3), np.uint8), 0, 0, 3, 3, "happy", RED).shape == (4, 4, 3)


def test_reactions_are_drawn_and_absent_faces_not(astronaut):
    table = analyze_image(astronaut)
    assert (draw_reactions(astronaut, table, val_ar=True) != astronaut).any()
    empty = analyze_image(np.zeros_like(astronaut))
    np.testing.assert_array_equal(draw_reactions(astronaut, empty), astronaut)


def test_nobody_is_found_in_a_blurred_picture(astronaut, hopper, head):
    for image in (astronaut, hopper, head, np.hstack([astronaut, astronaut])):
        blurred = blur_picture(image)
        assert blurred.shape == image.shape
        assert load_detector("haar")(blurred) == []
        # No detail finer than an eighth of the shorter side, but the colours are where they were.
        side = min(image.shape[:2]) // 8
        fine = blurred - cv2.GaussianBlur(blurred, (0, 0), side / 2).astype(float)
        assert np.abs(fine).mean() < 12
        coarse = [cv2.resize(p, (4, 4), interpolation=cv2.INTER_AREA) for p in (image, blurred)]
        assert np.abs(np.subtract(*coarse, dtype=float)).mean() < 8
    assert blur_picture(np.zeros((1, 5000, 3), np.uint8)).shape == (1, 5000, 3)


@pytest.mark.parametrize("grey", [False, True])
def test_grey_pictures_can_be_drawn_on(astronaut, grey):
    image = astronaut[..., 0] if grey else astronaut
    assert draw_bbox_with_emotion(image, Says("happy"), 9, 9, 50, 50).shape == (512, 512, 3)
    with pytest.raises(FerError, match="finite"):
        draw_bbox_with_emotion(image, Says("happy"), float("nan"), 9, 50, 50)


def test_frames_of_one_moment_are_all_kept(tmp_path, astronaut):
    path = tmp_path / "twice.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "bgr0"
        stream.codec_context.time_base = Fraction(1, 1000)
        for i in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 * i, np.uint8), "rgb24")
            frame.pts, frame.time_base = 80 * (i // 2), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    out = annotate_video(path, analyze_video(path), tmp_path / "out.mp4")
    with VideoReader(out) as video:
        times = [frame.time_s for frame in video]
    np.testing.assert_allclose(times[::2], 0.08 * np.arange(5), atol=1e-3)
    assert (np.diff(times) > 0).all()


def test_a_copy_of_a_video_with_oblong_pixels_is_shown_as_the_original_is(tmp_path, astronaut):
    squeezed = cv2.resize(astronaut, (360, 512), interpolation=cv2.INTER_AREA)
    encode(tmp_path / "a.mp4", images=[squeezed] * 10, aspect=Fraction(64, 45))
    table = analyze_video(tmp_path / "a.mp4")
    out = annotate_video(tmp_path / "a.mp4", table, tmp_path / "out.mp4")
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (512, 512)
        assert stream.sample_aspect_ratio in (None, 0, 1)  # square, whoever plays it
    with VideoReader(out) as video:
        image = next(iter(video)).image.astype(int)
    face = table.iloc[0]
    plain = analyze_image(astronaut).iloc[0]  # as it was before it was squeezed
    ratio = plain["width"] / plain["height"]
    assert face["width"] / face["height"] == pytest.approx(ratio, rel=0.1)
    left, middle = round(face["x"]), round(face["y"] + face["height"] / 2)
    edge = image[middle, left - 3 : left + 4]
    color = [int(COLORS[face["emotion"]][i : i + 2], 16) for i in (1, 3, 5)]
    assert np.abs(edge - color).max(axis=1).min() < 40  # the side of the box
    elsewhere = np.abs(image - astronaut)[300:, :]  # her suit, as wide as it is
    assert elsewhere.mean() < 12


def test_the_original_is_kept(viewer):
    before = viewer.read_bytes()
    with pytest.raises(FerError, match="original itself"):
        annotate_video(viewer, analyze_video(viewer, every=20), viewer, force=True)
    assert viewer.read_bytes() == before


def test_annotated_video_keeps_frames_and_times(viewer, tmp_path):
    table = analyze_video(viewer, every=2)
    out = annotate_video(viewer, table, tmp_path / "out.mp4", val_ar=True)
    with VideoReader(viewer) as a, VideoReader(out) as b:
        pairs = list(zip(a, b, strict=True))
        for before, after in pairs:
            assert after.time_s == pytest.approx(before.time_s, abs=1e-3)
        assert np.abs(pairs[3][0].image.astype(int) - pairs[3][1].image).max() > 100


def test_drawing_a_video_can_be_watched_and_given_up(viewer, tmp_path):
    table, times = analyze_video(viewer, every=2), []
    annotate_video(viewer, table, tmp_path / "whole.mp4", progress=times.append)
    with VideoReader(viewer) as source:
        assert times == [frame.time_s for frame in source]
    middle = (times[3], times[9])
    annotate_video(viewer, table, tmp_path / "middle.mp4", span=middle)
    with VideoReader(tmp_path / "middle.mp4") as copy:
        found = [frame.time_s for frame in copy]
    np.testing.assert_allclose(found, np.array(times[3:10]) - times[3], atol=2e-3)

    def give_up(time_s):
        if time_s > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate_video(viewer, table, tmp_path / "part.mp4", progress=give_up)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["middle.mp4", "whole.mp4"]

import subprocess
import sys

import av
import numpy as np
import pytest
from clips import encode, plain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fer_nb import media
from fer_nb.errors import FerError, MediaError
from fer_nb.media import VideoReader, VideoWriter


def stamps(path) -> list[float]:
    """Presentation times as the container's packets state them, in order of presentation."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        found = [p.pts for p in container.demux(stream) if p.pts is not None]
        return sorted(float(pts * stream.time_base) for pts in found)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(5, 400), min_size=1, max_size=25), st.integers(0, 3000))
def test_times_are_the_containers_own(tmp_path, steps_ms, first_ms):
    times = (first_ms + np.concatenate([[0], np.cumsum(steps_ms)])) / 1000
    path = tmp_path / "variable.mp4"
    with VideoWriter(path, fps=25, force=True) as video:
        for i, time_s in enumerate(times):
            video.write(plain(10 * i % 250), time_s)
    with VideoReader(path) as video:
        read = [frame.time_s for frame in video]
    assert read[0] == 0
    np.testing.assert_allclose(read, times - times[0], atol=1e-3)
    container = stamps(path)
    np.testing.assert_allclose(read, np.subtract(container, container[0]), atol=1e-3)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("b.avi", "mpeg4"),
        ("b.avi", "libx264"),
        ("b.mkv", "libx264"),
        ("b.webm", "libvpx"),
        ("b.mov", "mjpeg"),
        ("b.ts", "libx264"),
        ("b.mts", "libx264"),
        ("b.m2ts", "mpeg2video"),
        ("b.mpg", "mpeg2video"),
        ("b.vob", "mpeg2video"),
        ("b.h264", "libx264"),
    ],
)
def test_other_containers_lose_no_frame(tmp_path, name, codec):
    path = tmp_path / name
    encode(path, codec)
    with VideoReader(path) as video:
        frames = [(frame.time_s, int(frame.image.mean())) for frame in video]
        times, levels = zip(*frames, strict=True)
        np.testing.assert_allclose(times, np.arange(30) / 25, atol=2e-3)
        np.testing.assert_allclose(levels, 8 * np.arange(30), atol=6)
        assert "lost" not in " ".join(video.warnings)
        for i in (29, 3, 15, 0, 12):
            seen = video.frame_at(i / 25 + 0.02)
            assert seen.time_s == pytest.approx(i / 25, abs=2e-3)
            assert seen.image.mean() == pytest.approx(8 * i, abs=6)
        assert video.frame_at(99).time_s == pytest.approx(29 / 25, abs=2e-3)


def test_a_file_that_gives_nothing_any_more_is_told(make_video, monkeypatch):
    with VideoReader(make_video([plain(50)] * 3)) as video:
        monkeypatch.setattr(video, "_decode", lambda: iter(()))
        with pytest.raises(MediaError, match="ffmpeg -i"):
            list(video)
        with pytest.raises(MediaError, match="ffmpeg -i"):
            video.frame_at(1.0)


def test_a_late_first_stamp_is_no_truncation(tmp_path):
    encode(tmp_path / "late.mkv", times=2 + np.arange(30) / 25)
    with VideoReader(tmp_path / "late.mkv") as video:
        assert next(iter(video)).time_s == 0
        assert len(list(video)) == 30
        assert video.warnings == []


def test_tags_in_another_encoding_do_no_harm(tmp_path):
    encode(tmp_path / "tags.avi", "mpeg4", tags={"title": "CafeX"})
    data = (tmp_path / "tags.avi").read_bytes()
    (tmp_path / "tags.avi").write_bytes(data.replace(b"CafeX", b"Caf\xe9X"))
    with VideoReader(tmp_path / "tags.avi") as video:
        assert len(list(video)) == 30


def test_colons_in_relative_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with VideoWriter("2026-11-22T12:30:00.mp4") as video:
        video.write(plain(50))
    with VideoReader("2026-11-22T12:30:00.mp4") as video:
        assert len(list(video)) == 1


def test_picture_too_thin_for_a_video_is_told(tmp_path):
    with pytest.raises(MediaError, match="at least 2 by 2"), VideoWriter(tmp_path / "x.mp4") as v:
        v.write(plain(1, (1, 400)))


def test_reader_can_be_read_twice_and_seeks_exactly(make_video):
    times = np.cumsum([0, 0.04, 0.2, 0.04, 1.5, 0.04, 0.04, 0.3])
    path = make_video([plain(20 * i + 20) for i in range(8)], times)
    with VideoReader(path) as video:
        assert len(list(video)) == len(list(video)) == 8
        for time_s, index in ((0, 0), (0.1, 1), (1.0, 3), (1.779, 3), (1.79, 4), (9, 7), (0.05, 1)):
            frame = video.frame_at(time_s)
            assert frame.time_s == pytest.approx(times[index], abs=1e-3)
            assert frame.image.mean() == pytest.approx(20 * index + 20, abs=4)
        assert len(list(video)) == 8


ONE = 0x00010000


@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ((ONE, 0, 0, ONE), lambda image: image),
        ((0, ONE, -ONE, 0), lambda image: np.rot90(image, -1)),  # a phone held upright
        ((0, -ONE, ONE, 0), lambda image: np.rot90(image, 1)),
        ((-ONE, 0, 0, -ONE), lambda image: image[::-1, ::-1]),
        ((-ONE, 0, 0, ONE), lambda image: image[:, ::-1]),  # mirrored, as front cameras may be
        ((ONE, 0, 0, -ONE), lambda image: image[::-1]),
        ((0, ONE, ONE, 0), lambda image: image.transpose(1, 0, 2)),
        ((0, -ONE, -ONE, 0), lambda image: image[::-1, ::-1].transpose(1, 0, 2)),
    ],
)
def test_rotation_and_mirroring_are_applied(tmp_path, make_video, astronaut, matrix, turn):
    path = make_video([astronaut[:300, :400]] * 3)
    turned = tmp_path / "turned.mp4"
    with av.open(str(path)) as source, av.open(str(turned), "w") as sink:
        copy = sink.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                sink.mux(packet)
    data = bytearray(turned.read_bytes())
    # The display matrix in the track header; its shifts do not matter to a decoder.
    at = data.find(b"tkhd") + 4 + 40
    a, b, c, d = (value & 0xFFFFFFFF for value in matrix)
    values = [a, b, 0, c, d, 0, 0, 0, 0x40000000]
    data[at : at + 36] = b"".join(value.to_bytes(4, "big") for value in values)
    turned.write_bytes(data)
    expected = turn(astronaut[:300, :400])
    with VideoReader(turned) as video:
        assert (video.info.height, video.info.width) == expected.shape[:2]
        image = next(iter(video)).image
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 12


def test_truncated_video_gives_what_is_there(tmp_path, astronaut):
    path = tmp_path / "whole.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
        for i in range(100):
            image = np.ascontiguousarray(np.roll(astronaut[:256, :256], 3 * i, axis=1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    half = tmp_path / "half.mkv"
    half.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with VideoReader(half) as video:
        count = len(list(video))
    assert 10 < count < 100
    assert any("early" in w or "truncated" in w or "broken" in w for w in video.warnings)


def test_broken_videos_are_told_apart(tmp_path, make_video):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("these are words, not a film\n" * 50)
    whole = make_video([plain(50)] * 30).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])  # its index is at the end
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for name, said in {
        "missing.mp4": "no file",
        "empty.mp4": "is empty",
        "text.mp4": "not a video",
        "cut.mp4": "not a video|no video stream",
        "sound.mp4": "no video stream",
    }.items():
        with pytest.raises(MediaError, match=said):
            VideoReader(tmp_path / name)


def test_writer_leaves_no_half_video(tmp_path):
    path = tmp_path / "x.mp4"
    with pytest.raises(ZeroDivisionError), VideoWriter(path) as video:
        video.write(plain(1))
        raise ZeroDivisionError
    with pytest.raises(MediaError, match="at least one"), VideoWriter(path):
        pass
    with pytest.raises(MediaError, match="must increase"), VideoWriter(path) as video:
        video.write(plain(1), 1.0)
        video.write(plain(1), 0.5)
    assert list(tmp_path.iterdir()) == []
    with VideoWriter(path) as video:
        video.write(plain(1))
    with pytest.raises(FerError, match="exists already"):
        VideoWriter(path)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_flat_with_the_length_of_a_video(tmp_path):
    """Peak memory of reading 100 and 1500 frames, each in a process of its own."""
    code = (
        "import sys; from fer_nb.media import VideoReader\n"
        "with VideoReader(sys.argv[1]) as video:\n"
        "    for frame in video: frame.image.mean()\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    peaks = []
    for count in (100, 1500):
        path = tmp_path / f"{count}.mp4"
        with VideoWriter(path, options={"preset": "ultrafast"}) as video:
            for i in range(count):
                video.write(plain(i % 250, (360, 640)))
        run = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        )
        peaks.append(int(run.stdout) / 1024)
    assert peaks[1] - peaks[0] < 25, peaks


def test_suffixes_are_lower_case():
    assert all(s == s.lower() for s in media.IMAGE_SUFFIXES + media.VIDEO_SUFFIXES)

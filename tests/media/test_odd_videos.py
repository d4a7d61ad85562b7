"""Recordings as people have them; each was a bug report of somebody's users."""

import os
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import copied, encode, plain

from fer_nb.errors import MediaError
from fer_nb.files import VIDEO_SUFFIXES, files_in
from fer_nb.media import VideoReader
from fer_nb.media.color import tone_mapped
from fer_nb.person import recording_quality
from fer_nb.reactions import analyze_video


def read(path):
    """Frames' times, mean levels and the reader, closed."""
    with VideoReader(path) as video:
        frames = [(frame.time_s, float(frame.image.mean())) for frame in video]
    times, levels = zip(*frames, strict=True)
    return np.array(times), np.array(levels), video


def half_bright(shape=(48, 64)) -> np.ndarray:
    """Left half black, right half white."""
    image = plain(0, shape)
    image[:, shape[1] // 2 :] = 255
    return image


# Geometry


@pytest.mark.parametrize("name", ["x.mp4", "x.mkv", "x.ts"])
@pytest.mark.parametrize(
    ("aspect", "shape"), [(Fraction(64, 45), (48, 91)), (Fraction(1, 2), (96, 64)), (1, (48, 64))]
)
def test_pixels_are_made_square(tmp_path, name, aspect, shape):
    encode(tmp_path / name, images=[half_bright()] * 12, aspect=aspect)
    with VideoReader(tmp_path / name) as video:
        frame = next(iter(video))
        assert (video.info.height, video.info.width) == shape
        assert frame.image.shape == (*shape, 3)
        assert frame.luma.shape == shape
        bright = (frame.image.mean(axis=(0, 2)) > 128).argmax()
        assert bright == pytest.approx(shape[1] / 2, abs=1)
        assert video.frame_at(1).image.shape == (*shape, 3)


def test_pixels_that_cannot_be_so_oblong_are_taken_for_square(tmp_path):
    encode(tmp_path / "x.mkv", images=[half_bright()] * 3, aspect=Fraction(100, 1))
    with VideoReader(tmp_path / "x.mkv") as video:
        assert (video.info.height, video.info.width) == (48, 64)


def test_a_size_that_changes_is_fitted_in(tmp_path):
    encode(tmp_path / "a.ts", images=[plain(200)] * 15)
    encode(tmp_path / "b.ts", images=[plain(200, (96, 96))] * 15)
    path = tmp_path / "both.ts"
    path.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    with VideoReader(path) as video:
        images = [frame.image for frame in video]
        assert video.sizes == [(64, 48), (96, 96)]
        assert any("size changes from 64 by 48 to 96 by 96 pixels" in w for w in video.warnings)
    assert {image.shape for image in images} == {(48, 64, 3)}
    columns = images[-1].mean(axis=(0, 2))  # a square of 48, with bars of 8 to its sides
    np.testing.assert_allclose(columns[[0, 7, 8, 32, 55, 56, 63]], [0, 0, *[200] * 3, 0, 0], atol=6)


# Time


@pytest.mark.parametrize(("name", "codec"), [("live.webm", "libvpx"), ("x.ts", "libx264")])
def test_joined_recordings_have_one_clock(tmp_path, name, codec):
    encode(tmp_path / name, codec)
    path = tmp_path / f"twice-{name}"
    path.write_bytes((tmp_path / name).read_bytes() * 2)
    times, levels, video = read(path)
    np.testing.assert_allclose(times, np.arange(60) / 25, atol=2e-3)
    np.testing.assert_allclose(levels, np.tile(8 * np.arange(30), 2), atol=6)
    assert any("joined" in w and "1.2 s" in w for w in video.warnings)
    with VideoReader(path) as video:
        list(video)
        for time_s in (2.0, 0.52, 1.52):
            seen = video.frame_at(time_s + 0.01)
            assert seen.time_s == pytest.approx(time_s, abs=2e-3)


def test_mp4_files_put_one_behind_the_other_are_told(tmp_path):
    encode(tmp_path / "x.mp4")
    (tmp_path / "twice.mp4").write_bytes((tmp_path / "x.mp4").read_bytes() * 2)
    times, _, video = read(tmp_path / "twice.mp4")
    assert len(times) == 30
    assert any("2 recordings" in w and "only the first" in w for w in video.warnings)
    assert read(tmp_path / "x.mp4")[2].warnings == []


def test_joined_broadcasts_are_sought_right_before_they_were_read(tmp_path):
    encode(tmp_path / "x.ts")
    (tmp_path / "twice.ts").write_bytes((tmp_path / "x.ts").read_bytes() * 2)
    with VideoReader(tmp_path / "twice.ts") as video:
        seen = video.frame_at(1.81)
        assert seen.time_s == pytest.approx(1.8, abs=2e-3)
        assert seen.image.mean() == pytest.approx(8 * 15, abs=6)


def test_a_clip_cut_without_encoding_lacks_nothing(tmp_path):
    encode(tmp_path / "x.mp4")
    copied(tmp_path / "x.mp4", tmp_path / "cut.mp4", from_s=0.6)
    times, levels, video = read(tmp_path / "cut.mp4")
    np.testing.assert_allclose(times, np.arange(15) / 25, atol=2e-3)
    np.testing.assert_allclose(levels, 8 * np.arange(15, 30), atol=6)
    assert (video.warnings, video.missing) == ([], 0)


@pytest.mark.parametrize("name", ["x.mp4", "x.mkv"])
def test_a_picture_that_starts_late_is_told(tmp_path, name):
    encode(tmp_path / name, times=0.8 + np.arange(30) / 25, sound_s=2)
    times, _, video = read(tmp_path / name)
    assert times[0] == 0
    assert video.info.start_s == pytest.approx(0.8, abs=0.03)
    assert any("0.8" in w and "into the file" in w for w in video.warnings)


@pytest.mark.parametrize("name", ["x.mkv", "x.mp4", "x.ts"])
def test_stamps_that_begin_at_5_s_make_no_video_longer(tmp_path, name):
    encode(tmp_path / name, times=5 + np.arange(30) / 25)
    with VideoReader(tmp_path / name) as video:
        assert video.info.duration_s == pytest.approx(1.2, abs=0.05)


def remuxed(source, out, change) -> None:
    """Put the packets of a file that `change` returns of a list of all into another file."""
    with av.open(str(source)) as origin, av.open(str(out), "w") as sink:
        copy = sink.add_stream_from_template(origin.streams.video[0])
        for packet in change([p for p in origin.demux(video=0) if p.dts is not None]):
            packet.stream = copy
            sink.mux(packet)


def test_pictures_that_a_webcam_left_out_of_an_avi_file_are_not_lost(tmp_path, astronaut):
    """Such a file keeps an empty place for each, as every picture has the same length."""
    encode(tmp_path / "all.avi", "mjpeg", fps=30, images=moving(astronaut, 90))
    kept = [i for i in range(90) if i % 7 < 3]
    remuxed(tmp_path / "all.avi", tmp_path / "x.avi", lambda packets: [packets[i] for i in kept])
    times, _, video = read(tmp_path / "x.avi")
    np.testing.assert_allclose(times, np.array(kept) / 30, atol=2e-3)
    assert (video.missing, video.lost, video.warnings) == (0, 0, [])
    whole = (tmp_path / "x.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    assert "truncated" in " ".join(read(tmp_path / "cut.avi")[2].warnings)


@pytest.mark.parametrize("name", ["x.mp4", "x.mkv"])
def test_a_slow_screen_recording_has_no_early_end(tmp_path, name):
    encode(tmp_path / name, fps=Fraction(1, 2), images=[plain(100)] * 4)
    times, _, video = read(tmp_path / name)
    np.testing.assert_allclose(times, [0, 2, 4, 6], atol=2e-3)
    assert video.warnings == []


def test_a_last_picture_that_stays_on_screen_is_no_early_end(tmp_path):
    def prolonged(packets):
        packets[-1].duration = round(9 / packets[-1].time_base)
        return packets

    encode(tmp_path / "x.mp4")
    remuxed(tmp_path / "x.mp4", tmp_path / "y.mp4", prolonged)
    times, _, video = read(tmp_path / "y.mp4")
    assert video.info.duration_s > 9 > 2 > times[-1]
    assert (len(times), video.warnings) == (30, [])


def test_a_rate_that_no_camera_has_is_not_believed(tmp_path):
    images = [plain(100, (576, 720))] * 5
    encode(tmp_path / "x.dv", "dvvideo", images=images, pix_fmt="yuv420p")
    times, _, video = read(tmp_path / "x.dv")
    assert len(times) == 5
    assert video.info.fps == pytest.approx(25)


def test_frames_before_the_first_stamp_are_timed_by_the_rate(tmp_path):
    """Matroska has no stamps below 0, which is where a recording that was shifted may begin."""
    encode(tmp_path / "x.mp4")
    options = {"avoid_negative_ts": "disabled"}
    with (
        av.open(str(tmp_path / "x.mp4")) as origin,
        av.open(str(tmp_path / "x.mkv"), "w", options=options) as sink,
    ):
        copy = sink.add_stream_from_template(origin.streams.video[0])
        shift = round(0.48 / origin.streams.video[0].time_base)
        for packet in origin.demux(video=0):
            if packet.dts is not None:
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copy
                sink.mux(packet)
    times, levels, video = read(tmp_path / "x.mkv")
    np.testing.assert_allclose(times, np.arange(30) / 25, atol=2e-3)
    np.testing.assert_allclose(levels, 8 * np.arange(30), atol=6)
    assert video.origin_s == pytest.approx(-0.48)
    assert video.info.start_s < 0.1
    told = "the first 12 frames have no time stamps; their times are counted from the frame rate"
    assert video.warnings == [told]
    with VideoReader(tmp_path / "x.mkv") as video:
        assert video.frame_at(0.81).time_s == pytest.approx(0.8, abs=2e-3)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        *(("x.flv", "flv"), ("x.f4v", "libx264"), ("x.ogv", "libvpx"), ("x.asf", "wmv2")),
        *(("x.vob", "mpeg2video"), ("x.mod", "mpeg2video"), ("x.m2v", "mpeg2video")),
        *(("x.mxf", "mpeg2video"), ("x.3g2", "libx264"), ("x.dv", "dvvideo")),
    ],
)
def test_what_folders_take_for_videos_is_read(tmp_path, name, codec):
    made = tmp_path / ("x.vob" if name == "x.mod" else name)  # a camcorder's name for the same
    encode(made, codec, images=[plain(8 * i, (576, 720)) for i in range(30)])
    made.rename(tmp_path / name)
    assert files_in(tmp_path, VIDEO_SUFFIXES) == [tmp_path / name]
    times, levels, _ = read(tmp_path / name)
    np.testing.assert_allclose(times, np.arange(30) / 25, atol=2e-3)
    np.testing.assert_allclose(levels, 8 * np.arange(30), atol=8)


# Tracks, colour, fields


def test_of_two_tracks_the_one_that_players_show_is_read(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=25) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        streams[0].disposition = av.stream.Disposition(0)
        streams[1].disposition = av.stream.Disposition.default
        for _ in range(5):
            for stream, level in zip(streams, (30, 220), strict=True):
                frame = av.VideoFrame.from_ndarray(plain(level), format="rgb24")
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode())
    _, levels, video = read(path)
    np.testing.assert_allclose(levels, 220, atol=6)
    assert video.warnings == ["of 2 video tracks the second was read"]


COLOR = np.array([192, 128, 96])


@pytest.mark.parametrize(
    ("pix_fmt", "colorspace", "color_range", "size"),
    [
        ("yuv420p", 5, 1, (48, 64)),
        ("yuv420p", 1, 1, (48, 64)),
        ("yuvj420p", 5, 2, (48, 64)),
        ("yuv444p", 1, 2, (48, 64)),
        ("yuv420p10le", 5, 1, (48, 64)),
        ("yuv420p", 2, 1, (720, 1280)),  # not told, but large: BT.709
    ],
)
def test_colours_are_right_in_every_range_and_depth(
    tmp_path, pix_fmt, colorspace, color_range, size
):
    path = tmp_path / "x.mkv"
    image = np.broadcast_to(COLOR.astype(np.uint8), (*size, 3)).copy()
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    meant = 1 if colorspace == 2 else colorspace
    frame = frame.reformat(format=pix_fmt, dst_colorspace=meant, dst_color_range=color_range)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "4"})
        stream.height, stream.width = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.colorspace = colorspace
        stream.codec_context.color_range = color_range
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with VideoReader(path) as video:
        frame = next(iter(video))
        np.testing.assert_allclose(frame.image[20, 20], COLOR, atol=4)
        red, green, blue = (0.2126, 0.7152, 0.0722) if meant == 1 else (0.299, 0.587, 0.114)
        told = red * COLOR[0] + green * COLOR[1] + blue * COLOR[2]
        assert frame.luma[20, 20] == pytest.approx(told, abs=6)
        assert frame.luma.shape == size


def test_luma_is_the_grey_of_the_picture(make_video, astronaut):
    grey = astronaut @ np.array([0.299, 0.587, 0.114])
    with VideoReader(make_video([astronaut] * 2)) as video:
        luma = next(iter(video)).luma
    assert luma.dtype == np.uint8
    assert np.abs(luma - grey).mean() < 4


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_mapped_to_what_standard_screens_show(tmp_path, transfer, name):
    path = tmp_path / "hdr.mkv"
    levels = np.array([0.1, 0.3, 0.5, 0.7])  # of standard video, in columns
    light = 203.0 * levels**2.4  # cd/m²
    code = np.repeat(hdr_code(light, transfer), 32)
    image = np.broadcast_to((65535 * code).astype(np.uint16)[None, :, None], (96, 128, 3)).copy()
    colours = {"color_trc": transfer, "colorspace": 9, "color_primaries": 9}
    encode(path, images=[image] * 3, context=colours, pix_fmt="yuv420p10le", options={"crf": "4"})
    with VideoReader(path) as video:
        frame = next(iter(video))
        np.testing.assert_allclose(frame.image[40, 16::32, 1], 255 * levels, atol=6)
        np.testing.assert_allclose(frame.luma[40, 16::32], 255 * levels, atol=6)
        assert video.warnings == [f"HDR ({name}) was mapped to standard range"]


def hdr_code(light: np.ndarray, transfer: int) -> np.ndarray:
    """Code 0-1 of grey light in cd/m²: SMPTE ST 2084, or ARIB STD-B67 on a 1000 cd/m² display."""
    if transfer == 16:
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        power = (light / 10_000) ** m1
        return ((c1 + c2 * power) / (1 + c3 * power)) ** m2
    scene = (light / 1000) ** (1 / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    bright = a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


def test_the_brightest_highlight_is_white():
    assert (tone_mapped(np.full((2, 2, 3), 65535, np.uint16), 16) >= 253).all()
    assert (tone_mapped(np.zeros((2, 2, 3), np.uint16), 18) == 0).all()


def test_interlaced_frames_have_no_comb(tmp_path):
    """A bright bar that moves 16 px from field to field."""
    images = []
    for i in range(8):
        image = plain(20, (96, 128))
        image[0::2, 32 * (i % 3) : 32 * (i % 3) + 16] = 230
        image[1::2, 32 * (i % 3) + 16 : 32 * (i % 3) + 32] = 230
        images.append(image)
    encode(tmp_path / "x.mkv", images=images, options={"x264-params": "tff=1", "crf": "4"})
    with VideoReader(tmp_path / "x.mkv") as video:
        frames = [frame.image[8:-8].astype(int) for frame in video]
    assert len(frames) == 8
    combs = [np.abs(np.diff(image, axis=0)).mean() for image in frames]
    assert np.abs(np.diff(images[0][8:-8].astype(int), axis=0)).mean() > 40  # there was one
    assert max(combs[1:-1]) < 12
    for image in frames[1:-1]:  # one field's bar, and not the other's
        assert (image.mean(axis=(0, 2)) > 128).sum() == 16


def test_transparency_is_laid_on_white(tmp_path):
    path = tmp_path / "x.mov"
    rgba = np.zeros((48, 64, 4), np.uint8)
    rgba[:, 32:] = (200, 0, 0, 255)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("qtrle", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "argb"
        frame = av.VideoFrame.from_ndarray(rgba, format="rgba")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with VideoReader(path) as video:
        image = next(iter(video)).image
    assert (image[5, 5] == 255).all()
    np.testing.assert_array_equal(image[5, 50], [200, 0, 0])


# Damage


def damaged(path, out, share=(0.35, 0.6)) -> None:
    data = bytearray(path.read_bytes())
    first, last = (round(s * len(data)) for s in share)
    data[first:last] = bytes(last - first)
    out.write_bytes(data)


def moving(astronaut, count=75):
    return [np.roll(astronaut[:128, 128:256], 3 * i, axis=1) for i in range(count)]


@pytest.mark.parametrize("name", ["x.ts", "x.mpg", "x.mkv"])
def test_frames_that_damage_took_are_counted(tmp_path, astronaut, name):
    codec = "mpeg2video" if name == "x.mpg" else "libx264"
    encode(tmp_path / name, codec, images=moving(astronaut))
    damaged(tmp_path / name, tmp_path / f"bad-{name}")
    times, _, video = read(tmp_path / f"bad-{name}")
    assert 20 < len(times) < 75
    assert (np.diff(times) >= 0).all()
    assert times[-1] == pytest.approx(74 / 25, abs=0.05)
    told = " ".join(video.warnings)
    assert "damaged" in told or "broken" in told or "early" in told
    if name != "x.mkv":
        assert video.missing == pytest.approx(75 - len(times), abs=3)
        assert f"only {len(times)} of" in told


def test_damaged_pictures_are_counted(tmp_path, astronaut):
    encode(tmp_path / "x.mp4", images=moving(astronaut), context={"gop_size": 75})
    data = bytearray((tmp_path / "x.mp4").read_bytes())
    middle = np.random.default_rng(1).integers(0.3 * len(data), 0.6 * len(data), 40)
    for i in middle:
        data[i] ^= 0x55
    (tmp_path / "bad.mp4").write_bytes(data)
    _, _, video = read(tmp_path / "bad.mp4")
    assert video.damaged > 0
    assert any(w.startswith(f"{video.damaged} of ") and "damaged" in w for w in video.warnings)


# What a file claims


def test_scripts_and_playlists_are_not_followed(tmp_path):
    encode(tmp_path / "secret.ts")
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile secret.ts\n")
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.ts\n"  # has no end: is live
    (tmp_path / "live.m3u8").write_text(playlist)
    (tmp_path / "live.mp4").write_text(playlist)
    (tmp_path / "words.txt").write_text("words that FFmpeg would paint\n" * 99)
    for name in ("list.mp4", "live.m3u8", "live.mp4", "words.txt"):
        with pytest.raises(MediaError, match="is not a video"):
            VideoReader(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(MediaError, match="not a regular file"):
        VideoReader(tmp_path / "pipe.mp4")


def test_frames_that_are_too_large_are_refused_before_they_are_decoded(tmp_path):
    encode(tmp_path / "x.mkv", "mpeg4", images=[plain(99, (7200, 7200))])
    with pytest.raises(MediaError, match=r"7200 by 7200 pixels.*scale it down"):
        VideoReader(tmp_path / "x.mkv")


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.ts", "libx264"), ("a.webm", "libvpx")]
)
def test_frames_lost_in_the_middle_are_counted_and_those_after_a_cut_are_not(
    tmp_path, astronaut, name, codec
):
    images = [np.roll(astronaut[:240, :320], i, axis=1) for i in range(100)]
    whole, torn = tmp_path / name, tmp_path / f"torn-{name}"
    encode(whole, codec, images=images)
    damaged(whole, torn, share=(0.35, 0.65))
    with VideoReader(whole) as video:
        assert (len(list(video)), video.lost, video.warnings) == (100, 0, [])
    with VideoReader(torn) as video:
        count = len(list(video))
        assert video.lost == pytest.approx(100 - count, abs=2)
        assert any("could be read" in warning for warning in video.warnings)
    if name != "a.mp4":  # its index lies at the end
        torn.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        with VideoReader(torn) as video:
            assert len(list(video)) < 60
            assert video.lost == 0


def test_a_recording_with_too_many_damaged_frames_is_unusable(tmp_path, astronaut):
    images = [np.roll(astronaut[:240, :320], i % 9, axis=1) for i in range(100)]
    whole, torn = tmp_path / "a.mp4", tmp_path / "torn.mp4"
    encode(whole, images=images)
    damaged(whole, torn, share=(0.35, 0.65))
    good, bad = (recording_quality(analyze_video(path, every=2)) for path in (whole, torn))
    assert good["damaged_share"] == 0
    assert "damaged_share" not in good["reasons"]
    assert bad["damaged_share"] == pytest.approx(0.3, abs=0.05)
    assert bad["reasons"] == [*good["reasons"], "damaged_share"]

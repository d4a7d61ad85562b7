import io
import subprocess
import sys

import numpy as np
import pytest
from clips import plain
from PIL import Image

from fer_nb.errors import MediaError
from fer_nb.media import as_array, count_pictures, read_image


def test_photo_modes(tmp_path, astronaut):
    small = astronaut[::4, ::4]
    grey16 = (np.arange(64 * 64, dtype=np.uint16) * 16).reshape(64, 64)
    rgba = np.dstack([small, np.zeros(small.shape[:2], np.uint8)])
    cases = {
        "rgb.png": Image.fromarray(small),
        "grey.png": Image.fromarray(small[..., 0]),
        "grey16.png": Image.fromarray(grey16),
        "clear.png": Image.fromarray(rgba),
        "palette.png": Image.fromarray(small).quantize(64),
        "one.png": Image.fromarray(small[:1, :1]),
    }
    read = {}
    for name, image in cases.items():
        image.save(tmp_path / name)
        read[name] = read_image(tmp_path / name)
        assert read[name].dtype == np.uint8
        assert read[name].shape == (*np.asarray(image).shape[:2], 3)
    np.testing.assert_array_equal(read["rgb.png"], small)
    np.testing.assert_array_equal(read["grey.png"][..., 2], small[..., 0])
    np.testing.assert_allclose(read["grey16.png"][..., 0], grey16 / 257, atol=0.51)
    assert (read["clear.png"] == 255).all()  # transparency is laid on white


def test_photo_taken_upright(tmp_path):
    picture = plain(0)
    picture[:, :10] = (250, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    Image.fromarray(picture).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    upright = read_image(tmp_path / "turned.jpg")
    assert upright.shape == (64, 48, 3)
    assert upright[5, 20, 0] > 200  # the left edge is now at the top
    assert upright[50, 20, 0] < 50


def test_broken_photos_are_told_apart(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    Image.fromarray(plain(9, (200, 200))).save(tmp_path / "whole.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:500])
    for name, said in {
        "missing.png": "no file",
        "empty.png": "is empty",
        "text.png": "not an image",
        "half.jpg": "cannot be read",
        ".": "is a folder",
    }.items():
        with pytest.raises(MediaError, match=said):
            read_image(tmp_path / name)


def test_huge_photo_is_refused_with_the_limit(tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    with pytest.raises(MediaError, match="100 million pixels"):
        read_image(tmp_path / "huge.png")


def test_bytes_and_files_are_read_and_addresses_are_refused(tmp_path, astronaut):
    path = tmp_path / "a.png"
    Image.fromarray(astronaut).save(path)
    np.testing.assert_array_equal(read_image(path.read_bytes()), astronaut)
    np.testing.assert_array_equal(read_image(io.BytesIO(path.read_bytes())), astronaut)
    with open(path, "rb") as file:
        np.testing.assert_array_equal(read_image(file), astronaut)
    for address in ("https://example.org/a.jpg", "HTTP://example.org/a.jpg"):
        with pytest.raises(MediaError, match="download the picture first"):
            read_image(address)
    with pytest.raises(MediaError, match="path, bytes or a binary file, not int"):
        read_image(7)
    with pytest.raises(MediaError, match="given as bytes is not an image"):
        read_image(b"no picture")


@pytest.mark.parametrize("shift", [0, 10_000])
def test_deep_grey_is_scaled_by_its_range(tmp_path, astronaut, shift):
    grey = astronaut[..., 0]
    cases = {
        "unit": grey.astype(np.float32) / 255,
        "bytes": grey.astype(np.float32),
        "words": grey.astype(np.int32) * 257,
        "integers": grey.astype(np.int32),
    }
    for name, values in cases.items():
        path = tmp_path / f"{name}.tif"
        Image.fromarray(values).save(path)
        np.testing.assert_allclose(read_image(path)[..., 1], grey, atol=1)
    for values in (grey.astype(np.int32) * 1000 + shift, -grey.astype(np.float32) - 1):
        with pytest.raises(MediaError, match="scale them to 0-1"):
            as_array(Image.fromarray(values))


def test_transparency_lies_on_white_in_every_strip(tmp_path):
    rgba = np.zeros((1300, 8, 4), np.uint8)
    rgba[600:, :, :] = (10, 200, 30, 255)
    Image.fromarray(rgba).save(tmp_path / "x.png")
    read = read_image(tmp_path / "x.png")
    assert (read[:600] == 255).all()
    assert (read[600:] == (10, 200, 30)).all()
    palette = Image.fromarray(np.repeat([[0], [1]], [600, 700], axis=0).astype(np.uint8)).convert(
        "P"
    )
    palette.putpalette([255, 0, 0, 10, 200, 30])
    palette.save(tmp_path / "p.gif", transparency=0)
    read = read_image(tmp_path / "p.gif")
    assert (read[:600] == 255).all()
    assert (read[600:] == (10, 200, 30)).all()


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_of_several_pictures_the_first_is_read_and_all_are_counted(tmp_path, name):
    pictures = [Image.fromarray(plain(level)) for level in (40, 120, 200)]
    path = tmp_path / name
    options = {"lossless": True} if name == "a.webp" else {}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, **options)
    assert count_pictures(path) == 3
    np.testing.assert_allclose(read_image(path), 40, atol=2)
    pictures[0].save(tmp_path / "one.png")
    assert count_pictures(tmp_path / "one.png") == 1


def test_an_eps_file_starts_no_ghostscript(tmp_path, monkeypatch):
    def started(*_, **__):
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", started)
    text = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n%%EndComments\nshowpage\n%%EOF\n"
    (tmp_path / "x.jpg").write_text(text)
    with pytest.raises(MediaError, match="not an image that can be read"):
        read_image(tmp_path / "x.jpg")


def test_damaged_avif_is_one_of_our_errors(tmp_path, astronaut):
    Image.fromarray(astronaut).save(tmp_path / "x.avif")
    data = (tmp_path / "x.avif").read_bytes()
    assert np.abs(read_image(data).astype(int) - astronaut).mean() < 12
    rng = np.random.default_rng(0)
    read = 0
    for _ in range(20):
        bad = bytearray(data)
        for i in rng.integers(0, len(bad), 60):
            bad[i] = rng.integers(256)
        (tmp_path / "x.jpg").write_bytes(bad)
        try:
            read += read_image(tmp_path / "x.jpg").shape == astronaut.shape
        except MediaError:
            continue
    assert read < 20  # some of them were broken indeed


def test_heic_without_its_decoder_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "x.HEIC").write_bytes(b"....ftypheic")
    with pytest.raises(MediaError, match="pip install pillow-heif"):
        read_image(tmp_path / "x.HEIC")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_photo_of_98_megapixels_needs_no_2_gb(tmp_path):
    Image.new("RGB", (11_400, 8_600), "grey").save(tmp_path / "x.jpg")
    code = (
        "import sys, fer_nb; fer_nb.analyze_image(sys.argv[1])\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    command = [sys.executable, "-c", code, tmp_path / "x.jpg"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(run.stdout) / 1024 < 1500, run.stdout

"""Folders of photos as people have them."""

import numpy as np
from PIL import Image

from fer_nb.faces.detectors import load_detector
from fer_nb.models import load_model
from fer_nb.photos import photo_folders


def test_what_cannot_be_read_is_a_row_and_ends_nothing(tmp_path, astronaut, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(astronaut).save(folder / "good.png")
    Image.fromarray(astronaut).save(folder / "good.avif")
    whole = (folder / "good.avif").read_bytes()
    (folder / "broken.jpg").write_bytes(whole[: len(whole) // 2])  # an AVIF file, cut
    (folder / "drawing.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")
    (folder / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / "._good.png").write_bytes(b"what macOS puts on a stick")
    Image.fromarray(astronaut.astype(np.int32) @ np.array([1, 1, 1], np.int32)).save(
        folder / "deep.tif"
    )
    rows = photo_folders([folder], load_model(), load_detector()).set_index("file")
    assert sorted(rows.index) == [
        *("broken.jpg", "deep.tif", "drawing.jpg", "good.avif", "good.png", "phone.heic")
    ]
    assert rows.loc[["good.png", "good.avif"], "emotion"].tolist() == ["happy"] * 2
    assert "pip install pillow-heif" in rows.loc["phone.heic", "error"]
    assert rows.loc[["broken.jpg", "drawing.jpg"], "error"].notna().all()

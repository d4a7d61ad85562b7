"""Pictures with boxes and names drawn on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from fer_nb.emotions import COLORS, NEUTRAL
from fer_nb.faces import Face, check_picture, crop_face
from fer_nb.media import Sound, VideoReader, VideoWriter, keep_source
from fer_nb.opencv import cv2

if TYPE_CHECKING:
    from fer_nb.reader import Reading

GREEN, GREY, RED = (0, 158, 80), (128, 128, 128), (213, 52, 38)


class Predictor(Protocol):
    """Anything with the reference's `predict`: a name, or ``[name, valence, arousal]``."""

    def predict(self, image: np.ndarray) -> str | list: ...


def valence_color(valence: float, band: float = 0.0) -> tuple[int, int, int]:
    """Return the reference's colour rule: red below 4, grey at 4, green above (RGB).

    A network never answers exactly 4. With a `band` of 0.05 what is written as 4.0 is grey.
    """
    if abs(valence - NEUTRAL) <= band:
        return GREY
    return GREEN if valence > NEUTRAL else RED


def draw_bbox_with_emotion(
    img: np.ndarray, model: Predictor, x: float, y: float, w: float, h: float
) -> np.ndarray:
    """Read the emotion in a box and draw the box and the answer on a copy of the picture.

    Parameters
    ----------
    img : uint8 array (H, W, 3), RGB, or (H, W), grey
    model : object with ``predict(image)``
        `FerModel` or `VGGFerModel`. If it answers with a name the box is green; if with
        ``[name, valence, arousal]`` it is red for valence in [1, 4), grey at 4 and green in (4, 7],
        and the caption carries both numbers.
    x, y, w, h : float
        The box in pixels. The face is read from just this box; `analyze_image` widens a detector's
        boxes by its ``margin`` first, and may so come to another answer.

    Returns
    -------
    uint8 array (H, W, 3), RGB

    Raises
    ------
    FerError
        If `img` is no such picture, or the box is not of finite numbers or outside of it.
    """
    img = check_picture(img)
    answer = model.predict(crop_face(img, Face(x, y, w, h, 1.0)))
    if isinstance(answer, str):
        return draw_box(img, x, y, w, h, answer, GREEN)
    name, valence, arousal = answer
    caption = f"{name}  V {valence:.1f}  A {arousal:.1f}"
    return draw_box(img, x, y, w, h, caption, valence_color(valence))


def draw_reactions(image: np.ndarray, rows: pd.DataFrame, val_ar: bool = False) -> np.ndarray:
    """Draw the boxes of one frame's table rows on a copy of the picture.

    Parameters
    ----------
    image : uint8 array (H, W, 3), RGB
    rows : DataFrame
        Rows of a reaction table that belong to this frame.
    val_ar : bool
        Caption with valence and arousal and colour by valence; otherwise the name and its
        probability, in the emotion's colour.

    Returns
    -------
    uint8 array (H, W, 3), RGB
    """
    out = image.copy()
    for row in rows[rows["face_id"].notna()].to_dict("records"):
        name = str(row["emotion"])
        box = (row["x"], row["y"], row["width"], row["height"])
        says = _caption(name, row[f"p_{name}"], row["valence"], row["arousal"], val_ar)
        _draw_on(out, *box, *says)
    return out


def draw_readings(
    image: np.ndarray, readings: Sequence[Reading], val_ar: bool = False
) -> np.ndarray:
    """Draw what a `FaceReader` reads from a picture on a copy of it, as `draw_reactions` does."""
    out = image.copy()
    for reading in readings:
        face = reading.face
        p = float(reading.probs.max())
        says = _caption(reading.emotion, p, reading.valence, reading.arousal, val_ar)
        _draw_on(out, face.x, face.y, face.width, face.height, *says)
    return out


def _caption(name: str, p: float, valence: float, arousal: float, val_ar: bool) -> tuple:
    """Text and colour of a face's box."""
    if val_ar:
        return f"{name}  V {valence:.1f}  A {arousal:.1f}", valence_color(valence, band=0.05)
    return f"{name} {100 * p:.0f} %", hex_to_rgb(COLORS[name])


def annotate_video(
    video: str | Path,
    table: pd.DataFrame,
    out: str | Path,
    val_ar: bool = False,
    force: bool = False,
    span: tuple[float, float] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Write a copy of a video, sound and all, with boxes and emotions on it.

    Frames keep their distances in time; of several at one moment, each comes a millisecond after
    the other. A frame that was not analysed shows what was read last. Sound that an MP4 file cannot
    carry is left out; see `fer_nb.media.sound_note`.

    Parameters
    ----------
    video : str or Path
    table : DataFrame
        Its reaction table.
    out : str or Path
        An MP4 file.
    val_ar : bool
        As in `draw_reactions`.
    force : bool
        Overwrite an existing file.
    span : (float, float), optional
        Only the frames from one time to the other, in seconds; the copy starts at 0.
    progress : callable, optional
        Called with the time of each frame that is done; an exception it raises ends the work,
        and nothing is left behind.

    Raises
    ------
    FerError
        If the video cannot be read, or `out` is it, exists or cannot be written.
    """
    keep_source(video, out)
    by_frame = {frame: rows for frame, rows in table.groupby("frame")}
    rows = table.iloc[:0]
    first, last = span or (0.0, float("inf"))
    shown_s = -1.0
    with VideoReader(video) as source, Sound(video, source.origin_s, first, last) as sound:
        options: dict[str, Any] = {"fps": source.info.fps or 25, "force": force, "sound": sound}
        with VideoWriter(out, metadata={"comment": "fer_nb"}, **options) as sink:
            for frame in source:
                rows = by_frame.get(frame.index, rows)
                if frame.time_s > last:
                    break
                if frame.time_s >= first:
                    drawn = draw_reactions(frame.image, rows, val_ar)
                    shown_s = max(frame.time_s - first, shown_s + 0.001)
                    sink.write(drawn, shown_s)
                if progress is not None:
                    progress(frame.time_s)
    return Path(out)


def draw_box(
    image: np.ndarray,
    x: float,
    y: float,
    w: float,
    h: float,
    caption: str,
    color: tuple[int, int, int],
) -> np.ndarray:
    """Draw a box with a caption on a copy of the picture (uint8 RGB or grey), which is RGB."""
    out = image.copy() if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    _draw_on(out, x, y, w, h, caption, color)
    return out


def blur_picture(image: np.ndarray, cells: int = 8) -> np.ndarray:
    """Blur a picture so that nobody can be recognised, whether a detector found them or not.

    Parameters
    ----------
    image : uint8 array (H, W, 3), RGB
    cells : int
        What is left of the shorter side. Eight cells across the largest head there can be keep
        light, colour and posture, and no feature of a person.

    Returns
    -------
    uint8 array (H, W, 3), RGB
    """
    height, width = image.shape[:2]
    cell = max(1.0, min(height, width) / cells)
    size = max(1, round(width / cell)), max(1, round(height / cell))
    mosaic = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.resize(mosaic, (width, height), interpolation=cv2.INTER_CUBIC)


def hex_to_rgb(color: str) -> tuple[int, int, int]:
    """Return ``"#D55E00"`` as (213, 94, 0)."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


@lru_cache(maxsize=64)
def _font(size: int):
    from matplotlib import font_manager
    from PIL import ImageFont

    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)


def _draw_on(out: np.ndarray, x, y, w, h, caption: str, color: tuple[int, int, int]) -> None:
    """Draw in place; sizes go with the picture so that they are readable at any resolution."""
    height, width = out.shape[:2]
    line = max(1, round(min(height, width) / 240))
    x0, y0, x1, y1 = round(x), round(y), round(x + w), round(y + h)
    cv2.rectangle(out, (x0, y0), (x1, y1), color, line, cv2.LINE_AA)
    if not caption:
        return
    from PIL import Image, ImageDraw

    font = _font(max(9, round(min(height, width) / 30)))
    left, top, right, bottom = font.getbbox(caption)
    pad = max(2, line * 2)
    label_w, label_h = right - left + 2 * pad, bottom - top + 2 * pad
    # Above the box where there is room, else inside it; never beyond the picture's sides.
    at_x = int(np.clip(x0 - line // 2, 0, max(0, width - label_w)))
    at_y = y0 - label_h if y0 >= label_h else max(0, min(y0, height - label_h))
    label = Image.new("RGB", (min(label_w, width), min(label_h, height)), color)
    ImageDraw.Draw(label).text((pad - left, pad - top), caption, "white", font=font)
    tile = np.asarray(label)
    out[at_y : at_y + tile.shape[0], at_x : at_x + tile.shape[1]] = tile

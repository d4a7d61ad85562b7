"""The video explorer: a recording and its curves, linked."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import traitlets

from fer_nb.emotions import PROBABILITY_COLUMNS
from fer_nb.errors import FerError
from fer_nb.faces.detectors import Detector, as_detector
from fer_nb.spreadsheets import harmless
from fer_nb.tables import check_table
from fer_nb.widgets import assets, pictures
from fer_nb.widgets.base import FerWidget, log

if TYPE_CHECKING:
    from fer_nb.media import VideoReader

DISPLAY_SIDE = 800
KEPT_FRAMES = 60  # encoded pictures, about 3 MB: what was seen lately is not encoded again


class _Cancelled(Exception):
    """The user pressed Cancel."""


class VideoExplorer(FerWidget):
    """Analyse a video, then move along its curves and see the frames.

    Frames are decoded when they are looked at; the video is never held in memory.

    Parameters
    ----------
    video : path, optional
        The video to begin with; it is analysed when "Analyse" is pressed, or by `analyze`.
    model : FerModel, str or None
        A model or its name; None takes the one that ships.
    detector : Detector, str or None
        A detector or its name; None takes ``"face5"``.
    every : int
        Analyse each n-th frame.
    reactions : DataFrame, optional
        The video's reaction table, if it is analysed already.

    Examples
    --------
    >>> explorer = VideoExplorer("viewer.mp4")  # doctest: +SKIP
    >>> explorer.analyze()  # doctest: +SKIP
    >>> explorer.selected["valence"].mean()  # doctest: +SKIP
    """

    _esm = assets.script("video")
    span = traitlets.List(traitlets.Float(), []).tag(sync=True)
    every = traitlets.Int(1).tag(sync=True)

    def __init__(
        self,
        video: str | Path | None = None,
        model=None,
        detector: Detector | str | None = None,
        *,
        every: int = 1,
        reactions: pd.DataFrame | None = None,
    ):
        from fer_nb.models import as_model

        self._model, self._detector = as_model(model), as_detector(detector)
        self._path: Path | None = None
        self._reader: VideoReader | None = None
        self._reading = threading.Lock()
        self._frames: OrderedDict[float, bytes] = OrderedDict()
        self._table: pd.DataFrame | None = None
        self._job: threading.Thread | None = None
        self._cancel = threading.Event()
        if reactions is not None:
            if video is None:
                raise FerError("a reaction table alone cannot be explored: give the video as well")
            reactions = check_table(reactions)
        super().__init__(self._model, every=every)
        if video is not None:
            self.load(video)
        if reactions is not None:
            self._table = reactions
            self._send_table()

    # --- what the notebook can ask and do ---
    def load(self, video: str | Path) -> None:
        """Open a video; what was analysed before is dropped."""
        from fer_nb.media import VideoReader

        self.cancel()
        reader = VideoReader(Path(video).expanduser())
        with self._reading:
            if self._reader is not None:
                self._reader.close()
            self._reader, self._path = reader, reader.path
            self._frames.clear()
            self._duration = reader.info.duration_s or self._measure()
        self._table = None
        self.span = []
        self._send_video()

    def _measure(self) -> float:
        """Length of a video whose container does not tell it: read it through once."""
        last = 0.0
        for frame in self._reader:
            last = frame.time_s
        return last

    def analyze(self) -> pd.DataFrame:
        """Analyse the video now, and return its reaction table.

        Raises
        ------
        FerError
            If no video is open, it cannot be analysed, or the analysis was cancelled in the widget.
        """
        self._begin()
        try:
            self._analyze()
        except _Cancelled:
            self.send({"type": "cancelled", "what": "analysis"})
            raise FerError("the analysis was cancelled in the widget") from None
        except Exception as error:  # the cell shows it; the widget must not wait for an end
            self._fail(str(error), {})
            raise
        except BaseException:
            self.send({"type": "cancelled", "what": "analysis"})
            raise
        return self.reactions

    def cancel(self) -> None:
        """End an analysis or export that is under way, and wait until it has ended."""
        self._cancel.set()
        if self._job is not None and self._job is not threading.current_thread():
            self._job.join()

    @property
    def reactions(self) -> pd.DataFrame:
        """The video's reaction table.

        Raises
        ------
        FerError
            If it is not analysed yet.
        """
        if self._table is None:
            raise FerError("the video is not analysed yet: press Analyse, or call analyze()")
        return self._table

    @property
    def selected(self) -> pd.DataFrame:
        """The rows of the marked span; all rows where none is marked."""
        return self._marked(self.span)

    def _marked(self, span: list[float]) -> pd.DataFrame:
        table = self.reactions
        rows = table[table["time_s"].between(*span)] if span else table
        rows.attrs = dict(table.attrs) | ({"span_s": list(span)} if span else {})
        return rows

    # --- work in the background ---
    def _begin(self) -> None:
        if self._job is not None and self._job.is_alive():
            raise FerError("something is under way already; wait for it or cancel it")
        self._cancel.clear()

    def _run(self, what: str, work) -> None:
        """Do `work` in a thread, with its end told to the browser."""
        self._begin()

        def job() -> None:
            try:
                work()
            except _Cancelled:
                self.send({"type": "cancelled", "what": what})
            except FerError as error:
                self._fail(str(error), {})
            except Exception as error:  # in a thread nobody else would hear of it
                log.exception("%s failed", what)
                self._fail(f"Something went wrong ({type(error).__name__}: {error}).", {})

        self._job = threading.Thread(target=job, name=f"fer_nb-{what}", daemon=True)
        self._job.start()

    def _progress(self, what: str):
        """Return a function of the video's time that tells the browser how far it is."""
        started, told = time.monotonic(), -1.0

        def tell(time_s: float) -> None:
            nonlocal told
            if self._cancel.is_set():
                raise _Cancelled
            now = time.monotonic()
            if now - told < 0.25:
                return
            told = now
            share = min(1.0, time_s / self._duration) if self._duration else 0.0
            left = (now - started) * (1 - share) / share if share > 0.01 else None
            self.send({"type": "progress", "what": what, "share": share, "left": left})

        return tell

    def _analyze(self) -> None:
        from fer_nb.reactions import analyze_video

        if self._path is None:
            raise FerError("open a video first")
        self._table = analyze_video(
            self._path,
            model=self._model,
            detector=self._detector,
            every=self.every,
            progress=self._progress("analysis"),
        )
        self._send_table()

    # --- to the browser ---
    def _send_video(self, view: str | None = None) -> None:
        info = self._reader.info
        self.send(
            {
                "type": "video",
                "name": self._path.name,
                "width": info.width,
                "height": info.height,
                "fps": info.fps,
                "duration": self._duration,
                "view": view,
            }
        )

    def _send_table(self, view: str | None = None) -> None:
        """Send the table as one block of float32, a row per face and frame."""
        table, info = self._table, self._reader.info
        columns = [
            table["time_s"],
            table["face_id"].astype("float64").fillna(-1),
            table["x"] / info.width,
            table["y"] / info.height,
            table["width"] / info.width,
            table["height"] / info.height,
            table["emotion"].cat.codes,
            *(table[name] for name in PROBABILITY_COLUMNS),
            table["valence"],
            table["arousal"],
        ]
        block = np.column_stack([np.asarray(column, dtype=np.float32) for column in columns])
        message = {
            "type": "table",
            "rows": len(block),
            "columns": block.shape[1],
            "people": [int(i) for i in table["face_id"].dropna().unique()],
            # Whether one step along the table is one along the video.
            "each": bool((np.diff(table["frame"]) <= 1).all()),
            "warnings": list(table.attrs.get("warnings", [])),
            "view": view,
        }
        self.send(message, [np.ascontiguousarray(block).tobytes()])

    def _jpeg_at(self, time_s: float) -> tuple[float, bytes]:
        with self._reading:
            frame = self._reader.frame_at(time_s)
            key = round(frame.time_s, 4)
            if key in self._frames:
                self._frames.move_to_end(key)
            else:
                self._frames[key] = pictures.jpeg(pictures.shrink(frame.image, DISPLAY_SIDE), 80)
                if len(self._frames) > KEPT_FRAMES:
                    self._frames.popitem(last=False)
            return frame.time_s, self._frames[key]

    # --- messages ---
    def _on_hello(self, message: Mapping, buffers: list) -> None:
        if self._reader is not None:
            self._send_video(message.get("view"))
            if self._table is not None:
                self._send_table(message.get("view"))

    def _on_path(self, message: Mapping, buffers: list) -> None:
        self.load(message["value"].strip().strip('"'))

    def _uploaded(self, path: Path, message: Mapping) -> None:
        self.load(path)

    def _on_analyze(self, message: Mapping, buffers: list) -> None:
        self.every = max(1, int(message["every"]))
        self._run("analysis", self._analyze)

    def _on_cancel(self, message: Mapping, buffers: list) -> None:
        self._cancel.set()

    def _on_frame(self, message: Mapping, buffers: list) -> None:
        if self._reader is None:
            return
        shown, data = self._jpeg_at(max(0.0, float(message["t"])))
        answer = {"type": "frame", "seq": message["seq"], "shown": shown}
        self._reply(message, answer, [data])

    def _on_save(self, message: Mapping, buffers: list) -> None:
        span, what = message["span"], message["value"]
        stem = self._path.stem if self._path is not None else "video"
        if what == "table":
            data = harmless(self._marked(span)).to_csv(index=False).encode()
            self._offer(message, f"{stem}-reactions.csv", "text/csv", data)
        elif what == "figure":
            from fer_nb.person import main_person
            from fer_nb.widgets.still import curves_figure

            rows = self._marked(span)
            person = main_person(rows[rows["face_id"].isin(message["people"])])
            figure = curves_figure(rows, person, float(message["smooth"]))
            data = pictures.figure_png(figure)
            self._offer(message, f"{stem}-curves.png", "image/png", data)
        else:
            self._run("clip", lambda: self._write_clip(span))

    def _write_clip(self, span: list[float]) -> None:
        """Write the video, or the marked part of it, with boxes; beside the notebook."""
        from fer_nb.draw import annotate_video

        out = _free_name(Path.cwd() / f"{self._path.stem}-annotated.mp4")
        part = (span[0], span[1]) if span else None
        tell = self._progress("clip")
        annotate_video(self._path, self.reactions, out, val_ar=True, span=part, progress=tell)
        self.send({"type": "saved", "text": f"The annotated clip is {out}."})

    # --- without a browser ---
    def _sentence(self) -> str:
        if self._path is None:
            return "VideoExplorer: no video is open. Open the notebook in JupyterLab to use it."
        if self._table is None:
            return f"VideoExplorer, {self._path.name}: not analysed. Open it in JupyterLab."
        people = self._table["face_id"].nunique()
        count = "1 face" if people == 1 else f"{people} faces"
        return (
            f"VideoExplorer, {self._path.name}: {self._duration:.1f} s, {count}, "
            f"{self._table['frame'].nunique()} frames analysed. Open it in JupyterLab to explore."
        )

    def _picture(self) -> bytes | None:
        from fer_nb.widgets.still import video_still

        if self._table is None or self._table.empty:
            return None
        seen = self._table[self._table["face_id"].notna()]
        source = seen if len(seen) else self._table
        at = float(source["time_s"].iloc[len(source) // 2])
        with self._reading:
            image = self._reader.frame_at(at).image
        return video_still(image, self._table[self._table["time_s"] == at], self._table)


def _free_name(path: Path) -> Path:
    """Return the path, or with a number added so that no file is overwritten."""
    number = 2
    free = path
    while free.exists():
        free, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return free

"""Write the demo study: trailer, recordings, manifest, stimuli and the truth."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.demo import script, trailer, viewers
from fer_nb.errors import FerError
from fer_nb.files import check_free, make_folder
from fer_nb.media import VideoWriter

_WORKERS = 2
_COMMENT = (
    "Synthetic demo made by fer_nb: no recording of a person. Made from portraits of Eileen "
    "Collins (NASA) and Grace Hopper (US Navy), public domain."
)


@dataclass(frozen=True)
class DemoStudy:
    """Where the parts of a demo study lie.

    Attributes
    ----------
    folder : Path
    trailer : Path
        What the viewers watch.
    recordings : tuple of Path
        One video per viewer, ``R01.mp4`` to ``R06.mp4``.
    truth, truth_csv : Path
        What every face was made to do, as Parquet and as CSV; see `fer_nb.demo.script.truth`.
    manifest, stimuli : Path
        What `fer-nb study` reads.
    """

    folder: Path

    @property
    def trailer(self) -> Path:
        return self.folder / f"{script.STIMULUS}.mp4"

    @property
    def recordings(self) -> tuple[Path, ...]:
        return tuple(self.folder / f"{v.respondent}.mp4" for v in script.VIEWERS)

    @property
    def truth(self) -> Path:
        return self.folder / "truth.parquet"

    @property
    def truth_csv(self) -> Path:
        return self.folder / "truth.csv"

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.csv"

    @property
    def stimuli(self) -> Path:
        return self.folder / "stimuli.csv"

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that belongs to the study; the manifest comes last."""
        return (
            self.trailer,
            *self.recordings,
            self.truth,
            self.truth_csv,
            self.stimuli,
            self.manifest,
        )


def make_demo(
    out_dir: str | Path, seed: int = 0, force: bool = False, progress: bool = False
) -> DemoStudy:
    """Make the demo study in a folder.

    All files appear together when all are ready; if it is interrupted, none does.

    Parameters
    ----------
    out_dir : str or Path
        Made if need be; other files in it are left alone.
    seed : int
        Varies latencies, head movement, blinks and noise; the same seed gives the same frames.
    force : bool
        Overwrite the files of an earlier demo.
    progress : bool
        Show a bar.

    Returns
    -------
    DemoStudy

    Raises
    ------
    FerError
        If a file exists and `force` is false, or the folder cannot be written to.

    Examples
    --------
    >>> study = make_demo("demo")  # doctest: +SKIP
    >>> truth = pandas.read_parquet(study.truth)  # doctest: +SKIP
    """
    folder = Path(out_dir)
    fresh = not folder.exists()
    study = DemoStudy(make_folder(folder))
    for path in study.files:
        check_free(path, force)
    try:
        with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as part:
            making = DemoStudy(Path(part))
            _write_tables(making, seed)
            _write_videos(making, seed, progress)
            for made, final in zip(making.files, study.files, strict=True):
                os.replace(made, final)
    except OSError as error:
        raise FerError(f"cannot write the demo to {folder}: {error.strerror or error}") from error
    finally:
        if fresh:
            with suppress(OSError):  # holds files by now, unless something went wrong
                folder.rmdir()
    return study


def sample_recording(path: str | Path | None = None, seed: int = 0) -> Path:
    """Return the recording of one made viewer, for trying things out; made once and then kept.

    Parameters
    ----------
    path : str or Path, optional
        Where it goes; a file in the package's cache folder by default.
    seed : int
        As in `make_demo`.
    """
    if path is None:
        from fer_nb.zoo import cache_folder

        sources = sorted(Path(__file__).parent.glob("*.py"))
        made_by = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
        path = cache_folder() / f"synthetic-viewer-{made_by.hexdigest()[:12]}-{seed}.mp4"
    path = Path(path)
    if not path.exists():
        recording = viewers.Recording(script.VIEWERS[0], seed)
        make_folder(path.parent)
        _write_video(path, "A made viewer (synthetic demo)", viewers.FPS, recording, seed)
    return path


def _write_tables(study: DemoStudy, seed: int) -> None:
    truth = script.truth(seed)
    truth.to_parquet(study.truth, index=False)
    truth.to_csv(study.truth_csv, index=False, float_format="%.6g", lineterminator="\n")
    manifest = pd.DataFrame(
        {
            "respondent": [v.respondent for v in script.VIEWERS],
            "stimulus": script.STIMULUS,
            "video": [path.name for path in study.recordings],
            "start_s": [v.start_s for v in script.VIEWERS],
            "note": script.NOTE,
        }
    )
    scenes = [vars(scene) for scene in script.SCENES]
    stimuli = pd.DataFrame(
        {
            "stimulus": [script.STIMULUS],
            "video": [study.trailer.name],
            "duration_s": [script.DURATION_S],
            "title": [script.TITLE],
            "scenes": [json.dumps(scenes)],
            "note": [script.NOTE],
        }
    )
    manifest.to_csv(study.manifest, index=False, lineterminator="\n")
    stimuli.to_csv(study.stimuli, index=False, lineterminator="\n")


def _write_videos(study: DemoStudy, seed: int, progress: bool) -> None:
    """Draw and encode all videos, some at a time; the first failure stops the others."""
    from tqdm import tqdm

    stop = threading.Event()
    total = len(trailer.times())
    total += sum(len(script.frame_times(v, viewers.FPS, seed)) for v in script.VIEWERS)
    with tqdm(total=total, desc="demo videos", unit=" frames", disable=not progress) as bar:

        def advance() -> None:
            if stop.is_set():
                raise _StoppedError
            bar.update()

        def viewer_job(viewer: script.Viewer, path: Path) -> None:
            recording = viewers.Recording(viewer, seed)
            title = f"Viewer {viewer.respondent} (synthetic demo)"
            shifted = ((viewer.first_stamp_s + t, image) for t, image in recording)
            _write_video(path, title, viewers.FPS, shifted, seed, advance)

        def trailer_job() -> None:
            frames = trailer.frames(seed)
            _write_video(study.trailer, script.TITLE, trailer.FPS, frames, seed, advance)

        with ThreadPoolExecutor(_WORKERS) as pool:
            jobs = [
                pool.submit(viewer_job, viewer, path)
                for viewer, path in zip(script.VIEWERS, study.recordings, strict=True)
            ]
            jobs.append(pool.submit(trailer_job))
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise


class _StoppedError(Exception):
    """Another video failed, or the user interrupted."""


def _write_video(
    path: Path,
    title: str,
    fps: float,
    frames: Iterable[tuple[float, np.ndarray]],
    seed: int,
    advance: Callable[[], None] | None = None,
) -> None:
    tags = {"title": title, "comment": f"{_COMMENT} Seed {seed}."}
    # The bytes must depend neither on the number of cores (threads) nor on how far x264's
    # lookahead thread happens to be (mbtree weighs uneven frame durations it has seen so far).
    options = {"crf": "23", "threads": "1", "x264-params": "mbtree=0:sync-lookahead=0"}
    with VideoWriter(path, fps=fps, metadata=tags, options=options) as video:
        for time_s, image in frames:
            video.write(image, time_s)
            if advance is not None:
                advance()

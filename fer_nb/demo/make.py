"""Write the demo study: trailer, recordings, manifest, stimuli and the truth; and its reports."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fer_nb.batch import fitting_workers, map_in_order
from fer_nb.demo import script
from fer_nb.demo.drawing import trailer, viewers
from fer_nb.errors import FerError
from fer_nb.files import check_free, make_folder
from fer_nb.media import VideoWriter

if TYPE_CHECKING:
    from fer_nb.reports import Report

_WORKERS = 2
_COMMENT = (
    "Synthetic demo made by fer_nb: no recording of a person. Made from portraits of Eileen "
    "Collins (NASA) and Grace Hopper (US Navy), public domain."
)


def _file(name: str) -> property:
    return property(lambda study: study.folder / name)


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
    files : tuple of Path
        All of these; the manifest comes last.
    """

    folder: Path
    trailer = _file(f"{script.STIMULUS}.mp4")
    truth = _file("truth.parquet")
    truth_csv = _file("truth.csv")
    stimuli = _file("stimuli.csv")
    manifest = _file("manifest.csv")
    recordings = property(lambda s: tuple(s.folder / f"{v.respondent}.mp4" for v in script.VIEWERS))
    files = property(
        lambda s: (s.trailer, *s.recordings, s.truth, s.truth_csv, s.stimuli, s.manifest)
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


def run_demo(out_dir: str | Path, force: bool = False, progress: bool = True) -> Path:
    """Make the demo study, a report of each recording, and the report of the audience.

    Parameters
    ----------
    out_dir : str or Path
        Gets the reports and an ``index.html``; the videos lie in its folder ``study``, the report
        of the audience in ``audience``.
    force : bool
        Overwrite an earlier demo.
    progress : bool
        Show bars.

    Returns
    -------
    Path
        The page to open first.

    Raises
    ------
    FerError
        If a file exists and `force` is false, or a report cannot be made.
    """
    from fer_nb.progress import recordings_bar
    from fer_nb.reports import report_study
    from fer_nb.reports.index import write_index

    out_dir = make_folder(out_dir)
    index = check_free(out_dir / "index.html", force)
    study = make_demo(out_dir / "study", force=force, progress=progress)
    make = partial(_report, out_dir=out_dir, trailer_video=study.trailer, force=force)
    pairs = list(zip(script.VIEWERS, study.recordings, strict=True))
    answers = map_in_order(make, pairs, workers=fitting_workers(len(pairs)))
    reports = []
    with recordings_bar() if progress else nullcontext() as advance:
        for answer in answers:
            if isinstance(answer, FerError):
                raise answer
            reports.append(answer)
            if advance is not None:
                advance(len(reports), len(pairs))
    title = "The audience of “Cloud Nine” (synthetic demo)"
    audience = report_study(
        study.manifest, out_dir / "audience", tables=out_dir, title=title, force=force
    )
    return write_index(reports, index, study=audience, study_title=title, force=force)


def _report(
    item: tuple[script.Viewer, Path], out_dir: Path, trailer_video: Path, force: bool
) -> Report:
    """Make the report of one viewer."""
    from fer_nb.reports import report_video

    viewer, video = item
    title = f"Viewer {viewer.respondent} of “Cloud Nine” (synthetic demo)"
    options: dict[str, Any] = {"stimulus": trailer_video, "start_s": viewer.start_s, "force": force}
    return report_video(video, out_dir, title=title, **options)


def sample_recording(path: str | Path | None = None, seed: int = 0) -> Path:
    """Return the recording of one synthetic viewer, for trying things out; made once and kept.

    Parameters
    ----------
    path : str or Path, optional
        Where it goes; a file in the package's cache folder by default.
    seed : int
        As in `make_demo`.
    """
    if path is None:
        from fer_nb.weights import cache_folder

        sources = sorted(Path(__file__).parent.rglob("*.*[yn]"))  # .py and .json
        made_by = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
        path = cache_folder() / f"synthetic-viewer-{made_by.hexdigest()[:12]}-{seed}.mp4"
    path = Path(path)
    if not path.exists():
        recording = viewers.Recording(script.VIEWERS[0], seed)
        make_folder(path.parent)
        _write_video(path, "A viewer (synthetic demo)", viewers.FPS, recording, seed)
    return path


def _write_tables(study: DemoStudy, seed: int) -> None:
    truth = script.truth(seed)
    truth.to_parquet(study.truth, index=False)
    truth.to_csv(study.truth_csv, index=False, float_format="%.6g", lineterminator="\n")
    manifest = {
        "respondent": [v.respondent for v in script.VIEWERS],
        "stimulus": script.STIMULUS,
        "video": [path.name for path in study.recordings],
        "start_s": [v.start_s for v in script.VIEWERS],
        "note": script.NOTE,
    }
    stimuli = {
        "stimulus": [script.STIMULUS],
        "video": [study.trailer.name],
        "duration_s": [script.DURATION_S],
        "title": [script.TITLE],
        "scenes": [json.dumps([vars(scene) for scene in script.SCENES])],
        "note": [script.NOTE],
    }
    for table, path in ((manifest, study.manifest), (stimuli, study.stimuli)):
        pd.DataFrame(table).to_csv(path, index=False, lineterminator="\n")


def _write_videos(study: DemoStudy, seed: int, progress: bool) -> None:
    """Draw and encode all videos, some at a time; the first failure stops the others."""
    from tqdm import tqdm

    stop = threading.Event()

    def viewer_job(viewer: script.Viewer, path: Path) -> None:
        frames = ((viewer.first_stamp_s + t, im) for t, im in viewers.Recording(viewer, seed))
        title = f"Viewer {viewer.respondent} (synthetic demo)"
        _write_video(path, title, viewers.FPS, frames, seed, advance)

    def trailer_job() -> None:
        frames = trailer.frames(seed)
        _write_video(study.trailer, script.TITLE, trailer.FPS, frames, seed, advance)

    def advance() -> None:
        if stop.is_set():
            raise InterruptedError("another video failed, or the user interrupted")
        bar.update()

    counts = [len(script.frame_times(v, viewers.FPS, seed)) for v in script.VIEWERS]
    total = len(trailer.times()) + sum(counts)
    with (
        tqdm(total=total, desc="demo videos", unit=" frames", disable=not progress) as bar,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        pairs = zip(script.VIEWERS, study.recordings, strict=True)
        jobs = [pool.submit(viewer_job, *pair) for pair in pairs] + [pool.submit(trailer_job)]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _write_video(
    path: Path,
    title: str,
    fps: float,
    frames: Iterable[tuple[float, np.ndarray]],
    seed: int,
    advance: Callable[[], None] = lambda: None,
) -> None:
    tags = {"title": title, "comment": f"{_COMMENT} Seed {seed}."}
    # The bytes must depend neither on the number of cores (threads) nor on how far x264's
    # lookahead thread happens to be (mbtree weighs uneven frame durations it has seen so far).
    options = {"crf": "23", "threads": "1", "x264-params": "mbtree=0:sync-lookahead=0"}
    with VideoWriter(path, fps=fps, metadata=tags, options=options) as video:
        for time_s, image in frames:
            video.write(image, time_s)
            advance()

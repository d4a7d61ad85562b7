"""Reports of recordings, one page each: ``05_reaction_report.ipynb``, run and rendered."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fer_nb.batch import fitting_workers, map_in_order, sole_writer
from fer_nb.cache import stored_table, wanted
from fer_nb.errors import FerError
from fer_nb.files import (
    check_free,
    known_digest,
    learn_digest,
    make_folder,
    new_file,
    printable,
    told_path,
    without_folders,
)
from fer_nb.media import VideoReader
from fer_nb.progress import recordings_bar, video_bar
from fer_nb.reactions import analyze_video
from fer_nb.remote import everywhere, fetched, is_address, name_of
from fer_nb.reports.html import is_stale, mark_stale
from fer_nb.reports.index import Report, can_be_renewed, write_index
from fer_nb.reports.record import is_record_of, recording_record
from fer_nb.reports.recording import summarize
from fer_nb.reports.run import render, run_notebook
from fer_nb.tables import read_table, write_table
from fer_nb.weights import notebooks_folder

if TYPE_CHECKING:
    import pandas as pd

_LONGEST_NAME = 200  # bytes; file systems take 255, suffixes and numbers included
REACTION_REPORT = "05_reaction_report.ipynb"


def report_video(
    video: str | Path,
    out_dir: str | Path,
    *,
    name: str | None = None,
    title: str | None = None,
    stimulus: str | Path | None = None,
    start_s: float = 0.0,
    show_faces: bool = False,
    smoothing_s: float = 1.0,
    force: bool = False,
    **options,
) -> Report:
    """Make the report of one recording: ``NAME.html``, ``NAME.ipynb`` and ``NAME.parquet``.

    A report of the same recording that was made in the same way before is taken over as it is.

    Parameters
    ----------
    video : str or Path
    out_dir : str or Path
    name : str, optional
        Name of the files; made from the video's if not given.
    title : str, optional
    stimulus : str or Path, optional
        The video that was watched; moments then show its picture.
    start_s : float
        When the stimulus begins in the recording.
    show_faces : bool
        Show the recording as it is; its pictures are blurred otherwise.
    smoothing_s : float
        Window of the moving average of the curves.
    force : bool
        Make the report again, and overwrite existing files; a table that still holds is kept.
    **options
        For `fer_nb.analyze_video`: ``model``, ``detector``, ``every``, ``progress``.

    Raises
    ------
    FerError
        If the recording cannot be analysed or the files not be written.
    """
    video, out_dir = Path(video), make_folder(out_dir)
    name, title = name or file_name(video), title or video.stem
    plan = _plan(
        video,
        out_dir,
        name,
        force,
        title=title,
        stimulus=stimulus,
        start_s=start_s,
        show_faces=show_faces,
        smoothing_s=smoothing_s,
        **options,
    )
    table = plan.table
    if not plan.finished:
        _check_name(video)
        _check_stimulus(stimulus)
        if table is None:
            table = analyze_video(video, **options)
        _make(replace(plan, table=table), new=plan.table is None)
    return Report(
        str(video), name, title, summary=summarize(table, video, show_faces, stimulus, start_s)
    )


@dataclass(frozen=True)
class _Plan:
    """The files of a report, what its notebook is told, what that tells others, its table if it is
    there already, and whether the whole report is."""

    html: Path
    executed: Path
    parquet: Path
    parameters: dict
    told: dict
    table: pd.DataFrame | None = None
    finished: bool = False


def _plan(
    video: str | Path,
    out_dir: Path,
    name: str,
    force: bool,
    *,
    title: str | None = None,
    stimulus: str | Path | None = None,
    start_s: float = 0.0,
    show_faces: bool = False,
    smoothing_s: float = 1.0,
    **options,
) -> _Plan:
    """Return what is to be made, having seen to it that no file of another report is in the way.

    Raises
    ------
    FerError
        If one is, and `force` is false.
    """
    video = Path(video)
    files = [out_dir / f"{name}.{kind}" for kind in ("html", "ipynb", "parquet")]
    page, executed, parquet = files
    paths = {"video": video, "table": parquet, "stimulus": stimulus}
    parameters = {
        "start_s": start_s,
        "title": title or video.stem,
        "show_faces": show_faces,
        "smoothing_s": smoothing_s,
    }
    plan = _Plan(
        page,
        executed,
        parquet,
        {k: str(Path(p).resolve()) if p else None for k, p in paths.items()} | parameters,
        {k: told_path(p, out_dir) if p else None for k, p in paths.items()} | parameters,
    )
    there = [path for path in files if path.exists()]
    if not there:
        return plan
    plan = replace(plan, table=stored_table(parquet, video, **options))
    if force:
        return plan
    finished = page.exists() and not is_stale(page)
    if plan.table is None and _lost(parquet) and is_record_of(page, wanted(video, **options)):
        finished = False  # its table is made again
    elif plan.table is None or (finished and not _tells(executed, plan.told)):
        raise FerError(
            f"{there[0]} exists already, and is not the report of {video} that you asked for; "
            "choose another folder, or overwrite it with force=True (--force)"
        )
    return replace(plan, finished=finished)


def _lost(table: Path) -> bool:
    """Whether there is no table, or one that is damaged."""
    try:
        read_table(table)
    except (OSError, FerError):
        return True
    return False


def _tells(executed: Path, told: dict) -> bool:
    """Whether a notebook was run with these parameters."""
    import nbformat

    try:
        notebook = nbformat.read(executed, as_version=4)
        return notebook.metadata.papermill.parameters == told
    except (OSError, ValueError, KeyError, AttributeError):
        return False


def _make(plan: _Plan, new: bool) -> None:
    """Write a report's files: first the table, which took longest to make, last the page.

    An old page stands, and says that it is out of date, until the new one is made.
    """
    if new:
        mark_stale(plan.html)
        write_table(plan.table, plan.parquet, force=True)
    with (  # in the end they get their names from the last to the first
        new_file(plan.html, force=True) as html,
        new_file(plan.executed, force=True) as executed,
    ):
        notebook = notebooks_folder() / REACTION_REPORT  # never one where the user stands
        run_notebook(notebook, executed, plan.parameters, force=True, told=plan.told)
        record = recording_record(plan.table, plan.parameters["video"], plan.html.parent)
        render(executed, html, plan.parameters["title"], True, record)
        mark_stale(plan.html)


def _check_stimulus(stimulus: str | Path | None) -> None:
    """See to it that a stimulus can be read: better to know before the analysis than after."""
    if stimulus is not None:
        _check_name(stimulus)
        VideoReader(stimulus).close()


def _check_name(path: str | Path) -> None:
    """Refuse what a notebook, which is UTF-8, cannot carry."""
    try:
        str(Path(path).resolve()).encode()
    except UnicodeEncodeError:
        raise FerError(f"{str(path)!a} has a name that is not UTF-8; rename it") from None


def report_videos(
    videos: Sequence[str | Path],
    out_dir: str | Path,
    *,
    force: bool = False,
    progress: bool = False,
    workers: int | None = 1,
    time_limit_s: float | None = None,
    scheduler: str | None = None,
    **options,
) -> list[Report]:
    """Make a report of each recording, and an ``index.html`` that lists all of them.

    One recording that fails does not stop the others; the index says which failed, and why. If
    all fail, no index is written. After an interruption, or with recordings mended or added, the
    same call goes on: reports that are finished are taken over.

    Parameters
    ----------
    videos : sequence of path
        Or addresses (``s3://bucket/anna.mp4``), whose files are fetched one by one.
    out_dir : str or Path
    force, progress : bool
        Overwrite existing files; show a bar on the terminal.
    workers : int, optional
        Reports made side by side, each in a process; None takes as many as fit the machine.
    time_limit_s : float, optional
        Longest time for one report; who takes longer has failed.
    scheduler : str, optional
        Address of a Dask cluster that makes the reports, as in `fer_nb.batch.map_in_order`; its
        machines see recordings and `out_dir` under the same paths.
    **options
        As `report_video` takes them.

    Returns
    -------
    list of Report
        In the order of `videos`.

    Raises
    ------
    FerError
        Before any work: if `videos` is a single path, the stimulus cannot be read, or files are in
        the way and `force` is false.
    """
    if isinstance(videos, str | Path):
        raise FerError(f"videos must be a list of paths; give [video], not {str(videos)!r}")
    out_dir, names = make_folder(out_dir), unique_names(videos)
    index = out_dir / "index.html"
    renew = force or can_be_renewed(index, names)
    check_free(index, renew)
    _check_stimulus(options.get("stimulus"))
    named = []
    for video, name in zip(videos, names, strict=True):
        if not is_address(video):  # that is fetched when its turn comes
            _plan(video, out_dir, name, force, **options)
        named.append((video, name, {} if is_address(video) else known_digest(video)))
    workers = fitting_workers(len(named)) if workers is None else workers
    done: list[Report] = []
    with sole_writer(out_dir):
        if workers == 1 and time_limit_s is None and scheduler is None:
            answers: Iterator = (_one(item, out_dir, force, progress, options) for item in named)
        else:
            sent = named
            if scheduler is not None:
                sent = [(everywhere(video), name, digest) for video, name, digest in named]
                if options.get("stimulus") is not None:
                    options["stimulus"] = everywhere(options["stimulus"])
            make = partial(
                _one, out_dir=out_dir.absolute(), force=force, progress=False, options=options
            )
            answers = map_in_order(
                make, sent, workers=workers, scheduler=scheduler, time_limit_s=time_limit_s
            )
        many = progress and (workers > 1 or scheduler is not None)
        with recordings_bar() if many else nullcontext() as advance:
            for (video, name, _), answer in zip(named, answers, strict=True):
                if isinstance(answer, FerError):
                    answer = _failed(video, name, answer)
                done.append(replace(answer, source=str(video)))
                if advance is not None:
                    told = printable(name_of(video)), printable(answer.error or "")
                    advance(len(done), len(named), *told)
        if any(report.ok for report in done):
            write_index(done, index, force=renew)
    return done


def _one(
    item: tuple[str | Path, str, dict], out_dir: Path, force: bool, progress: bool, options: dict
) -> Report:
    """Make one report; what goes wrong is its error."""
    video, name, digest = item
    learn_digest(digest)
    try:
        with fetched(video) as path, video_bar(path) if progress else nullcontext() as advance:
            made = report_video(path, out_dir, name=name, force=force, progress=advance, **options)
        return replace(made, source=str(video))
    except Exception as error:
        return _failed(video, name, error)


def _failed(video: str | Path, name: str, error: Exception) -> Report:
    told = str(error) if isinstance(error, FerError) else f"{type(error).__name__}: {error}"
    return Report(str(video), name, Path(video).stem, error=without_folders(told, video))


def file_name(path: str | Path) -> str:
    """Return a name for files made from `path`: its stem, without what would break a link.

    Letters of every script stay; quotes, angle brackets, slashes and the like become ``_``.

    Examples
    --------
    >>> file_name("viewer <1>.mp4")
    'viewer_1'
    """
    stem = unicodedata.normalize("NFC", Path(path).stem)
    name = re.sub(r"[^\w.-]+", "_", stem).strip("_.") or "recording"
    return name.encode()[:_LONGEST_NAME].decode("utf-8", "ignore")


def unique_names(paths: Sequence[str | Path]) -> list[str]:
    """Return `file_name` of each path, numbered where it is taken; ``index`` is the index's."""
    names: list[str] = []
    taken = {"index"}
    for path in paths:
        name = stem = file_name(path)
        number = 2
        while name.casefold() in taken:
            name = f"{stem}_{number}"
            number += 1
        taken.add(name.casefold())
        names.append(name)
    return names

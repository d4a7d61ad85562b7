"""The demo study with its reports, as `fer-nb demo` and `make demo` show it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from fer_nb.demo.make import make_demo
from fer_nb.demo.script import VIEWERS
from fer_nb.files import check_free, make_folder


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
    from fer_nb.progress import video_bar
    from fer_nb.report_index import write_index
    from fer_nb.reports import report_study, report_video

    out_dir = make_folder(out_dir)
    index = check_free(out_dir / "index.html", force)
    study = make_demo(out_dir / "study", force=force, progress=progress)
    reports = []
    for viewer, video in zip(VIEWERS, study.recordings, strict=True):
        title = f"Viewer {viewer.respondent} of “Cloud Nine” (synthetic demo)"
        options = {"stimulus": study.trailer, "start_s": viewer.start_s, "force": force}
        with video_bar(video) if progress else nullcontext() as advance:
            reports.append(report_video(video, out_dir, title=title, progress=advance, **options))
    title = "The audience of “Cloud Nine” (synthetic demo)"
    audience = report_study(
        study.manifest, out_dir / "audience", tables=out_dir, title=title, force=force
    )
    return write_index(reports, index, study=audience, study_title=title, force=force)

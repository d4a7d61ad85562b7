"""Reports: a notebook run by papermill and rendered to one self-contained HTML file."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

from fer_nb.detectors import as_detector
from fer_nb.errors import FerError
from fer_nb.files import check_free, make_folder, new_file, sha256
from fer_nb.media import VideoReader
from fer_nb.models import as_model
from fer_nb.pages import page
from fer_nb.progress import video_bar
from fer_nb.reactions import analyze_video, origin, read_table, write_table
from fer_nb.recording import summarize
from fer_nb.report_index import Report, can_be_renewed, write_index
from fer_nb.zoo import notebooks_folder

if TYPE_CHECKING:
    import pandas as pd

    from fer_nb.study import StudyConfig

REACTION_REPORT = "05_reaction_report.ipynb"
STUDY_REPORT = "06_ad_study_report.ipynb"


def run_notebook(
    notebook: str | Path, output: str | Path, parameters: dict, force: bool = False
) -> Path:
    """Run a notebook with parameters, headless, and write the executed copy.

    Parameters
    ----------
    notebook : str or Path
        A path, or the name of one of the package's notebooks.
    output : str or Path
        Where the executed notebook goes; it appears there only if every cell ran.
    parameters : dict
        For the cell tagged ``parameters``.
    force : bool
        Overwrite an existing file.

    Raises
    ------
    FerError
        If there is no such notebook, or a cell fails; the message is that cell's error.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    path = Path(notebook)
    if not path.is_file():
        path = notebooks_folder() / path.name
    if not path.is_file():
        raise FerError(f"there is no notebook {notebook}")
    with new_file(output, force) as part, _quiet("papermill"):
        try:
            papermill.execute_notebook(
                path,
                part,
                parameters,
                progress_bar=False,
                kernel_name="python3",
                extra_arguments=["--IPKernelApp.log_level=50"],
            )
        except PapermillExecutionError as error:
            raise FerError(error.evalue or error.ename) from error
    return Path(output)


def render(executed: str | Path, html: str | Path, title: str, force: bool = False) -> Path:
    """Render an executed notebook to one HTML page with no code and no outside request."""
    import nbformat
    from nbconvert import HTMLExporter

    notebook = nbformat.read(executed, as_version=4)
    # What is for who runs the notebook is not for who reads the report: cells so tagged, and what
    # was said on the way (progress, warnings).
    notebook.cells = [
        c for c in notebook.cells if "notebook-only" not in c.metadata.get("tags", ())
    ]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.output_type != "stream"]
    notebook.cells = _without_empty_sections(notebook.cells)
    exporter = HTMLExporter(
        template_name="basic", exclude_input=True, exclude_output_prompt=True, anchor_link_text=""
    )
    body, _ = exporter.from_notebook_node(notebook)
    with new_file(html, force) as part:
        part.write_text(page(body, title), encoding="utf-8", errors="replace")
    return Path(html)


def _without_empty_sections(cells: list) -> list:
    """Leave out each heading, with its text, whose code showed nothing."""
    sections: list[list] = [[]]
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            sections.append([])
        sections[-1].append(cell)
    return [cell for section in sections if not _shows_nothing(section) for cell in section]


def _shows_nothing(section: list) -> bool:
    code = [cell for cell in section if cell.cell_type == "code"]
    return bool(code) and section[0].cell_type == "markdown" and not any(c.outputs for c in code)


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
        Make the report anew, and overwrite existing files.
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
    table = plan.made
    if table is None:
        _check_name(video)
        _check_stimulus(stimulus)
        table = analyze_video(video, **options)
        _make(plan, table, force)
    return Report(str(video), name, title, summary=summarize(table, video, show_faces))


@dataclass(frozen=True)
class _Plan:
    """The files of a report, what its notebook is told, and its table if it is made already."""

    html: Path
    executed: Path
    parquet: Path
    parameters: dict
    made: pd.DataFrame | None = None


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
    parameters = {
        "video": str(video.resolve()),
        "table": str(files[2].resolve()),
        "stimulus": str(Path(stimulus).resolve()) if stimulus else None,
        "start_s": start_s,
        "title": title or video.stem,
        "show_faces": show_faces,
        "smoothing_s": smoothing_s,
    }
    plan = _Plan(*files, parameters)
    there = [path for path in files if path.exists()]
    if force or not there:
        return plan
    table = _table_of(plan, video, options) if len(there) == len(files) else None
    if table is None:
        raise FerError(
            f"{there[0]} exists already, and not as the report of {video} that you ask for; choose "
            "another folder, or overwrite it with force=True (--force)"
        )
    return replace(plan, made=table)


def _table_of(plan: _Plan, video: Path, options: dict) -> pd.DataFrame | None:
    """Return the table of a finished report; None if it is of another video or made otherwise."""
    import nbformat

    asked = signature(analyze_video).bind(video, **options)
    asked.apply_defaults()
    how = {k: v for k, v in asked.arguments.items() if k not in ("path", "progress")}
    model, detector = as_model(how.pop("model")), as_detector(how.pop("detector"))
    try:
        notebook = nbformat.read(plan.executed, as_version=4)
        if notebook.metadata.papermill.parameters != plan.parameters:
            return None
        table = read_table(plan.parquet)
        want = origin(video.name, sha256(video), model, detector, **how)
    except (OSError, ValueError, KeyError, AttributeError, FerError):
        return None
    return table if all(table.attrs.get(k) == v for k, v in want.items()) else None


def _make(plan: _Plan, table: pd.DataFrame, force: bool) -> None:
    """Write a report's files; those that were there stand until all of the new ones are made."""
    with (  # in the end they get their names from the last to the first: the page comes last
        new_file(plan.html, force) as html,
        new_file(plan.executed, force) as executed,
        new_file(plan.parquet, force) as parquet,
    ):
        write_table(table, parquet)
        parameters = plan.parameters | {"table": str(parquet.resolve())}
        run_notebook(REACTION_REPORT, executed, parameters)
        render(executed, html, parameters["title"])
        _tell_again(executed, plan.parameters)


def _tell_again(executed: Path, parameters: dict) -> None:
    """Give an executed notebook other parameters, to run it again with."""
    from papermill.iorw import load_notebook_node, write_ipynb
    from papermill.parameterize import parameterize_notebook

    notebook = parameterize_notebook(load_notebook_node(str(executed)), parameters)
    write_ipynb(notebook, str(executed))


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
        raise FerError(f"{str(path)!a} is not named in UTF-8; rename it") from None


def report_videos(
    videos: Sequence[str | Path],
    out_dir: str | Path,
    *,
    force: bool = False,
    progress: bool = False,
    **options,
) -> list[Report]:
    """Make a report of each recording, and an ``index.html`` that lists all of them.

    One recording that fails does not stop the others; the index says which failed, and why. If
    all fail, no index is written. After an interruption, or with recordings mended or added, the
    same call goes on: reports that are finished are taken over. `options` are those of
    `report_video`.

    Returns
    -------
    list of Report
        In the order of `videos`.

    Raises
    ------
    FerError
        Before any work: if the stimulus cannot be read, or files are in the way and `force` is
        false.
    """
    out_dir, names = make_folder(out_dir), unique_names(videos)
    index = out_dir / "index.html"
    renew = force or can_be_renewed(index, names)
    check_free(index, renew)
    _check_stimulus(options.get("stimulus"))
    named = list(zip(videos, names, strict=True))
    for video, name in named:
        _plan(video, out_dir, name, force, **options)
    done: list[Report] = []
    for video, name in named:
        try:
            with video_bar(video) if progress else nullcontext() as advance:
                report = report_video(
                    video, out_dir, name=name, force=force, progress=advance, **options
                )
        except Exception as error:
            told = str(error) if isinstance(error, FerError) else f"{type(error).__name__}: {error}"
            report = Report(str(video), name, Path(video).stem, error=told)
        done.append(report)
    if any(report.ok for report in done):
        write_index(done, index, force=renew)
    return done


def report_study(
    manifest: str | Path,
    out_dir: str | Path,
    *,
    title: str | None = None,
    norms: str | Path | None = None,
    category: str = "",
    config: StudyConfig | None = None,
    force: bool = False,
    **options,
) -> Path:
    """Run an audience study and make its report: ``study.html``, ``study.ipynb`` and the tables.

    The page is written last. Without it a study is unfinished, and the same call goes on with it.

    Parameters
    ----------
    manifest : str or Path
        See `fer_nb.study.read_manifest`.
    out_dir : str or Path
    title : str, optional
    norms : str or Path, optional
        Folder of past studies; see `fer_nb.study.add_to_norms`.
    category : str
        Compare with past studies of this kind only.
    config : StudyConfig, optional
    force : bool
        Overwrite an earlier study. Recordings that were analysed before are not analysed again.
    **options
        For `fer_nb.study.run_study`: ``stimuli``, ``tables``, ``model``, ``detector``, ``every``,
        ``workers``, ``scheduler``, ``progress``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    FerError
        If the manifest cannot be used, `norms` is no folder, or the page exists and `force` is
        false.
    """
    from fer_nb.study import run_study

    if norms is not None and not Path(norms).is_dir():
        raise FerError(
            f"there is no folder of norms {norms}; `fer-nb norms` makes one of finished studies"
        )
    out_dir = make_folder(out_dir)
    html, executed = check_free(out_dir / "study.html", force), out_dir / "study.ipynb"
    run_study(manifest, out_dir=out_dir, config=config, **options)
    parameters = {"study_dir": str(out_dir.resolve()), "title": title, "category": category}
    if norms is not None:
        parameters["norms"] = str(Path(norms).resolve())
    run_notebook(STUDY_REPORT, executed, parameters, force=True)
    return render(executed, html, title or "Audience study", force)


def file_name(path: str | Path) -> str:
    """Return a name for files made from `path`: its stem, without what would break a link.

    Letters of every script stay; quotes, angle brackets, slashes and the like become ``_``.

    Examples
    --------
    >>> file_name("viewer <1>.mp4")
    'viewer_1'
    """
    stem = unicodedata.normalize("NFC", Path(path).stem)
    return re.sub(r"[^\w.-]+", "_", stem).strip("_.") or "recording"


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


@contextmanager
def _quiet(logger: str) -> Iterator[None]:
    """Keep a logger's chatter out of the terminal."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)

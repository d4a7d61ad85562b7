"""Run a notebook by papermill, and render it to one self-contained HTML page."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape, unescape
from pathlib import Path
from tempfile import TemporaryDirectory

from fer_nb.batch import only_installed_code
from fer_nb.errors import FerError
from fer_nb.files import new_file
from fer_nb.reports.html import page
from fer_nb.weights import notebooks_folder

_FITS_PX = 640  # a picture up to so wide can be read when shrunk to a phone
# How high pictures are on paper, by how much wider than high they are: two or three fill a page.
_PRINTED = ((1.5, "7.5cm"), (1.0, "11.5cm"), (0.0, "18cm"))


def run_notebook(
    notebook: str | Path,
    output: str | Path,
    parameters: dict,
    force: bool = False,
    told: dict | None = None,
) -> Path:
    """Run a notebook with parameters, headless, and write the executed copy.

    It runs in an empty folder, so that no code which lies beside recordings is imported.

    Parameters
    ----------
    notebook : str or Path
        A path, or the name of one of the package's notebooks.
    output : str or Path
        Where the executed notebook goes; it appears there only if every cell ran.
    parameters : dict
        For the cell tagged ``parameters``; paths among them are absolute.
    force : bool
        Overwrite an existing file.
    told : dict, optional
        What the copy says its parameters were: paths that tell nothing of this computer.

    Raises
    ------
    FerError
        If there is no such notebook, its kernel dies, or a cell fails; the message is that cell's
        error.
    """
    import nbformat
    from papermill.parameterize import parameterize_notebook

    path = Path(notebook)
    if not path.is_file():
        path = notebooks_folder() / path.name
    if not path.is_file():
        raise FerError(f"there is no notebook {notebook}")
    with new_file(output, force) as part, _quiet("papermill"):
        executed = _executed(path, parameters)
        if told is not None:
            executed = parameterize_notebook(executed, told)
        executed.metadata.papermill |= {"input_path": path.name, "output_path": Path(output).name}
        for cell in executed.cells:  # warnings of libraries name the folders they lie in
            if cell.cell_type == "code":
                cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
        nbformat.write(executed, part)
    return Path(output)


def _executed(path: Path, parameters: dict):
    """Return the executed notebook; a kernel that does not start is started once more."""
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    # As a node, not a path: papermill would take braces in a path for fields to fill in.
    notebook = nbformat.read(path, as_version=4)
    for attempt in (1, 2):
        try:
            with only_installed_code(), TemporaryDirectory(prefix="fer_nb-") as empty:
                return papermill.execute_notebook(
                    notebook,
                    None,
                    parameters,
                    progress_bar=False,
                    kernel_name="python3",
                    cwd=empty,
                    extra_arguments=["--IPKernelApp.log_level=50"],
                )
        except PapermillExecutionError as error:
            raise FerError(error.evalue or error.ename) from error
        except DeadKernelError as error:
            raise FerError(
                f"the process that ran {path.name} died; with too little memory use fewer "
                "workers, then give the same command again: what was analysed is kept"
            ) from error
        except RuntimeError as error:  # the kernel did not start
            if attempt == 2:
                raise FerError(f"no notebook can be run: {error}") from error
    raise AssertionError("not reached")


def render(
    executed: str | Path,
    html: str | Path,
    title: str,
    force: bool = False,
    record: dict | None = None,
) -> Path:
    """Render an executed notebook to one HTML page with no code and no outside request.

    `record` is kept in it; see `fer_nb.reports.record`.

    What follows a cell with the tag ``appendix`` is folded away below that cell's heading.
    """
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
    _describe_pictures(notebook.cells)
    exporter = HTMLExporter(
        template_name="basic",
        extra_template_basedirs=[],  # else templates, which are code, come from where one stands
        exclude_input=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    front, appendix = _parts(notebook.cells)
    # In a notebook the title stands below the lesson's own; on this page it is the first heading.
    body = re.sub(r'<h2 class="title">(.*?)</h2>', r"<h1>\1</h1>", _html(exporter, notebook, front))
    if appendix:
        inner = _html(exporter, notebook, appendix[1:])
        head = escape(appendix[0].source.lstrip("# "))
        body += f'<details class="appendix"><summary>{head}</summary>{inner}</details>'
    with new_file(html, force) as part:
        part.write_text(page(body, title, record), encoding="utf-8", errors="replace")
    return Path(html)


def _describe_pictures(cells: list) -> None:
    """Give each picture its cell's `alt` (metadata), and the name of the film it stands under."""
    for cell in cells:
        under = ""
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if head := re.fullmatch(r"<h3>(.*)</h3>", data.get("text/html", "")):
                under = f": {unescape(head[1])}"
            if "image/png" in data and "alt" in cell.metadata:
                described = output.metadata.setdefault("image/png", {})
                described["alt"] = cell.metadata["alt"] + under


def _parts(cells: list) -> tuple[list, list]:
    """Split cells at the first with the tag ``appendix``."""
    for i, cell in enumerate(cells):
        if "appendix" in cell.metadata.get("tags", ()):
            return cells[:i], cells[i:]
    return cells, []


def _html(exporter, notebook, cells: list) -> str:
    notebook.cells = cells
    body = exporter.from_notebook_node(notebook)[0]
    return re.sub(r'<div class="output_png([^>]*)>(\s*<img[^>]*>)', _fitting, body)


def _fitting(picture: re.Match) -> str:
    """Say how high a picture is on paper; on a phone a wide one scrolls in its own box, which the
    keyboard must reach."""
    sizes = [re.search(rf' {side}="(\d+)"', picture[2]) for side in ("width", "height")]
    if not all(sizes):
        return picture[0]
    width, height = (int(size[1]) for size in sizes if size)
    most = next(most for ratio, most in _PRINTED if width >= ratio * height)
    wide = ' wide" tabindex="0' if width > _FITS_PX else ""
    return f'<div style="--most: {most}" class="output_png{picture[1][:-1]}{wide}">{picture[2]}'


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

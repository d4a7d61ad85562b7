"""Make slides of the notebooks, a page for each; `make slides` does so for all of them.

    python docs/make_slides.py build/slides [--no-run] [NOTEBOOK …]

A heading begins a slide, and so does text with code after it; what is said of the figure above it
stays there.
Cells that only check or prepare are left out; a cell with a ``slide_type`` (JupyterLab's property
inspector sets it) is treated as that says. Pages ask no other computer for anything.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from html import escape
from pathlib import Path
from string import Template

import nbformat
from nbconvert import HTMLExporter
from nbconvert.preprocessors import TagRemovePreprocessor
from pygments.formatters import HtmlFormatter

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "notebooks"
BAR = re.compile(r"[^\n]*\d+%\|")
LEFT_OUT = {"remove-cell", "claims", "parameters", "injected-parameters", "check"}
FOR_READERS = ("## Exercises", "## Sources")  # not for a talk


def pieces(cells: list) -> list:
    """Part texts at their headings, so that each piece is at most one slide."""
    parted = []
    for cell in cells:
        if cell.cell_type == "code":  # a progress bar without its kernel would stand still
            cell.outputs = [
                o for o in cell.outputs if not BAR.match(o.get("data", o).get("text/plain", ""))
            ]
        texts = [cell.source]
        if cell.cell_type == "markdown":
            texts = re.split(r"^(?=#{1,3} )", cell.source, flags=re.MULTILINE)
        for text in filter(str.strip, texts):
            piece = nbformat.from_dict({**cell, "source": text.strip()})
            parted.append(piece)
    return parted


def slide_type(cell) -> str:
    """Return what a piece is: "slide" begins one, "-" goes on with it, "skip" is left out.

    What "text" is depends on what follows it.
    """
    said = cell.metadata.get("slideshow", {}).get("slide_type")
    if said:
        return {"": "-", "subslide": "slide", "fragment": "-", "notes": "skip"}.get(said, said)
    setup = cell.cell_type == "code" and ("import " in cell.source and not cell.get("outputs"))
    if setup or LEFT_OUT & set(cell.metadata.get("tags", ())):
        return "skip"
    if cell.source.startswith(FOR_READERS):
        return "skip"
    if cell.cell_type == "markdown":
        return "slide" if cell.source.startswith("#") else "text"
    return "-"


def slides(notebook: nbformat.NotebookNode) -> list[list]:
    """Return the cells of each slide."""
    kept = [(cell, slide_type(cell)) for cell in pieces(notebook.cells)]
    kept = [(cell, kind) for cell, kind in kept if kind != "skip"]
    made: list[list] = []
    for place, (cell, kind) in enumerate(kept):
        before_code = place + 1 < len(kept) and kept[place + 1][0].cell_type == "code"
        if kind == "slide" or (kind == "text" and before_code) or not made:
            made.append([])
        made[-1].append(cell)
    return made


def page(notebook: nbformat.NotebookNode) -> str:
    """Return the slides as one HTML page."""
    exporter = HTMLExporter(
        template_name="basic", exclude_output_prompt=True, exclude_input_prompt=True,
        exclude_anchor_links=True,
    )  # fmt: skip
    hidden = TagRemovePreprocessor(remove_input_tags={"remove-input"}, enabled=True)
    exporter.register_preprocessor(hidden, enabled=True)
    sections = []
    for cells in slides(notebook):
        body, _ = exporter.from_notebook_node(
            nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)
        )
        sections.append(f"<section>{body}</section>")
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    return Template((HERE / "slides.html").read_text("utf-8")).substitute(
        title=escape(title),
        colors=HtmlFormatter(style="friendly").get_style_defs(".highlight"),
        slides="\n".join(sections),
    )


def main() -> None:
    """Run the notebooks that are named, or all, and write their slides."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("notebooks", type=Path, nargs="*")
    parser.add_argument("--no-run", action="store_true", help="slides without any output")
    options = parser.parse_intermixed_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for path in options.notebooks or sorted(NOTEBOOKS.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            executed = path
            if not options.no_run:
                from fer_nb.reports import run_notebook

                executed = run_notebook(path, Path(folder) / path.name, {})
            made = page(nbformat.read(executed, as_version=4))
        target = options.folder / f"{path.stem}.html"
        target.write_text(made, "utf-8")
        print(target)


if __name__ == "__main__":
    main()

"""Make the students' tree of a course: the notebooks, and exercises without their solutions.

    python docs/make_student_copy.py course/

Each solution becomes a notebook of exercises: the text of every exercise, an empty cell for the
answer, and the cells tagged ``check``, which fail until the answer is right.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PARTING = "Worked solutions are in"


def exercises(lesson: nbformat.NotebookNode) -> dict[int, str]:
    """Return the exercises of a lesson, by number."""
    text = lesson.cells[-1].source.split("## Exercises\n")[1].split("\n## ")[0].split(PARTING)[0]
    parts = re.split(r"^(\d)\. ", text, flags=re.MULTILINE)[1:]
    return {int(n): body.strip() for n, body in zip(parts[::2], parts[1::2], strict=True)}


def without_solutions(
    solved: nbformat.NotebookNode, lesson: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    """Return a notebook of exercises made from the one that solves them."""
    title = solved.cells[0].source.splitlines()[0].replace("Solutions to", "Exercises of")
    cells, begun = [new_markdown_cell(title)], False
    asked = exercises(lesson)
    for cell in solved.cells[1:]:
        headings = re.findall(r"^## .*", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and headings:
            begun = True
            for heading in headings:
                number = re.match(r"## Exercise (\d)", heading)
                if number:
                    text = f"{heading}\n\n{asked[int(number[1])]}"
                    cells += [new_markdown_cell(text), new_code_cell("# your answer\n")]
        elif cell.cell_type == "code" and "check" in cell.metadata.get("tags", ()):
            cells.append(new_code_cell(cell.source, metadata={"tags": ["check"]}))
        elif cell.cell_type == "code" and not begun:  # parameters and imports are given
            cells.append(new_code_cell(cell.source, metadata=cell.metadata))
    for index, cell in enumerate(cells):
        cell["id"] = f"exercise-{index}"
    return nbformat.v4.new_notebook(cells=cells, metadata=solved.metadata)


def make_student_copy(folder: Path) -> list[Path]:
    """Write the notebooks and the exercises into a new folder; return what was written."""
    if folder.exists():
        raise SystemExit(f"{folder} exists already; choose a new folder")
    written = []
    (folder / "exercises").mkdir(parents=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        lesson = nbformat.read(path, as_version=4)
        solution = NOTEBOOKS / "solutions" / path.name
        if solution.exists():
            made = without_solutions(nbformat.read(solution, as_version=4), lesson)
            written.append(folder / "exercises" / path.name)
            nbformat.write(made, written[-1])
        last = lesson.cells[-1]
        own = f"Answer them in [{path.name}](exercises/{path.name})."
        last.source = re.sub(rf"{PARTING}[^\n]*", own, last.source)
        for cell in lesson.cells:  # the book is not in the tree: links to its pages become names
            if cell.cell_type == "markdown":
                cell.source = re.sub(r"\[([^]]+)\]\(\.\./[^)]*\)", r"\1", cell.source)
        written.append(folder / path.name)
        nbformat.write(lesson, written[-1])
    return written


if __name__ == "__main__":
    for made in make_student_copy(Path(sys.argv[1])):
        print(made)

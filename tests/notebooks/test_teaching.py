"""Every notebook opens and closes as a lesson, and leads on along the book's path."""

import ast
import builtins
import re
from pathlib import Path
from unittest.mock import MagicMock

import nbformat
import numpy as np
import pandas as pd
import pytest
from make_student_copy import make_student_copy
from PIL import Image

import fer_nb
from fer_nb.demo import smiling_people
from fer_nb.reports import run_notebook

ROOT = Path(__file__).parents[2]
PATH = re.findall(r"^tutorials/(\w+)$", (ROOT / "docs" / "index.md").read_text("utf-8"), re.M)
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def words(path: Path) -> list[str]:
    return [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown"]


def test_the_book_holds_every_notebook():
    assert sorted(PATH) == [path.stem for path in LESSONS]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_notebook_says_what_it_is_for(path):
    first = words(path)[0]
    for part in ("# ", "**Goals.**", "**Prerequisites:**", "**Time:**", "**Difficulty:** ●"):
        assert part in first, part
    assert sum(text.count("\n# ") + text.startswith("# ") for text in words(path)) == 1


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_notebook_closes_with_exercises_and_leads_on(path):
    last = words(path)[-1]
    sections = ("## What we learned", "## Exercises", "## Sources", "**Next:**")
    places = [last.find(section) for section in sections]
    assert -1 not in places
    assert places == sorted(places)
    exercises = last[places[1] : places[2]]
    count = len(re.findall(r"^\d\. ", exercises, re.M))
    assert 2 <= count <= 3
    assert exercises.count("<summary>Hint</summary>") == count
    [following] = re.findall(r"\*\*Next:\*\* \[[^]]+\]\(([\w./]+)\)", last)
    position = PATH.index(path.stem)
    expected = f"{PATH[position + 1]}.ipynb" if position + 1 < len(PATH) else "../docs/teaching.md"
    assert following == expected


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_links_between_notebooks_lead_somewhere(path):
    for text in words(path):
        for link in re.findall(r"\]\(([^)#\s]+)", text):
            if not link.startswith("http"):
                assert (path.parent / link).exists(), link


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course") / "tree"
    make_student_copy(folder)
    return folder


def test_students_get_exercises_but_no_solutions(course):
    solutions = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    assert [p.name for p in sorted((course / "exercises").glob("*"))] == [p.name for p in solutions]
    assert [p.name for p in sorted(course.glob("*.ipynb"))] == [p.name for p in LESSONS]
    everything = "".join(path.read_text("utf-8") for path in course.rglob("*.ipynb"))
    assert "solutions/" not in everything
    for path in solutions:
        solved = nbformat.read(path, 4).cells
        asked = nbformat.read(course / "exercises" / path.name, 4)
        nbformat.validate(asked)
        text = "\n".join(cell.source for cell in asked.cells)
        titles = re.findall(r"^## (Exercise \d)", "\n".join(c.source for c in solved), re.M)
        assert titles, path.name
        assert re.findall(r"^## (Exercise \d)", text, re.M) == titles
        assert text.count("# your answer") == len(titles)
        headings = [i for i, c in enumerate(solved) if c.source.startswith("## Exercise")]
        kept = [c.source for c in asked.cells]
        for cell in solved[headings[0] :]:
            if cell.cell_type == "code":
                assert (cell.source in kept) == ("check" in cell.metadata.get("tags", ()))


def test_links_of_the_students_copy_lead_somewhere(course):
    for path in course.rglob("*.ipynb"):
        for text in words(path):
            for link in re.findall(r"\]\(([^)#\s]+)", text):
                if not link.startswith("http"):
                    assert (path.parent / link).exists(), f"{path.name}: {link}"
    assert "[05_reaction_report.ipynb](exercises/05_reaction_report.ipynb)" in "".join(
        words(course / "05_reaction_report.ipynb")
    )


class Anything(dict):
    """Names for a check to run with: real modules, stand-ins for the rest, and no answer."""

    def __init__(self, answers: set[str]):
        super().__init__(np=np, pd=pd, fer_nb=fer_nb)
        self.answers = answers

    def __missing__(self, name):
        if name in self.answers or hasattr(builtins, name):
            raise KeyError(name)
        return MagicMock(name=name)


SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))


@pytest.mark.parametrize("name", [path.name for path in SOLUTIONS])
def test_every_exercise_that_is_solved_has_a_check(course, name):
    cells = nbformat.read(course / "exercises" / name, 4).cells
    kinds = [
        "exercise" if c.source.startswith("## Exercise") else "check"
        for c in cells
        if c.source.startswith("## Exercise") or "check" in c.metadata.get("tags", ())
    ]
    assert kinds == ["exercise", "check"] * (len(kinds) // 2)
    assert kinds


@pytest.mark.parametrize("name", [path.name for path in SOLUTIONS])
def test_checks_fail_until_there_is_an_answer(course, name):
    """Without an answer, and with an empty one. That they pass on solutions is seen by running."""
    cells = nbformat.read(course / "exercises" / name, 4).cells
    checks = [cell.source for cell in cells if "check" in cell.metadata.get("tags", ())]
    for check in checks:
        assert check.startswith("# Your answer leaves"), check
        comment = check.split("\nassert")[0].split("\nfor")[0]
        lines = [line for line in comment.splitlines() if line.startswith("#")]
        named = set(re.findall(r"`(\w+)[^`]*`", " ".join(lines)))
        read = {node.id for node in ast.walk(ast.parse(check)) if isinstance(node, ast.Name)}
        answers = named & read
        assert answers, check
        with pytest.raises(NameError) as missing:
            exec(check, Anything(answers))
        assert missing.value.name in answers
        for empty in (None, {}, pd.DataFrame()):
            with pytest.raises((AssertionError, TypeError, KeyError, AttributeError, ValueError)):
                names = Anything(set())
                names.update(dict.fromkeys(answers, empty))
                exec(check, names)


def test_the_bias_lab_and_its_solution_run(tmp_path):
    run_notebook("08_bias_lab.ipynb", tmp_path / "lab.ipynb", {"people": 8})
    solution = ROOT / "notebooks" / "solutions" / "08_bias_lab.ipynb"
    out = run_notebook(solution, tmp_path / "solved.ipynb", {"people": [4, 8]})
    assert nbformat.read(out, 4)


def test_the_bias_lab_takes_faces_whose_smiles_nobody_sees(tmp_path):
    images, table = smiling_people(8, (0, 0, 0), seed=0)
    table["strength"] = [0, 0, 1] * 8
    table["image_path"] = [str(tmp_path / f"{i}.png") for i in range(len(images))]
    for path, image in zip(table["image_path"], images, strict=True):
        Image.fromarray(image).save(path)
    table.to_csv(tmp_path / "faces.csv", index=False)
    parameters = {"faces": str(tmp_path / "faces.csv")}
    out = run_notebook("08_bias_lab.ipynb", tmp_path / "lab.ipynb", parameters)
    assert "no threshold finds half of the smiles" in out.read_text("utf-8")


def test_the_solution_of_notebook_5_runs(tmp_path):
    """It makes the whole demo study: its checks compare reports with the truth."""
    solution = ROOT / "notebooks" / "solutions" / "05_reaction_report.ipynb"
    assert run_notebook(solution, tmp_path / "solved.ipynb", {"out_dir": str(tmp_path)}).exists()


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_what_a_lesson_sees_is_asserted(path):
    """What "we see" is asserted in a hidden cell, which fails where it is not so."""
    cells = nbformat.read(path, 4).cells
    sees = [
        text for text in words(path) if re.search(r"\b[Ww]e (also )?see (that|the|three)", text)
    ]
    claims = [c for c in cells if "claims" in c.metadata.get("tags", ())]
    assert all("assert " in cell.source for cell in claims)
    assert claims or not sees

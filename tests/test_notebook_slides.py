"""Notebooks become slides that ask no other computer for anything."""

import re
from pathlib import Path

import check_site
import make_slides
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]


BAR = new_output("display_data", {"text/plain": "training:   0%|          | 0/15 [00:00<?]"})


def lesson(**last):
    return new_notebook(
        cells=[
            new_markdown_cell("# A <lesson>\n\nGoals.\n\n## First\n\nSome words."),
            new_code_cell("1 + 1", outputs=[new_output("stream", text="two"), BAR]),
            new_code_cell("assert True", metadata={"tags": ["claims"]}),
            new_markdown_cell("We see two."),
            new_markdown_cell("Then three."),
            new_code_cell("2 + 1"),
            new_markdown_cell("## What we learned\n\n- Much.\n\n## Exercises\n\n1. Secret."),
            new_code_cell("print('late')", metadata=last),
        ]
    )


def test_headings_and_pieces_of_text_begin_slides():
    made = [[cell.source.splitlines()[0] for cell in part] for part in make_slides.slides(lesson())]
    assert made == [
        ["# A <lesson>"],
        ["## First", "1 + 1", "We see two."],
        ["Then three.", "2 + 1"],
        ["## What we learned", "print('late')"],
    ]


def test_a_slide_type_of_ones_own_counts():
    made = make_slides.slides(lesson(slideshow={"slide_type": "subslide"}))
    assert [cell.source for cell in made[-1]] == ["print('late')"]
    made = make_slides.slides(lesson(slideshow={"slide_type": "skip"}))
    assert len(made[-1]) == 1


def test_the_page_needs_no_network(tmp_path):
    (tmp_path / "talk.html").write_text(make_slides.page(lesson()), "utf-8")
    page = (tmp_path / "talk.html").read_text("utf-8")
    assert page.count("<section>") == 4
    assert "<title>A &lt;lesson&gt;</title>" in page
    assert "two" in page
    assert "Secret" not in page
    assert "0%|" not in page  # a bar that would stand still
    assert check_site.faults(tmp_path) == []
    assert "http" not in re.sub(r"<a [^>]*>", "", page)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_every_notebook_is_a_talk(path):
    parts = make_slides.slides(nbformat.read(path, as_version=4))
    assert len(parts) >= 4

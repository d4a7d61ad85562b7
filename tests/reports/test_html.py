import re

import numpy as np
import pytest

from fer_nb.reports import html

EVIL = "<script>alert('x')</script> & \"q\""


@pytest.mark.parametrize(
    "fragment",
    [
        html.heading(EVIL, EVIL),
        html.box([EVIL, EVIL]),
        html.key_figures({EVIL: EVIL}),
        html.facts({EVIL: EVIL}),
        html.cards([html.card(None, EVIL, [EVIL])]),
        html.page("", EVIL),
        html.table([[EVIL]], [EVIL]),
        html.paragraphs(EVIL),
        html.subhead(EVIL),
        html.joined(html.estimate(EVIL, EVIL)),
        html.fold(EVIL, html.paragraphs(EVIL), group='"' + EVIL),
    ],
)
def test_what_comes_from_outside_is_escaped(fragment):
    assert "<script" not in fragment
    assert "alert" in fragment


def test_page_asks_no_other_computer(astronaut):
    made = html.page(html.cards([html.card(astronaut, "head", ["line"], "#E69F00")]), "title")
    assert not re.search(r"(src|href)=\"(?!data:)", made)
    assert "http" not in made
    assert "@import" not in made
    assert "data:image/jpeg;base64," in made


def test_a_head_without_words_is_no_head():
    """A reader of screens would say "column header, blank"."""
    made = html.table([["valence", 1]], ["", "n"], {1})
    assert made.count("<th") == 2  # thead and "n"
    assert "<td></td>" in made


def test_percentiles_are_read_aloud_as_they_are_drawn():
    bar = html.percentile_bar(82.6, 71.0, 91.5)
    assert 'aria-label="83rd percentile of the norms, 71st to 92nd"' in bar
    assert "left:82.6%" in bar
    assert "<i" not in html.percentile_bar(50.0)


def test_only_a_page_turns_dark():
    assert "prefers-color-scheme" in html.page("", "title")
    assert "prefers-color-scheme" not in html.style()


def test_fragments_show_themselves_in_a_notebook():
    assert html.box("x")._repr_html_() == html.box("x")
    assert "AI Act" in html.ethics()


def test_pictures_are_shrunk(astronaut):
    small = html.data_url(astronaut, width=32)
    assert len(small) < len(html.data_url(astronaut)) / 5
    assert html.data_url(np.zeros((1, 1, 3), np.uint8))


def test_the_style_of_a_notebook_stays_within_its_outputs():
    css = html.style()
    assert css.startswith("<style>.jp-OutputArea, .cell_output, .output_area { & {")
    assert ".box {" in css
    assert css.count("{") == css.count("}")


def test_a_report_has_one_first_heading_and_its_notebook_another(tmp_path):
    from nbformat import v4, write

    from fer_nb.reports.run import render

    shown = v4.new_output("display_data", {"text/html": html.heading("Of R01", "It is good.")})
    lesson = v4.new_markdown_cell("# One recording", metadata={"tags": ["notebook-only"]})
    cells = [lesson, v4.new_code_cell("", outputs=[shown]), v4.new_markdown_cell("## Curves")]
    write(v4.new_notebook(cells=cells), tmp_path / "made.ipynb")
    made = render(tmp_path / "made.ipynb", tmp_path / "made.html", "title").read_text("utf-8")
    assert re.findall("<h1>.*?</h1>", made) == ["<h1>Of R01</h1>"]
    assert "<h1" not in html.heading("Of R01")

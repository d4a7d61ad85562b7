"""Controls over prepared figures in a browser, moved by the keyboard and the pointer."""

from __future__ import annotations

import pandas as pd
import pytest
from lab_harness import chromium, chromium_path
from matplotlib.figure import Figure

from fer_nb.widgets.plane import plane
from fer_nb.widgets.prepared import matrix, slider

pytestmark = pytest.mark.skipif(chromium_path() is None, reason="no Chromium")


def draw(*_) -> Figure:
    return Figure(figsize=(1, 1))


@pytest.fixture
def opened(tmp_path):
    """Open what a notebook would show."""
    with chromium() as browser:

        def show(prepared):
            page_file = tmp_path / "page.html"
            page_file.write_text(prepared._repr_html_())
            page = browser.new_page()
            page.goto(page_file.as_uri())
            return page

        yield show


def hidden(page) -> list[bool]:
    return page.eval_on_selector_all("img", "all => all.map(im => im.hidden)")


def test_arrow_keys_move_a_slider(opened):
    page = opened(slider(draw, [1, 2, 3], "width"))
    page.focus("input")
    page.keyboard.press("ArrowRight")
    assert hidden(page) == [True, False, True]
    assert page.text_content("output") == "2"
    assert page.get_attribute("input", "aria-valuetext") == "2"


def test_enter_opens_a_cell_of_a_matrix(opened):
    counts = pd.DataFrame([[3, 1], [2, 4]], index=["a", "b"], columns=["a", "b"])
    page = opened(matrix(counts, draw, ("truth", "answer")))
    assert hidden(page) == [True, True, False, True]
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert hidden(page) == [True, False, True, True]
    assert page.text_content("output") == "truth a, answer b: 1"
    assert page.get_attribute("button >> nth=1", "aria-pressed") == "true"


def test_the_cross_follows_keys_and_pointer(opened):
    page = opened(plane())
    page.focus("svg")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowUp")
    assert page.text_content("output").startswith("valence 4.5, arousal 4.1: nearest is")
    box = page.locator("svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 12)
    said = page.text_content("output")
    assert said.startswith("valence 4.0, arousal 7.0: nearest is happy"), said

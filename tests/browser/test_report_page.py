"""Pages of reports in a browser: tables on narrow screens, wide ones, and on paper."""

from __future__ import annotations

import pytest
from lab_harness import chromium, chromium_path

from fer_nb.reports.html import facts, page, table

WIDTHS = """() => {
    const boxes = [document.documentElement, ...document.querySelectorAll(".scroll")];
    return boxes.map(e => [e.scrollWidth, e.clientWidth]);
}"""


@pytest.fixture(scope="module")
def widths():
    """A function from a medium and a width to [needed, there] of the page and of its tables."""
    if chromium_path() is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    names = ["respondent", "stimulus", "status", "seen, %", "gap, s", "fps", "jitter, ms", "light"]
    names += ["contrast", "face, px", "turned, %", "why, and remarks"]
    remark = "too dark (brightness 20, least 40); face last seen at 26.2 s; counts only while seen"
    row = ["person-07", "summer_trailer_2026", "excluded", *[100.5] * 8, remark]
    compared = ["", "Trailer A (simulated)", "Trailer B (simulated)", "difference", "interval"]
    compared += ["effect", "n", "p", "p (Holm)"]
    ends = ["happiness, peak–end", "−12.5", "−10.4", "−2.1", "−11.5 to −10.3", "d_z = −0.41"]
    ends += ["100 + 120", "0.005", "1.000"]
    body = (
        table([row] * 3, names, set(range(3, 11)))
        + table([ends] * 3, compared, set(range(1, 9)))
        + facts({"sha256: " + "trailer_a" * 5: "0123456789abcdef" * 4})
    )
    with chromium() as browser:
        view = browser.new_page()
        view.set_content(page(body, "tables"))

        def measure(medium, width):
            view.emulate_media(media=medium)
            view.set_viewport_size({"width": width, "height": 900})
            return view.evaluate(WIDTHS)

        yield measure


def test_a_wide_table_scrolls_in_its_own_box_on_a_narrow_screen(widths):
    whole, *tables = widths("screen", 420)
    assert whole == [420, 420]
    assert all(needed > there for needed, there in tables)
    whole, _, compared = widths("screen", 1100)
    assert whole == [1100, 1100]
    assert compared[0] == compared[1]


def test_nothing_is_cut_off_on_paper(widths):
    whole, *tables = widths("print", 718)  # A4 upright between margins
    assert whole == [718, 718]
    assert all(needed == there for needed, there in tables)


@pytest.mark.parametrize("width", [420, 1200])
def test_the_names_of_facts_are_not_broken_within_a_word(width):
    if chromium_path() is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with chromium() as browser:
        view = browser.new_page(viewport={"width": width, "height": 900})
        view.set_content(page(facts({"class prior": "x " * 400, "parameters": "y"}), "facts"))
        name, value = view.eval_on_selector_all(
            "tr:last-child > *", "cells => cells.map(cell => cell.clientHeight)"
        )
        line = view.evaluate(
            "parseFloat(getComputedStyle(document.querySelector('td')).lineHeight)"
        )
    assert name == value < 2 * line

"""The first page of a study is one sheet of paper, and leaves no moment alone in a row."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from lab_harness import chromium, chromium_path

from fer_nb.reports.brand import Brand
from fer_nb.reports.html import page
from fer_nb.reports.page_one import BrandView, MomentView, PageOne, ScoreView, page_one_html

MARGIN = dict.fromkeys(("top", "bottom", "left", "right"), "1cm")
PLACED = {"percentile": 42.0, "low": 10.0, "high": 80.0}


@pytest.fixture(scope="module")
def view():
    if chromium_path() is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with chromium() as browser:
        yield browser.new_page(viewport={"width": 1200, "height": 900})


def full(result, films: int, brand: Brand | None = None) -> str:
    """A first page that says as much as there can be: all scores, moments, brands and norms."""
    names = [f"film{k}" for k in range(films)]
    one = next(iter(result.stimuli.values()))
    titles = {n: replace(one, title=f"Harbour Lights, cut {n[-1]}") for n in names}
    frame = np.full((90, 160, 3), 120, np.uint8)

    def moments(name):
        one = ("0:14.0–0:16.0", "Reunion", "happiness +18 of 100", "+13 to +34")
        sure = "large in the mean, but only 7 of 15 moved"
        return [MomentView(*one, sure, "#112233", frame, name, (False, k / 10)) for k in range(3)]

    scores = ("Expressiveness", "Attention", "Valence change", "Positive share", "Peak–end")
    shown = [("Valence", "−0.05 points"), ("Happiness", "−0.5 of 100"), ("Face seen", "86%")]
    after = [(f"{what} in the 5 s after", value, "−4.1 to +3.3") for what, value in shown[:2]]
    shown = [(f"{what} while shown", value, "−0.14 to +0.03") for what, value in shown]
    logo = BrandView("Harbour Lights", "0:20.0–0:25.0", frame, [*shown, *after])
    said = PageOne(
        title="Harbour Lights: which cut? A study with a title that takes a second line",
        sample="20 respondents invited, 20 recorded. Usable: 18 for each of the films, 2 not.",
        verdict=[
            "“Harbour Lights, cut B” raised valence more than “Harbour Lights, cut A”, by 0.18 of "
            "the 1–7 scale on average.",
            "This is the difference among the 15 who watched both; its interval is 0.04 to 0.33.",
        ],
        scores={
            n: [ScoreView(s, "+0.46", "points", "+0.30 to +0.63", "", **PLACED) for s in scores]
            for n in names
        },
        norms=dict.fromkeys(names, "Percentiles among 12 past stimuli of kind “ad”. " * 2),
        best={n: moments(n) for n in names},
        worst={n: moments(n) for n in names},
        doubts=["The films were shown in one order only; a difference may be due to that order."],
        brand={n: [logo] for n in names},
    )
    study = replace(result, stimuli=titles, audiences=dict.fromkeys(names))
    brand = Brand(name="An agency", footer="An agency GmbH, Hamburg. Confidential.")
    html = page_one_html(said, study, brand)
    return page(re.sub(r'<h2 class="title">(.*?)</h2>', r"<h1>\1</h1>", html, count=1), "first")


@pytest.mark.parametrize("films", [1, 2, 3, 6])
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_is_one_sheet(view, result, films, paper):
    view.set_content(full(result, films))
    printed = view.pdf(format=paper, margin=MARGIN)
    sheets = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert sheets == 2  # the second has only the page's foot, and the brands of many films


@pytest.mark.parametrize(("width", "columns"), [(1200, 2), (420, 1)])
@pytest.mark.parametrize("films", [1, 2, 3])
def test_moments_stand_in_full_columns(view, result, films, width, columns):
    view.set_viewport_size({"width": width, "height": 900})
    view.set_content(full(result, films))
    lists = view.eval_on_selector_all(
        ".moments > div",
        "all => all.map(e => [e.offsetLeft, e.querySelectorAll('.moment').length])",
    )
    assert [count for _, count in lists] == [3] * (4 if films == 2 else 2)
    assert len({left for left, _ in lists}) == columns
    assert view.evaluate("document.documentElement.scrollWidth") == width
    # No word runs into its neighbour's column.
    assert view.evaluate(
        "[...document.querySelectorAll('.board th')].every(e => e.scrollWidth <= e.clientWidth)"
    )


@pytest.mark.parametrize("width", [1200, 420])
def test_without_the_film_a_moment_s_words_take_all_of_its_width(view, result, width):
    view.set_viewport_size({"width": width, "height": 900})
    html = re.sub(r'<div class="moment">\s*<img [^>]*>', '<div class="moment">', full(result, 1))
    view.set_content(html)
    shares = view.eval_on_selector_all(
        ".moment", "all => all.map(e => e.firstElementChild.offsetWidth / e.clientWidth)"
    )
    assert len(shares) == 6
    assert min(shares) > 0.99

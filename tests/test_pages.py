import re

import numpy as np
import pytest

from fer_nb import pages

EVIL = "<script>alert('x')</script> & \"q\""


@pytest.mark.parametrize(
    "fragment",
    [
        pages.heading(EVIL, EVIL),
        pages.box([EVIL, EVIL]),
        pages.key_figures({EVIL: EVIL}),
        pages.facts({EVIL: EVIL}),
        pages.cards([pages.card(None, EVIL, [EVIL])]),
        pages.page("", EVIL),
    ],
)
def test_what_comes_from_outside_is_escaped(fragment):
    assert "<script" not in fragment
    assert "alert" in fragment


def test_page_asks_no_other_computer(astronaut):
    html = pages.page(pages.cards([pages.card(astronaut, "head", ["line"], "#E69F00")]), "title")
    assert not re.search(r"(src|href)=\"(?!data:)", html)
    assert "http" not in html
    assert "@import" not in html
    assert "data:image/jpeg;base64," in html


def test_fragments_show_themselves_in_a_notebook():
    assert pages.box("x")._repr_html_() == pages.box("x")
    assert "AI Act" in pages.ethics()


def test_pictures_are_shrunk(astronaut):
    small = pages.data_url(astronaut, width=32)
    assert len(small) < len(pages.data_url(astronaut)) / 5
    assert pages.data_url(np.zeros((1, 1, 3), np.uint8))

"""Controls over prepared figures need no kernel, and without scripts show their first one."""

import re

import pandas as pd
import pytest
from matplotlib.figure import Figure

from fer_nb.errors import FerError
from fer_nb.widgets.plane import plane
from fer_nb.widgets.prepared import matrix, slider


def draw(width: float) -> Figure:
    return Figure(figsize=(width, 1))


def test_only_the_first_picture_is_shown():
    html = slider(draw, [1.0, 2.5, 3.0], "width <in>", start=1)._repr_html_()
    pictures = re.findall(r"<img [^>]*>", html)
    assert [" hidden" in picture for picture in pictures] == [True, False, True]
    assert 'alt="width &lt;in&gt;: 2.5"' in pictures[1]
    assert "<output>2.5</output>" in html
    assert "http" not in html


@pytest.mark.parametrize(("values", "start"), [([1], 0), ([1, 2], 2), ([1, 2], -1)])
def test_a_slider_needs_values(values, start):
    with pytest.raises(FerError, match="two values"):
        slider(draw, values, "x", start)


NAMES = ["happy", "sad", "fear"]
COUNTS = pd.DataFrame([[7, 2, 0], [3, 5, 0], [0, 0, 0]], index=NAMES, columns=NAMES)


def test_a_matrix_opens_its_most_frequent_mistake():
    asked = []

    def faces(row, column):
        asked.append((row, column))
        return draw(1)

    html = matrix(COUNTS, faces, ("raters say", "it says"))._repr_html_()
    assert asked == [("happy", "happy"), ("happy", "sad"), ("sad", "happy"), ("sad", "sad")]
    shown = [" hidden" not in picture for picture in re.findall(r"<img [^>]*>", html)]
    assert shown == [pair == ("sad", "happy") for pair in asked]
    assert re.findall(r'aria-pressed="(\w+)"', html) == ["false", "false", "true", "false"]
    assert '<output aria-live="polite">raters say sad, it says happy: 3</output>' in html
    assert "fear" not in html


def test_a_matrix_of_nothing_is_refused():
    with pytest.raises(FerError, match="all counts are 0"):
        matrix(COUNTS * 0, lambda row, column: draw(1), ("a", "b"))


def test_the_plane_says_what_is_nearest():
    html = plane("reference", 6.0, 5.9)._repr_html_()
    assert "valence 6.0, arousal 5.9: nearest is surprise (0.1 away), then happy (1.8 away)" in html
    assert html.count("<circle") == 9
    assert "http" not in html

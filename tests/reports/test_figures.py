"""Figures of an audience: what the marks on them say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from fer_nb.reports import figures
from fer_nb.study.simulate import simulate_audience


@pytest.fixture
def people():
    """Eight people in three groups who do not move at all."""
    one = simulate_audience(8, np.random.default_rng(0), duration_s=20.0, missing=False)
    still = np.zeros(one.corrected.shape)
    return replace(one, groups=("b", "a", "c", "a", "b", "a", "b", "a"), corrected=still)


@pytest.mark.parametrize(
    ("values", "extend"),
    [([], "neither"), ([2.0], "max"), ([-2.0], "min"), ([-2.0, 2.0], "both")],
)
def test_the_heat_map_tells_on_which_side_values_lie_beyond_its_colours(people, values, extend):
    people.corrected[1::2, 0] = 1.0
    for k, value in enumerate(values):
        people.corrected[k, 0, :5] = value  # smoothed, that is two bins and less of others
    image = figures.heat_map(people).axes[0].images[0]
    assert image.norm.vmax == pytest.approx(1.0)
    assert image.colorbar.extend == extend


def test_lines_part_the_groups_of_the_heat_map(people):
    lines = figures.heat_map(people).axes[0].lines
    assert [line.get_ydata()[0] for line in lines] == [4, 7]
    alone = replace(people, groups=("",) * 8)
    assert not figures.heat_map(alone).axes[0].lines


def test_what_is_not_beyond_chance_does_not_look_as_if_it_were(result):
    name = next(iter(result.audiences))
    one = result.moments.iloc[0].to_dict() | {"stimulus": name, "signal": "p_happy"}
    rows = [
        one | {"status": status, "start_s": 4.0 * k, "end_s": 4.0 * k + 2}
        for k, status in enumerate(("significant", "small", "untested", "not_significant"))
    ]
    fig = figures.curve_panels(replace(result, moments=pd.DataFrame(rows)), name)
    axis = next(a for a in fig.axes if a.get_title(loc="left").startswith("happiness"))
    color = figures.signal_color("p_happy")
    drawn = [p for p in axis.patches if same_color(p.get_edgecolor()[:3], color)]
    assert [p.get_fill() for p in drawn] == [True, True, True, False]
    assert drawn[-1].get_linestyle() == ":"

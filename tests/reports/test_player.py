"""What the player is given: curves packed without loss that anyone could see, films, moments."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fer_nb.errors import StudyError
from fer_nb.reports.player import (
    pack_curves,
    player_html,
    show_player,
    study_data,
)
from fer_nb.reports.player.data import _per_second


def unpack(packed: dict) -> np.ndarray:
    steps = np.frombuffer(base64.b64decode(packed["base64"]), "<i2").reshape(packed["shape"])
    return np.where(steps == -32768, np.nan, steps * packed["scale"])


@given(arrays.arrays(float, (2, 7), elements=st.floats(-30, 30) | st.just(float("nan"))))
def test_packing_keeps_every_number_to_half_a_step_and_every_gap(values):
    back = unpack(pack_curves(values, 0.001))
    assert np.array_equal(np.isnan(back), np.isnan(values))
    assert np.nanmax(np.abs(back - values), initial=0) <= 0.0005 + 1e-9


def test_a_second_is_the_mean_of_what_was_measured_in_it():
    curves = np.array([[1.0, 3.0, np.nan, 5.0, np.nan, np.nan]])
    assert _per_second(curves, 2.0, 6).tolist()[0][:2] == [2.0, 5.0]
    assert np.isnan(_per_second(curves, 2.0, 6)[0, 2])


def test_a_study_gives_every_audience_and_signal_its_band(result):
    data = study_data(result, "Two trailers", {})
    assert [cut["id"] for cut in data["cuts"]] == list(result.audiences)
    name = data["cuts"][0]["id"]
    curve = next(c for c in data["curves"] if c["cut"] == name and c["signal"] == "p_happy")
    estimate, low, high, n = unpack(curve["band"])
    rows = result.curves.query("stimulus == @name and group == 'all' and kind == 'mean'")
    rows = rows[rows["signal"] == "p_happy"].sort_values("time_s")
    np.testing.assert_allclose(estimate[: len(rows)], 100 * rows["estimate"], atol=0.006)
    np.testing.assert_allclose(low[: len(rows)], 100 * rows["low"], atol=0.006)
    np.testing.assert_allclose(high[: len(rows)], 100 * rows["high"], atol=0.006)
    np.testing.assert_allclose(n[: len(rows)] / curve["band"]["scale"], rows["n"])


def test_the_page_holds_its_data_and_asks_for_nothing(result):
    html = player_html(study_data(result, "</script><b>title", {}))
    told = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.S)[1]
    assert json.loads(told)["title"] == "</script><b>title"
    assert not re.search(r"(src|href)=[\"']?https?:", html)


def test_a_notebook_shows_the_player_of_a_finished_study(result):
    shown = show_player(result, "Two trailers")
    page = unescape(re.search(r'srcdoc="([^"]*)"', shown._repr_html_())[1])
    told = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S)[1]
    assert [cut["id"] for cut in json.loads(told)["cuts"]] == list(result.audiences)
    with pytest.raises(StudyError, match="nothing to play"):
        show_player(replace(result, audiences={}))

"""The player of one recording: its curves in fifths of a second, its film, its quality strip."""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd
import pytest
from test_player import unpack

from fer_nb.emotions import PROBABILITY_COLUMNS
from fer_nb.media import VideoReader
from fer_nb.person import SIGNALS
from fer_nb.reports.player import recording_data, recording_film


@pytest.fixture
def rows() -> pd.DataFrame:
    """Two seconds at 10 Hz, two without a face, one more with it."""
    times = np.r_[np.arange(20) / 10, np.arange(20) / 10 + 2, np.arange(10) / 10 + 4]
    table = pd.DataFrame(0.0, index=range(50), columns=list(SIGNALS))
    table["valence"], table["arousal"], table["p_neutral"] = 5.0, 4.0, 1.0
    table.loc[20:39, :] = np.nan
    return table.assign(time_s=times)


def test_curves_keep_their_level_and_their_gap(rows):
    curves = rows.set_index("time_s")[list(SIGNALS)]
    data = recording_data("viewer", rows, curves, None)
    assert data["bins"] == 25
    valence = unpack(data["curves"][0]["band"])[0]
    assert valence[:10].tolist() == pytest.approx([5.0] * 10)
    assert np.isnan(valence[10:20]).all()
    neutral = next(c for c in data["curves"] if c["signal"] == "p_neutral")
    assert unpack(neutral["band"])[0, 0] == pytest.approx(100)
    assert data["strip"]["values"] == pytest.approx([1, 1, 0, 0, 1])
    assert "3 of 5 seconds" in data["strip"]["label"]
    assert set(PROBABILITY_COLUMNS) < {signal["key"] for signal in data["signals"]}


def test_the_film_is_small_and_blurred_with_the_recording_s_times(viewer, tmp_path):
    file = tmp_path / "film.mp4"
    file.write_bytes(base64.b64decode(recording_film(viewer).split(",", 1)[1]))
    with VideoReader(viewer) as source, VideoReader(file) as film:
        assert film.info.width <= 400
        assert film.info.duration_s == pytest.approx(source.info.duration_s, abs=0.1)
        sharp, blurred = source.frame_at(0.2).image, film.frame_at(0.2).image
    assert np.abs(np.diff(blurred.astype(float), axis=0)).mean() < (
        0.5 * np.abs(np.diff(sharp.astype(float), axis=0)).mean()
    )
    assert recording_film(viewer, max_mb=1e-6) is None


def test_the_film_runs_with_the_stimulus(viewer, tmp_path):
    file = tmp_path / "film.mp4"
    film = recording_film(viewer, start_s=1.0, end_s=2.0)
    file.write_bytes(base64.b64decode(film.split(",", 1)[1]))
    with VideoReader(viewer) as source, VideoReader(file) as copy:
        assert copy.info.duration_s == pytest.approx(1.0, abs=0.1)
        here, there = source.frame_at(1.4).image, copy.frame_at(0.4).image
        assert abs(float(here.mean()) - float(there.mean())) < 10  # both without the face
        assert abs(float(source.frame_at(0.4).image.mean()) - float(there.mean())) > 10

import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from fer_nb import plots
from fer_nb.emotions import COLORS, EMOTIONS
from fer_nb.person import person_rows, smoothed
from fer_nb.reactions import analyze_video


@pytest.fixture(scope="module")
def rows(viewer):
    return person_rows(analyze_video(viewer), 0)


@pytest.fixture(autouse=True)
def _clean():
    matplotlib.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert plt.get_fignums() == []  # a figure left open would be shown twice


def texts(fig: Figure) -> str:
    fig.canvas.draw()
    return " ".join(t.get_text() for t in fig.findobj(matplotlib.text.Text))


def test_probabilities(rows):
    fig = plots.plot_probabilities(np.eye(9)[4], title="one face")
    bars = fig.axes[0].patches
    assert [bar.get_width() for bar in bars] == list(np.eye(9)[4])
    colors = [matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in bars]
    assert colors == [COLORS[name].upper() for name in EMOTIONS]
    assert "100 %" in texts(fig)


def test_plane_shows_readings_and_published_means(rows):
    fig = plots.plot_plane(5.9, 5.2)
    assert all(name in texts(fig) for name in EMOTIONS)
    path = plots.plot_plane(rows["valence"], rows["arousal"], rows["time_s"])
    assert "start" in texts(path)
    assert plots.plot_plane([np.nan], [np.nan], np.array([0.0]))
    far = plots.plot_plane(1.05, 6.95).axes[0]
    assert far.get_xlim()[0] <= 1.05 <= far.get_xlim()[1]
    assert far.get_ylim()[1] >= 6.95


def test_curves_disclose_smoothing_and_leave_gaps_open(rows):
    curves = smoothed(rows, 0.5)
    fig = plots.plot_valence_arousal(rows, curves, 0.5)
    assert "moving average over 0.5 s" in texts(fig)
    line = fig.axes[0].lines[-1]
    assert np.isnan(line.get_ydata()).sum() == rows["face_id"].isna().sum()
    shares = plots.plot_emotion_shares(curves, 0.5)
    assert all(name in texts(shares) for name in EMOTIONS)
    assert "moving average over 0.5 s" in texts(shares)


def test_a_recording_without_a_face_can_be_drawn(rows):
    empty = person_rows(rows.assign(face_id=None).astype({"face_id": "Int64"}), None)
    curves = smoothed(empty)
    for fig in (
        plots.plot_valence_arousal(empty, curves, 1.0),
        plots.plot_emotion_shares(curves, 1.0),
        plots.plot_plane(curves["valence"], curves["arousal"], curves.index),
    ):
        fig.canvas.draw()

"""Figures of one recording or photo, in matplotlib; one colour per emotion, everywhere.

Every function returns a `matplotlib.figure.Figure` that a notebook shows by itself, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

from fer_nb.emotions import COLORS, EMOTIONS, NEUTRAL, PROBABILITY_COLUMNS, SCALE, rating_table

VALENCE_COLOR, AROUSAL_COLOR = "#1B6E6A", "#B3541E"
INK, FAINT = "#2B2F36", "#D9DCE1"

STYLE = {
    "figure.dpi": 110,
    "savefig.dpi": 110,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9AA0A8",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


NOTE = {"fontsize": 8.5, "fontweight": "normal", "color": "#5A606B"}


@contextmanager
def figure(*args, **options) -> Iterator[tuple[Figure, Any]]:
    """Yield figure and axes in the house style; the figure is closed, so it shows only once."""
    with plt.rc_context(STYLE):
        fig, axes = plt.subplots(*args, layout="constrained", **options)
        try:
            yield fig, axes
        finally:
            plt.close(fig)


def minutes_axis(axes: Axes, end_s: float) -> None:
    """Label the time axis in seconds, or in minutes and seconds from two minutes on."""
    if end_s >= 120:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{int(t // 60)}:{t % 60:02.0f}"))
        axes.set_xlabel("time (min:s)")
    else:
        axes.set_xlabel("time (s)")


def plot_probabilities(probs: np.ndarray, title: str = "") -> Figure:
    """Draw the nine probabilities of one face as bars.

    Parameters
    ----------
    probs : array (9,)
        In the order of `EMOTIONS`.
    title : str
    """
    probs = np.asarray(probs, dtype=float)
    with figure(figsize=(4.6, 3.2)) as (fig, axes):
        places = np.arange(len(EMOTIONS))
        axes.barh(places, probs, color=[COLORS[name] for name in EMOTIONS], height=0.72)
        for place, p in zip(places, probs, strict=True):
            axes.text(min(p, 1) + 0.015, place, f"{100 * p:.0f} %", va="center", fontsize=9)
        axes.set_yticks(places, EMOTIONS)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.14)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.set_title(title)
    return fig


def plot_plane(
    valence: np.ndarray | float,
    arousal: np.ndarray | float,
    time_s: np.ndarray | None = None,
    table: str = "circumplex",
    title: str = "",
) -> Figure:
    """Draw readings in the valence-arousal plane, among the published means of the emotions.

    Parameters
    ----------
    valence, arousal : array (n,) or float
        On the 1-7 scale; missing values break the path.
    time_s : array (n,), optional
        With it the readings are drawn as a path, coloured from start to end.
    table : str
        Which published ratings to show: those of the model (`FerModel.ratings`).
    title : str
    """
    valence, arousal = np.atleast_1d(valence).astype(float), np.atleast_1d(arousal).astype(float)
    with figure(figsize=(5.4, 4.8)) as (fig, axes):
        axes.axhline(NEUTRAL, color="#9AA0A8", lw=0.8, zorder=1)
        axes.axvline(NEUTRAL, color="#9AA0A8", lw=0.8, zorder=1)
        if time_s is None:
            axes.scatter(valence, arousal, s=90, color=INK, zorder=4, edgecolor="white", lw=1.2)
        else:
            _path(fig, axes, valence, arousal, np.asarray(time_s, dtype=float))
        _anchors(axes, rating_table(table).points)
        _plane_limits(axes, valence, arousal)
        axes.set_xlabel("valence  (1 unpleasant – 7 pleasant)")
        axes.set_ylabel("arousal  (1 calm – 7 excited)")
        axes.set_title(title)
    return fig


def _path(fig: Figure, axes: Axes, valence, arousal, time_s) -> None:
    points = np.column_stack([valence, arousal])
    segments = np.stack([points[:-1], points[1:]], axis=1)
    whole = ~np.isnan(segments).any(axis=(1, 2))
    line = LineCollection(segments[whole], cmap="viridis", lw=1.8, alpha=0.85, zorder=2)
    line.set_array(time_s[1:][whole])
    axes.add_collection(line)
    present = np.flatnonzero(~np.isnan(points).any(axis=1))
    if len(present):
        line.set_clim(time_s[present[0]], time_s[present[-1]])
        for index, text, fill in ((present[0], "start", "white"), (present[-1], "end", INK)):
            axes.plot(*points[index], "o", ms=7, mfc=fill, mec=INK, mew=1.6, zorder=5, label=text)
        axes.legend(loc="lower right", fontsize=9, frameon=False, handletextpad=0.2)
        bar = fig.colorbar(line, ax=axes, pad=0.02, shrink=0.8)
        bar.set_label("time (s)")
        bar.outline.set_visible(False)


def _anchors(axes: Axes, points: np.ndarray) -> None:
    # Placed by hand where published means lie close together.
    beside = {"contempt": (-2, -26), "surprise": (0, 7), "neutral": (8, -13), "disgust": (-7, -12)}
    beside |= {"fear": (-9, -3), "sad": (-8, -3), "uncertain": (0, -15)}
    for name, point in zip(EMOTIONS, points, strict=True):
        axes.plot(*point, "D", ms=6, color=COLORS[name], zorder=3, mec="white", mew=0.7)
        offset = beside.get(name, (7, 0))
        side = "right" if offset[0] < -2 else "center" if offset[0] <= 0 else "left"
        _label(axes, name, point, offset, ha=side, fontsize=8.5, color="#5A606B", zorder=4)


def _label(axes: Axes, text: str, point, offset, **how) -> None:
    """Write beside a point, with a white rim that keeps lines off the letters."""
    rim = [withStroke(linewidth=2.5, foreground="white")]
    axes.annotate(text, point, offset, textcoords="offset points", path_effects=rim, **how)


def _plane_limits(axes: Axes, valence, arousal) -> None:
    """Show the anchors and all readings, and no more of the scale than that."""
    low, high = SCALE
    x0, x1 = min(1.5, np.nanmin(valence, initial=7)), max(6.5, np.nanmax(valence, initial=1))
    y0, y1 = min(2.5, np.nanmin(arousal, initial=7)), max(6.0, np.nanmax(arousal, initial=1))
    axes.set_xlim(max(low, x0 - 0.2), min(high, x1 + 0.2))
    axes.set_ylim(max(low, y0 - 0.2), min(high, y1 + 0.2))


def plot_valence_arousal(
    rows: pd.DataFrame, curves: pd.DataFrame, window_s: float, title: str = ""
) -> Figure:
    """Draw one person's valence and arousal over time: raw values as dots, the average as a line.

    Parameters
    ----------
    rows : DataFrame
        From `fer_nb.person.person_rows`.
    curves : DataFrame
        From `fer_nb.person.smoothed`, with the window `window_s`.
    window_s : float
    title : str
    """
    times = rows["time_s"].to_numpy()
    with figure(2, 1, figsize=(9.2, 4.6), sharex=True) as (fig, axes):
        for ax, name, color, low, high in (
            (axes[0], "valence", VALENCE_COLOR, "unpleasant", "pleasant"),
            (axes[1], "arousal", AROUSAL_COLOR, "calm", "excited"),
        ):
            _shade_gaps(ax, times, rows["face_id"].isna().to_numpy())
            ax.axhline(NEUTRAL, color="#9AA0A8", lw=0.9)
            ax.plot(times, rows[name], ".", ms=3.2, color=color, alpha=0.55, mew=0)
            ax.plot(curves.index, curves[name], color=color, lw=2)
            values = rows[name].to_numpy(dtype=float)
            low_value, high_value = np.nanmin(values, initial=7), np.nanmax(values, initial=1)
            ax.set_ylim(max(1, min(2.5, low_value - 0.2)), min(7, max(5.5, high_value + 0.2)))
            ax.set_ylabel(f"{name}\n({low} – {high})")
        end = float(times[-1]) if len(times) else 1.0
        axes[1].set_xlim(0, max(end, 1e-3))
        minutes_axis(axes[1], end)
        note = f"line: centred moving average over {window_s:g} s" if window_s else "line: raw"
        axes[0].set_title(title or "Valence and arousal over time")
        axes[0].set_title(
            f"{note}; dots: frames; grey: no face",
            loc="right",
            fontsize=8.5,
            fontweight="normal",
            color="#5A606B",
        )
    return fig


def plot_emotion_shares(curves: pd.DataFrame, window_s: float, title: str = "") -> Figure:
    """Draw the nine probabilities over time, stacked to 100 %; gaps stay empty.

    Parameters
    ----------
    curves : DataFrame
        From `fer_nb.person.smoothed`, with the window `window_s`.
    """
    times = curves.index.to_numpy()
    values = curves[list(PROBABILITY_COLUMNS)].to_numpy().T
    with figure(figsize=(9.2, 3.4)) as (fig, axes):
        missing = np.isnan(values).any(axis=0)
        _shade_gaps(axes, times, missing)
        base = np.zeros(len(times))
        # From the pleasant over the neutral to the unpleasant, so that the eye reads a mood.
        for name in _STACK:
            top = base + values[EMOTIONS.index(name)]
            axes.fill_between(
                times, base, top, where=~missing, color=COLORS[name], lw=0, label=name
            )
            base = top
        end = float(times[-1]) if len(times) else 1.0
        axes.set_xlim(0, max(end, 1e-3))
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
        axes.grid(visible=False)
        minutes_axis(axes, end)
        axes.set_ylabel("probability")
        axes.set_title(title or "Emotions over time")
        note = f"centred moving average over {window_s:g} s" if window_s else "raw"
        axes.set_title(note, loc="right", **NOTE)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.01, 0.5))
    return fig


_STACK = (
    "sad",
    "fear",
    "anger",
    "disgust",
    "contempt",
    "uncertain",
    "neutral",
    "surprise",
    "happy",
)


def _shade_gaps(axes: Axes, times: np.ndarray, missing: np.ndarray) -> None:
    """Shade the stretches without a measurement."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(int), [0]])))
    for start, stop in edges.reshape(-1, 2):
        left = times[start - 1] if start else times[0]
        right = times[stop] if stop < len(times) else times[-1]
        axes.axvspan(left, right, color="#ECEDF0", lw=0, zorder=0)

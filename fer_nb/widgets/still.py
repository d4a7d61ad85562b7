"""Pictures that stand for the widgets where nobody can use them: papermill, nbconvert, print."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fer_nb.draw import draw_reactions
from fer_nb.emotions import COLORS, EMOTIONS, NEUTRAL, PROBABILITY_COLUMNS
from fer_nb.person import main_person, person_rows, smoothed
from fer_nb.plots import AROUSAL_COLOR, VALENCE_COLOR, figure, minutes_axis
from fer_nb.widgets import pictures


def photo_still(image: np.ndarray, table: pd.DataFrame) -> bytes:
    """Return a photo with its boxes, and the probabilities of its largest face, as PNG."""
    drawn = draw_reactions(image, table, val_ar=True)
    seen = table[table["face_id"].notna()]
    with figure(1, 2, figsize=(9, 4), width_ratios=(3, 2)) as (fig, (left, right)):
        left.imshow(pictures.shrink(drawn, 900))
        left.set_axis_off()
        if seen.empty:
            right.set_axis_off()
            right.text(0.5, 0.5, "no face found", ha="center", transform=right.transAxes)
        else:
            _bars(right, seen.iloc[0])
    return pictures.figure_png(fig)


def _bars(axes, row: pd.Series) -> None:
    probs = row[list(PROBABILITY_COLUMNS)].to_numpy(dtype=float)
    axes.barh(EMOTIONS, probs, color=[COLORS[name] for name in EMOTIONS], height=0.72)
    for place, p in enumerate(probs):
        axes.text(p + 0.015, place, f"{100 * p:.0f} %", va="center", fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.16)
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.tick_params(axis="y", length=0)
    axes.set_title(f"valence {row['valence']:.1f}, arousal {row['arousal']:.1f}")


def video_still(image: np.ndarray, rows: pd.DataFrame, table: pd.DataFrame) -> bytes:
    """Return a frame with its boxes beside the curves of the main person, as PNG."""
    drawn = draw_reactions(image, rows, val_ar=True)
    with figure(2, 2, figsize=(9, 4.8), width_ratios=(1, 1.4)) as (fig, axes):
        frame = fig.add_subplot(axes[0, 0].get_gridspec()[:, 0])
        for empty in axes[:, 0]:
            empty.remove()
        frame.imshow(pictures.shrink(drawn, 700))
        frame.set_axis_off()
        _curves(axes[0, 1], axes[1, 1], table, main_person(table), 1.0)
        axes[0, 1].set_xlabel("")
    return pictures.figure_png(fig)


def curves_figure(table: pd.DataFrame, person: int | None, window_s: float) -> Figure:
    """Return one person's emotions, valence and arousal over time, averaged over `window_s`."""
    with figure(2, 1, figsize=(9.2, 5.6), sharex=True) as (fig, axes):
        _curves(axes[0], axes[1], table, person, window_s)
        axes[0].set_xlabel("")
        name = table.attrs.get("source", "")
        axes[0].set_title(f"{name}, face {person}" if person is not None else f"{name}, no face")
    return fig


def _curves(upper, lower, table: pd.DataFrame, person: int | None, window_s: float) -> None:
    curves = smoothed(person_rows(table, person), window_s)
    times = curves.index.to_numpy()
    for name in EMOTIONS:
        upper.plot(times, curves[f"p_{name}"], color=COLORS[name], lw=1.6, label=name)
    upper.set_ylim(0, 1)
    upper.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    upper.set_ylabel("probability")
    upper.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    lower.axhline(NEUTRAL, color="#9AA0A8", lw=0.8)
    for name, color in (("valence", VALENCE_COLOR), ("arousal", AROUSAL_COLOR)):
        lower.plot(times, curves[name], color=color, lw=1.8, label=name)
    lower.set_ylim(1, 7)
    lower.legend(loc="upper right", ncols=2, fontsize=8)
    for axes in (upper, lower):
        minutes_axis(axes, float(times[-1]) if len(times) else 1.0)

"""Figures of comparisons: two stimuli or groups, and before and after.

Every function returns a closed `matplotlib.figure.Figure`, which a notebook shows once.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fer_nb.plots import INK, figure, minutes_axis
from fer_nb.reports.figures import WIDE, display_scale, draw_band, signal_color
from fer_nb.reports.words import UNITS, metric_name, signal_name
from fer_nb.study.config import StudyConfig
from fer_nb.study.mood import MoodResult, person_means


def differences(comparison: pd.DataFrame, config: StudyConfig) -> Figure:
    """Effect of each compared metric: first minus second, with its interval; filled if clear."""
    titles = ("points (valence, arousal)", "score, 0–100 (emotions)")
    points = comparison["signal"].isin(["valence", "arousal"])
    with figure(1, 2, figsize=(WIDE, 0.36 * max(points.sum(), (~points).sum()) + 1.2)) as (
        fig,
        axes,
    ):
        for axis, part, title in zip(
            axes, (comparison[points], comparison[~points]), titles, strict=True
        ):
            y = np.arange(len(part))
            scale = part["signal"].map(display_scale).to_numpy(dtype=float)
            colors = [signal_color(s) for s in part["signal"]]
            axis.axvline(0, color="#9AA0A8", lw=0.8)
            axis.hlines(y, part["low"] * scale, part["high"] * scale, color=colors, lw=2)
            clear = (part["p_holm"] <= config.alpha).to_numpy()
            for k, value in enumerate(part["difference"] * scale):
                face = colors[k] if clear[k] else "white"
                axis.plot(value, k, "o", mfc=face, mec=colors[k], mew=1.6, ms=7)
            labels = [
                signal_name(s) + ("" if m == "average" else f", {metric_name(m, config)}")
                for s, m in zip(part["signal"], part["metric"], strict=True)
            ]
            axis.set_yticks(y, labels)
            axis.invert_yaxis()
            axis.set_xlabel(title)
            axis.margins(x=0.08, y=0.1)
    return fig


def difference_curve(curves: pd.DataFrame, clusters: pd.DataFrame, alpha: float) -> Figure:
    """Difference curves of one contrast with bands; significant clusters shaded."""
    signals = list(dict.fromkeys(curves["signal"]))
    end = curves["time_s"].max()
    with figure(len(signals), 1, figsize=(WIDE, 1.6 * len(signals) + 0.3), sharex=True) as (
        fig,
        axes,
    ):
        for axis, signal in zip(np.atleast_1d(axes), signals, strict=True):
            part, color = curves[curves["signal"] == signal], signal_color(signal)
            axis.axhline(0, color="#9AA0A8", lw=0.8)
            draw_band(axis, part, color, display_scale(signal))
            found = clusters[(clusters["signal"] == signal) & (clusters["p_holm"] <= alpha)]
            for cluster in found.to_dict("records"):
                axis.axvspan(cluster["start_s"], cluster["end_s"], color=color, alpha=0.14, lw=0)
            axis.set_title(f"{signal_name(signal)} ({UNITS[signal]})", fontsize=10)
        axis.set_xlim(0, end)
        minutes_axis(axis, end)
    return fig


def mood_plot(result: MoodResult) -> Figure:
    """Before and after: each person a dot, means with intervals; lines where persons are linked."""
    before, after = person_means(result.people, result.phases)
    if result.linked:
        both = before.index.intersection(after.index)
        before, after = before.loc[both], after.loc[both]
    rng = np.random.default_rng(0)  # only spreads the dots sideways
    measures = [("valence", 1.0), ("arousal", 1.0), ("p_happy", 100.0)]
    with figure(1, 3, figsize=(WIDE, 3.4)) as (fig, axes):
        for axis, (measure, scale) in zip(axes, measures, strict=True):
            color = signal_color(measure)
            row = result.table.set_index("measure").loc[measure]
            sides = [side[measure].to_numpy(float) * scale for side in (before, after)]
            if result.linked:
                axis.plot([0, 1], sides, color="#B9BFC8", lw=0.8, zorder=1)
            for x, values in enumerate(sides):
                spread = 0 if result.linked else rng.uniform(-0.12, 0.12, len(values))
                axis.plot(x + spread + values * 0, values, "o", ms=4, alpha=0.5, color=color, mew=0)
            for x, side in enumerate(("before", "after")):
                mean = row[side] * scale
                low, high = row[f"{side}_low"] * scale, row[f"{side}_high"] * scale
                axis.vlines(x + 0.22, low, high, color=INK, lw=2)
                axis.plot(x + 0.22, mean, "D", color=INK, ms=6)
            axis.set_xticks([0.1, 1.1], result.phases, parse_math=False)
            axis.set_xlim(-0.35, 1.55)
            axis.set_title(signal_name(measure), fontsize=10)
            axis.set_ylabel("rating, 1–7" if scale == 1 else "probability, %")
            axis.grid(axis="x", visible=False)
    return fig

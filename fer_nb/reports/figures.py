"""Figures of an audience: the hero curve over the stimulus, bands, heat map, traces, scenes.

Every function returns a closed `matplotlib.figure.Figure`, which a notebook shows once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fer_nb.emotions import COLORS
from fer_nb.plots import AROUSAL_COLOR, INK, VALENCE_COLOR, figure, minutes_axis
from fer_nb.reports.words import UNITS, signal_name
from fer_nb.study.config import TESTED
from fer_nb.study.curves import Audience
from fer_nb.study.result import StudyResult, stimulus_of
from fer_nb.study.stimuli import Scene

WIDE = 9.6  # inches: the width of the report's page


def signal_color(signal: str) -> str:
    """Colour of a signal: the emotion's own, and one each for valence and arousal."""
    fixed = {"valence": VALENCE_COLOR, "arousal": AROUSAL_COLOR}
    return fixed.get(signal) or COLORS[signal.removeprefix("p_")]


def display_scale(signal: str) -> float:
    """Probabilities are drawn as percent, valence and arousal as points."""
    return 1.0 if signal in ("valence", "arousal") else 100.0


def _of(curves: pd.DataFrame, stimulus: str, kind: str, signal: str, group="all") -> pd.DataFrame:
    chosen = (curves["stimulus"] == stimulus) & (curves["kind"] == kind)
    return curves[chosen & (curves["signal"] == signal) & (curves["group"] == group)]


def draw_band(
    axes: Axes, part: pd.DataFrame, color: str, scale: float, label: str = "", **line
) -> None:
    """Draw a curve with its band; `part` has one row per time, `line` changes the curve's look."""
    axes.fill_between(
        part["time_s"], part["low"] * scale, part["high"] * scale, color=color, alpha=0.2, lw=0
    )
    style = {"lw": 1.8, "color": color} | line
    axes.plot(part["time_s"], part["estimate"] * scale, label=label, **style)


def _n_axes(axes: Axes, part: pd.DataFrame, kept: int) -> None:
    """n(t): how many respondents each point of the curves above stands for."""
    axes.fill_between(part["time_s"], part["n"], step="mid", color="#B9BFC8", lw=0)
    axes.set_ylim(0, max(kept, 1) * 1.1)
    axes.set_yticks([0, kept])
    axes.set_ylabel("n seen", rotation=0, ha="right", va="center")
    axes.grid(False)


def _scenes(axes: Axes, scenes: Sequence[Scene], names: bool) -> None:
    for k, scene in enumerate(scenes):
        if k % 2:
            axes.axvspan(scene.start_s, scene.end_s, color="#F1F3F6", lw=0, zorder=0)
        if names:
            axes.text(
                (scene.start_s + scene.end_s) / 2,
                1.01,
                scene.name,
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontsize=8.5,
                color="#5A606B",
                parse_math=False,
            )


def leading_emotions(curves: pd.DataFrame, stimulus: str, count: int = 3) -> list[str]:
    """The emotions whose audience curve rises furthest above baseline, strongest first."""
    chosen = (curves["stimulus"] == stimulus) & (curves["kind"] == "mean")
    chosen &= (curves["group"] == "all") & curves["signal"].isin(TESTED[2:])
    # A point that stands for few people must not lead.
    enough = curves["n"] >= 0.5 * curves.loc[chosen, "n"].max()
    peak = curves[chosen & enough].groupby("signal")["estimate"].max().sort_values(ascending=False)
    return list(peak.index[:count])


def hero(
    result: StudyResult,
    stimulus: str,
    top: Sequence[int] = (),
    thumbnails: Sequence[np.ndarray] = (),
) -> Figure:
    """The first page's figure: the leading emotions of the audience over the stimulus.

    Parameters
    ----------
    result : StudyResult
    stimulus : str
    top : sequence of int
        Index of the moments to number on the figure.
    thumbnails : sequence of uint8 arrays (H, W, 3)
        Frames of the stimulus at even distances; none leaves the strip out.
    """
    curves, moments, audience = result.curves, result.moments, result.audiences[stimulus]
    scenes = stimulus_of(result.stimuli, stimulus).scenes
    name, end = stimulus, audience.duration_s
    strip = 0.0 if not len(thumbnails) else 0.62
    heights = [strip, 2.2, 0.42] if strip else [2.2, 0.42]
    with figure(
        len(heights),
        1,
        figsize=(WIDE, sum(heights) * 1.35 + 0.3),
        height_ratios=heights,
        sharex=True,
    ) as (fig, axes):
        if strip:
            _strip(axes[0], thumbnails, end)
        main = axes[-2]
        main.axhline(0, color="#9AA0A8", lw=0.8)
        for signal in leading_emotions(curves, name):
            part = _of(curves, name, "mean", signal)
            draw_band(main, part, signal_color(signal), 100, signal_name(signal))
        low, high = main.get_ylim()
        main.set_ylim(max(low, -60), min(high + 0.16 * (high - low), 110))
        for number, at in enumerate(top, start=1):
            moment = moments.loc[at]
            color = signal_color(moment["signal"])
            main.axvspan(moment["start_s"], moment["end_s"], color=color, alpha=0.1, lw=0)
            main.text(
                (moment["start_s"] + moment["end_s"]) / 2,
                0.97,
                str(number),
                transform=main.get_xaxis_transform(),
                ha="center",
                va="top",
                fontsize=10,
                fontweight="bold",
                color="white",
                bbox={"boxstyle": "circle,pad=0.25", "fc": color, "ec": "none"},
            )
        main.set_ylabel("change of score\n(0–100)")
        _scenes(main, scenes, names=not strip)
        if strip:
            _scenes(axes[0], scenes, names=True)
        fig.legend(*main.get_legend_handles_labels(), loc="outside upper right", ncols=3)
        _n_axes(axes[-1], _of(curves, name, "mean", "valence"), len(audience))
        minutes_axis(axes[-1], end)
        axes[-1].set_xlim(0, end)
    return fig


def _strip(axes: Axes, thumbnails: Sequence[np.ndarray], end: float) -> None:
    """Frames side by side along the time axis."""
    width = end / len(thumbnails)
    for k, image in enumerate(thumbnails):
        axes.imshow(image, extent=(k * width, (k + 1) * width, 0, 1), aspect="auto", zorder=2)
    axes.set_xlim(0, end)
    axes.set_ylim(0, 1)
    axes.axis("off")


# A moment, and what is large without being beyond chance or common.
_SURE: dict[str, Any] = {"alpha": 0.14, "lw": 0}
_UNSURE: dict[str, Any] = {"alpha": 0.7, "lw": 1.0, "ls": ":", "fill": False}


def curve_panels(result: StudyResult, stimulus: str) -> Figure:
    """Valence, arousal and the seven emotions with their bands, moments shaded; n below."""
    curves, moments, audience = result.curves, result.moments, result.audiences[stimulus]
    scenes = stimulus_of(result.stimuli, stimulus).scenes
    name, end = stimulus, audience.duration_s
    with figure(
        6,
        2,
        figsize=(WIDE, 11.2),
        sharex=True,
        height_ratios=[1, 1, 1, 1, 1, 0.35],
    ) as (fig, axes):
        for axis, signal in zip(axes.ravel()[:9], TESTED, strict=True):
            scale, color = display_scale(signal), signal_color(signal)
            axis.axhline(0, color="#9AA0A8", lw=0.8)
            _scenes(axis, scenes, names=False)
            draw_band(axis, _of(curves, name, "mean", signal), color, scale)
            axis.set_title(f"{signal_name(signal)} ({UNITS[signal]})", fontsize=10)
            for moment in _moments_of(moments, name, signal):
                look = _UNSURE if moment["status"] in ("not_significant", "few_moved") else _SURE
                axis.axvspan(moment["start_s"], moment["end_s"], color=color, **look)
        # The rare emotions share one scale, so that noise does not look like an effect.
        emotions = axes.ravel()[2:9]
        low = min(axis.get_ylim()[0] for axis in emotions)
        high = max(axis.get_ylim()[1] for axis in emotions)
        for axis in emotions:
            axis.set_ylim(max(low, -60), min(high, 105))
        last = axes.ravel()[9]
        for signal in leading_emotions(curves, name):
            part = _of(curves, name, "share", signal)
            last.step(
                part["time_s"],
                100 * part["estimate"],
                where="mid",
                color=signal_color(signal),
                label=signal_name(signal),
                lw=1.6,
            )
        last.set_title("respondents expressing it (% per second)", fontsize=10)
        last.set_ylim(0, 125)  # room for the legend above 100 %
        last.set_yticks(range(0, 101, 25))
        last.legend(fontsize=8, loc="upper center", ncols=3, borderpad=0.2)
        for axis in axes[-1]:
            _n_axes(axis, _of(curves, name, "mean", "valence"), len(audience))
            minutes_axis(axis, end)
            axis.set_xlim(0, end)
        axes[-1, 1].set_ylabel("")
    return fig


def _moments_of(moments, stimulus: str, signal: str) -> list[dict]:
    if moments is None or not len(moments):
        return []
    chosen = (moments["stimulus"] == stimulus) & (moments["signal"] == signal)
    return moments[chosen].to_dict("records")


def heat_map(audience: Audience, signal: str = "valence") -> Figure:
    """Respondents by time; grey where not seen. Ordered by group, then by average.

    Lines part the groups; arrows on the colour bar say on which side values lie beyond its ends.
    """
    values = audience.signal(signal) * display_scale(signal)
    average = np.array([np.nanmean(v) if np.isfinite(v).any() else -np.inf for v in values])
    order = sorted(range(len(values)), key=lambda i: (audience.groups[i], -average[i]))
    limit = np.nanquantile(np.abs(values), 0.98) if np.isfinite(values).any() else 1.0
    limit = max(limit, 1e-6)
    n = len(values)
    with figure(figsize=(WIDE, min(8.0, 1.3 + 0.17 * max(n, 6)))) as (fig, axes):
        axes.set_facecolor("#D5D8DD")
        image = axes.imshow(
            values[order],
            aspect="auto",
            cmap="RdBu_r" if signal not in ("valence",) else "PuOr_r",
            vmin=-limit,
            vmax=limit,
            extent=(0, audience.duration_s, n, 0),
            interpolation="nearest",
        )
        axes.grid(False)
        if n <= 40:
            names = [audience.respondents[i] for i in order]
            axes.set_yticks(np.arange(n) + 0.5, names, parse_math=False)
            axes.tick_params(axis="y", labelsize=8 if n <= 20 else 6.5, length=0)
        else:
            axes.set_ylabel(f"{n} respondents")
            axes.set_yticks([])
        minutes_axis(axes, audience.duration_s)
        groups = [audience.groups[i] for i in order]
        for k in range(1, n):
            if groups[k] != groups[k - 1]:
                axes.axhline(k, color=INK, lw=1)
        # An arrow at an end of the bar tells that some values lie beyond it.
        beyond = (bool((values < -limit).any()), bool((values > limit).any()))
        extend = {(True, True): "both", (True, False): "min", (False, True): "max"}
        bar = fig.colorbar(
            image, ax=axes, pad=0.01, fraction=0.03, extend=extend.get(beyond, "neither")
        )
        bar.set_label(f"{signal_name(signal)}, {UNITS[signal]}", fontsize=9)
        bar.outline.set_visible(False)
    return fig


def traces(audience: Audience, signal: str = "valence", most: int = 24) -> Figure:
    """Each person's curve in a panel of its own, the audience's mean behind it in grey."""
    values = audience.signal(signal) * display_scale(signal)
    shown = min(len(values), most)
    columns = min(4, max(2, shown))
    rows = -(-shown // columns)
    seen = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean = np.where(seen, values, 0).sum(axis=0) / seen.sum(axis=0)
    limit = max(np.nanmax(np.abs(values[:shown])) if seen[:shown].any() else 1, 1e-6) * 1.05
    color = signal_color(signal)
    with figure(
        rows, columns, figsize=(WIDE, 1.25 * rows + 0.5), sharex=True, sharey=True, squeeze=False
    ) as (fig, axes):
        fig.get_layout_engine().set(wspace=0.05)  # or the clocks of neighbours touch
        for k, axis in enumerate(axes.ravel()):
            if k >= shown:
                axis.axis("off")
                continue
            axis.axhline(0, color="#9AA0A8", lw=0.6)
            axis.plot(audience.times, mean, color="#A9AFB8", lw=1.2)
            axis.plot(audience.times, values[k], color=color, lw=1.4)
            group = f" ({audience.groups[k]})" if audience.groups[k] else ""
            title = f"{audience.respondents[k]}{group}"
            axis.set_title(title, fontsize=8.5, pad=2, parse_math=False)
            axis.set_ylim(-limit, limit)
            axis.set_xlim(0, audience.duration_s)
        for column in range(columns):  # the lowest panel of each column carries the clock
            lowest = (shown - 1 - column) // columns
            if lowest >= 0:
                minutes_axis(axes[lowest, column], audience.duration_s)
                axes[lowest, column].tick_params(labelbottom=True)
        fig.supylabel(f"{signal_name(signal)}, {UNITS[signal]}", fontsize=9)
    return fig


def synchrony(table: pd.DataFrame, stimulus: str) -> Figure:
    """Agreement of valence and arousal over time, with the limit of shifted audiences."""
    part = table[table["stimulus"] == stimulus]
    signals = list(dict.fromkeys(part["signal"]))
    with figure(figsize=(WIDE, 2.2)) as (fig, axes):
        axes.axhline(0, color="#9AA0A8", lw=0.8)
        for signal in signals:
            one = part[part["signal"] == signal]
            axes.plot(one["time_s"], one["agreement"], color=signal_color(signal), label=signal)
            limit = one["limit"].iloc[0]
            if np.isfinite(limit):
                axes.axhline(limit, color=signal_color(signal), ls="--", lw=1)
        axes.set_ylabel("agreement")
        axes.set_xlim(0, part["time_s"].max())
        minutes_axis(axes, part["time_s"].max())
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return fig


def scene_panels(result: StudyResult, stimulus: str) -> Figure:
    """Average departure in each scene, with intervals: valence and the leading emotions."""
    metrics = result.metrics
    signals = ["valence", *leading_emotions(result.curves, stimulus)]
    chosen = (metrics["stimulus"] == stimulus) & (metrics["scope"] != "whole")
    chosen &= (metrics["group"] == "all") & (metrics["metric"] == "average")
    part = metrics[chosen]
    names = list(dict.fromkeys(part["scope"]))
    with figure(
        1, len(signals), figsize=(WIDE, 0.42 * len(names) + 1.1), sharey=True, squeeze=False
    ) as (fig, axes):
        for axis, signal in zip(axes[0], signals, strict=True):
            one = part[part["signal"] == signal].set_index("scope").reindex(names)
            scale = display_scale(signal)
            y = np.arange(len(names))
            axis.axvline(0, color="#9AA0A8", lw=0.8)
            axis.hlines(
                y, one["low"] * scale, one["high"] * scale, color=signal_color(signal), lw=2
            )
            axis.plot(one["estimate"] * scale, y, "o", color=signal_color(signal), ms=6)
            axis.set_title(signal_name(signal), fontsize=10)
            axis.set_xlabel(UNITS[signal])
            axis.margins(x=0.1, y=0.25)
        axes[0, 0].set_yticks(np.arange(len(names)), names, parse_math=False)
        axes[0, 0].invert_yaxis()
    return fig

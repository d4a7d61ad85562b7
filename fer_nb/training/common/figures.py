"""Figures of a training: the pictures, the curves, the mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fer_nb.emotions import COLORS, EMOTIONS, rating_table
from fer_nb.plots import FAINT, INK, NOTE, figure
from fer_nb.training.common.faces import LabelledFaces

MODEL_COLORS = ("#1B6E6A", "#B3541E", "#7B52AB", "#0072B2")
TRAIN_COLOR, VAL_COLOR = "#9AA0A8", "#1B6E6A"


def plot_faces(
    images: Sequence[np.ndarray],
    captions: Sequence[str] = (),
    colors: Sequence[str] = (),
    columns: int = 8,
    title: str = "",
    side: float = 1.1,
) -> Figure:
    """Show pictures, `side` inches wide, with captions below and, if given, frames in `colors`."""
    columns = min(columns, max(1, len(images)))
    rows = -(-len(images) // columns)
    height = side + 0.08 + 0.18 * max((text.count("\n") for text in captions), default=0)
    with figure(rows, columns, figsize=(side * columns, height * rows + 0.35), squeeze=False) as (
        fig,
        axes,
    ):
        for i, axis in enumerate(axes.flat):
            axis.set(xticks=[], yticks=[])
            axis.grid(False)
            axis.spines[:].set_visible(False)
            if i >= len(images):
                continue
            axis.imshow(images[i], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            if i < len(colors):
                axis.spines[:].set(visible=True, color=colors[i], linewidth=3)
            if i < len(captions):
                axis.set_xlabel(captions[i], fontsize=8, labelpad=3)
        if title:
            fig.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return fig


def plot_counts(faces: LabelledFaces) -> Figure:
    """Show how many faces of each emotion each split holds."""
    counts = faces.counts()
    with figure(figsize=(7.5, 2.9)) as (fig, axes):
        left = np.zeros(len(counts))
        alphas = np.linspace(1, 0.35, len(counts.columns))
        order = [name for name in ("train", "val", "test") if name in counts]
        order += [name for name in counts if name not in order]
        for name, alpha in zip(order, alphas, strict=True):
            colors = [COLORS[emotion] for emotion in counts.index]
            axes.barh(counts.index, counts[name], left=left, color=colors, alpha=alpha)
            left += counts[name].to_numpy()
        for y, total in enumerate(left):
            axes.text(total, y, f" {total:.0f}", va="center", fontsize=9)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"faces (from full to pale: {', '.join(name or 'all' for name in order)})")
        axes.set_title("Faces by most voted emotion")
    return fig


def plot_votes(image: np.ndarray, target: np.ndarray, title: str = "") -> Figure:
    """Show a face beside the distribution over the nine emotions that its raters gave."""
    with figure(1, 2, figsize=(7, 2.6), width_ratios=[1, 2.2]) as (fig, (left, right)):
        left.imshow(image, cmap="gray", vmin=0, vmax=255)
        left.axis("off")
        right.barh(EMOTIONS, target, color=[COLORS[name] for name in EMOTIONS])
        right.invert_yaxis()
        right.grid(axis="y", visible=False)
        right.set(xlim=(0, 1), xlabel="share of the raters")
        right.set_title(title)
    return fig


def plot_history(history: Sequence[dict], epochs: int = 0) -> Figure:
    """Show loss (and accuracy, where there is one) of training and validation, epoch by epoch."""
    table = pd.DataFrame(history)
    names = [name for name in ("loss", "accuracy") if name in table]
    number = table["epoch"] + 1
    best = int(number[table["val_loss"].idxmin()])
    with figure(1, len(names), figsize=(4.1 * len(names), 2.9), squeeze=False) as (fig, axes):
        for axis, name in zip(axes[0], names, strict=True):
            axis.plot(number, table[name], "o-", color=TRAIN_COLOR, ms=4, label="training")
            axis.plot(number, table[f"val_{name}"], "o-", color=VAL_COLOR, ms=4, label="validation")
            axis.axvline(best, color=VAL_COLOR, lw=1, ls=":")
            axis.set(xlabel="epoch", xlim=(0.5, max(epochs, number.max()) + 0.5))
            axis.xaxis.get_major_locator().set_params(integer=True)
            axis.set_title(name.capitalize())
        axes[0, 0].legend()
        axes[0, -1].text(
            1,
            -0.28,
            f"dotted: best epoch, {best}",
            transform=axes[0, -1].transAxes,
            ha="right",
            **NOTE,
        )
    return fig


def plot_reliability(table: pd.DataFrame, error: float) -> Figure:
    """Show how often the network was right against how sure it was; see `metrics.reliability`."""
    with figure(figsize=(4.2, 3.6)) as (fig, axes):
        axes.plot([0, 1], [0, 1], color=TRAIN_COLOR, ls="--", lw=1)
        filled = table[table["count"] > 0]
        sizes = 20 + 180 * filled["count"] / filled["count"].max()
        axes.plot(filled["confidence"], filled["accuracy"], color=VAL_COLOR, lw=1.2)
        axes.scatter(filled["confidence"], filled["accuracy"], sizes, color=VAL_COLOR, zorder=3)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.05), xlabel="how sure it was", ylabel="how often right")
        axes.set_title(f"Reliability (calibration error {error:.3f})")
        axes.text(0.03, 0.97, "larger dot: more faces", va="top", transform=axes.transAxes, **NOTE)
    return fig


def plot_mistakes(
    faces: LabelledFaces, probs: np.ndarray, right: bool, number: int = 16, seed: int = 0
) -> Figure:
    """Show faces that were recognised or not: what it said, and in brackets what raters say."""
    truth, said = faces.target.argmax(axis=1), probs.argmax(axis=1)
    rows = np.flatnonzero((truth == said) == right)
    rows = np.random.default_rng(seed).permutation(rows)[:number]
    ours = [f"{EMOTIONS[said[i]]} {probs[i].max():.0%}" for i in rows]
    theirs = [f"({EMOTIONS[truth[i]]} {faces.target[i].max():.0%})" for i in rows]
    captions = [f"{a}\n{b}" for a, b in zip(ours, theirs, strict=True)]
    colors = [COLORS[EMOTIONS[said[i]]] for i in rows]
    title = "Recognised" if right else "Not recognised"
    return plot_faces([faces.images[i] for i in rows], captions, colors, title=title)


def plot_labels(labels: dict[str, np.ndarray], emotion: Sequence[str], table: str) -> Figure:
    """Show valence/arousal labels (n, 2) made in several ways, one plane for each."""
    points = rating_table(table).points
    with figure(1, len(labels), figsize=(3.4 * len(labels), 3.5), sharey=True, squeeze=False) as (
        fig,
        axes,
    ):
        colors = [COLORS[name] for name in emotion]
        for axis, (name, values) in zip(axes[0], labels.items(), strict=True):
            _plane(axis)
            axis.scatter(values[:, 0], values[:, 1], 9, colors, alpha=0.5, lw=0)
            axis.plot(points[:, 0], points[:, 1], "+", color=INK, ms=9, mew=1.3)
            axis.set_title(name)
        axes[0, 0].set_ylabel("arousal")
    return fig


def plot_tables(names: Sequence[str]) -> Figure:
    """Show where rating tables (two or three) place the nine emotions, joined to the first."""
    shapes = {"dots": "o", "squares": "s", "triangles": "^"}
    with figure(figsize=(6.2, 5.6)) as (fig, axes):
        _plane(axes)
        first, *others = (rating_table(name).points for name in names)
        for i, emotion in enumerate(EMOTIONS):
            color = COLORS[emotion]
            for points, marker in zip(others, list(shapes.values())[1:], strict=False):
                axes.plot(*np.transpose([first[i], points[i]]), color=color, lw=1, alpha=0.7)
                axes.plot(*points[i], marker, color="white", mec=color, mew=1.8, ms=8)
            axes.plot(*first[i], "o", color=color, ms=9)
            axes.annotate(
                emotion, others[-1][i], (0, 9), textcoords="offset points", ha="center", fontsize=9
            )
        axes.set_ylabel("arousal")
        axes.set_title(", ".join(f"{n} ({s})" for n, s in zip(names, shapes, strict=False)))
    return fig


def plot_agreement(
    truth: np.ndarray, predicted: dict[str, np.ndarray], source: str = "rated"
) -> Figure:
    """Show predicted against true valence (above) and arousal (below), one column per network.

    `source` says where the truth comes from, for the axis.
    """
    size = (3.1 * len(predicted), 6.0)
    with figure(2, len(predicted), figsize=size, sharex="row", sharey="row", squeeze=False) as (
        fig,
        axes,
    ):
        everything = np.concatenate([truth, *predicted.values()])
        ends = np.clip([everything.min(axis=0) - 0.2, everything.max(axis=0) + 0.2], 1, 7)
        for column, (name, va) in enumerate(predicted.items()):
            for row, dimension in enumerate(("valence", "arousal")):
                axis = axes[row, column]
                axis.plot([1, 7], [1, 7], color=TRAIN_COLOR, ls="--", lw=1)
                axis.scatter(truth[:, row], va[:, row], 10, MODEL_COLORS[row], alpha=0.45, lw=0)
                axis.set(xlim=ends[:, row], ylim=ends[:, row], xlabel=f"{dimension} {source}")
            axes[0, column].set_title(name)
        axes[0, 0].set_ylabel("predicted valence")
        axes[1, 0].set_ylabel("predicted arousal")
    return fig


def plot_latency(table: pd.DataFrame, frames_per_s: float = 25.0) -> Figure:
    """Show latency of one face and throughput by batch; see `latency.measure`."""
    shades = dict(zip(table["model"].unique(), MODEL_COLORS, strict=False))
    one = table[table["batch"] == table["batch"].min()].sort_values(["model", "threads"])
    with figure(1, 2, figsize=(10.5, 3.7)) as (fig, (left, right)):
        names = [
            f"{m}, {t} thread{'s' * (t > 1)}"
            for m, t in zip(one["model"], one["threads"], strict=True)
        ]
        colors = [shades[name] for name in one["model"]]
        middle = one["latency_ms"].to_numpy()
        spread = [middle - one["low_ms"], one["high_ms"] - middle]
        for name, value, low, high, color in zip(names, middle, *spread, colors, strict=True):
            left.errorbar(value, name, xerr=[[low], [high]], fmt="o", color=color, ms=8)
        left.axvline(1000 / frames_per_s, color=INK, ls="--", lw=1)
        left.set(xscale="log", xlabel=f"ms for one face (dashed: 1/{frames_per_s:.0f} s)")
        left.margins(y=0.1)
        left.invert_yaxis()
        left.set_title("Latency")
        for (name, threads), rows in table.groupby(["model", "threads"], sort=False):
            style = "-" if threads > 1 else "--"
            label = name if threads == table["threads"].max() else None
            right.plot(
                rows["batch"],
                rows["faces_per_s"],
                style,
                marker="o",
                ms=4,
                color=shades[name],
                label=label,
            )
        right.set(xscale="log", yscale="log", xlabel="faces per call", ylabel="faces per second")
        right.set_xticks(
            sorted(table["batch"].unique()), [str(b) for b in sorted(table["batch"].unique())]
        )
        right.minorticks_off()
        right.set_title("Throughput")
        right.legend(fontsize=8)
        right.text(1, -0.25, "dashed: one thread", transform=right.transAxes, ha="right", **NOTE)
    return fig


def _plane(axes) -> None:
    axes.axhline(4, color=FAINT, lw=1.2, zorder=0)
    axes.axvline(4, color=FAINT, lw=1.2, zorder=0)
    axes.set(xlim=(1, 7), ylim=(1, 7.2), xlabel="valence", aspect="equal")


class LiveCurves:
    """Curves and a progress bar that a notebook shows while `fine_tune` runs.

    Parameters
    ----------
    epochs : int

    Examples
    --------
    >>> fine_tune(config, faces, "runs/a", callbacks=[LiveCurves(12).callback()])  # doctest: +SKIP
    """

    def __init__(self, epochs: int):
        self.epochs, self.history = epochs, []

    def callback(self):
        """Return the Keras callback."""
        import keras
        from IPython.display import display
        from tqdm.auto import tqdm

        outer = self

        class Live(keras.callbacks.Callback):
            def on_train_begin(self, logs=None):
                self.bar = tqdm(total=outer.epochs, desc="training", unit="epoch")
                self.handle = None

            def on_epoch_end(self, epoch, logs=None):
                outer.history.append({"epoch": epoch, **{k: float(v) for k, v in logs.items()}})
                self.bar.update(1)
                self.bar.set_postfix(val_loss=f"{logs['val_loss']:.3f}")
                fig = plot_history(outer.history, outer.epochs)
                if self.handle is None:
                    self.handle = display(fig, display_id=True)
                else:
                    self.handle.update(fig)

            def on_train_end(self, logs=None):
                self.bar.close()

        return Live()

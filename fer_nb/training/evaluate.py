"""The whole table of docs/model_protocol.md for any model that has `predict_batch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from fer_nb.emotions import EMOTIONS, rating_table, to_unit
from fer_nb.models import Predictions
from fer_nb.opencv import cv2
from fer_nb.training import metrics
from fer_nb.training.datasets import majority
from fer_nb.training.judges import SEVEN, Judge

SEVEN_INDEX = np.array([EMOTIONS.index(name) for name in SEVEN])
NAMED = 8  # all of EMOTIONS but "uncertain"
# What the one score weighs; fixed before the first run, see docs/model_protocol.md.
WEIGHTS = {
    "public_test accuracy": 0.20,
    "public_test macro F1": 0.15,
    "diffusionfer macro F1": 0.20,
    "diffusionfer concordance": 0.15,
    "faces_color macro recall": 0.15,
    "london accuracy": 0.05,
    "worst disturbance": 0.10,
}


class Reader(Protocol):
    """What is judged: `fer_nb.models.FerModel`, or a peer behind the same call."""

    def predict_batch(self, faces: Sequence[np.ndarray]) -> Predictions: ...


def evaluate(model: Reader, judges: Mapping[str, Judge], disturb: bool = True) -> dict:
    """Judge a model by every set in `judges`.

    Returns
    -------
    dict
        Set by set, measures by name; a measure with an interval is [value, low, high]. With all
        four sets also `score`, the weighted mean that runs are compared by.
    """
    table: dict = {}
    if "public_test" in judges:
        table["public_test"] = judge_votes(model, judges["public_test"])
        if disturb:
            table["disturbed"] = judge_disturbed(model, judges["public_test"])
    if "diffusionfer" in judges:
        judge = judges["diffusionfer"]
        table["diffusionfer"] = judge_seven(model, judge) | judge_colour(model, judge)
    if "faces_color" in judges:
        table["faces_color"] = judge_seven(model, judges["faces_color"])
    if "london" in judges:
        judge = judges["london"]
        table["london"] = judge_smiles(model, judge) | judge_colour(model, judge)
    table["score"] = score(table)
    return table


def judge_votes(model: Reader, judge: Judge) -> dict:
    """Compare with raters' votes; pictures mostly voted "uncertain" count for nine classes only."""
    probs = model.predict_batch(judge.crops).probs
    share = judge.votes / judge.votes.sum(axis=1, keepdims=True)
    named = judge.label < NAMED
    truth, predicted = judge.label[named], probs[named, :NAMED].argmax(axis=1)
    agreed = majority(judge.votes)
    clear = agreed >= 0
    unsure = judge.votes[:, :NAMED].max(axis=1) <= 4

    def accuracy(a, b):
        return float(np.mean(a == b))

    def f1(a, b):
        return metrics.macro_f1(a, b, len(EMOTIONS))

    found = metrics.recalls(metrics.confusion(truth, predicted, NAMED))
    return {
        "pictures": len(judge),
        "accuracy of eight": metrics.interval(accuracy, truth, predicted),
        "accuracy of eight where most agree": metrics.interval(
            accuracy, agreed[clear], probs[clear, :NAMED].argmax(axis=1)
        ),
        "macro F1 of eight": metrics.interval(f1, truth, predicted),
        "macro F1 of nine": metrics.interval(f1, judge.label, probs.argmax(axis=1)),
        "recall": dict(zip(EMOTIONS, found.round(4).tolist(), strict=False)),
        "uncertain AUROC": metrics.interval(metrics.auroc, unsure, probs[:, NAMED]),
        "calibration error": metrics.interval(metrics.vote_calibration_error, share, probs),
    }


def judge_seven(model: Reader, judge: Judge) -> dict:
    """Compare over the seven emotions that every peer knows, probabilities cut down to them."""
    answer = model.predict_batch(judge.crops)
    known = np.isin(judge.label, SEVEN_INDEX)
    truth = np.searchsorted(SEVEN_INDEX, judge.label[known])
    predicted = answer.probs[known][:, SEVEN_INDEX].argmax(axis=1)
    count = np.bincount(truth, minlength=7)
    enough = np.flatnonzero(count >= 20)  # fewer say nothing about a class
    kept = np.isin(truth, enough)
    truth, predicted = truth[kept], predicted[kept]

    def f1(a, b):
        return metrics.macro_f1(a, b, 7)

    def recall(a, b):
        return float(np.nanmean(metrics.recalls(metrics.confusion(a, b, 7))))

    found = metrics.recalls(metrics.confusion(truth, predicted, 7))
    result = {
        "pictures": len(truth),
        "accuracy": metrics.interval(lambda a, b: float(np.mean(a == b)), truth, predicted),
        "macro F1": metrics.interval(f1, truth, predicted),
        "macro recall": metrics.interval(recall, truth, predicted),
        "recall": {SEVEN[i]: round(float(found[i]), 4) for i in enough},
    }
    if judge.affect is not None:
        ours = to_unit(np.column_stack([answer.valence, answer.arousal]))
        result["affect"] = {"network": judge_affect(judge.affect, ours)}
        top = answer.probs.argmax(axis=1)
        for name in dict.fromkeys([getattr(model, "ratings", "adfes2011"), "adfes2011"]):
            looked_up = to_unit(rating_table(name).points[top])
            result["affect"][f"looked up in {name}"] = judge_affect(judge.affect, looked_up)
    return result


def judge_affect(truth: np.ndarray, ours: np.ndarray) -> dict:
    """Compare valence and arousal (n, 2), in [-1, 1] units, with ratings."""
    measures = {"r": metrics.pearson, "CCC": metrics.concordance, "RMSE": metrics.rmse}
    return {
        f"{dimension} {name}": metrics.interval(measure, truth[:, column], ours[:, column])
        for column, dimension in enumerate(("valence", "arousal"))
        for name, measure in measures.items()
    }


def judge_smiles(model: Reader, judge: Judge) -> dict:
    """Tell neutral from smiling by which of the two is more probable; people drawn whole.

    AUROC says how far any other threshold could get.
    """
    probs = model.predict_batch(judge.crops).probs
    happy, neutral = EMOTIONS.index("happy"), EMOTIONS.index("neutral")
    ratio = probs[:, happy] / np.maximum(probs[:, happy] + probs[:, neutral], 1e-9)
    right = (probs[:, happy] > probs[:, neutral]) == (judge.label == happy)
    people = np.unique(judge.person)
    by_person = np.array([right[judge.person == person].mean() for person in people])
    return {
        "pictures": len(judge),
        "neutral against smiling": metrics.interval(lambda a: float(a.mean()), by_person),
        "AUROC": metrics.interval(metrics.auroc, judge.label == happy, ratio),
        "neutral called neutral": round(
            float((probs[judge.label == neutral].argmax(axis=1) == neutral).mean()), 4
        ),
        "smiling called happy": round(
            float((probs[judge.label == happy].argmax(axis=1) == happy).mean()), 4
        ),
    }


def judge_colour(model: Reader, judge: Judge) -> dict:
    """Share of colour pictures that get the same decision in grey, and with channels swapped."""
    return {
        "grey as colour": _agreement(model, judge, _grey),
        "red and blue swapped": _agreement(model, judge, lambda crop: crop[..., ::-1].copy()),
    }


def _agreement(model: Reader, judge: Judge, change: Callable) -> float:
    before = model.predict_batch(judge.crops).probs.argmax(axis=1)
    after = model.predict_batch([change(crop) for crop in judge.crops]).probs.argmax(axis=1)
    return round(float(np.mean(before == after)), 4)


def _grey(crop: np.ndarray) -> np.ndarray:
    """The usual luma, as cameras and editors make it; not the model's own mixture."""
    return cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)


def judge_disturbed(model: Reader, judge: Judge) -> dict[str, float]:
    """Return accuracy over eight classes under each of `DISTURBANCES`, and clean."""
    rows = np.flatnonzero(judge.label < NAMED)
    truth = judge.label[rows]
    changes = {"clean": lambda crop: crop, **DISTURBANCES}
    result = {}
    for name, change in changes.items():
        probs = model.predict_batch([change(judge.crops[row]) for row in rows]).probs
        result[name] = round(float(np.mean(probs[:, :NAMED].argmax(axis=1) == truth)), 4)
    return result


def warp(crop: np.ndarray, shift=(0.0, 0.0), scale: float = 1.0, turn: float = 0.0) -> np.ndarray:
    """Move a crop's content, by shares of its side, about its centre; borders are repeated."""
    height, width = crop.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, scale)
    matrix[:, 2] += np.array(shift) * (width, height)
    return cv2.warpAffine(crop, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def brighten(crop: np.ndarray, factor: float) -> np.ndarray:
    """Multiply and clip, as a camera does."""
    return np.clip(crop.astype(np.float32) * factor, 0, 255).astype(np.uint8)


def recompress(crop: np.ndarray, quality: int) -> np.ndarray:
    """Save as JPEG and read again."""
    coded = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)


def shrink(crop: np.ndarray, side: int) -> np.ndarray:
    """Shrink to `side` pixels."""
    return cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)


DISTURBANCES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "shifted right 10 %": lambda crop: warp(crop, shift=(0.1, 0)),
    "shifted left 10 %": lambda crop: warp(crop, shift=(-0.1, 0)),
    "shifted down 10 %": lambda crop: warp(crop, shift=(0, 0.1)),
    "shifted up 10 %": lambda crop: warp(crop, shift=(0, -0.1)),
    "scaled 0.85": lambda crop: warp(crop, scale=0.85),
    "scaled 1.2": lambda crop: warp(crop, scale=1.2),
    "rotated 15°": lambda crop: warp(crop, turn=15),
    "rotated -15°": lambda crop: warp(crop, turn=-15),
    "brightness 0.5": lambda crop: brighten(crop, 0.5),
    "brightness 1.5": lambda crop: brighten(crop, 1.5),
    "JPEG quality 20": lambda crop: recompress(crop, 20),
    "32 px": lambda crop: shrink(crop, 32),
}


def score(table: dict) -> float | None:
    """Return the weighted mean that runs are compared by; None unless every part was measured.

    "worst disturbance" is the lowest accuracy under a disturbance as a share of the clean one;
    "concordance" the mean of valence's and arousal's, not below 0.
    """
    if not {"public_test", "disturbed", "diffusionfer", "faces_color", "london"} <= set(table):
        return None
    affect = table["diffusionfer"]["affect"]["network"]
    concord = [affect[f"{dimension} CCC"][0] for dimension in ("valence", "arousal")]
    disturbed = dict(table["disturbed"])
    clean = disturbed.pop("clean")
    parts = {
        "public_test accuracy": table["public_test"]["accuracy of eight"][0],
        "public_test macro F1": table["public_test"]["macro F1 of eight"][0],
        "diffusionfer macro F1": table["diffusionfer"]["macro F1"][0],
        "diffusionfer concordance": max(0.0, float(np.mean(concord))),
        "faces_color macro recall": table["faces_color"]["macro recall"][0],
        "london accuracy": table["london"]["neutral against smiling"][0],
        "worst disturbance": min(disturbed.values()) / clean,
    }
    return round(sum(WEIGHTS[name] * value for name, value in parts.items()), 4)


def as_text(table: dict, indent: int = 0) -> str:
    """Lay a table out for reading: one measure per line, intervals in brackets."""
    lines = []
    for name, value in table.items():
        start = " " * indent + f"{name:<{38 - indent}}"
        if isinstance(value, dict):
            lines += [" " * indent + name, as_text(value, indent + 2)]
        elif isinstance(value, list):
            lines.append(f"{start}{value[0]:.3f}  [{value[1]:.3f}, {value[2]:.3f}]")
        elif isinstance(value, float):
            lines.append(f"{start}{value:.3f}")
        else:
            lines.append(f"{start}{value}")
    return "\n".join(lines)

"""The whole table of docs/model_protocol.md for any model that has `predict_batch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from fer_nb.emotions import EMOTIONS, rating_table, to_unit
from fer_nb.evaluation import metrics
from fer_nb.evaluation.sets import SEVEN
from fer_nb.models import Model
from fer_nb.opencv import cv2
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.common.ferplus import majority, most_voted

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
    "worst corruption": 0.10,
}


def evaluate(model: Model, sets: Mapping[str, LabelledFaces], corrupt: bool = True) -> dict:
    """Evaluate a model on every set in `sets`.

    Returns
    -------
    dict
        Set by set, measures by name; a measure with an interval is [value, low, high]. With all
        four sets also `score`, the weighted mean that runs are compared by.
    """
    table: dict = {}
    if "public_test" in sets:
        table["public_test"] = evaluate_votes(model, sets["public_test"])
        if corrupt:
            table["corrupted"] = evaluate_corrupted(model, sets["public_test"])
    if "diffusionfer" in sets:
        faces = sets["diffusionfer"]
        table["diffusionfer"] = evaluate_seven(model, faces) | evaluate_colour(model, faces)
    if "faces_color" in sets:
        table["faces_color"] = evaluate_seven(model, sets["faces_color"])
    if "london" in sets:
        faces = sets["london"]
        table["london"] = evaluate_smiles(model, faces) | evaluate_colour(model, faces)
    table["score"] = score(table)
    return table


def evaluate_votes(model: Model, faces: LabelledFaces) -> dict:
    """Compare with raters' votes; pictures mostly voted "uncertain" count for nine classes only."""
    probs = model.predict_batch(faces.images).probs
    share, label = faces.votes / faces.votes.sum(axis=1, keepdims=True), most_voted(faces.votes)
    named = label < NAMED
    truth, predicted = label[named], probs[named, :NAMED].argmax(axis=1)
    agreed = majority(faces.votes)
    clear = agreed >= 0
    unsure = faces.votes[:, :NAMED].max(axis=1) <= 4

    def accuracy(a, b):
        return float(np.mean(a == b))

    def f1(a, b):
        return metrics.macro_f1(a, b, len(EMOTIONS))

    found = metrics.recalls(metrics.confusion(truth, predicted, NAMED))
    return {
        "pictures": len(faces),
        "accuracy of eight": metrics.interval(accuracy, truth, predicted),
        "accuracy of eight where most agree": metrics.interval(
            accuracy, agreed[clear], probs[clear, :NAMED].argmax(axis=1)
        ),
        "macro F1 of eight": metrics.interval(f1, truth, predicted),
        "macro F1 of nine": metrics.interval(f1, label, probs.argmax(axis=1)),
        "recall": dict(zip(EMOTIONS, found.round(4).tolist(), strict=False)),
        "uncertain AUROC": metrics.interval(metrics.auroc, unsure, probs[:, NAMED]),
        "calibration error": metrics.interval(metrics.calibration_error, share, probs),
    }


def evaluate_seven(model: Model, faces: LabelledFaces) -> dict:
    """Compare over the seven emotions that every peer knows, probabilities cut down to them."""
    answer = model.predict_batch(faces.images)
    known = np.isin(faces.label, SEVEN_INDEX)
    truth = np.searchsorted(SEVEN_INDEX, faces.label[known])
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
    result: dict = {
        "pictures": len(truth),
        "accuracy": metrics.interval(lambda a, b: float(np.mean(a == b)), truth, predicted),
        "macro F1": metrics.interval(f1, truth, predicted),
        "macro recall": metrics.interval(recall, truth, predicted),
        "recall": {SEVEN[i]: round(float(found[i]), 4) for i in enough},
    }
    if faces.affect is not None:
        ours = to_unit(np.column_stack([answer.valence, answer.arousal]))
        result["affect"] = {"network": evaluate_affect(faces.affect, ours)}
        top = answer.probs.argmax(axis=1)
        for name in dict.fromkeys([getattr(model, "ratings", "adfes2011"), "adfes2011"]):
            looked_up = to_unit(rating_table(name).points[top])
            result["affect"][f"looked up in {name}"] = evaluate_affect(faces.affect, looked_up)
    return result


def evaluate_affect(truth: np.ndarray, ours: np.ndarray) -> dict:
    """Compare valence and arousal (n, 2), in [-1, 1] units, with ratings."""
    measures = {"r": metrics.pearson, "CCC": metrics.concordance, "RMSE": metrics.rmse}
    return {
        f"{dimension} {name}": metrics.interval(measure, truth[:, column], ours[:, column])
        for column, dimension in enumerate(("valence", "arousal"))
        for name, measure in measures.items()
    }


def evaluate_smiles(model: Model, faces: LabelledFaces) -> dict:
    """Tell neutral from smiling by which of the two is more probable; people drawn whole.

    AUROC says how far any other threshold could get.
    """
    probs = model.predict_batch(faces.images).probs
    happy, neutral = EMOTIONS.index("happy"), EMOTIONS.index("neutral")
    ratio = probs[:, happy] / np.maximum(probs[:, happy] + probs[:, neutral], 1e-9)
    right = (probs[:, happy] > probs[:, neutral]) == (faces.label == happy)
    people = np.unique(faces.group)
    by_person = np.array([right[faces.group == person].mean() for person in people])
    return {
        "pictures": len(faces),
        "neutral against smiling": metrics.interval(lambda a: float(a.mean()), by_person),
        "AUROC": metrics.interval(metrics.auroc, faces.label == happy, ratio),
        "neutral called neutral": round(
            float((probs[faces.label == neutral].argmax(axis=1) == neutral).mean()), 4
        ),
        "smiling called happy": round(
            float((probs[faces.label == happy].argmax(axis=1) == happy).mean()), 4
        ),
    }


def evaluate_colour(model: Model, faces: LabelledFaces) -> dict:
    """Share of colour pictures that get the same decision in grey, and with channels swapped."""
    return {
        "grey as colour": _agreement(model, faces, _grey),
        "red and blue swapped": _agreement(model, faces, lambda crop: crop[..., ::-1].copy()),
    }


def _agreement(model: Model, faces: LabelledFaces, change: Callable) -> float:
    before = model.predict_batch(faces.images).probs.argmax(axis=1)
    after = model.predict_batch([change(crop) for crop in faces.images]).probs.argmax(axis=1)
    return round(float(np.mean(before == after)), 4)


def _grey(crop: np.ndarray) -> np.ndarray:
    """The usual luma, as cameras and editors make it; not the model's own mixture."""
    return cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)


def evaluate_corrupted(model: Model, faces: LabelledFaces) -> dict[str, float]:
    """Return accuracy over eight classes under each of `CORRUPTIONS`, and clean."""
    label = most_voted(faces.votes)
    rows = np.flatnonzero(label < NAMED)
    truth = label[rows]
    changes = {"clean": lambda crop: crop, **CORRUPTIONS}
    result = {}
    for name, change in changes.items():
        probs = model.predict_batch([change(faces.images[row]) for row in rows.tolist()]).probs
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


CORRUPTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
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

    "worst corruption" is the lowest accuracy under a corruption as a share of the clean one;
    "concordance" the mean of valence's and arousal's, not below 0.
    """
    if not {"public_test", "corrupted", "diffusionfer", "faces_color", "london"} <= set(table):
        return None
    affect = table["diffusionfer"]["affect"]["network"]
    concord = [affect[f"{dimension} CCC"][0] for dimension in ("valence", "arousal")]
    corrupted = dict(table["corrupted"])
    clean = corrupted.pop("clean")
    parts = {
        "public_test accuracy": table["public_test"]["accuracy of eight"][0],
        "public_test macro F1": table["public_test"]["macro F1 of eight"][0],
        "diffusionfer macro F1": table["diffusionfer"]["macro F1"][0],
        "diffusionfer concordance": max(0.0, float(np.mean(concord))),
        "faces_color macro recall": table["faces_color"]["macro recall"][0],
        "london accuracy": table["london"]["neutral against smiling"][0],
        "worst corruption": min(corrupted.values()) / clean,
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

"""What the networks learn: targets from raters and teachers, and features to guess.

A lesson is `target` (n, 9), `features` (n, k) with NaN where none are known, `share` (n,), how
often each face comes in an epoch, and the faces themselves.
"""

from __future__ import annotations

import faces as sets
import numpy as np
import smiles
from scipy.special import softmax
from teacher import COLUMNS
from work import Work

from fer_nb.emotions import expected_valence_arousal, to_unit

FERPLUS, RAF, COLOURED, NONE = range(4)
Lesson = tuple[np.ndarray, np.ndarray, np.ndarray, sets.FaceSet]


def of_seven(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities (n, 9) of a network that knows seven emotions."""
    probs = np.zeros((len(logits), 9), np.float32)
    probs[:, COLUMNS] = softmax(logits[:, COLUMNS], axis=1)
    return probs


def uncommon(faces: sets.FaceSet) -> np.ndarray:
    """Tell the faces that are labelled neither happy nor neutral."""
    return ~np.isin(faces.target.argmax(axis=1), [4, 5])


def first_lesson(work: Work) -> Lesson:
    """Targets, features (none) and shares before there is a teacher."""
    every, kind = work.faces()
    start = work.load("start")
    own, label = start["probs"], every.target
    target = own.copy()
    plus, raf, coloured = (kind == k for k in (FERPLUS, RAF, COLOURED))
    target[plus] = 0.35 * label[plus] + 0.65 * own[plus]
    target[raf] = 0.75 * label[raf] + 0.15 * of_seven(start["raf"]) + 0.10 * own[raf]
    target[coloured] = (
        0.5 * label[coloured] + 0.2 * of_seven(start["coloured"]) + 0.3 * own[coloured]
    )
    share = np.array([0.45, 1.0, 0.35, 0.0])[kind]
    share[coloured & uncommon(every)] = 1.5
    share[plus & (label[:, 1:4].max(axis=1) > 0.35)] = 1.0
    return target, np.zeros((len(every), 1), np.float32), share, every


# Of each kind of face, how much of its target comes from raters, teacher, untouched network and
# compact 0.10.0; FER+ faces of which the teacher was not asked have raters and compact 0.10.0 only.
MIXTURES = {
    "answers": {
        FERPLUS: (0.3, 0.25, 0.0, 0.45),
        RAF: (0.6, 0.25, 0.1, 0.05),
        COLOURED: (0.35, 0.3, 0.15, 0.2),
        NONE: (0.0, 0.5, 0.25, 0.25),
    },
    "answers_2": {
        FERPLUS: (0.3, 0.35, 0.0, 0.35),
        RAF: (0.45, 0.4, 0.1, 0.05),
        COLOURED: (0.3, 0.4, 0.2, 0.1),
        NONE: (0.0, 0.55, 0.3, 0.15),
    },
}


def second_lesson(work: Work, name: str) -> Lesson:
    """Targets of raters, teacher, untouched network and compact 0.10.0; features to guess.

    The features are 64 principal axes of what the teacher sees, and in the second round 52
    blendshapes.
    """
    every, kind = work.faces()
    told, own, label = work.load(name), work.load("start")["probs"], every.target

    def everywhere(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
        whole = np.full((len(every), values.shape[1]), np.nan, np.float32)
        whole[rows] = values
        return whole

    teacher = everywhere(told["rows"], softmax(told["teacher"], axis=1))
    untouched = everywhere(told["rows"], softmax(told["untouched"], axis=1))
    if name == "answers_2":
        shapes = work.load("blendshapes")
        shapes = everywhere(shapes["rows"], shapes["shapes"])
        count = np.array([0.6, 1.0, 0.5, 0.0])[kind]
        geometry = smiles.read(shapes, label, count, np.flatnonzero(kind != NONE))
        geometry[kind == FERPLUS] = np.nan  # too small to be measured, and well known already
        teacher, untouched, own = (
            smiles.with_smiles(probs, geometry) for probs in (teacher, untouched, own)
        )
    target = own.copy()
    plus = kind == FERPLUS
    target[plus] = 0.35 * label[plus] + 0.65 * own[plus]
    for sort, shares in MIXTURES[name].items():
        rows = (kind == sort) & np.isfinite(teacher[:, 0])
        sources = zip(shares, (label, teacher, untouched, own), strict=True)
        target[rows] = sum(share * source[rows] for share, source in sources if share)
    features = told["features"].astype(np.float32)
    features -= features.mean(axis=0)
    axes = np.linalg.svd(features[::4], full_matrices=False)[2][:64]
    features = features @ axes.T
    wanted = [everywhere(told["rows"], features / features.std(axis=0).mean())]
    if name == "answers_2":
        wanted.append(in_spreads(shapes))
    share = np.array([0.35, 1.0, 0.3, 0.5])[kind]
    share[(kind == COLOURED) & uncommon(every)] = 1.5
    share[plus & (label[:, 1:4].max(axis=1) > 0.35)] = 1.0
    share[(kind == RAF) & np.isin(label.argmax(axis=1), [2, 3])] = 1.5
    return target, np.hstack(wanted), share, every


# As above, of raters, `accurate` 0.13.0 and the untouched network.
LASTING = {FERPLUS: (0.4, 0.6, 0.0), RAF: (0.5, 0.25, 0.25), COLOURED: (0.3, 0.45, 0.25)}
LASTING[NONE] = (0.0, 0.5, 0.5)


def third_lesson(work: Work) -> Lesson:
    """Targets, features (blendshapes) and shares for the third teacher."""
    every, kind = work.faces()
    told, found, label = work.load("answers_3"), work.load("blendshapes_3"), every.target
    shapes = np.full((len(every), 52), np.nan, np.float32)
    shapes[found["rows"]] = found["shapes"]
    count = np.array([0.0, 1.0, 0.5, 0.0])[kind]
    geometry = smiles.read(shapes, label, count, np.flatnonzero(count > 0))
    untouched = np.zeros_like(told["own"])
    untouched[told["rows"]] = of_seven(told["untouched"])
    own, untouched = (smiles.with_smiles(probs, geometry) for probs in (told["own"], untouched))
    target = np.zeros_like(own)
    for sort, shares in LASTING.items():
        rows = kind == sort
        sources = zip(shares, (label, own, untouched), strict=True)
        target[rows] = sum(share * source[rows] for share, source in sources if share)
    share = np.array([0.3, 1.0, 0.3, 0.7])[kind]
    share[(kind == COLOURED) & uncommon(every)] = 1.2
    share[(kind == FERPLUS) & (label[:, 1:4].max(axis=1) > 0.35)] = 1.0
    share[(kind == RAF) & np.isin(label.argmax(axis=1), [2, 3])] = 1.5
    return target, in_spreads(shapes), share, every


def in_spreads(shapes: np.ndarray) -> np.ndarray:
    """Return blendshapes about their mean, in units of their spread."""
    middle, spread = np.nanmean(shapes, axis=0), np.nanstd(shapes, axis=0)
    return np.clip((shapes - middle) / (spread + 0.02), -4, 4)


def fourth_lesson(work: Work) -> Lesson:
    """As the third, but half of it is what the third teacher says."""
    target, shapes, share, every = third_lesson(work)
    told = work.load("answers_4")
    target[told["rows"]] = (target[told["rows"]] + told["probs"]) / 2
    features = np.full((len(target), told["features"].shape[1]), np.nan, np.float32)
    features[told["rows"]] = told["features"] / told["features"].std(axis=0).mean()
    return target, np.hstack([features, shapes]), share, every


def rated(target: np.ndarray) -> np.ndarray:
    """Return valence and arousal in [-1, 1] of targets, as `vote_affect` does of ten votes."""
    votes = 10 * target.astype(float)
    votes[:, 8] = 0
    votes[:, 5] += 0.5
    return to_unit(expected_valence_arousal(votes, "circumplex")).astype(np.float32)

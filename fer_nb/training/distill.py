"""Targets for the compact network: the raters' votes, and a teacher's labels where there is one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from fer_nb.emotions import expected_valence_arousal, to_unit
from fer_nb.errors import FerError
from fer_nb.training.compact_net import CompactConfig
from fer_nb.training.datasets import UNCERTAIN, FerPlus, vote_targets
from fer_nb.training.loop import Faces, predict


def faces_of(data: FerPlus, config: CompactConfig) -> Faces:
    """Turn FER+ rows into faces with targets."""
    target = vote_targets(data.votes, config.disagreement)
    return Faces(data.images, target, vote_affect(data.votes, config.affect_table))


def vote_affect(votes: np.ndarray, table: str = "circumplex") -> np.ndarray:
    """Return graded valence and arousal (n, 2), in [-1, 1] units, of vote counts (n, 9).

    The mean rating, in `table`, over the raters who named an emotion. Neutral counts as 4/4, the
    middle of both scales. A rater who could not tell says nothing about valence and is left out,
    and half a neutral vote is added to all, so that a face nobody could read is at the middle.

    Examples
    --------
    >>> vote_affect(np.array([[0, 0, 0, 0, 0, 10, 0, 0, 0]])).tolist()
    [[0.0, 0.0]]
    """
    named = np.array(votes, float)
    named[:, UNCERTAIN] = 0
    named[:, 5] += 0.5
    return to_unit(expected_valence_arousal(named, table)).astype(np.float32)


def blend(faces: Faces, data: FerPlus, teacher: str | Path, config: CompactConfig) -> Faces:
    """Mix a teacher's labels into the targets, and add other faces that it labelled.

    Parameters
    ----------
    faces : Faces
        What the raters say of `data`.
    teacher : path
        npz file with one or both of: labels for `data`, as `pixels` (m,), the SHA-256 of the grey
        picture, and `probs` (m, 9); and other faces, as `other_images` (k, s, s) uint8 and
        `other_probs` (k, 9), which count as the votes of ten raters. Where
        `config.feature_weight` is above 0 also `features` (m, f) and `other_features` (k, f).

    Raises
    ------
    FerError
        If the teacher labels some of `data` but not all, the file holds neither, or its features
        are to be guessed and it has not those of all faces.
    """
    with np.load(teacher) as file:
        held = dict(file)
    if not {"probs", "other_probs"} & set(held):
        raise FerError(f"{teacher} holds neither probs nor other_probs; see distill.blend")
    images, target, affect = faces.images, faces.target, faces.affect
    parts = []  # of the features: first of `data`, then of the other faces
    if "probs" in held:
        row_of = {pixels: row for row, pixels in enumerate(held["pixels"].tolist())}
        digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in data.images]
        lacking = sum(digest not in row_of for digest in digests)
        if lacking:
            raise FerError(f"{teacher} lacks {lacking} of {len(digests)} faces; label them all")
        rows = [row_of[digest] for digest in digests]
        target = (1 - config.teacher_share) * target + config.teacher_share * held["probs"][rows]
        if "features" in held:
            parts.append(held["features"][rows])
    if "other_probs" in held:
        images = [*images, *held["other_images"]]
        target = np.concatenate([target, held["other_probs"]])
        votes = 10 * held["other_probs"]
        affect = np.concatenate([affect, vote_affect(votes, config.affect_table)])
        if "other_features" in held:
            parts.append(held["other_features"])
    features = None
    if config.feature_weight:
        features = np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, 0))
        if len(features) != len(images):
            raise FerError(
                f"{teacher} holds the features of {len(features)} of {len(images)} faces; "
                "feature_weight needs those of all"
            )
    return Faces(images, target.astype(np.float32), affect.astype(np.float32), features=features)


def balance(faces: Faces, strength: float) -> Faces:
    """Weigh faces so that rare classes are learned from more.

    A face weighs the mean, over its target, of (class frequency) ** -strength; weights have mean 1
    before they are kept within 0.5 and 4. What this does to the probabilities, `calibrate` undoes.
    """
    frequency = faces.target.mean(axis=0)
    weight = faces.target @ np.maximum(frequency, 1e-4) ** -strength
    weight = np.clip(weight / weight.mean(), 0.5, 4.0).astype(np.float32)
    return replace(faces, weight=weight)


def calibrate(network: keras.Model, faces: Faces, config: CompactConfig) -> float:
    """Make the probabilities agree with the votes on faces that were not learned from.

    Fits one temperature and one offset for each class by cross-entropy (vector scaling with equal
    gains; Guo et al. 2017, *On calibration of modern neural networks*). The offsets are added to
    the biases of the last layer, in place.

    Returns
    -------
    float
        The temperature, by which the logits are still to be divided.
    """
    logits = predict(network, faces, config.size)["logits"]
    temperature, offsets = fit_calibration(logits, faces.target)
    layer = network.get_layer("logits")
    layer.bias.assign(keras.ops.convert_to_numpy(layer.bias) + offsets)
    return round(temperature, 4)


def fit_calibration(logits: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Return temperature and offsets (9,) that make softmax((logits + offsets) / T) fit best."""
    from scipy.optimize import minimize

    logits = logits.astype(float)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        sharp, offset = np.exp(parameters[0]), parameters[1:]
        scaled = logits * sharp + offset
        logp = scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True)
        error = (np.exp(logp) - target) / len(target)
        slope = np.r_[(error * logits).sum() * sharp, error.sum(axis=0) + 0.002 * offset]
        # The small penalty keeps the offset of a class with a handful of votes from running off.
        value = -(target * logp).sum() / len(target) + 0.001 * (offset**2).sum()
        return value, slope

    best = minimize(loss, np.zeros(1 + logits.shape[1]), jac=True, method="BFGS").x
    temperature = float(np.exp(-best[0]))
    return temperature, (best[1:] * temperature).astype(np.float32)

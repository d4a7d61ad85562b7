"""Targets for the compact network: the raters' votes, and a teacher's labels where there is one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from fer_nb.errors import FerError
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.common.ferplus import vote_affect, vote_targets
from fer_nb.training.compact.loop import predict
from fer_nb.training.compact.network import CompactConfig


def faces_of(data: LabelledFaces, config: CompactConfig) -> LabelledFaces:
    """Turn faces with raters' votes into faces with targets."""
    return replace(
        data,
        target=vote_targets(data.votes, config.disagreement),
        affect=vote_affect(data.votes, config.ratings),
    )


def blend(faces: LabelledFaces, teacher: str | Path, config: CompactConfig) -> LabelledFaces:
    """Mix a teacher's labels into the targets, and add other faces that it labelled.

    Parameters
    ----------
    faces : LabelledFaces
        From `faces_of`.
    teacher : path
        npz file with one or both of: labels for these faces, as `pixels` (m,), the SHA-256 of
        the grey picture, and `probs` (m, 9); and other faces, as `other_images` (k, s, s) uint8 and
        `other_probs` (k, 9), which count as the votes of ten raters. Where
        `config.feature_weight` is above 0 also `features` (m, f) and `other_features` (k, f).

    Raises
    ------
    FerError
        If the teacher labels some of the faces but not all, the file holds neither, or its features
        are to be guessed and it has not those of all faces.
    """
    with np.load(teacher) as file:
        held = dict(file)
    if not {"probs", "other_probs"} & set(held):
        raise FerError(f"{teacher} holds neither probs nor other_probs; see targets.blend")
    images, target, affect = faces.images, faces.target, faces.affect
    parts = []  # of the features: first of these, then of the other faces
    if "probs" in held:
        row_of = {pixels: row for row, pixels in enumerate(held["pixels"].tolist())}
        digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in faces.images]
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
        affect = np.concatenate([affect, vote_affect(votes, config.ratings)])
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
    return LabelledFaces(
        images, target.astype(np.float32), affect=affect.astype(np.float32), features=features
    )


def balance(target: np.ndarray, strength: float, share: np.ndarray | None = None) -> np.ndarray:
    """Return weights of faces by which rare classes are learned from more, float32 (n,).

    A face weighs the mean, over its target, of (class frequency) ** -strength; weights have mean 1
    before they are kept within 0.5 and 4. What this does to the probabilities, `calibrate` undoes.

    Parameters
    ----------
    target : array (n, 9)
    strength : float
        0 counts every face the same, 1 every class.
    share : array (n,), optional
        How often each face comes in an epoch.

    Examples
    --------
    >>> balance(np.eye(9)[[4, 4, 4, 4, 6]], 1.0).tolist()
    [0.625, 0.625, 0.625, 0.625, 2.5]
    """
    frequency = np.average(target, axis=0, weights=share)
    weight = target @ np.maximum(frequency, 1e-4) ** -strength
    return np.clip(weight / np.average(weight, weights=share), 0.5, 4.0).astype(np.float32)


def calibrate(network: keras.Model, faces: LabelledFaces, config: CompactConfig) -> float:
    """Make the probabilities agree with the votes on faces that were not learned from.

    Fits one temperature and one offset for each class by cross-entropy (vector scaling with equal
    gains; Guo et al. 2017, *On calibration of modern neural networks*). The offsets are added to
    the biases of the last layer, in place.

    Returns
    -------
    float
        The temperature, by which the logits are still to be divided.
    """
    logits = predict(network, faces, config)["logits"]
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

"""Targets for the compact network: the raters' votes, and a teacher's labels where there is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer_nb.emotions import expected_valence_arousal, to_unit
from fer_nb.errors import FerError
from fer_nb.training.compact_net import CompactConfig
from fer_nb.training.datasets import UNCERTAIN, FerPlus, vote_targets
from fer_nb.training.loop import Faces, resize


def faces_of(data: FerPlus, config: CompactConfig) -> Faces:
    """Turn FER+ rows into faces with targets."""
    target = vote_targets(data.votes, config.disagreement)
    return Faces(data.images, target, vote_affect(data.votes))


def vote_affect(votes: np.ndarray) -> np.ndarray:
    """Return graded valence and arousal (n, 2), in [-1, 1] units, of vote counts (n, 9).

    The mean ADFES rating over the raters who named an emotion. Neutral counts as 4/4, the middle
    of both scales. A rater who could not tell says nothing about valence and is left out, and half
    a neutral vote is added to all, so that a face nobody could read is at the middle.

    Examples
    --------
    >>> vote_affect(np.array([[0, 0, 0, 0, 0, 10, 0, 0, 0]])).tolist()
    [[0.0, 0.0]]
    """
    named = np.array(votes, float)
    named[:, UNCERTAIN] = 0
    named[:, 5] += 0.5
    return to_unit(expected_valence_arousal(named)).astype(np.float32)


def blend(faces: Faces, data: FerPlus, teacher: str | Path, config: CompactConfig) -> Faces:
    """Mix a teacher's labels into the targets and add the teacher's other faces.

    Parameters
    ----------
    faces : Faces
        What the raters say of `data`.
    teacher : path
        npz file: `probs` (m, 9) and `pixels` (m,), the SHA-256 of the grey picture each belongs
        to; and, for other faces, `other_images` (k, s, s) uint8, `other_probs` (k, 9),
        `other_affect` (k, 2).

    Raises
    ------
    FerError
        If the teacher has no label for one of the faces.
    """
    import hashlib

    with np.load(teacher) as file:
        labels = dict(zip(file["pixels"].tolist(), file["probs"], strict=True))
        others = {name: file[f"other_{name}"] for name in ("images", "probs", "affect")}
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in data.images]
    lacking = sum(digest not in labels for digest in digests)
    if lacking:
        raise FerError(f"{teacher} labels all but {lacking} of {len(digests)} faces; relabel them")
    probs = np.stack([labels[digest] for digest in digests])
    target = (1 - config.teacher_share) * faces.target + config.teacher_share * probs
    return Faces(
        [*faces.images, *others["images"]],
        np.concatenate([target, others["probs"]]).astype(np.float32),
        np.concatenate([faces.affect, others["affect"]]).astype(np.float32),
    )


def fit_temperature(network, faces: Faces, config: CompactConfig) -> float:
    """Return the temperature that makes held-out probabilities agree best with the votes.

    Minimises cross-entropy (Guo et al. 2017, *On calibration of modern neural networks*).
    """
    from scipy.optimize import minimize_scalar

    pictures = np.stack([resize(image, config.size) for image in faces.images])[..., None]
    answer = network.predict(pictures.astype(np.float32), batch_size=256, verbose=0)
    logits = answer["logits"].astype(float)

    def cross_entropy(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        logp = scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True)
        return float(-(faces.target * logp).sum(1).mean())

    best = minimize_scalar(cross_entropy, bounds=(-1.5, 1.5), method="bounded")
    return round(float(np.exp(best.x)), 4)

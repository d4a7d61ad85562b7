"""How often each emotion occurs in your own recordings, from what the model says of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError


def estimate_prior(
    probs: np.ndarray,
    prior: Mapping[str, float],
    *,
    strength: float = 20.0,
    iterations: int = 200,
) -> dict[str, float]:
    """Estimate the class frequencies of faces that have no labels (label shift, by EM).

    A model's probabilities assume class frequencies. Where yours differ, the mean of its answers
    leans towards yours; answering again with that mean as the prior, again and again, finds the
    frequencies under which the answers are most likely. Hand the result to
    ``load_model(prior=…)``. It assumes that only the frequencies differ: that an angry face looks
    here as it looked in training. Use it on many faces of many people; never on one clip, whose
    few expressions would become the only ones that can be found.

    Parameters
    ----------
    probs : array (n, 9)
        Probabilities in the order of `EMOTIONS`, as ``predict_batch(faces).probs`` gives them.
    prior : mapping
        The class frequencies that `probs` assumes: ``predict_batch(faces).prior``.
    strength : float
        As many further faces, spread as in `prior`, are counted in (a Dirichlet prior), so that
        no class vanishes.
    iterations : int
        Steps of EM at most; it ends when no frequency moves by a millionth.

    Returns
    -------
    dict of str to float
        Nine frequencies that sum to 1.

    Raises
    ------
    FerError
        If `probs` is not (n, 9) with n > 0, or `prior` does not name the nine emotions.

    Examples
    --------
    >>> even = dict.fromkeys(EMOTIONS, 1 / 9)
    >>> sure = np.eye(9)[[4] * 90 + [5] * 10] * 0.91 + 0.01
    >>> round(estimate_prior(sure, even, strength=1)["happy"], 1)
    0.9

    Source
    ------
    Saerens, M., Latinne, P., & Decaestecker, C. (2002). Adjusting the outputs of a classifier to
    new a priori probabilities. *Neural Computation, 14*(1), 21-41.
    """
    probs = np.asarray(probs, float)
    if probs.ndim != 2 or probs.shape[1] != len(EMOTIONS) or not len(probs):
        raise FerError(f"probs must be (n, 9) of one face or more, not {probs.shape}")
    if set(prior) != set(EMOTIONS):
        raise FerError(f"prior must name exactly these emotions: {', '.join(EMOTIONS)}")
    if strength <= 0:
        raise FerError(f"strength must be above 0, not {strength}")
    assumed = np.array([prior[name] for name in EMOTIONS], float)
    assumed /= assumed.sum()
    found = assumed
    for _ in range(iterations):
        answer = probs * (found / assumed)
        answer /= answer.sum(axis=1, keepdims=True)
        before = found
        found = (answer.sum(axis=0) + strength * assumed) / (len(probs) + strength)
        if np.abs(found - before).max() < 1e-6:
            break
    return dict(zip(EMOTIONS, (found / found.sum()).tolist(), strict=True))

"""What a model answers, and the little that anything must do to serve as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import ModelError


@dataclass(frozen=True)
class Predictions:
    """What a model reads from n faces.

    Attributes
    ----------
    probs : float32 array (n, 9)
        Probabilities in the order of `EMOTIONS`; rows sum to 1. They assume the class frequencies
        in `prior`.
    valence, arousal : float32 array (n,)
        On the 1-7 scale, 4 neutral.
    prior : dict of str to float, optional
        The class frequencies that `probs` assumes, where they are known.

    Raises
    ------
    ModelError
        If the arrays have other shapes.
    """

    probs: np.ndarray
    valence: np.ndarray
    arousal: np.ndarray
    prior: Mapping[str, float] | None = None

    def __post_init__(self):
        shapes = np.shape(self.probs), np.shape(self.valence), np.shape(self.arousal)
        count = (len(self.probs),)
        if shapes != ((*count, len(EMOTIONS)), count, count):
            raise ModelError(
                f"probs, valence and arousal must be of shapes (n, {len(EMOTIONS)}), (n,) and "
                f"(n,), not {', '.join(map(str, shapes))}"
            )

    @cached_property
    def emotion(self) -> list[str]:
        """The most probable emotion of each face."""
        return [EMOTIONS[i] for i in np.argmax(self.probs, axis=1)]

    def __len__(self) -> int:
        return len(self.probs)


class Model(Protocol):
    """Anything that reads emotion from face crops: ours, or an object of your own.

    Only `predict_batch` is needed. What `describe_model` and `crop_of` look for besides (`name`,
    `sha256`, `prior`, `ratings`, `info`, `crop`) may be absent; a table then says less about where
    it comes from.
    """

    def predict_batch(self, faces: Sequence[np.ndarray], /) -> Predictions:
        """Return `Predictions` for uint8 crops, RGB (H, W, 3) or grey (H, W), of any size."""
        ...


@dataclass(frozen=True)
class Crop:
    """How a model wants a face cut out of its picture.

    Parameters
    ----------
    margin : float
        How much larger than our detectors' usual frame of the head the square is: 0.1 adds 10 %.
    align : {"eyes", None}
        "eyes" turns the crop so that the eyes lie level, where the detector gives landmarks.
    """

    margin: float = 0.0
    align: str | None = None


def crop_of(model: object) -> Crop:
    """Return how a model wants its faces cut; a model that does not say takes them as they come."""
    return getattr(model, "crop", None) or Crop()


def ratings_of(model: object) -> str:
    """Return the name of the rating table that a model's valence and arousal follow."""
    return getattr(model, "ratings", None) or "adfes2011"


def name_of(model: object) -> str:
    """Return a model's name, or that of its class."""
    return getattr(model, "name", None) or type(model).__name__


def describe_model(model: object) -> dict[str, Any]:
    """Return what a table keeps about the model it was made with; None for what is not told."""
    info = getattr(model, "info", None)
    prior = getattr(model, "prior", None)
    return {
        "model": name_of(model),
        "model_version": str(info.get("version", "")) if isinstance(info, Mapping) else "",
        "model_sha256": getattr(model, "sha256", None),
        "prior": dict(prior) if isinstance(prior, Mapping) else None,
        "ratings": getattr(model, "ratings", None),
    }

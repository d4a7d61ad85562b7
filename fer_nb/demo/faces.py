"""Faces that smile as strongly as one asks, of people who never were: a truth to measure by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from fer_nb.demo.drawing.looks import Look, cast
from fer_nb.demo.drawing.people import collins
from fer_nb.demo.drawing.puppet import Puppet, mouth_texture
from fer_nb.errors import FerError
from fer_nb.opencv import cv2

GROUPS = ("A", "B")  # made from one portrait and from the other
HAIR = ((44, 36, 34), (70, 48, 36), (104, 66, 42), (150, 112, 70), (120, 60, 44), (110, 108, 112))


def smiling_people(
    people: int = 24,
    strengths: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    *,
    light: float = 1.0,
    tilt: float = 0.0,
    pixels: int = 96,
    seed: int = 0,
) -> tuple[np.ndarray, pd.DataFrame]:
    """Draw each person with smiles of known strengths.

    People of group A are made from one portrait, those of group B from another, with skin, hair
    and shape of their own. Everybody smiles alike: a group's muscles move by the same shares.

    Parameters
    ----------
    people : int
        Half of them in each group.
    strengths : sequence of float
        0 is at rest, 1 a full smile; one picture of each person for each.
    light : float
        Factor on the brightness; 1 is a well-lit room.
    tilt : float
        The head leans to its side by so many degrees.
    pixels : int
        How many pixels wide the face was recorded; pictures are always 96 × 96.
    seed : int
        Same seed, same people.

    Returns
    -------
    uint8 array (n, 96, 96, 3), DataFrame
        Pictures, RGB; and ``person, group, strength``, a row each.

    Raises
    ------
    FerError
        If there are fewer than two people, or a face is less than 8 pixels wide.

    Examples
    --------
    >>> images, table = smiling_people(people=2, strengths=(0, 1))
    >>> images.shape, table["group"].tolist()
    ((4, 96, 96, 3), ['A', 'A', 'B', 'B'])
    """
    if people < 2 or pixels < 8:
        raise FerError(f"there must be 2 people or more, of 8 pixels or more: {people}, {pixels}")
    images, rows = [], []
    for number in range(people):
        rng = np.random.default_rng([seed, number, 1])
        group = GROUPS[2 * number >= people]
        puppet = _puppet(seed, number, group)
        for strength in strengths:
            images.append(_picture(puppet, strength, light, tilt, pixels, rng))
            rows.append((f"{group}{number + 1:02d}", group, float(strength)))
    return np.array(images), pd.DataFrame(rows, columns=["person", "group", "strength"])


@lru_cache(maxsize=100)
def _puppet(seed: int, number: int, group: str) -> Puppet:
    rng = np.random.default_rng([seed, number])
    look = Look(
        "collins" if group == "A" else "hopper",
        room="",
        mirror=bool(rng.random() < 0.5),
        skin=tuple(rng.uniform(0.72, 1.0) + rng.uniform(-0.04, 0.04, 3)),
        hair=HAIR[rng.integers(len(HAIR))],
        wide=rng.uniform(-0.05, 0.05),
        long=rng.uniform(-0.04, 0.04),
        jaw=rng.uniform(-0.05, 0.05),
    )
    person = cast(look)
    return Puppet(person, mouth_texture(collins(), person))


def _picture(puppet: Puppet, strength: float, light, tilt, pixels: int, rng) -> np.ndarray:
    points = np.array(list(puppet.person.points.values()))
    low, high = points.min(axis=0), points.max(axis=0)
    steps = np.linspace(-0.66, 0.66, 96) * (high - low).max()
    at = np.stack(np.meshgrid(steps, steps), axis=-1)
    cos, sin = np.cos(np.deg2rad(tilt)), np.sin(np.deg2rad(tilt))
    coords = at @ np.array([[cos, -sin], [sin, cos]]) + (low + high) / 2
    drawn = puppet.draw(coords.astype(np.float32), {"smile": strength})
    alpha = drawn[..., 3:] / np.float32(255)
    image = drawn[..., :3] * alpha + 140 * (1 - alpha)  # before a grey wall
    small = cv2.resize(image, (pixels, pixels), interpolation=cv2.INTER_AREA)
    noisy = np.clip(light * small + rng.normal(0, 4, small.shape), 0, 255).astype(np.uint8)
    return cv2.resize(noisy, (96, 96), interpolation=cv2.INTER_CUBIC)

"""Synthetic faces for trying out a training: two portraits, cast as many people.

No picture shows a person's real expression: smiles, frowns and surprise are drawn into the
portraits (see `fer_nb.demo`). A network trained on them knows these puppets and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fer_nb.demo.drawing.looks import Look, cast
from fer_nb.demo.drawing.people import collins
from fer_nb.demo.drawing.puppet import Puppet, mouth_texture
from fer_nb.emotions import EMOTIONS
from fer_nb.training.common.faces import LabelledFaces

# How often each is meant, as uneven as real collections are, and what draws it.
_SHARES = {"neutral": 0.40, "happy": 0.32, "anger": 0.16, "surprise": 0.12}
_ACTIONS = {"happy": "smile", "anger": "frown", "surprise": "surprise"}
RATERS = 10
FAINT = (0.25, 0.5)  # strengths on which raters differ
STILL = 0.1  # how far the head moves from frame to frame, as a share of from picture to picture


def synthetic_faces(
    people: int = 40, per_person: int = 12, size: int = 64, seed: int = 0
) -> LabelledFaces:
    """Draw faces of synthetic people, and let ten synthetic raters vote on each.

    An expression is drawn at some strength, now and then mixed with a second one; each rater sees
    one of them, or nothing, in proportion to the strengths. Only neutral, happy, anger and surprise
    occur.

    Parameters
    ----------
    people, per_person : int
    size : int
        Side of the pictures in pixels.
    seed : int

    Returns
    -------
    LabelledFaces
        uint8 RGB pictures; `target` is the share of votes, `group` the person, no splits yet.

    Examples
    --------
    >>> faces = synthetic_faces(people=2, per_person=3)
    >>> len(faces), faces.images.shape[1:]
    (6, (64, 64, 3))
    """

    def pictures(puppet: Puppet, rng: np.random.Generator):
        for _ in range(per_person):
            strengths = _strengths(rng)
            yield _draw(puppet, strengths, _camera(rng), size, rng), _vote(strengths, rng, RATERS)

    return _collect(people, pictures, seed)


def synthetic_clips(
    people: int = 40, frames: int = 12, size: int = 64, seed: int = 0
) -> LabelledFaces:
    """Draw a short clip of each synthetic person, labelled by the word of a single rater.

    The frames of a clip differ little: the same faint expression, and a head that hardly moves. All
    carry the one word that one rater had for the clip. Raters differ on faint expressions, so a
    good part of such a label is chance; see how a split by frame hides that.

    Parameters
    ----------
    people, frames : int
        One clip of so many frames for each person.
    size : int
        Side of the pictures in pixels.
    seed : int

    Returns
    -------
    LabelledFaces
        uint8 RGB pictures; `target` is one-hot, `group` the person, no splits yet.

    Examples
    --------
    >>> clips = synthetic_clips(people=2, frames=3)
    >>> len(clips), len(set(clips.emotion[:3]))
    (6, 1)
    """

    def pictures(puppet: Puppet, rng: np.random.Generator):
        strengths = {str(rng.choice(list(_ACTIONS))): rng.uniform(*FAINT)}
        word, shot = _vote(strengths, rng, raters=1), _camera(rng)
        for _ in range(frames):
            moved = shot + STILL * (_camera(rng) - shot)
            yield _draw(puppet, strengths, moved, size, rng), word

    return _collect(people, pictures, seed)


def _collect(people: int, pictures: Callable, seed: int) -> LabelledFaces:
    """Cast people one by one, and gather what `pictures(puppet, rng)` yields of each."""
    rng = np.random.default_rng(seed)
    images, targets, group = [], [], []
    for person in range(people):
        puppet = _puppet(rng, portrait=("collins", "hopper")[person % 2])
        for image, target in pictures(puppet, rng):
            images.append(image)
            targets.append(target)
            group.append(f"person {person + 1:02d}")
    return LabelledFaces(np.array(images), np.array(targets, np.float32), np.array(group))


def _puppet(rng: np.random.Generator, portrait: str) -> Puppet:
    shade = rng.uniform(0.62, 1.05)
    look = Look(
        portrait,
        room="",
        mirror=bool(rng.random() < 0.5),
        skin=tuple(np.clip(shade + rng.uniform(-0.05, 0.05, 3), 0, 1.05)),
        hair=tuple(rng.uniform(30, 130, 3)) if rng.random() < 0.5 else None,
        clothes=tuple(rng.uniform(40, 150, 3)),
        wide=rng.uniform(-0.06, 0.06),
        long=rng.uniform(-0.05, 0.05),
        jaw=rng.uniform(-0.06, 0.06),
        eyes=rng.uniform(0, 0.08),
        glasses=bool(rng.random() < 0.25) and portrait == "collins",  # the other one wears hers
    )
    person = cast.__wrapped__(look)  # not kept: forty people would fill the memory
    return Puppet(person, mouth_texture(collins(), person))


def _strengths(rng: np.random.Generator) -> dict[str, float]:
    main = rng.choice(list(_SHARES), p=list(_SHARES.values()))
    strengths = {} if main == "neutral" else {str(main): rng.uniform(0.45, 1.0)}
    if rng.random() < 0.25:
        other = str(rng.choice(list(_ACTIONS)))
        strengths.setdefault(other, rng.uniform(0.1, 0.4))
    return strengths


def _camera(rng: np.random.Generator) -> np.ndarray:
    """How near the face is, its place across and down, its tilt (rad), and the light."""
    turn = np.deg2rad(8)
    return rng.uniform((0.60, -0.06, -0.06, -turn, 0.75), (0.72, 0.06, 0.06, turn, 1.15))


def _draw(puppet: Puppet, strengths: dict[str, float], camera, size: int, rng) -> np.ndarray:
    near, across, down, tilt, light = camera
    points = np.array(list(puppet.person.points.values()))
    low, high = points.min(axis=0), points.max(axis=0)
    half = near * (high - low).max()
    centre = (low + high) / 2 + np.array([across, down]) * half
    steps = ((np.arange(size) + 0.5) / size * 2 - 1) * half
    at = np.stack(np.meshgrid(steps, steps), axis=-1)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    actions = {_ACTIONS[name]: strength for name, strength in strengths.items()}
    actions["blink"] = float(rng.uniform(0, 0.3))
    image = puppet.draw((at @ turn + centre).astype(np.float32), actions)[..., :3]
    return np.clip(light * image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)


def _vote(strengths: dict[str, float], rng: np.random.Generator, raters: int) -> np.ndarray:
    """Share of the raters who choose each of the nine emotions."""
    chances = np.zeros(len(EMOTIONS))
    for name, strength in strengths.items():
        chances[EMOTIONS.index(name)] = strength
    chances[EMOTIONS.index("neutral")] = max(0.08, 0.75 - chances.sum())
    chances[EMOTIONS.index("uncertain")] = 0.02
    return rng.multinomial(raters, chances / chances.sum()) / raters

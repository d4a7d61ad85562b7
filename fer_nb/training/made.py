"""Made faces for trying out a training: two portraits that packages carry, cast as many people.

No picture shows a person's real expression: smiles, frowns and surprise are drawn into the
portraits (see `fer_nb.demo`). A network trained on them knows these puppets and nothing else.
"""

from __future__ import annotations

import numpy as np

from fer_nb.demo.looks import Look, cast
from fer_nb.demo.people import collins
from fer_nb.demo.puppet import Puppet, mouth_texture
from fer_nb.emotions import EMOTIONS
from fer_nb.training.layouts import LabelledFaces

# How often each is meant, as uneven as real collections are, and what draws it.
_SHARES = {"neutral": 0.40, "happy": 0.32, "anger": 0.16, "surprise": 0.12}
_ACTIONS = {"happy": "smile", "anger": "frown", "surprise": "surprise"}
RATERS = 10


def made_faces(
    people: int = 10, per_person: int = 48, size: int = 64, seed: int = 0
) -> LabelledFaces:
    """Draw faces of made people, and let ten made raters vote on each.

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
    >>> faces = made_faces(people=2, per_person=3)
    >>> len(faces), faces.images.shape[1:]
    (6, (64, 64, 3))
    """
    rng = np.random.default_rng(seed)
    images, votes, group = [], [], []
    for person in range(people):
        puppet = _puppet(rng, portrait=("collins", "hopper")[person % 2])
        for _ in range(per_person):
            strengths = _strengths(rng)
            images.append(_draw(puppet, strengths, size, rng))
            votes.append(_vote(strengths, rng))
            group.append(f"person {person + 1:02d}")
    target = np.array(votes, np.float32) / RATERS
    split = np.full(len(images), "", dtype="<U5")
    return LabelledFaces(np.array(images), target, np.array(group), split)


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
    )
    person = cast(look)
    return Puppet(person, mouth_texture(collins(), person))


def _strengths(rng: np.random.Generator) -> dict[str, float]:
    main = rng.choice(list(_SHARES), p=list(_SHARES.values()))
    strengths = {} if main == "neutral" else {str(main): rng.uniform(0.45, 1.0)}
    if rng.random() < 0.25:
        other = str(rng.choice(list(_ACTIONS)))
        strengths.setdefault(other, rng.uniform(0.1, 0.4))
    return strengths


def _draw(puppet: Puppet, strengths: dict[str, float], size: int, rng) -> np.ndarray:
    points = np.array(list(puppet.person.points.values()))
    low, high = points.min(axis=0), points.max(axis=0)
    half = rng.uniform(0.6, 0.72) * (high - low).max()
    centre = (low + high) / 2 + rng.uniform(-0.06, 0.06, 2) * half
    angle = np.deg2rad(rng.uniform(-8, 8))
    steps = ((np.arange(size) + 0.5) / size * 2 - 1) * half
    at = np.stack(np.meshgrid(steps, steps), axis=-1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    actions = {_ACTIONS[name]: strength for name, strength in strengths.items()}
    actions["blink"] = float(rng.uniform(0, 0.3))
    image = puppet.draw((at @ turn + centre).astype(np.float32), actions)[..., :3]
    light = rng.uniform(0.75, 1.15) * image + rng.normal(0, 4, image.shape)
    return np.clip(light, 0, 255).astype(np.uint8)


def _vote(strengths: dict[str, float], rng: np.random.Generator) -> np.ndarray:
    chances = np.zeros(len(EMOTIONS))
    for name, strength in strengths.items():
        chances[EMOTIONS.index(name)] = strength
    chances[EMOTIONS.index("neutral")] = max(0.08, 0.75 - chances.sum())
    chances[EMOTIONS.index("uncertain")] = 0.02
    return rng.multinomial(RATERS, chances / chances.sum())

"""Synthetic faces: repeatable, voted on, and different where the votes differ."""

import numpy as np
import pytest

from fer_nb.demo.synthetic import synthetic_clips, synthetic_faces
from fer_nb.emotions import EMOTIONS


@pytest.fixture(scope="module")
def made():
    return synthetic_faces(people=2, per_person=40, seed=5)


def test_people_pictures_and_votes(made):
    assert made.images.shape == (80, 64, 64, 3)
    assert made.images.dtype == np.uint8
    assert sorted(set(made.group)) == ["person 01", "person 02"]
    assert made.target.sum(axis=1) == pytest.approx(1)
    assert np.allclose(made.target * 10, np.rint(made.target * 10), atol=1e-5)
    assert {"neutral", "happy"} <= set(made.emotion) <= {"neutral", "happy", "anger", "surprise"}


def test_same_seed_same_faces(made):
    again = synthetic_faces(people=1, per_person=40, seed=5)
    assert np.array_equal(again.images, made.images[:40])


def test_expressions_show_in_the_mouth(made):
    one = made.rows(made.group == "person 01")
    faces = {name: [] for name in EMOTIONS}
    for image, name, target in zip(one.images, one.emotion, one.target, strict=True):
        if target.max() >= 0.7:
            faces[name].append(image[36:60, 16:48].astype(float))
    happy, neutral = (np.mean(faces[name], axis=0) for name in ("happy", "neutral"))
    assert np.abs(happy - neutral).mean() > 4


def test_frames_of_a_clip_look_alike_and_carry_one_word():
    clips = synthetic_clips(people=3, frames=4, seed=1)
    assert clips.images.shape == (12, 64, 64, 3)
    assert set(clips.target.max(axis=1)) == {1}
    assert [len(set(clips.rows(clips.group == one).emotion)) for one in set(clips.group)] == [1] * 3
    pictures = clips.images.astype(float).reshape(3, 4, -1)
    within = np.abs(np.diff(pictures, axis=1)).mean()
    between = np.abs(pictures[2] - pictures[0]).mean()  # the same portrait, another person
    assert 0 < within < between / 2

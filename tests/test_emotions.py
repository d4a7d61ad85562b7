import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_nb import emotions
from fer_nb.draw import hex_to_rgb
from fer_nb.errors import FerError

ratings = st.floats(1, 7)


def test_names_and_order():
    names = "anger contempt disgust fear happy neutral sad surprise uncertain"
    assert tuple(names.split()) == emotions.EMOTIONS
    assert tuple(emotions.COLORS) == emotions.EMOTIONS


@given(ratings)
def test_scales_invert_each_other(rating):
    unit = emotions.to_unit(rating)
    assert -1 <= unit <= 1
    assert emotions.from_unit(unit) == pytest.approx(rating)


def test_published_ratings():
    table = emotions.rating_table("adfes2011")
    happy = emotions.EMOTIONS.index("happy")
    fear = emotions.EMOTIONS.index("fear")
    assert (table.valence[happy], table.arousal[happy]) == (5.88, 5.27)
    assert (table.valence_sd[happy], table.arousal_sd[fear]) == (0.60, 1.10)
    reference = emotions.rating_table("reference")
    assert (reference.valence[0], reference.arousal[0]) == (1.5, 6.72)
    # Russell & Mehrabian (1977): angry 0.59, fearful 0.60, surprised 0.67, sad -0.27
    circumplex = emotions.rating_table("circumplex")
    unit = emotions.to_unit(np.array(circumplex.arousal))
    arousal = dict(zip(emotions.EMOTIONS, unit, strict=True))
    words = {"anger": 0.59, "disgust": 0.35, "fear": 0.60, "happy": 0.51, "sad": -0.27}
    for emotion, value in (words | {"surprise": 0.67, "neutral": 0}).items():
        assert arousal[emotion] == pytest.approx(value, abs=0.005)
    assert circumplex.valence == table.valence
    with pytest.raises(FerError, match="adfes2011, reference, circumplex"):
        emotions.rating_table("other")


@pytest.mark.parametrize("name", emotions.RATINGS)
def test_a_sure_emotion_has_its_own_rating_and_is_nearest_to_it(name):
    table = emotions.rating_table(name)
    expected = emotions.expected_valence_arousal(np.eye(9), name)
    np.testing.assert_allclose(expected, table.points)
    for emotion, point in zip(emotions.EMOTIONS, table.points, strict=True):
        assert emotions.nearest_emotion(*point, table=name) == emotion


@given(st.floats(1, 7), st.floats(1, 7))
def test_the_nearest_of_all_emotions_is_found(valence, arousal):
    distances = np.hypot(*(emotions.rating_table().points - (valence, arousal)).T)
    name = emotions.nearest_emotion(valence, arousal)
    assert distances[emotions.EMOTIONS.index(name)] == pytest.approx(distances.min())


@given(st.lists(st.floats(0.01, 1), min_size=9, max_size=9))
def test_expected_ratings_lie_within_the_table(weights):
    low, high = emotions.rating_table().points.min(0), emotions.rating_table().points.max(0)
    point = emotions.expected_valence_arousal(np.array([weights]))[0]
    assert (point >= low - 1e-9).all()
    assert (point <= high + 1e-9).all()


# Machado, Oliveira & Fernandes (2009), severity 1.0.
_BLINDNESS = {
    "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritan": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
    "none": np.eye(3).tolist(),
}


@pytest.mark.parametrize("kind", _BLINDNESS)
def test_colors_are_told_apart_with_any_color_blindness(kind):
    from skimage.color import rgb2lab

    rgb = np.array([hex_to_rgb(c) for c in emotions.COLORS.values()]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(_BLINDNESS[kind]).T, 0, 1)
    seen = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = rgb2lab(seen[None])[0]
    for (i, a), (j, b) in itertools.combinations(enumerate(lab), 2):
        names = list(emotions.COLORS)
        assert np.linalg.norm(a - b) > 12, (names[i], names[j], kind)

"""Made faces: repeatable, voted on, and different where the votes differ."""

import numpy as np
import pandas as pd
import pytest

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.training import scores
from fer_nb.training.latency import measure, time_calls
from fer_nb.training.made import made_faces


@pytest.fixture(scope="module")
def made():
    return made_faces(people=2, per_person=40, seed=5)


def test_people_pictures_and_votes(made):
    assert made.images.shape == (80, 64, 64, 3)
    assert made.images.dtype == np.uint8
    assert sorted(set(made.group)) == ["person 01", "person 02"]
    assert made.target.sum(axis=1) == pytest.approx(1)
    assert np.allclose(made.target * 10, np.rint(made.target * 10), atol=1e-5)
    assert {"neutral", "happy"} <= set(made.emotion) <= {"neutral", "happy", "anger", "surprise"}


def test_same_seed_same_faces(made):
    again = made_faces(people=1, per_person=40, seed=5)
    assert np.array_equal(again.images, made.images[:40])


def test_expressions_show_in_the_mouth(made):
    one = made.rows(made.group == "person 01")
    faces = {name: [] for name in EMOTIONS}
    for image, name, target in zip(one.images, one.emotion, one.target, strict=True):
        if target.max() >= 0.7:
            faces[name].append(image[36:60, 16:48].astype(float))
    happy, neutral = (np.mean(faces[name], axis=0) for name in ("happy", "neutral"))
    assert np.abs(happy - neutral).mean() > 4


def test_scores_of_a_known_classifier():
    truth = np.eye(9)[[0, 0, 4, 5]]
    probs = np.full((4, 9), 0.05)
    probs[[0, 1, 2, 3], [0, 4, 4, 5]] = 0.6
    counts = scores.confusion(truth, probs)
    assert counts.loc["anger"].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 0]
    assert scores.recalls(counts).dropna().to_dict() == {"anger": 0.5, "happy": 1, "neutral": 1}
    summary = scores.classifier_scores(truth, probs)
    assert summary["accuracy"] == 0.75
    assert summary["macro_recall"] == pytest.approx(2.5 / 3)
    assert summary["calibration_error"] == pytest.approx(0.15)
    expected = -(3 * np.log(0.6) + np.log(0.05)) / 4
    assert summary["cross_entropy"] == pytest.approx(expected)
    assert summary["accuracy_low"] <= 0.75 <= summary["accuracy_high"]
    table = scores.reliability(truth, probs, bins=5)
    assert table["count"].tolist() == [0, 0, 0, 4, 0]
    assert pd.isna(table["accuracy"][0])


def test_time_calls_counts_all_but_the_first():
    import time

    naps = iter([0.2] + [0.01] * 100)
    seconds = time_calls(lambda: time.sleep(next(naps)), budget_s=0.0, least=5)
    assert len(seconds) == 5
    assert seconds.max() < 0.2


def test_models_that_cannot_be_measured(tmp_path):
    with pytest.raises(FerError, match="choose one of compact"):
        measure("huge")
    with pytest.raises(FerError, match=r"could not be measured.*there is no network"):
        measure("vggfer", models_dir=tmp_path)


def test_memory_is_that_of_the_measured_process_alone():
    ballast = np.ones(150_000_000)  # 1.2 GB here
    rows = measure("compact", batches=(1,), budget_s=0.1)
    assert 20 < rows["memory_mb"].iloc[0] < ballast.nbytes / 2e6

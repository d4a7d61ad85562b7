"""Measures on cases worked out by hand, and the table on a model whose answers are known."""

import cv2
import numpy as np
import pytest

from fer_nb.emotions import EMOTIONS, rating_table
from fer_nb.errors import FerError
from fer_nb.evaluation import evaluate, sets
from fer_nb.models import Predictions
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.common.ferplus import majority

HAPPY, NEUTRAL, SAD = (EMOTIONS.index(name) for name in ("happy", "neutral", "sad"))


class Oracle:
    """Knows the emotion of a crop from its top left pixel; sure to a stated degree."""

    def __init__(self, sure: float = 0.9):
        self.sure = sure

    def predict_batch(self, faces):
        probs = np.full((len(faces), 9), (1 - self.sure) / 8, np.float32)
        for row, face in zip(probs, faces, strict=True):
            row[min(8, int(np.ravel(face)[0]) // 25)] = self.sure
        rating = rating_table().points[probs.argmax(axis=1)]
        return Predictions(probs, rating[:, 0], rating[:, 1], dict.fromkeys(EMOTIONS, 1 / 9))


def crops(labels):
    return [np.full((16, 16, 3), 25 * label + 5, np.uint8) for label in labels]


def faces_of(labels, **rest):
    """Faces that show `labels` to the Oracle, and whose labels these are unless `votes` differ."""
    return LabelledFaces(crops(labels), np.eye(9, dtype=np.float32)[labels], **rest)


def test_votes_table_of_a_known_model():
    labels = np.array([HAPPY] * 6 + [NEUTRAL] * 3 + [8])
    votes = np.zeros((10, 9), np.float32)
    votes[np.arange(10), labels] = 9
    votes[:, SAD] += 1
    said = labels.copy()
    said[0] = NEUTRAL  # one mistake
    table = evaluate.evaluate_votes(Oracle(), faces_of(said, votes=votes))
    assert table["accuracy of eight"][0] == pytest.approx(8 / 9, abs=1e-4)
    assert table["accuracy of eight where most agree"] == table["accuracy of eight"]
    assert table["recall"]["happy"] == pytest.approx(5 / 6, abs=1e-4)
    assert table["uncertain AUROC"][0] == 1.0
    assert table["calibration error"][0] == pytest.approx(
        0.09, abs=1e-4
    )  # one in ten says 0.9, gets 0


def test_where_most_agree_leaves_out_slips_and_ties():
    votes = np.zeros((5, 9), np.float32)
    votes[0, [HAPPY, NEUTRAL, SAD, 8]] = 4, 3, 1, 2  # 4 of 9 that are no slips: not most
    votes[1, [HAPPY, NEUTRAL, SAD]] = 5, 4, 1  # 5 of 9
    votes[2, [HAPPY, NEUTRAL]] = 5, 5
    votes[3, [HAPPY, 8]] = 3, 7  # most cannot tell
    votes[4, NEUTRAL] = 10
    assert majority(votes).tolist() == [-1, HAPPY, -1, -1, NEUTRAL]
    said = np.array([SAD, SAD, SAD, SAD, NEUTRAL])  # right where all ten agree, else wrong
    table = evaluate.evaluate_votes(Oracle(), faces_of(said, votes=votes))
    assert table["accuracy of eight where most agree"][0] == 0.5
    assert table["accuracy of eight"][0] == 0.25


def test_seven_leaves_out_rare_classes_and_compares_affect():
    labels = np.array([HAPPY] * 20 + [SAD] * 20 + [0] * 3)
    affect = np.tile([[0.5, 0.1], [-0.5, -0.2]], (22, 1))[:43].astype(np.float32)
    table = evaluate.evaluate_seven(Oracle(), faces_of(labels, affect=affect))
    assert table["pictures"] == 40
    assert table["recall"] == {"happy": 1.0, "sad": 1.0}
    assert table["macro F1"] == [1.0, 1.0, 1.0]
    assert table["affect"]["network"] == table["affect"]["looked up in adfes2011"]


def test_smiles_and_channels():
    labels = np.array([NEUTRAL, HAPPY] * 5)
    judge = faces_of(labels, group=np.repeat(np.arange(5).astype(str), 2))
    table = evaluate.evaluate_smiles(Oracle(), judge)
    assert table["neutral against smiling"][0] == 1.0
    assert evaluate.evaluate_colour(Oracle(), judge) == {
        "grey as colour": 1.0,
        "red and blue swapped": 1.0,
    }


def test_corruptions_do_what_they_say():
    crop = np.zeros((40, 40), np.uint8)
    crop[14:26, 14:26] = 200

    def centre(image):
        y, x = np.nonzero(image > 100)
        return x.mean(), y.mean()

    x0, y0 = centre(crop)
    made = {name: change(crop) for name, change in evaluate.CORRUPTIONS.items()}
    assert centre(made["shifted right 10 %"]) == pytest.approx((x0 + 4, y0), abs=0.1)
    assert centre(made["shifted up 10 %"]) == pytest.approx((x0, y0 - 4), abs=0.1)
    area = {name: (made[name] > 100).sum() for name in ("scaled 1.2", "scaled 0.85")}
    assert area["scaled 1.2"] > (crop > 100).sum() > area["scaled 0.85"]
    assert made["brightness 0.5"].max() == 100
    assert made["brightness 1.5"].max() == 255
    assert made["32 px"].shape == (32, 32)
    assert made["JPEG quality 20"].shape == crop.shape
    colour = np.dstack([crop, crop // 2, crop // 4])
    assert all(change(colour).ndim == 3 for change in evaluate.CORRUPTIONS.values())


def test_score_needs_every_set_and_weighs_as_written():
    assert sum(evaluate.WEIGHTS.values()) == pytest.approx(1)
    assert evaluate.score({"public_test": {}}) is None
    perfect = {
        "public_test": {"accuracy of eight": [1.0], "macro F1 of eight": [1.0]},
        "corrupted": {"clean": 0.8, "a": 0.8, "b": 0.4},
        "diffusionfer": {
            "macro F1": [1.0],
            "affect": {"network": {"valence CCC": [1.0], "arousal CCC": [0.0]}},
        },
        "faces_color": {"macro recall": [1.0]},
        "london": {"neutral against smiling": [1.0]},
    }
    # half the concordance (0.15 / 2) and half the steadiness (0.10 / 2) are missing
    assert evaluate.score(perfect) == pytest.approx(1 - 0.075 - 0.05)


@pytest.fixture
def pack(tmp_path):
    """Write a JPEG pack like those the judges read."""

    def write(name, images, **columns):
        coded = [cv2.imencode(".png", image)[1].ravel() for image in images]
        offsets = np.cumsum([0, *map(len, coded)]).astype(np.int64)
        np.savez(tmp_path / name, jpeg=np.concatenate(coded), offsets=offsets, **columns)
        return tmp_path / name

    return write


def test_packs_are_read_in_rgb_and_cut(pack):
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 2] = 255  # OpenCV writes BGR
    path = pack(
        "london_dev.npz",
        [red] * 2,
        expression=np.array([0, 1], np.int8),
        expression_names=["neutral", "smiling"],
        face_id=["a", "a"],
    )
    judge = sets.london(path)
    assert judge.images[0][0, 0].tolist() == [255, 0, 0]
    assert judge.label.tolist() == [NEUTRAL, HAPPY]
    names = [f"Person_{letter}_{i:04d}.jpg" for letter in "abcdefgh" for i in (1, 2)]
    path = pack(
        "faces_color.npz",
        [red] * 16,
        source_file=names,
        label=["sadness"] * 16,
        valid=np.tile(np.array([2, 0, 20, 15], np.uint8), (16, 1)),
    )
    halves = [sets.faces_color(path, half) for half in ("test", "train")]
    assert sum(map(len, halves)) == 16
    assert not set(halves[0].group) & set(halves[1].group)
    assert all(crop.shape == (15, 18) for half in halves for crop in half.images)
    assert set(halves[0].label.tolist()) == {SAD}
    assert set(sets.load_evaluation_sets(path.parent)) == {"london", "faces_color"}


def test_no_evaluation_set_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(FerError, match=r"holds none of .*data/README"):
        sets.load_evaluation_sets(tmp_path)


def test_text_shows_every_measure():
    text = evaluate.as_text({"set": {"accuracy": [0.5, 0.4, 0.6], "n": 3}, "score": 0.25})
    assert "0.500  [0.400, 0.600]" in text
    assert text.splitlines()[-1].split() == ["score", "0.250"]

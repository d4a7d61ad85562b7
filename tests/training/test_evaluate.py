"""Measures on cases worked out by hand, and the table on a model whose answers are known."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fer_nb.emotions import EMOTIONS, rating_table
from fer_nb.errors import FerError
from fer_nb.models import Predictions
from fer_nb.training import evaluate, judges, metrics
from fer_nb.training.datasets import majority

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


def test_macro_f1_by_hand():
    truth, said = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 1])
    # class 0: 2*2/(3+2); class 1: 2*1/(1+3); class 2: 0
    assert metrics.macro_f1(truth, said, 5) == pytest.approx((0.8 + 0.5 + 0) / 3)


def test_recalls_leave_out_absent_classes():
    counts = metrics.confusion(np.array([0, 0, 2]), np.array([0, 1, 2]), 4)
    assert counts.tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(metrics.recalls(counts), [0.5, np.nan, 1.0, np.nan])


def test_auroc_by_hand():
    assert metrics.auroc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])) == 0.75
    assert metrics.auroc(np.array([0, 1]), np.array([1.0, 1.0])) == 0.5
    assert np.isnan(metrics.auroc(np.array([1, 1]), np.array([0.0, 1.0])))


def test_concordance_minds_offset_and_scale():
    truth = np.array([0.0, 1.0, 2.0, 3.0])
    assert metrics.concordance(truth, truth) == pytest.approx(1)
    # variance 1.25 each, offset 1: 2 * 1.25 / (2.5 + 1)
    assert metrics.concordance(truth, truth + 1) == pytest.approx(2.5 / 3.5)
    assert metrics.pearson(truth, truth + 1) == pytest.approx(1)
    assert metrics.rmse(truth, truth + 1) == 1


@given(st.integers(0, 2**16), st.floats(-3, 3), st.floats(-2, 2))
def test_concordance_is_nearer_to_nothing_than_the_correlation(seed, scale, shift):
    truth, noise = np.random.default_rng(seed).normal(size=(2, 50))
    answer = scale * truth + shift + noise
    ccc, r = metrics.concordance(truth, answer), metrics.pearson(truth, answer)
    assert abs(ccc) <= abs(r) + 1e-9
    assert np.sign(ccc) == np.sign(r)


def test_correlations_of_constants_are_not_numbers():
    same = np.full(4, 2.0)
    assert np.isnan(metrics.concordance(same, same))
    assert np.isnan(metrics.pearson(same, np.arange(4.0)))
    assert metrics.concordance(same, np.arange(4.0)) == 0


def test_calibration_against_votes_by_hand():
    share = np.array([[0.6, 0.4], [1.0, 0.0], [0.2, 0.8]])
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7]])
    # one bin holds 0.9, 0.9 against 0.6, 1.0; another 0.7 against 0.8
    assert metrics.vote_calibration_error(share, probs) == pytest.approx((0.2 + 0.1) / 3)


def test_interval_of_a_share_is_that_of_the_binomial_distribution():
    found = np.arange(400) < 100
    value, low, high = metrics.interval(np.mean, found, draws=4000)
    assert value == 0.25
    # 90 % or 99 % ends lie 0.007 and more from these
    assert [low, high] == pytest.approx(stats.binom.ppf([0.025, 0.975], 400, 0.25) / 400, abs=0.003)


def test_interval_draws_rows_together_and_leaves_out_what_is_no_number():
    labels = np.arange(30) % 3
    assert metrics.interval(lambda a, b: np.mean(a == b), labels, labels) == [1, 1, 1]
    rare = np.arange(10) == 0  # missing from a third of the draws
    assert metrics.interval(metrics.auroc, rare, rare) == [1, 1, 1]


def test_votes_table_of_a_known_model():
    labels = np.array([HAPPY] * 6 + [NEUTRAL] * 3 + [8])
    votes = np.zeros((10, 9), np.float32)
    votes[np.arange(10), labels] = 9
    votes[:, SAD] += 1
    said = labels.copy()
    said[0] = NEUTRAL  # one mistake
    table = evaluate.judge_votes(Oracle(), judges.Judge(crops(said), labels, votes=votes))
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
    label = votes.argmax(axis=1)
    said = np.array([SAD, SAD, SAD, SAD, NEUTRAL])  # right where all ten agree, else wrong
    table = evaluate.judge_votes(Oracle(), judges.Judge(crops(said), label, votes=votes))
    assert table["accuracy of eight where most agree"][0] == 0.5
    assert table["accuracy of eight"][0] == 0.25


def test_seven_leaves_out_rare_classes_and_compares_affect():
    labels = np.array([HAPPY] * 20 + [SAD] * 20 + [0] * 3)
    affect = np.tile([[0.5, 0.1], [-0.5, -0.2]], (22, 1))[:43].astype(np.float32)
    table = evaluate.judge_seven(Oracle(), judges.Judge(crops(labels), labels, affect=affect))
    assert table["pictures"] == 40
    assert table["recall"] == {"happy": 1.0, "sad": 1.0}
    assert table["macro F1"] == [1.0, 1.0, 1.0]
    assert table["affect"]["network"] == table["affect"]["looked up in adfes2011"]


def test_smiles_and_channels():
    labels = np.array([NEUTRAL, HAPPY] * 5)
    judge = judges.Judge(crops(labels), labels, person=np.repeat(np.arange(5).astype(str), 2))
    table = evaluate.judge_smiles(Oracle(), judge)
    assert table["neutral against smiling"][0] == 1.0
    assert evaluate.judge_colour(Oracle(), judge) == {
        "grey as colour": 1.0,
        "red and blue swapped": 1.0,
    }


def test_disturbances_do_what_they_say():
    crop = np.zeros((40, 40), np.uint8)
    crop[14:26, 14:26] = 200

    def centre(image):
        y, x = np.nonzero(image > 100)
        return x.mean(), y.mean()

    x0, y0 = centre(crop)
    made = {name: change(crop) for name, change in evaluate.DISTURBANCES.items()}
    assert centre(made["shifted right 10 %"]) == pytest.approx((x0 + 4, y0), abs=0.1)
    assert centre(made["shifted up 10 %"]) == pytest.approx((x0, y0 - 4), abs=0.1)
    area = {name: (made[name] > 100).sum() for name in ("scaled 1.2", "scaled 0.85")}
    assert area["scaled 1.2"] > (crop > 100).sum() > area["scaled 0.85"]
    assert made["brightness 0.5"].max() == 100
    assert made["brightness 1.5"].max() == 255
    assert made["32 px"].shape == (32, 32)
    assert made["JPEG quality 20"].shape == crop.shape
    colour = np.dstack([crop, crop // 2, crop // 4])
    assert all(change(colour).ndim == 3 for change in evaluate.DISTURBANCES.values())


def test_score_needs_every_set_and_weighs_as_written():
    assert sum(evaluate.WEIGHTS.values()) == pytest.approx(1)
    assert evaluate.score({"public_test": {}}) is None
    perfect = {
        "public_test": {"accuracy of eight": [1.0], "macro F1 of eight": [1.0]},
        "disturbed": {"clean": 0.8, "a": 0.8, "b": 0.4},
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
    judge = judges.london(path)
    assert judge.crops[0][0, 0].tolist() == [255, 0, 0]
    assert judge.label.tolist() == [NEUTRAL, HAPPY]
    names = [f"Person_{letter}_{i:04d}.jpg" for letter in "abcdefgh" for i in (1, 2)]
    path = pack(
        "faces_color.npz",
        [red] * 16,
        source_file=names,
        label=["sadness"] * 16,
        valid=np.tile(np.array([2, 0, 20, 15], np.uint8), (16, 1)),
    )
    halves = [judges.faces_color(path, half) for half in ("judge", "train")]
    assert sum(map(len, halves)) == 16
    assert not set(halves[0].person) & set(halves[1].person)
    assert all(crop.shape == (15, 18) for half in halves for crop in half.crops)
    assert set(halves[0].label.tolist()) == {SAD}
    assert set(judges.load_judges(path.parent)) == {"london", "faces_color"}


def test_no_judges_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(FerError, match=r"holds none of .*data/README"):
        judges.load_judges(tmp_path)


def test_text_shows_every_measure():
    text = evaluate.as_text({"set": {"accuracy": [0.5, 0.4, 0.6], "n": 3}, "score": 0.25})
    assert "0.500  [0.400, 0.600]" in text
    assert text.splitlines()[-1].split() == ["score", "0.250"]

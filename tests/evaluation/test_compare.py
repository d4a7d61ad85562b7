"""Models side by side on the same faces."""

import numpy as np
import pytest

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.evaluation.compare import compare, plot_comparison
from fer_nb.models import Predictions
from fer_nb.training.common.labels import one_hot
from fer_nb.training.common.layouts import LabelledFaces


class Always:
    """Answers from the grey level of a face: 10 times the number of the emotion it shows."""

    def __init__(self, wrong=(), missing=()):
        self.wrong, self.missing = wrong, missing

    def predict_batch(self, faces):
        probs = np.full((len(faces), 9), 0.01, np.float32)
        for row, face in zip(probs, faces, strict=True):
            shown = int(face[0, 0]) // 10
            row[4 if EMOTIONS[shown] in self.wrong else shown] = 0.92
        probs[:, [EMOTIONS.index(name) for name in self.missing]] = 0
        four = np.full(len(faces), 4, np.float32)
        return Predictions(probs, four, four)


def faces(**counts):
    names = [name for name, count in counts.items() for _ in range(count)]
    images = [np.full((8, 8), 10 * EMOTIONS.index(name), np.uint8) for name in names]
    number = np.arange(len(names))
    return LabelledFaces(images, one_hot(names), number, np.full(len(names), ""))


def test_the_better_model_has_the_higher_figures():
    table = compare({"a": Always(), "b": Always(wrong=("fear",))}, faces(happy=60, fear=20, sad=4))
    assert table.loc["a", "accuracy"] == 1
    assert table.loc["b", "accuracy"] == pytest.approx(64 / 84, abs=1e-4)
    assert table.loc["b", "low"] < 64 / 84 < table.loc["b", "high"]
    assert table.loc["b", "recall_fear"] == 0
    assert table.loc["b", "macro_recall"] == pytest.approx(0.5)  # four sad faces say nothing
    assert np.isnan(table.loc["a", "recall_sad"])
    assert table.loc["a", "calibration_error"] < 0.1 < table.loc["b", "calibration_error"]
    assert (table["ms"] > 0).all()


def test_a_model_gains_nothing_by_knowing_fewer_emotions():
    shown = faces(happy=30, contempt=30)
    table = compare({"nine": Always(), "seven": Always(missing=("contempt", "uncertain"))}, shown)
    assert table["faces"].tolist() == [30, 30]
    with pytest.raises(FerError, match="all these models know"):
        compare({"seven": Always(missing=("contempt",))}, faces(contempt=3))
    with pytest.raises(FerError, match="no model"):
        compare({}, shown)


def test_flicker_counts_changes_between_frames():
    frames = [np.full((8, 8), 10 * number, np.uint8) for number in (4, 4, 6, 6, 4)]
    table = compare({"a": Always()}, faces(happy=25, sad=25), frames)
    assert table.loc["a", "flicker"] == pytest.approx(0.5)
    assert np.isnan(compare({"a": Always()}, faces(happy=25))["flicker"].iloc[0])


def test_the_picture_names_models_and_emotions():
    table = compare({"one": Always(), "two": Always(wrong=("sad",))}, faces(happy=25, sad=25))
    figure = plot_comparison(table)
    left, right = figure.axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["one", "two"]
    assert [text.get_text() for text in right.get_xticklabels()] == ["happy", "sad"]
    assert {text.get_text() for text in right.texts} == {"1.00", "0.00"}


@pytest.mark.filterwarnings("error")
def test_too_few_faces_of_each_emotion_leave_no_empty_panel():
    figure = plot_comparison(compare({"a": Always()}, faces(happy=10, sad=5)))
    assert [text.get_text() for text in figure.axes[1].texts] == ["no emotion has 20 faces"]

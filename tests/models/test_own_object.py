"""A model is anything with `predict_batch`; whatever else it tells is optional."""

import numpy as np
import pytest
from PIL import Image

import fer_nb
from fer_nb.errors import ModelError
from fer_nb.models import Crop, Model, crop_of, describe_model, load_model, name_of, ratings_of


class AlwaysHappy:
    """The least that a model can be."""

    def predict_batch(self, faces):
        probs = np.zeros((len(faces), 9), np.float32)
        probs[:, fer_nb.EMOTIONS.index("happy")] = 1
        n = len(faces)
        return fer_nb.Predictions(probs, np.full(n, 5.9, np.float32), np.full(n, 5.3, np.float32))


def test_ours_tells_everything():
    model: Model = load_model()
    told = describe_model(model)
    assert None not in told.values()
    assert (told["model"], told["model_version"]) == (model.name, model.info["version"])
    assert crop_of(model) == model.crop
    assert ratings_of(model) == model.ratings


def test_an_object_that_tells_nothing():
    model: Model = AlwaysHappy()
    told = describe_model(model)
    assert told == {
        "model": "AlwaysHappy",
        "model_version": "",
        "model_sha256": None,
        "prior": None,
        "ratings": None,
    }
    assert crop_of(model) == Crop()
    assert ratings_of(model) == "adfes2011"
    assert name_of(model) == "AlwaysHappy"


def test_a_photo_is_read_and_shown_with_it(astronaut):
    table = fer_nb.analyze_image(Image.fromarray(astronaut), model=AlwaysHappy())
    assert table["emotion"].tolist() == ["happy"]
    assert table.attrs["model"] == "AlwaysHappy"
    shown = fer_nb.PhotoExplorer(astronaut, model=AlwaysHappy())
    assert shown.reactions["emotion"].tolist() == ["happy"]


def test_a_recording_is_reported_with_it(viewer, tmp_path):
    from fer_nb.reports import report_video

    report = report_video(viewer, tmp_path, model=AlwaysHappy(), every=5)
    page = (tmp_path / f"{report.name}.html").read_text("utf-8")
    assert "AlwaysHappy" in page
    assert "not stated" in page
    assert "SHA-256 None" not in page
    with pytest.raises(fer_nb.FerError, match="force=True"):  # nothing tells it from another model
        report_video(viewer, tmp_path, model=AlwaysHappy(), every=5)


@pytest.mark.parametrize(("probs", "rated"), [((2, 8), 2), ((2, 9), 3), ((9,), 9)])
def test_predictions_of_another_shape_are_refused(probs, rated):
    with pytest.raises(ModelError, match=r"shapes \(n, 9\), \(n,\) and \(n,\)"):
        fer_nb.Predictions(np.zeros(probs), np.zeros(rated), np.zeros(rated))

"""Fine-tuning: it learns, the fast way equals the plain one, and it can be interrupted."""

import json
from dataclasses import replace

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from fer_nb.emotions import EMOTIONS  # noqa: E402
from fer_nb.errors import FerError  # noqa: E402
from fer_nb.training.common.labels import one_hot  # noqa: E402
from fer_nb.training.finetune.train import fine_tune, targets_of  # noqa: E402

LEARNS = {"epochs": 25, "learning_rate": 2e-2, "views": 1, "patience": 25}


def accuracy(run, faces):
    return (run.predict(faces.images).argmax(axis=1) == faces.target.argmax(axis=1)).mean()


def losses(run):
    return np.array([[epoch["loss"], epoch["val_loss"]] for epoch in run.history])


def test_learns_and_gives_the_best_epoch(config, faces, tmp_path):
    run = fine_tune(replace(config, **LEARNS), faces, tmp_path, progress=False)
    assert accuracy(run, faces.part("val")) > 0.8  # a third by chance
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    val = faces.part("val")
    assert float(loss(val.target, run.predict(val.images))) == pytest.approx(
        run.best["val_loss"], rel=0.02
    )
    assert sum(run.class_share) == pytest.approx(1)


def test_fast_way_equals_the_plain_loop(config, faces, tmp_path):
    fast = fine_tune(config, faces, tmp_path / "fast", progress=False)
    plain = fine_tune(config, faces, tmp_path / "plain", cached=False, progress=False)
    np.testing.assert_allclose(losses(fast), losses(plain), rtol=0.02)


def test_frozen_part_runs_once_per_view(config, faces, tmp_path, monkeypatch):
    seen = []
    original = type(config.preprocessing).__call__
    monkeypatch.setattr(
        type(config.preprocessing),
        "__call__",
        lambda self, images: (seen.append(len(images)), original(self, images))[1],
    )
    fine_tune(config, faces, tmp_path, progress=False)
    train, val = (len(faces.part(split)) for split in ("train", "val"))
    assert sum(seen) == config.views * train + val


def test_interrupted_training_ends_like_one_that_was_not(config, faces, tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    whole = fine_tune(config, faces, tmp_path / "whole", progress=False)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(config, faces, tmp_path / "cut", callbacks=[Interrupt()], progress=False)
    assert len(json.loads((tmp_path / "cut" / "history.json").read_text())["history"]) == 2
    resumed = fine_tune(config, faces, tmp_path / "cut", progress=False)
    np.testing.assert_allclose(losses(resumed), losses(whole), rtol=1e-4)
    val = faces.part("val")
    np.testing.assert_allclose(resumed.predict(val.images), whole.predict(val.images), atol=1e-3)


def test_finished_training_is_not_repeated(config, faces, tmp_path):
    first = fine_tune(config, faces, tmp_path, progress=False)
    again = fine_tune(config, faces, tmp_path, progress=False)
    assert again.history == first.history
    assert np.array_equal(again.predict(faces.images), first.predict(faces.images))


def test_folder_of_another_training_is_refused(config, faces, tmp_path):
    fine_tune(replace(config, epochs=1), faces, tmp_path, progress=False)
    with pytest.raises(FerError, match="holds another training"):
        fine_tune(replace(config, epochs=1, seed=1), faces, tmp_path, progress=False)
    other = replace(faces, target=faces.target[::-1])
    with pytest.raises(FerError, match="holds another training"):
        fine_tune(replace(config, epochs=1), other, tmp_path, progress=False)


def test_stops_when_nothing_gets_better(config, faces, tmp_path):
    stuck = replace(config, epochs=50, patience=2, learning_rate=1e-9, unfrozen=0, dropout=0.0)
    run = fine_tune(replace(stuck, learning_rate=3.0), faces, tmp_path, progress=False)
    assert len(run.history) < 50
    assert len(run.history) - 1 - run.best["epoch"] == 2


def test_loss_that_is_no_number(config, faces, tmp_path):
    wild = replace(config, task="va", learning_rate=1e18, weight_decay=0.0)
    with pytest.raises(FerError, match="lower the learning rate"):
        fine_tune(wild, faces, tmp_path, progress=False)


def test_valence_and_arousal(config, faces, tmp_path):
    run = fine_tune(replace(config, task="va", **LEARNS), faces, tmp_path, progress=False)
    val = faces.part("val")
    error = np.abs(run.predict(val.images) - targets_of(run.config, val.target)).mean()
    spread = np.abs(targets_of(run.config, val.target) - [2.8, 4.3]).mean()
    assert run.predict(val.images).shape == (len(val), 2)
    assert error < 0.8 * spread


def test_hard_targets_forget_the_other_votes(config):
    votes = 0.6 * one_hot(["sad"]) + 0.4 * one_hot(["neutral"])
    hard = targets_of(replace(config, targets="hard"), votes)
    assert hard.tolist() == one_hot(["sad"]).tolist()
    assert np.array_equal(targets_of(config, votes), votes)
    va = replace(config, task="va")
    assert targets_of(replace(va, targets="hard"), votes)[0] == pytest.approx([2.28, 3.14])
    assert targets_of(va, votes)[0] == pytest.approx([0.6 * 2.28 + 1.6, 0.6 * 3.14 + 1.6])


def test_balance_makes_rare_emotions_count(config, faces):
    from fer_nb.training.finetune.train import _sample_weights

    weights = _sample_weights(replace(config, balance=1.0), faces)
    label = faces.target.argmax(axis=1)
    totals = [weights[label == i].sum() for i in range(3)]
    assert totals == pytest.approx([len(faces) / 3] * 3, rel=1e-4)
    assert _sample_weights(config, faces) == pytest.approx(1)
    assert EMOTIONS[0] == "anger"


# A bias before a batch normalisation has no gradient but rounding errors, which Adam makes as large
# as any other; with such layers unfrozen two runs are never alike to the last digit.
@pytest.mark.parametrize(("unfrozen", "tolerance"), [(0, 1e-4), (5, 0.02)])
def test_the_plain_keras_of_notebook_1_does_what_the_package_does(
    config, faces, tmp_path, unfrozen, tolerance
):
    import nbformat

    import fer_nb
    from fer_nb.training.finetune import networks
    from fer_nb.weights import notebooks_folder

    cells = nbformat.read(notebooks_folder() / "01_vggface_finetuning.ipynb", as_version=4).cells
    [shown] = [cell.source for cell in cells if "def plain_fine_tuning(" in cell.source]
    names = {"np": np, "fer_nb": fer_nb, "networks": networks}
    exec(shown, names)
    still = {"augmentation": "none", "dropout": 0.0, "weight_decay": 0.0, "unfrozen": unfrozen}
    plain = replace(config, **still, schedule="exponential", decay=1.0, epochs=3)
    network, losses = names["plain_fine_tuning"](plain, faces)
    run = fine_tune(plain, faces, tmp_path, cached=False, progress=False)
    assert losses == pytest.approx([epoch["val_loss"] for epoch in run.history], rel=tolerance)
    assert network.count_params() == run.network.count_params()

"""The compact network's training on made faces: it learns, it resumes, it writes its record."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the [train] extra")

from tiny import TINY

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.evaluation import metrics
from fer_nb.files import sha256
from fer_nb.training.common.augment import Augmentation
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.common.ferplus import vote_affect
from fer_nb.training.compact import loop, targets, train
from fer_nb.training.compact.network import CompactConfig, build_network, deployable


@pytest.fixture(scope="module")
def run(ferplus, tmp_path_factory):
    return train.train(ferplus, tmp_path_factory.mktemp("run"), TINY, progress=False)


def weights(folder):
    network = build_network(TINY)
    network.load_weights(folder / "network.weights.h5")
    return network.get_weights()


def test_run_leaves_weights_curve_and_record(run, ferplus):
    record = json.loads((run / "run.json").read_text())
    assert record["data"] == {"ferplus": {"file": "ferplus.npz", "sha256": sha256(ferplus)}}
    assert CompactConfig.from_dict(record["config"]) == TINY
    assert [line["epoch"] for line in record["history"]] == [0, 1]
    assert record["history"] == json.loads((run / "history.json").read_text())["history"]
    assert sum(record["natural_prior"]) == pytest.approx(1, abs=1e-4)
    assert str(run) not in json.dumps(record)
    assert all(np.isfinite(w).all() for w in weights(run))


def test_resumed_run_equals_one_in_a_piece(run, ferplus, tmp_path):
    train.train(ferplus, tmp_path, TINY, stop_after=1, progress=False)
    train.train(ferplus, tmp_path, TINY, progress=False)
    for ours, theirs in zip(weights(tmp_path), weights(run), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_state_of_another_configuration_is_refused(run, ferplus):
    other = CompactConfig.from_dict({**TINY.to_dict(), "learning_rate": 0.5})
    with pytest.raises(FerError, match="holds another training"):
        train.train(ferplus, run, other, progress=False)


def test_another_seed_learns_otherwise_but_keeps_the_same_faces_aside(
    run, ferplus, tmp_path, monkeypatch
):
    fit, aside = loop.fit, []

    def watched(network, learn, held_out, *rest, **options):
        aside.append(held_out.images)
        return fit(network, learn, held_out, *rest, **options)

    monkeypatch.setattr(loop, "fit", watched)
    train.train(ferplus, tmp_path / "same", TINY, stop_after=1, progress=False)
    other = train.train(ferplus, tmp_path / "other", replace(TINY, seed=1), progress=False)
    np.testing.assert_array_equal(*aside)
    assert any(not np.allclose(a, b) for a, b in zip(weights(other), weights(run), strict=True))


def larger(**changes):
    return CompactConfig.from_dict({**TINY.to_dict(), **changes})


def test_a_deeper_network_begins_with_the_answers_of_the_run_before(run):
    faces = np.random.default_rng(3).uniform(0, 255, (5, 16, 16, 1)).astype(np.float32)
    earlier, deeper = build_network(TINY), build_network(larger(blocks=(3,)))
    earlier.load_weights(run / "network.weights.h5")
    assert deeper.count_params() > earlier.count_params()
    train.begin_from(deeper, run / "network.weights.h5")
    for name, answer in earlier.predict(faces, verbose=0).items():
        np.testing.assert_allclose(deeper.predict(faces, verbose=0)[name], answer, atol=1e-5)


def test_weights_of_another_kind_of_network_are_refused(run, ferplus, tmp_path):
    deep = train.train(ferplus, tmp_path, larger(blocks=(2,)), stop_after=1, progress=False)
    with pytest.raises(FerError, match="larger network"):
        train.begin_from(build_network(TINY), deep / "network.weights.h5")
    with pytest.raises(FerError, match="do not fit"):
        train.begin_from(build_network(larger(widths=(6,))), run / "network.weights.h5")


def test_configuration_is_read_from_one_file(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY.to_dict()))
    assert CompactConfig.read(path) == TINY
    path.write_text('{"epochs": 3, "augmentation": {"shift": 0.2}}')
    assert CompactConfig.read(path).augmentation.shift == 0.2
    path.write_text('{"affect_table": "adfes2011"}')  # its name in earlier records
    assert CompactConfig.read(path).ratings == "adfes2011"
    path.write_text('{"epoch": 3}')
    with pytest.raises(FerError, match="settings are size, colour, front"):
        CompactConfig.read(path)
    path.write_text('{"colour": "blue"}')
    with pytest.raises(FerError, match="must be grey or rgb"):
        CompactConfig.read(path)
    path.write_text('{"size": 40}')  # 20, 10, 5: no half of that
    with pytest.raises(FerError, match=r"size is halved 4 times.* by 16; 40"):
        CompactConfig.read(path)
    path.write_text('{"size": 112, "front": 16}')
    with pytest.raises(FerError, match=r"size is halved 5 times.* by 32; 112"):
        CompactConfig.read(path)
    path.write_text('{"small_size": 24, "small_until": 0.5}')
    with pytest.raises(FerError, match="small_size is halved 4 times"):
        CompactConfig.read(path)
    path.write_text('{"small_size": 24}')  # never used
    assert CompactConfig.read(path).small_size == 24
    with pytest.raises(FerError, match="is not a configuration"):
        CompactConfig.read(tmp_path / "absent.json")


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_network_learns_what_can_be_learned(tmp_path, colour):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 60, (64, 16, 16, 3), dtype=np.uint8)
    if colour == "rgb":  # red or blue, which are one grey
        images[::2, ..., 0] += 150
        images[1::2, ..., 2] += 150
    else:  # light above or light below: standardising keeps it
        images[::2, :8] += 150
        images[1::2, 8:] += 150
    target = np.zeros((64, 9), np.float32)
    target[::2, 4] = target[1::2, 6] = 1
    affect = np.where(np.arange(64)[:, None] % 2, -0.5, 0.5) * np.ones((64, 2))
    faces = LabelledFaces(images, target, affect=affect.astype(np.float32))
    plain = Augmentation(0.02, (0.9, 1.1), 0, p_light=0, p_noise=0, p_jpeg=0, p_erase=0)
    values = {
        **TINY.to_dict(),
        "colour": colour,
        "epochs": 20,
        "learning_rate": 0.02,
        "ema": 0.5,
        "affect_weight": 4.0,
        "concordance_weight": 0.0,
    }
    config = CompactConfig.from_dict({**values, "augmentation": plain.__dict__})
    loop.keras.utils.set_random_seed(0)
    network = build_network(config)
    before = loop.measure(network, faces, config)
    network, history = loop.fit(network, faces, faces, config, tmp_path, progress=False)
    after = loop.measure(network, faces, config)
    assert after["val_accuracy"] == 1.0
    assert after["val_loss"] < before["val_loss"] / 2
    assert after["val_affect_mse"] < 0.1
    assert len(history) == 20


def test_learning_rate_rises_once_and_falls_to_nothing():
    config = CompactConfig(epochs=5, learning_rate=0.01)
    rates = np.array([float(loop.learning_rate(config, 100)(step)) for step in range(500)])
    assert rates.max() == pytest.approx(0.01, rel=1e-3)
    assert rates[0] < 0.001
    assert rates[-1] < 0.01 * 0.01
    assert (np.diff(np.sign(np.diff(rates))) != 0).sum() == 1


def test_affect_loss_is_error_plus_lack_of_concordance():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 2)).astype(np.float32)
    answer = (0.4 * truth + 0.1 * rng.normal(size=(40, 2)) + 0.2).astype(np.float32)
    weights = {"affect_weight": 3.0, "concordance_weight": 2.0}
    loss = loop.affect_loss(CompactConfig(**weights))
    found = np.asarray(loss(truth, answer)).mean()
    ccc = np.mean([metrics.concordance(truth[:, k], answer[:, k]) for k in (0, 1)])
    assert found == pytest.approx(3 * np.mean((truth - answer) ** 2) + 2 * (1 - ccc), rel=1e-4)
    assert np.asarray(loss(truth, truth)).mean() == pytest.approx(0, abs=1e-5)


def test_batches_are_seeded_and_grow():
    images = np.random.default_rng(0).integers(0, 256, (20, 48, 48), dtype=np.uint8)
    target = np.eye(9, dtype=np.float32)[np.arange(20) % 9]
    faces = LabelledFaces(images, target, affect=target[:, :2])
    config = CompactConfig.from_dict({**TINY.to_dict(), "small_until": 0.5})
    first, again = (list(loop.batches(faces, config, 0)) for _ in range(2))
    assert [batch[0].shape for batch in first] == [(8, 8, 8, 1)] * 2
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1]["logits"], two[1]["logits"])
    later = list(loop.batches(faces, config, 1))
    assert later[0][0].shape == (8, 16, 16, 1)
    assert (later[0][1]["logits"] != first[0][1]["logits"]).any()  # another order


def test_light_and_contrast_of_the_room_change_nothing():
    network = deployable(build_network(TINY, 16))
    face = np.random.default_rng(0).integers(60, 120, (1, 16, 16, 1)).astype(np.float32)
    bright = network.predict(face, verbose=0)
    dim = network.predict(face * 0.5 + 20, verbose=0)
    np.testing.assert_allclose(bright["probs"], dim["probs"], atol=1e-3)
    assert bright["probs"].shape == (1, 9)
    assert bright["valence"].shape == bright["arousal"].shape == (1,)


def test_temperature_sharpens_and_keeps_the_order():
    network = build_network(TINY, 16)
    faces = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 1)).astype(np.float32)
    soft = deployable(network, 4.0).predict(faces, verbose=0)["probs"]
    sharp = deployable(network, 0.25).predict(faces, verbose=0)["probs"]
    assert (sharp.max(1) > soft.max(1)).all()
    assert (sharp.argmax(1) == soft.argmax(1)).all()
    np.testing.assert_allclose(sharp.sum(1), 1, atol=1e-5)


def test_calibration_undoes_loudness_and_a_wrong_prior():
    rng = np.random.default_rng(0)
    target = rng.dirichlet(np.ones(9), 4000).astype(np.float32)
    offset = np.linspace(-1, 1, 9)
    logits = 4 * (np.log(target) + offset)
    temperature, offsets = targets.fit_calibration(logits, target)
    assert temperature == pytest.approx(4, rel=0.05)
    mended = np.exp((logits + offsets) / temperature)
    mended /= mended.sum(1, keepdims=True)
    assert np.abs(mended - target).mean() < 0.01


def test_calibration_lands_in_the_last_layer():
    rng = np.random.default_rng(0)
    network = build_network(TINY, 16)
    target = rng.dirichlet(np.arange(1, 10), 60).astype(np.float32)
    images = rng.integers(0, 256, (60, 16, 16), dtype=np.uint8)
    temperature = targets.calibrate(
        network, LabelledFaces(images, target, affect=target[:, :2]), TINY
    )
    deployed = deployable(network, temperature)
    probs = deployed.predict(images[..., None].astype(np.float32), verbose=0)["probs"]
    np.testing.assert_allclose(probs.mean(0), target.mean(0), atol=0.02)


def test_balance_gives_rare_classes_weight():
    target = np.eye(9, dtype=np.float32)[[4] * 90 + [1] * 10]
    weight = targets.balance(target, 0.5)
    # (0.1 / 0.9) ** -0.5
    assert weight[-1] / weight[0] == pytest.approx(3, rel=0.01)
    assert (targets.balance(target, 0.0) == 1).all()
    strong = targets.balance(target, 1.0)
    assert strong.max() <= 4
    assert strong.min() >= 0.5
    # A face that comes nine times in an epoch counts as nine faces.
    weight = targets.balance(target[[0, -1]], 0.5, share=np.array([9.0, 1.0]))
    assert weight[1] / weight[0] == pytest.approx(3, rel=0.01)


def test_affect_targets_follow_the_published_ratings():
    votes = np.zeros((4, 9), np.float32)
    votes[0, EMOTIONS.index("neutral")] = 10
    votes[1, EMOTIONS.index("happy")] = 10
    votes[2, EMOTIONS.index("uncertain")] = 10
    votes[3, [EMOTIONS.index("happy"), EMOTIONS.index("sad")]] = 5
    affect = vote_affect(votes, "adfes2011")
    np.testing.assert_allclose(affect[[0, 2]], 0, atol=1e-6)
    # (5.88 - 4) / 3 and (5.27 - 4) / 3, half a neutral vote in 10.5
    np.testing.assert_allclose(affect[1], np.array([1.88, 1.27]) / 3 * 10 / 10.5, rtol=1e-5)
    np.testing.assert_allclose(affect[3], np.array([0.16, 0.41]) / 6 * 10 / 10.5, rtol=1e-5)
    other = vote_affect(votes)  # the same valence, another arousal: (5.53 - 4) / 3
    np.testing.assert_array_equal(other[:, 0], affect[:, 0])
    np.testing.assert_allclose(other[1, 1], 1.53 / 3 * 10 / 10.5, rtol=1e-5)


def test_teacher_labels_are_found_by_picture(ferplus, tmp_path):
    from fer_nb.training.common.ferplus import load_ferplus

    data = load_ferplus(ferplus).part("train")
    faces = targets.faces_of(data, TINY)
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in data.images]
    probs = np.random.default_rng(0).dirichlet(np.ones(9), len(data)).astype(np.float32)
    order = np.random.default_rng(1).permutation(len(data))
    others = {
        "other_images": np.zeros((3, 20, 20), np.uint8),
        "other_probs": np.full((3, 9), 1 / 9, np.float32),
    }
    path = tmp_path / "teacher.npz"
    np.savez(path, pixels=np.array(digests)[order], probs=probs[order], **others)
    mixed = targets.blend(faces, path, TINY)
    share = TINY.teacher_share
    expected = (1 - share) * faces.target + share * probs
    np.testing.assert_allclose(mixed.target[: len(data)], expected, rtol=1e-5)
    assert len(mixed) == len(data) + 3
    votes = 10 * others["other_probs"]
    np.testing.assert_allclose(mixed.affect[-3:], vote_affect(votes, TINY.ratings))
    np.savez(path, pixels=np.array(digests)[:5], probs=probs[:5], **others)
    with pytest.raises(FerError, match="label them all"):
        targets.blend(faces, path, TINY)


def test_features_of_a_teacher_are_guessed_in_training_and_nowhere_else(ferplus, tmp_path, run):
    from fer_nb.training.common.ferplus import load_ferplus

    images = load_ferplus(ferplus).part("train").images
    held = load_ferplus(ferplus, held_out=TINY.held_out, seed=TINY.held_out_seed).part("train")
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    seen = np.array([[image.mean(), image.std()] for image in images]) / 100
    probs = targets.faces_of(load_ferplus(ferplus).part("train"), TINY).target
    path = tmp_path / "teacher.npz"
    np.savez(path, pixels=np.array(digests), probs=probs, features=seen)
    config = replace(TINY, teacher_share=0.0, feature_weight=5.0)
    faces = targets.blend(targets.faces_of(held, config), path, config)
    expected = [[image.mean() / 100, image.std() / 100] for image in held.images]
    np.testing.assert_allclose(faces.features, expected, rtol=1e-5)
    out = train.train(ferplus, tmp_path / "run", config, teacher=path, progress=False)
    theirs = weights(out)  # the network as it was without features, so the output is gone
    assert any(not np.allclose(a, b) for a, b in zip(theirs, weights(run), strict=True))
    without = replace(config, feature_weight=0.0)
    same = train.train(ferplus, tmp_path / "same", without, teacher=path, progress=False)
    for ours, plain in zip(weights(same), weights(run), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-6)
    np.savez(path, pixels=np.array(digests), probs=probs)
    with pytest.raises(FerError, match="features of 0 of"):
        targets.blend(faces, path, config)

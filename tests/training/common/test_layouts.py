"""Labelled faces in the layouts that people have, and splits that part no person."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.training.common.faces import LabelledFaces, drop_duplicates_across_splits, split_faces
from fer_nb.training.common.ferplus import VOTE_EMOTIONS
from fer_nb.training.common.labels import one_hot
from fer_nb.training.common.layouts import read_affect, read_faces


def save(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 16, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_folder_per_emotion(tmp_path):
    save(tmp_path / "Happiness" / "a.png", 1)
    save(tmp_path / "Happiness" / "deeper" / "b.PNG", 2)
    save(tmp_path / "angry" / "c.jpg", 3)
    (tmp_path / "angry" / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "angry" / "notes.txt").write_text("not looked at")
    faces = read_faces(tmp_path)
    assert sorted(faces.emotion) == ["anger", "happy", "happy"]
    assert [name.endswith("broken.jpg") for name in faces.skipped] == [True]
    assert faces.images[0].shape == (20, 16, 3)
    assert faces.images[0].dtype == np.uint8
    assert faces.counts().loc["happy", ""] == 2


def test_folders_with_splits(tmp_path):
    for i, split in enumerate(["train", "Validation", "test"]):
        save(tmp_path / split / "fear" / f"{i}.png", i)
    faces = read_faces(tmp_path)
    assert faces.part("val").emotion == ["fear"]
    assert sorted(faces.split) == ["test", "train", "val"]


def test_unknown_folders_are_all_named(tmp_path):
    for name in ("happy", "bored", "tired"):
        save(tmp_path / name / "a.png", 0)
    with pytest.raises(FerError, match="'bored', 'tired'"):
        read_faces(tmp_path)


def test_reference_csv_with_people(tmp_path):
    save(tmp_path / "pictures" / "a.png", 0)
    save(tmp_path / "pictures" / "b.png", 1)
    pd.DataFrame(
        {
            "image_path": ["pictures/a.png", "pictures/b.png", "pictures/gone.png"],
            "emotion": ["joy", "sadness", "fear"],
            "person": ["ann", "ann", "bob"],
        }
    ).to_csv(tmp_path / "train.csv", index=False)
    faces = read_faces(tmp_path / "train.csv")
    assert faces.emotion == ["happy", "sad"]
    assert faces.group.tolist() == ["ann", "ann"]
    assert len(faces.skipped) == 1


def test_csv_without_its_columns(tmp_path):
    (tmp_path / "train.csv").write_text("file,emotion\na.png,happy\n")
    with pytest.raises(FerError, match="lacks the columns image_path"):
        read_faces(tmp_path / "train.csv")


def fer2013(folder, votes):
    pixels = [" ".join(map(str, np.random.default_rng(i).integers(0, 255, 2304))) for i in range(3)]
    pd.DataFrame(
        {"emotion": [3, 0, 6], "pixels": pixels, "Usage": ["Training", "PublicTest", "PrivateTest"]}
    ).to_csv(folder / "fer2013.csv", index=False)
    if votes:
        counts = pd.DataFrame(
            [[0, 10, 0, 0, 0, 0, 0, 0, 0, 0], [0] * 10, [2, 0, 0, 5, 0, 0, 0, 0, 1, 2]]
        )
        counts.columns = list(VOTE_EMOTIONS)
        counts.insert(0, "Usage", "x")
        counts.insert(1, "Image name", "y")
        counts.to_csv(folder / "fer2013new.csv", index=False)


def test_fer2013_without_votes(tmp_path):
    fer2013(tmp_path, votes=False)
    faces = read_faces(tmp_path)
    assert faces.emotion == ["happy", "anger", "neutral"]
    assert faces.split.tolist() == ["train", "val", "test"]
    assert faces.images.shape == (3, 48, 48)


def test_fer2013_with_votes(tmp_path):
    fer2013(tmp_path, votes=True)
    faces = read_faces(tmp_path / "fer2013.csv")
    assert faces.emotion == ["happy", "sad"]  # nobody voted on the second row
    assert faces.target[1, EMOTIONS.index("uncertain")] == pytest.approx(0.3)
    assert faces.target.sum(axis=1) == pytest.approx(1)


def test_npz_with_votes(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "faces.npz",
        images=rng.integers(0, 255, (60, 48, 48), np.uint8),
        votes=rng.multinomial(10, np.full(10, 0.1), 60).astype(np.uint8),
        vote_names=list(VOTE_EMOTIONS),
        usage=np.repeat([0, 1], [40, 20]).astype(np.uint8),
        usage_names=["Training", "PublicTest"],
    )
    faces = read_faces(tmp_path / "faces.npz")
    assert faces.target.shape == (60, 9)
    assert set(faces.split) == {"train", "val", "test"}


@pytest.mark.parametrize("name", ["nothing", "file.txt", "empty"])
def test_what_is_no_data_set(tmp_path, name):
    (tmp_path / "file.txt").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FerError, match=name):
        read_faces(tmp_path / name)


def made(n, people, seed=0, split=""):
    rng = np.random.default_rng(seed)
    return LabelledFaces(
        rng.integers(0, 255, (n, 8, 8), np.uint8),
        one_hot(rng.choice(EMOTIONS[:4], n)),
        rng.integers(0, people, n),
        np.full(n, split, dtype="<U5"),
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(20, 60))
def test_no_person_on_two_sides(seed, people):
    faces = split_faces(made(400, people, seed), val=0.2, test=0.2, seed=seed)
    sides = pd.DataFrame({"group": faces.group, "split": faces.split}).groupby("group")["split"]
    assert sides.nunique().max() == 1
    share = pd.Series(faces.split).value_counts(normalize=True)
    assert 0.05 < share["val"] < 0.4
    assert 0.05 < share["test"] < 0.4


def test_classes_are_spread_evenly():
    faces = split_faces(made(2000, 2000), val=0.25)
    share = faces.counts().loc[list(EMOTIONS[:4])]
    assert (share["val"] / share.sum(axis=1)).between(0.23, 0.27).all()


def test_given_splits_are_kept_and_a_missing_val_comes_from_train():
    faces = made(200, 200, split="train")
    faces.split[:50] = "test"
    halves = split_faces(faces, val=0.2)
    assert (halves.split[:50] == "test").all()
    assert set(halves.split[50:]) == {"train", "val"}
    assert split_faces(halves) is halves


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["test", "val"]))
def test_whichever_split_is_missing_comes_from_train(seed, missing):
    given_one = "val" if missing == "test" else "test"
    faces = made(500, 300, seed, split="train")
    faces.split[:100] = given_one
    faces.group[:100] += 300
    whole = split_faces(faces, val=0.2, test=0.2, seed=seed)
    assert (whole.split[:100] == given_one).all()
    assert set(whole.split[100:]) == {"train", missing}
    sides = pd.DataFrame({"group": whole.group, "split": whole.split}).groupby("group")["split"]
    assert sides.nunique().max() == 1
    share = whole.rows(np.arange(500) >= 100).counts()
    share = share[missing] / share.sum(axis=1)
    assert share.dropna().between(0.1, 0.3).all()


def test_data_with_train_alone_gets_both():
    whole = split_faces(made(400, 200, split="train"), val=0.25, test=0.25)
    assert pd.Series(whole.split).value_counts()[["val", "test"]].between(80, 120).all()


def test_nothing_is_taken_that_was_not_asked_for():
    faces = made(40, 40, split="train")
    faces.split[:10] = "val"
    assert split_faces(faces, val=0.2) is faces
    faces.split[10:] = ""
    assert split_faces(faces, test=0.2) is faces  # there is no train to take from
    assert set(split_faces(made(40, 40), val=0).split) == {"train"}


def test_too_few_people():
    with pytest.raises(FerError, match="2 groups are too few"):
        split_faces(made(50, 2), val=0.1)
    with pytest.raises(FerError, match="leave something"):
        split_faces(made(50, 20), val=0.6, test=0.5)


def test_repeats_across_splits_are_found_and_dropped(tmp_path):
    for name, seed in (("train/sad/a", 1), ("train/sad/b", 2), ("val/sad/c", 1), ("val/sad/d", 3)):
        save(tmp_path / f"{name}.png", seed)
    faces, dropped = drop_duplicates_across_splits(read_faces(tmp_path))
    assert dropped == 1
    assert [path.name for path in faces.images.paths] == ["a.png", "b.png", "d.png"]


def test_asking_for_a_split_that_is_not_there():
    with pytest.raises(FerError, match="there are: train"):
        made(5, 5, split="train").part("val")


def test_rated_faces_from_csv_and_npz(tmp_path):
    import cv2

    save(tmp_path / "a.png", 0)
    (tmp_path / "rated.csv").write_text("image_path,valence,arousal\na.png,-1,0.5\n")
    images, va = read_affect(tmp_path / "rated.csv")
    assert images[0].shape == (20, 16, 3)
    assert va.tolist() == [[1.0, 5.5]]

    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 250
    coded = [cv2.imencode(".jpg", picture[..., ::-1])[1] for picture in (red, red[..., ::-1])]
    np.savez(
        tmp_path / "rated.npz",
        jpeg=np.concatenate(coded),
        offsets=np.cumsum([0, *map(len, coded)]),
        valence=np.array([0.0, 1.0], np.float32),
        arousal=np.array([0.0, -1.0], np.float32),
    )
    images, va = read_affect(tmp_path / "rated.npz")
    assert images[0].mean(axis=(0, 1)).argmax() == 0  # red, in RGB
    assert va.tolist() == [[4, 4], [7, 1]]
    with pytest.raises(FerError, match="rated faces"):
        read_affect(tmp_path / "gone.csv")

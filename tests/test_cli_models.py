"""`fer-nb train` from labelled pictures on disk to a model that reads faces."""

import cv2
import pytest
from test_cli import fer

pytest.importorskip("keras", reason="training needs the [train] extra")


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A CSV of made faces, with the person in each."""
    from fer_nb.demo.synthetic import synthetic_faces
    from fer_nb.emotions import EMOTIONS

    faces = synthetic_faces(people=10, per_person=5, seed=2)
    folder = tmp_path_factory.mktemp("faces")
    lines = ["image_path,emotion,group"]
    for i, (image, target) in enumerate(zip(faces.images, faces.target, strict=True)):
        cv2.imwrite(str(folder / f"{i:03d}.png"), image[..., ::-1])
        lines.append(f"{i:03d}.png,{EMOTIONS[target.argmax()]},{faces.group[i]}")
    path = folder / "train.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_train_vggface_goes_on_and_gives_models(listed, tmp_path):
    def train(task, epochs):
        arguments = ["train", "vggface", "--data", listed, "--out", tmp_path / task, "--task", task]
        arguments += ["--backbone", "compact", "--weights", "random", "--set", "batch=8"]
        return fer(*arguments, "--set", f"epochs={epochs}")

    for task in ("emotion", "va"):
        run = train(task, 1)
        assert run.returncode == 0, run.stderr
    refused = train("emotion", 2)  # the folder holds a run with another configuration
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    from fer_nb.models.vggfer import VGGFerModel

    read = VGGFerModel(val_ar=True, models_dir=tmp_path)
    name, valence, arousal = read.predict(cv2.imread(str(listed.parent / "000.png")))
    assert isinstance(name, str)
    assert 1 <= valence <= 7
    assert 1 <= arousal <= 7


def test_train_says_what_is_wrong(tmp_path):
    run = fer("train", "vggface", "--data", tmp_path / "absent", "--out", tmp_path / "out")
    assert run.returncode != 0
    assert "absent" in run.stderr
    assert "Traceback" not in run.stderr
    run = fer("train", "compact", "--data", tmp_path / "absent.npz", "--out", tmp_path / "out")
    assert run.returncode != 0
    assert "no file" in run.stderr


def test_compare_prints_a_table_and_writes_it_with_a_picture(listed, tmp_path):
    import pandas as pd

    out = tmp_path / "out"
    run = fer("models", "compare", listed, "--model", "compact-0.10", "--out", out)
    assert run.returncode == 0, run.stderr
    assert "compact-0.10" in run.stdout
    assert "accuracy" in run.stdout
    table = pd.read_csv(out / "comparison.csv", index_col="model")
    assert table.loc["compact-0.10", "faces"] == 50
    assert cv2.imread(str(out / "comparison.png")) is not None
    refused = fer("models", "compare", listed, "--model", "absent")
    assert refused.returncode != 0
    assert "absent" in refused.stderr
    assert "Traceback" not in refused.stderr

"""What the how-to pages show is run as it stands there: their Python, their files, their commands.

Only what takes seconds, and needs neither a cluster nor a store.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image
from typer.testing import CliRunner

import fer_nb
from fer_nb.cli import app
from fer_nb.study import run_study

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text("utf-8"), re.M | re.S)


def run(block: str) -> dict:
    """Run Python by itself, as a reader who copies it does; return what it leaves."""
    names: dict = {}
    exec(compile(block, "a block of the documentation", "exec"), names)
    return names


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shell(block: str) -> list[str]:
    """Run the commands of a block, but no study, which takes longer; return what each printed."""
    said = []
    for line in block.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["fer-nb"] and words[1] != "study":
            done = CliRunner().invoke(app, words[1:])
            assert done.exit_code == 0, f"{line}: {done.output}"
            said.append(done.output)
    return said


def test_priors_are_chosen_so():
    [block] = blocks("priors.md", "python")
    prior = run(block)["model"].prior
    assert prior["neutral"] == pytest.approx(0.7)
    assert sum(prior.values()) == pytest.approx(1)


def test_a_network_of_ones_own_is_described_and_loaded_so(desk, viewer):
    onnx = pytest.importorskip("onnx", reason="the made network needs the [train] extra")
    from onnx import TensorProto, helper, numpy_helper

    shape = ["n", 3, 224, 224]
    weights = np.random.default_rng(0).normal(0, 1, (3, 7)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 7])],
        [numpy_helper.from_array(weights, "w")],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(network, desk / "my_network.onnx")
    [description] = blocks("own_model.md", "json")
    (desk / "my_network.json").write_text(description)
    shutil.copy(viewer, desk / "viewer.mp4")
    Image.fromarray(skimage.data.astronaut()).save(desk / "photo.jpg")

    load, own_object = blocks("own_model.md", "python")
    assert run(load)["model"].missing == ("contempt", "uncertain")
    named = run(own_object)
    table = fer_nb.analyze_image("photo.jpg", model=named["AlwaysHappy"]())
    assert set(table["emotion"]) == {"happy"}
    text = (DOCS / "own_model.md").read_text("utf-8")
    [command] = re.findall(r"`(fer-nb image [^`]+)`", text)
    [said] = shell(command)
    assert "photo.jpg" in said


def test_rafdb_is_listed_so(desk):
    (desk / "list_patition_label.txt").write_text("train_00001.jpg 5\ntest_0001.jpg 7\n")
    [block] = blocks("own_data.md", "python")
    run(block)
    assert (desk / "rafdb.csv").read_text().splitlines() == [
        "image_path,emotion,split",
        "aligned/train_00001_aligned.jpg,sad,train",
        "aligned/test_0001_aligned.jpg,neutral,test",
    ]


def test_parameters_are_listed_so():
    [block] = [text for text in blocks("study_files.md", "sh") if "StudyConfig" in text]
    words = [sys.executable, *shlex.split(block)[1:]]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "smallest_valence" in done.stdout


def test_norms_are_kept_listed_shared_and_merged_so(desk, make_study, quick, monkeypatch):
    office = desk / "office"
    office.mkdir()
    for n, name in ((5, "spring"), (6, "autumn")):
        manifest, tables = make_study(n=n)
        run_study(manifest, tables=tables, config=quick, out_dir=office / name)
    monkeypatch.chdir(office)
    seeding, sharing = blocks("howto_norms.md", "sh")
    assert len(shell(seeding)) == 1
    shutil.copytree(office / "past-studies", desk / "berlin" / "past-studies")
    listed, _, merged = shell(sharing)
    assert listed.count(" trailer ") == 2
    assert (office / "trailers.csv").exists()
    assert "4 already there" in merged

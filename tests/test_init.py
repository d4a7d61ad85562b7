import ast
import pickle
import subprocess
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

import fer_nb
from fer_nb.loader import VideoLoader
from fer_nb.reports.videos import _one


def run(code: str, *arguments) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def test_import_is_light():
    code = (
        "import sys, time; t = time.perf_counter(); import fer_nb; t = time.perf_counter() - t;"
        "heavy = {'tensorflow', 'keras', 'torch', 'jax', 'cv2', 'pandas'} & set(sys.modules);"
        "print(t, *heavy)"
    )
    best = min((run(code).split() for _ in range(3)), key=lambda said: float(said[0]))
    assert float(best[0]) < 0.5
    assert best[1:] == []


def test_inference_needs_no_training_framework():
    code = (
        "import sys, numpy as np, fer_nb;"
        "fer_nb.load_model().predict(np.zeros((48, 48, 3), np.uint8));"
        "print(*({'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules)))"
    )
    assert run(code).split() == []


# A worker's process, from what it is sent to what it answers; the notebook runs in a third one.
WORKER = """
import pickle, shutil, sys
from fer_nb.reports import videos
from fer_nb.weights import notebooks_folder

videos.run_notebook = lambda name, out, *_, **__: shutil.copy(notebooks_folder() / name, out)
with open(sys.argv[1], "rb") as file:
    work, item = pickle.load(file)
answer = work(item)
assert answer is None or answer.ok, answer
print(*({"scipy.stats", "statsmodels", "mne", "matplotlib"} & set(sys.modules)))
"""


@pytest.mark.parametrize("command", ["report", "study"])
def test_workers_load_neither_statistics_nor_figures(tmp_path, viewer, command):
    if command == "report":
        options = {"every": 30, "show_faces": False}
        work = partial(_one, out_dir=tmp_path, force=False, progress=False, options=options)
        sent = work, (viewer, "ann", {})
    else:
        sent = VideoLoader(tmp_path, every=30).keep, {"video": "ann.mp4", "path": viewer}
    (tmp_path / "sent").write_bytes(pickle.dumps(sent))
    assert run(WORKER, tmp_path / "sent").split() == []
    assert len(list(tmp_path.glob("*.parquet"))) == 1


def test_every_public_name_exists_and_is_documented():
    for name in fer_nb.__all__:
        value = getattr(fer_nb, name)
        assert value.__doc__ or not callable(value), name
    assert set(fer_nb.__all__) <= set(dir(fer_nb))


def test_editors_are_told_the_same_names():
    text = Path(fer_nb.__file__).with_suffix(".pyi").read_text("utf-8")
    imported = {
        (node.module, name.name, name.asname)
        for node in ast.parse(text).body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert {name for _, name, _ in imported} == set(fer_nb.__all__)
    for module, name, exported in imported:
        assert exported == name
        assert getattr(import_module(module), name) is getattr(fer_nb, name)


def test_names_of_earlier_versions_are_still_answered_for():
    for name in fer_nb._FORMER["emotions"] + fer_nb._FORMER["faces"]:
        assert getattr(fer_nb, name) is not None
        assert name not in fer_nb.__all__

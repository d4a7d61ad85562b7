import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import fer_nb


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


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

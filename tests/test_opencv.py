import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fer_nb


@pytest.mark.parametrize(
    "command",
    [
        ("import fer_nb; fer_nb.Face",),
        ("from fer_nb.cli import main; main()", "demo", "--out", "demo"),
    ],
    ids=["python", "demo"],
)
def test_an_opencv_that_does_not_start_is_told_with_both_remedies(tmp_path, command):
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open the file')")
    told = subprocess.run(
        [sys.executable, "-c", *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert told.returncode != 0
    for part in ("libGL.so.1", "apt-get install libgl1", "opencv-python-headless"):
        assert part in told.stderr
    assert not (tmp_path / "demo").exists()


def test_all_modules_take_opencv_from_the_one_that_explains():
    own = re.compile(r"^\s*(import cv2|from cv2)", re.MULTILINE)
    sources = Path(fer_nb.__file__).parent.rglob("*.py")
    assert [path.name for path in sources if own.search(path.read_text())] == ["opencv.py"]

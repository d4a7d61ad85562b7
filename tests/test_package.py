"""The package as users get it: built, put into an empty environment, used outside the checkout."""

import os
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from fer_nb.media import VideoWriter

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="needs a source checkout"),
]
WHEEL_LIMIT = 40e6  # bytes; what ships is a few networks for inference, and one to train from:
IDENTITY = "fer_nb/training/finetune/identity.keras"


def run(*command, **options):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=1500, **options
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def installed(dist, tmp_path_factory):
    """A new environment with the wheel in it: its `bin` folder."""
    venv = tmp_path_factory.mktemp("venv") / "venv"
    uv = [sys.executable, "-m", "uv"]
    run(*uv, "venv", "--quiet", "--python", sys.executable, venv)
    [wheel] = dist.glob("*.whl")
    python = venv / "bin" / "python"
    run(*uv, "pip", "install", "--quiet", "--python", python, wheel)
    can_import = subprocess.run([python, "-c", "import cv2"], capture_output=True).returncode == 0
    if not can_import:  # a machine without libGL, as README says
        headless = "opencv-python-headless>=4.10,<5"
        run(*uv, "pip", "uninstall", "--quiet", "--python", python, "opencv-python")
        run(*uv, "pip", "install", "--quiet", "--python", python, "--reinstall", headless)
    return venv / "bin"


@pytest.fixture
def outside(tmp_path):
    """Options of a process that knows nothing of the checkout."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "FER_NB"))}
    return {"cwd": tmp_path, "env": env | {"FER_NB_CACHE": str(tmp_path / "cache")}}


def test_wheel_holds_what_is_needed_and_no_more(dist):
    [wheel], [sdist] = dist.glob("*.whl"), dist.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "fer_nb/py.typed",
        "fer_nb/__init__.pyi",
        "fer_nb/models/compact/model.onnx",
        "fer_nb/models/hsemotion/enet_b2_8/model.json",
        IDENTITY,
        "fer_nb/notebooks/00_quickstart.ipynb",
        "fer_nb/notebooks/solutions/00_quickstart.ipynb",
        "fer_nb/widgets/webcam.js",
    ):
        assert wanted in names
    [terms] = [name for name in names if name.endswith("licenses/LICENSE-WEIGHTS")]
    told = zipfile.ZipFile(wheel).read(terms).decode()
    weights = {name for name in names if name.endswith((".onnx", ".keras"))}
    assert {name for name in weights if name not in told} == {
        "fer_nb/models/compact-0.10/model.onnx"
    }
    trained = [name for name in names if name.endswith((".h5", ".keras", ".npz"))]
    assert trained == [IDENTITY]
    assert not [name for name in names if ".ipynb_checkpoints" in name or name.startswith("tests")]
    assert wheel.stat().st_size < WHEEL_LIMIT
    with tarfile.open(sdist) as archive:
        packed = archive.getnames()
    trained = [name for name in packed if name.endswith((".h5", ".keras"))]
    assert [name.split("/", 1)[1] for name in trained] == [IDENTITY]
    assert any(name.endswith("models/compact/card.md") for name in packed)


def test_it_reads_a_photo_and_a_video(installed, outside, tmp_path, astronaut):
    from PIL import Image

    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    with VideoWriter(tmp_path / "video.mp4", fps=10) as video:
        for i in range(8):
            video.write(astronaut[:300, 60:460], i / 10)
    told = run(installed / "fer-nb", "image", "photo.png", **outside)
    assert "happy" in told
    run(installed / "fer-nb", "video", "video.mp4", "--out", "annotated.mp4", **outside)
    assert (tmp_path / "annotated.mp4").stat().st_size > 1000
    code = (
        "import fer_nb; table = fer_nb.analyze_video('video.mp4');"
        "print(fer_nb.load_model().name, len(table), fer_nb.__file__)"
    )
    name, rows, place = run(installed / "python", "-c", code, **outside).split()
    assert (name, rows) == ("compact", "8")
    assert not Path(place).is_relative_to(ROOT)


def test_its_models_and_notebooks_are_there(installed, outside, tmp_path):
    assert "\nhsemotion/enet_b2_8 " in run(installed / "fer-nb", "models", "list", **outside)
    run(installed / "fer-nb", "lab", "--folder", "lessons", "--version", **outside)
    assert (tmp_path / "lessons" / "00_quickstart.ipynb").is_file()


def test_it_reports_a_recording(installed, outside, tmp_path, viewer):
    """With the notebook, the templates and a kernel of the new environment."""
    run(installed / "fer-nb", "report", viewer, "--out", "reports", **outside)
    assert (tmp_path / "reports" / "index.html").stat().st_size > 1000


def test_the_demo_starts(installed, outside, tmp_path):
    demo = subprocess.Popen([installed / "fer-nb", "demo", "--out", "demo"], **outside)
    try:
        for _ in range(600):
            if list((tmp_path / "demo").rglob("*.mp4")) or demo.poll() is not None:
                break
            time.sleep(0.5)
        assert demo.poll() in (None, 0)
        assert list((tmp_path / "demo").rglob("*.mp4"))
    finally:
        demo.terminate()
        demo.wait(60)

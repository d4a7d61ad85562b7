"""What the documentation says is so."""

import doctest
import importlib
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.main import get_command

import fer_nb
from fer_nb.cli import app

ROOT = Path(__file__).parents[1]
PACKAGE = Path(fer_nb.__file__).parent
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)
TRAIN = ("h5py", "keras", "keras_vggface", "onnx", "sklearn")


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_run(name):
    missing = [package for package in TRAIN if find_spec(package) is None]
    if missing and name.startswith("fer_nb.training."):
        pytest.skip(f"the [train] extra is not whole: {', '.join(missing)}")
    module = importlib.import_module(name)
    found = sum(len(test.examples) for test in doctest.DocTestFinder().find(module))
    assert found == Path(module.__file__).read_text("utf-8").count(">>> "), "some are not found"
    assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0


def test_readme_names_only_commands_that_exist():
    text = (ROOT / "README.md").read_text("utf-8")
    named = set(re.findall(r"fer-nb (\w+)", text))
    assert named
    assert named <= set(get_command(app).commands)
    targets = set(re.findall(r"`?make ([\w-]+)`?", text))
    made = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert targets <= made | {"this"}, targets - made


def test_links_of_the_documentation_lead_somewhere():
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("models/*/card.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
            if not link.startswith(("http", "mailto:")):
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_environment_repeats_no_version():
    text = (ROOT / "environment.yml").read_text()
    assert re.findall(r"[<>=]=?\s*\d[\w.]*", text) == [">=3.11"]

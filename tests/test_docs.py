"""What the documentation says is so."""

import doctest
import importlib
import re
from pathlib import Path

import pytest
from typer.main import get_command

from fer_nb.cli import app

ROOT = Path(__file__).parents[1]
MODULES = ["emotions", "faces", "media", "models", "reactions", "reports", "summary"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    module = importlib.import_module(f"fer_nb.{name}")
    failed, tried = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried > 0
    assert failed == 0


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

"""What the documentation says is so."""

import doctest
import importlib
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.main import get_command

import fer_nb
from fer_nb.cli import app

ROOT = Path(__file__).parents[1]
PACKAGE = Path(fer_nb.__file__).parent
PAGES = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("models/*/card.md")]
PAGES = [page for page in PAGES if page.name != "cli.md"]  # made by the book, of the program
NOTEBOOKS = ROOT / "notebooks"
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


def shown_commands() -> list[str]:
    """Every command of the program in a block or a phrase of code, without what stands for more."""
    found = set()
    for page in PAGES:
        text = re.sub(r"\\\n\s*", "", page.read_text("utf-8"))
        found |= set(re.findall(r"(?:^ *|`)(fer-nb [a-z][^`\n]*)", text, re.MULTILINE))
    for cell in NOTEBOOKS.glob("*.ipynb"):
        found |= set(re.findall(r"`(fer-nb [a-z][^`\n]*)`", cell.read_text("utf-8")))
    return sorted({line.split(" #")[0].strip() for line in found if "…" not in line})


@pytest.mark.parametrize("line", shown_commands())
def test_commands_of_the_documentation_have_those_options(line):
    command, context, rest = get_command(app), None, shlex.split(line)
    while rest:
        name, rest = rest[0], rest[1:]
        context = command.context_class(command, info_name=name, parent=context)
        if hasattr(command, "commands"):
            assert not rest or rest[0] in command.commands, rest
            command = command.commands[rest[0]] if rest else None
            continue
        if rest:  # not only named in a sentence
            # The files of an example need not be here; its options must.
            assert refusal(command, context, rest) in (None, "BadParameter")
        break


def refusal(command, context, arguments: list[str]) -> str | None:
    try:
        command.parse_args(context, arguments)
    except Exception as error:
        return type(error).__name__
    return None


def test_names_of_the_documentation_exist():
    for page in [*PAGES, *NOTEBOOKS.glob("*.ipynb")]:
        for name in re.findall(r"\bfer_nb(?:\.\w+)+", page.read_text("utf-8")):
            if name.rpartition(".")[2] in ("ipynb", "md", "py"):
                continue
            parts, thing = name.split(".")[1:], fer_nb
            for i, part in enumerate(parts):
                if not hasattr(thing, part):
                    importlib.import_module(".".join(["fer_nb", *parts[: i + 1]]))
                thing = getattr(thing, part)


def test_links_of_the_documentation_lead_somewhere():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
            if not link.startswith(("http", "mailto:")):
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_environment_repeats_no_version():
    text = (ROOT / "environment.yml").read_text()
    assert re.findall(r"[<>=]=?\s*\d[\w.]*", text) == [">=3.11"]

"""The book: `make docs` builds it with Sphinx and MyST-NB from these pages and the notebooks."""

import os
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import typer.cli
from docutils import nodes
from typer.main import get_command

import fer_nb
from fer_nb.cli import app as program

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))

import launch  # noqa: E402

project = "fer_nb"
author = "The fer_nb developers"
version = release = fer_nb.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
suppress_warnings = ["myst.header"]  # reports begin their sections below a title of their own

# Notebooks ----------------------------------------------------------------------------------------
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = os.environ.get("FER_NB_BOOK_EXECUTE", "cache")  # "off" for a quick look
nb_execution_cache_path = str(ROOT / "build" / "book-cache")
nb_execution_timeout = 900  # for a cell; on an idle laptop none takes one minute
nb_execution_in_temp = True  # no run finds what an earlier one left behind
nb_execution_raise_on_error = True
nb_merge_streams = True
# A widget needs a kernel; the still picture that it carries needs nothing, least of all a CDN.
nb_ipywidgets_js = {}
nb_mime_priority_overrides = [("*", "application/vnd.jupyter.widget-view+json", None)]

# Reference from the code ----------------------------------------------------------------------
autodoc_member_order = "bysource"
autodoc_mock_imports = [
    name for name in ("keras", "tensorflow", "tf2onnx", "onnx", "h5py") if find_spec(name) is None
]
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_custom_sections = [
    "Source",
    "Sources",
    ("Curves", "params_style"),  # the groups of StudyConfig's parameters
    ("Exclusion", "params_style"),
    ("Statistics", "params_style"),
]

# Looks --------------------------------------------------------------------------------------------
html_theme = "furo"
html_title = "fer_nb"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_show_sphinx = False
html_show_copyright = False
smartquotes = False  # --force stays --force
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
copybutton_prompt_text = ">>> "


def _gather(app, config) -> None:
    """Bring in what lies elsewhere: notebooks, model cards, and the program's own help."""
    for name in ("tutorials", "cards"):
        (HERE / name).mkdir(exist_ok=True)
        for old in (HERE / name).glob("*.*"):
            old.unlink()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        notebook = nbformat.reads(path.read_text("utf-8").replace("](../docs/", "](../"), 4)
        for cell in notebook.cells:
            if "alt" in cell.metadata:
                cell.metadata["mystnb"] = {"image": {"alt": cell.metadata["alt"]}}
        first, place = notebook.cells[0], f"notebooks/{path.name}"
        first.source = launch.with_links(first.source, place, config.repository)
        nbformat.write(notebook, HERE / "tutorials" / path.name)
    names = sorted(path.parent.name for path in (ROOT / "models").glob("*/card.md"))
    for name in names:
        shutil.copytree(
            ROOT / "models" / name, HERE / "cards", dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("runs", "*.h5", "*.json", "*.onnx", "*.keras"),
        )  # fmt: skip
        (HERE / "cards" / "card.md").rename(HERE / "cards" / f"{name}.md")
    listed = "\n".join(names)
    (HERE / "cards" / "index.md").write_text(f"# Model cards\n\n```{{toctree}}\n{listed}\n```\n")
    command = get_command(program)
    _tell_in_full(command)
    context = command.context_class(command, info_name="fer-nb")
    text = typer.cli.get_docs_for_click(obj=command, ctx=context, name="fer-nb")
    text = text.replace("```console\n$ ", "```text\n").replace("# `fer-nb`", "# Command line", 1)
    (HERE / "cli.md").write_text(text, "utf-8")


def _tell_in_full(group) -> None:
    """Let a list of commands quote their first sentences whole: a page is no terminal."""
    for command in group.commands.values():
        command.short_help = " ".join(command.help.partition("\n\n")[0].split())
        if hasattr(command, "commands"):
            _tell_in_full(command)


def _links(app, page: str, source: list[str]) -> None:
    """Point links that are right in the repository to the same thing in the book."""
    text = source[0]
    here = "../" if "/" in page else ""
    text = re.sub(r"\]\((?:\.\./)*models/(\w[\w.-]*)/card\.md", rf"]({here}cards/\1.md", text)
    text = re.sub(r"\]\(\.\./([\w.-]+)/card\.md", r"](\1.md", text)  # from card to card
    text = re.sub(r"\]\((?:\.\./)*notebooks/(\w+\.ipynb)", rf"]({here}tutorials/\1", text)
    text = re.sub(r"\]\((?:\.\./)*docs/(\w+\.md)", rf"]({here}\1", text)
    # Code and records are not part of the book: their links become their names.
    source[0] = re.sub(
        r"\[([^]]+)\]\((?:\.\./)+(?!\w+\.md|\w+/\w+\.(?:md|ipynb))[^)]*\)", r"\1", text
    )


def _citations(app, what, name, obj, options, lines: list[str]) -> None:
    """Let ``*Journal, 14*(1)`` end its emphasis, as reStructuredText does not see it."""
    lines[:] = [re.sub(r"(\d)\*\(", r"\1*\\ (", line) for line in lines]


def _bars(app, doctree) -> None:
    """Take out progress bars: without a kernel they would stand at 0 % for ever."""
    for node in list(doctree.findall(nodes.literal_block)):
        if re.match(r"[^\n]*\d+%\|", node.astext()):
            node.parent.remove(node)


def _wide(app, doctree) -> None:
    """Put a picture that stands by itself into a box, in which it can scroll on a phone."""
    for node in list(doctree.findall(nodes.image)):
        if isinstance(node.parent, nodes.paragraph) and len(node.parent) == 1:
            paragraph = node.parent
            paragraph.replace_self(box := nodes.container(classes=["picture"]))
            box += paragraph


def _dashes(app, doctree) -> None:
    """Part a parameter from its description with a dash; smart quotes, which would, are off."""
    for node in list(doctree.findall(nodes.Text)):
        if node.astext() == " -- ":
            node.parent.replace(node, nodes.Text(" – "))


def setup(app) -> None:
    """Run before Sphinx looks for pages, and on each page that it reads."""
    app.add_config_value("repository", launch.repository(), "env", str)
    app.connect("autodoc-process-docstring", _citations)
    app.connect("config-inited", _gather)
    app.connect("source-read", _links)
    app.connect("doctree-read", _bars)
    app.connect("doctree-read", _dashes)
    app.connect("doctree-read", _wide)

"""`fer-nb lab`: JupyterLab on the notebooks, in a folder of the user's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from fer_nb.files import make_folder
from fer_nb.weights import notebooks_folder


def lab(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Folder for your copies of the notebooks.")] = Path(
        "fer_nb-notebooks"
    ),
    yes: Annotated[
        bool, typer.Option("--yes", help="Overwrite notebooks that differ, without asking.")
    ] = False,
) -> None:
    """Copy the notebooks to a folder of yours, and open JupyterLab.

    JupyterLab's own options may follow.
    """
    changed = copy_new(folder)
    if changed:
        names = ", ".join(str(path) for path in changed)
        question = f"{names}: changed, or of another version than shipped. Overwrite?"
        # Where nobody can answer, what is there stays.
        if yes or (sys.stdin.isatty() and typer.confirm(question, default=False)):
            for path in changed:
                shutil.copyfile(notebooks_folder() / path, folder / path)
        else:
            typer.echo(f"kept: {names}", err=True)
    typer.echo(f"notebooks: {folder.resolve()}", err=True)
    command = [sys.executable, "-m", "jupyterlab", str(folder), *context.args]
    raise typer.Exit(subprocess.call(command))


def copy_new(folder: Path) -> list[Path]:
    """Copy the notebooks that `folder` lacks, and return the names of those that differ there."""
    source, changed = notebooks_folder(), []
    for notebook in sorted(source.rglob("*.ipynb")):
        name = notebook.relative_to(source)
        if ".ipynb_checkpoints" in name.parts or name.parts[0] == "runs":
            continue
        target = folder / name
        if not target.exists():
            make_folder(target.parent)
            shutil.copyfile(notebook, target)
        elif target.read_bytes() != notebook.read_bytes():
            changed.append(name)
    return changed

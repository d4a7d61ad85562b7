"""Fit a run's arousal anew for another rating table; all else stays as it is, to the bit.

The last layer's weights for arousal come from ridge regression on the features of the training
faces, in several augmented views. The result is a run folder, ready for
`fer_nb.training.export.export`.

    python benchmarks/model_arousal.py runs/4 --data ferplus.npz --out runs/5
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from fer_nb.training import datasets, distill, loop
from fer_nb.training.augment import augment
from fer_nb.training.compact_net import CompactConfig, build_network
from fer_nb.training.metrics import concordance

RIDGE = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", default="circumplex")
    parser.add_argument("--views", type=int, default=4)
    options = parser.parse_args()
    record = json.loads((options.run / "run.json").read_text())
    config = replace(CompactConfig.from_dict(record["config"]), affect_table=options.table)
    network = build_network(config)
    network.load_weights(options.run / "network.weights.h5")
    plus = datasets.load_ferplus(options.data, held_out=config.held_out, seed=config.seed)
    learn, aside = (distill.faces_of(plus.part(name), config) for name in ("train", "held_out"))
    layer = network.get_layer("affect")
    weights, bias = layer.get_weights()
    fitted = fit(network, learn, config, options.views)
    weights[:, 1], bias[1] = fitted[:-1], fitted[-1]
    layer.set_weights([weights, bias])
    said = loop.predict(network, aside, config.size)["affect"][:, 1]
    measured = loop.measure(network, aside, config.size)
    measured["held_out_arousal_concordance"] = round(concordance(aside.affect[:, 1], said), 4)
    print(measured)
    options.out.mkdir(parents=True, exist_ok=True)
    network.save_weights(options.out / "network.weights.h5")
    record |= {
        "config": config.to_dict(),
        "arousal_fitted": {"begun_from": options.run.name, "views": options.views, "ridge": RIDGE},
        "history": [measured],
    }
    (options.out / "run.json").write_text(json.dumps(record, indent=1) + "\n")


def fit(network: keras.Model, faces: loop.Faces, config: CompactConfig, views: int) -> np.ndarray:
    """Return the weights of each feature and, last, the offset."""
    trunk = keras.Model(network.input, network.get_layer("pool").output)
    square, mixed = 0.0, 0.0
    for view in range(views):
        rng = np.random.default_rng([config.seed, view])
        pictures = [augment(image, rng, config.size, config.augmentation) for image in faces.images]
        pictures = np.stack(pictures)[..., None].astype(np.float32)
        features = trunk.predict(pictures, batch_size=256, verbose=0).astype(float)
        features = np.column_stack([features, np.ones(len(features))])
        square = square + features.T @ features
        mixed = mixed + features.T @ faces.affect[:, 1]
    ridge = RIDGE * np.eye(len(mixed))
    ridge[-1, -1] = 0  # the offset is free
    return np.linalg.solve(square + ridge, mixed)


if __name__ == "__main__":
    main()

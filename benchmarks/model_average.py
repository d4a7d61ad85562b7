"""Average the weights of runs of the compact network that began with the same weights.

Where runs end in one valley of the loss, the mean of their weights is often better than each
(Wortsman et al. 2022, *Model soups*). The mean is calibrated anew on the faces kept aside, and the
result is a run folder, ready for `fer_nb.training.export.export`.

    python benchmarks/model_average.py runs/2 runs/3 --data ferplus.npz --out runs/mean
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from fer_nb.training import datasets, distill, loop
from fer_nb.training.compact_net import CompactConfig, build_network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    record = json.loads((options.runs[-1] / "run.json").read_text())
    config = CompactConfig.from_dict(record["config"])
    network = build_network(config)
    weights = []
    for run in options.runs:
        network.load_weights(run / "network.weights.h5")
        weights.append(network.get_weights())
    network.set_weights([np.mean(each, axis=0) for each in zip(*weights, strict=True)])
    plus = datasets.load_ferplus(options.data, held_out=config.held_out, seed=config.held_out_seed)
    aside = distill.faces_of(plus.part("held_out"), config)
    temperature = distill.calibrate(network, aside, config)
    options.out.mkdir(parents=True, exist_ok=True)
    network.save_weights(options.out / "network.weights.h5")
    record |= {
        "mean_of": [run.name for run in options.runs],
        "temperature": temperature,
        "history": [loop.measure(network, aside, config.size)],
    }
    (options.out / "run.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()

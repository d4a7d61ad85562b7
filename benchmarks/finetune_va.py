"""Three ways to make valence/arousal labels, on the same frozen features, against people's ratings.

Trained on a part of FER+ as in `finetune_ferplus.py`, judged on faces that were rated for valence
and arousal and that no training has seen.

    python benchmarks/finetune_va.py --data ferplus_trainval.npz --affect diffusionfer_dev.npz \
        --backbone backbone.keras --work runs/finetune
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from finetune_ferplus import some_of
from model_peers import CAFFE_MEANS

from fer_nb.emotions import RATINGS
from fer_nb.files import sha256
from fer_nb.training.config import FineTuneConfig
from fer_nb.training.finetune import fine_tune
from fer_nb.training.labels import VA_METHODS, va_scores
from fer_nb.training.layouts import read_affect, read_faces, unlabelled
from fer_nb.vggfer import Preprocessing

RECORD = Path(__file__).parent / "records" / "finetune_va.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--affect", required=True)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--cut", default="global_pooling")
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--pictures", type=int, help="to train on; all by default")
    parser.add_argument("--val", type=int, help="for early stopping; all kept aside by default")
    parser.add_argument("--work", default="runs/finetune")
    options = parser.parse_args()

    faces = some_of(read_faces(options.data), train=options.pictures, val=options.val)
    images, truth = read_affect(options.affect)
    judged = unlabelled(images)
    config = FineTuneConfig(
        task="va",
        backbone=options.backbone,
        weights=None,
        cut=options.cut,
        preprocessing=Preprocessing(options.size, "bgr", CAFFE_MEANS),
        unfrozen=0,
        views=2,
        epochs=10,
    )
    results = []
    for table in RATINGS:
        for how in VA_METHODS:
            if table != "adfes2011" and how == "gaussian":
                continue  # the others give no spread of arousal
            chosen = replace(config, va_method=how, va_table=table)
            work = Path(options.work)
            run = fine_tune(
                chosen, faces, work / f"va-{how}-{table}", cache_folder=work / "features"
            )
            scores = va_scores(truth, run.predict(judged))
            results.append({"method": how, "table": table, **scores})
            print(results[-1], flush=True)
    record = {
        "config": replace(config, backbone=Path(options.backbone).name).to_json(),
        "data_sha256": sha256(options.data),
        "affect_sha256": sha256(options.affect),
        "pictures": {
            **{split: int((faces.split == split).sum()) for split in ("train", "val")},
            "judged": len(judged),
        },
        "results": results,
    }
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()

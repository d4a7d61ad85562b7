"""Write the measured figures into models/compact/card.md, between its markers.

Reads `benchmarks/records/`: model_priors.json, model_peers.json, and what model_groups.py,
model_speed.py and model_flicker.py printed (model_groups.txt, model_speed.txt, model_flicker.txt).
The sentences around the figures are written by hand.

    python benchmarks/model_card.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from fer_nb import load_model

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "benchmarks" / "records"
CARD = ROOT / "models" / "compact" / "card.md"


def main() -> None:
    tables = json.loads((RECORDS / "model_priors.json").read_text())
    peers = json.loads((RECORDS / "model_peers.json").read_text())
    groups, speed, flicker = (
        (RECORDS / f"model_{name}.txt").read_text() for name in ("groups", "speed", "flicker")
    )
    strength = str(load_model("compact").info["prior_strength"])
    natural, default = tables["0.0"], tables[strength]
    blocks = {
        "priors": priors(tables, strength),
        "votes": votes(natural["public_test"], default["public_test"]),
        "disturbed": disturbed(natural["disturbed"], default["disturbed"]),
        "diffusionfer": seven(default["diffusionfer"]),
        "faces_color": seven(default["faces_color"]),
        "affect": affect(default["diffusionfer"]["affect"]),
        "london": london(default["london"]),
        "peers": peer_table(peers),
        "speed": code(speed),
        "flicker": flicker.strip().splitlines()[-1].removeprefix("mean").strip() + ".",
        "groups": code(groups),
    }
    text = CARD.read_text(encoding="utf-8")
    for name, block in blocks.items():
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, found = marked.subn(lambda m, b=block: f"{m[1]}\n{b}\n\n{m[2]}", text)
        if found != 1:
            raise SystemExit(f"{CARD} has {found} places marked {name!r}, not one")
    CARD.write_text(text, encoding="utf-8")


def interval(value: list[float]) -> str:
    return f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"


def table(*rows: list[str]) -> str:
    head, *rest = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|" + "---|" * len(rows[0]), *rest])


def code(text: str) -> str:
    return f"```\n{text.rstrip()}\n```"


def priors(tables: dict, default: str) -> str:
    rows = [
        [
            f"natural^{1 - float(strength):g}" + (" (default)" if strength == default else ""),
            f"{each['score']:.3f}",
            f"{each['public_test']['accuracy of eight'][0]:.3f}",
            f"{each['public_test']['macro F1 of eight'][0]:.3f}",
            f"{each['diffusionfer']['macro F1'][0]:.3f}",
            f"{each['faces_color']['macro recall'][0]:.3f}",
        ]
        for strength, each in tables.items()
    ]
    measures = ["PublicTest accuracy", "macro-F1 of eight", "DiffusionFER macro-F1"]
    return table(["prior", "score", *measures, "faces_color macro-recall"], *rows)


def votes(natural: dict, default: dict) -> str:
    measures = [name for name, value in natural.items() if isinstance(value, list)]
    rows = [[name, interval(natural[name]), interval(default[name])] for name in measures]
    rows += [
        [f"recall, {name}", f"{value:.3f}", f"{default['recall'][name]:.3f}"]
        for name, value in natural["recall"].items()
    ]
    return table(["measure", "natural prior", "default prior"], *rows)


def disturbed(natural: dict, default: dict) -> str:
    parts = [f"{name} {value:.3f} ({default[name]:.3f})" for name, value in natural.items()]
    falls = [100 * (each["clean"] - min(each.values())) for each in (natural, default)]
    worst = f"Largest fall: {falls[0]:.1f} points ({falls[1]:.1f})."
    return "; ".join(parts) + ".\n" + worst


def seven(judged: dict) -> str:
    recall = ", ".join(f"{name} {value:.2f}" for name, value in judged["recall"].items())
    measures = "; ".join(f"{n} {interval(judged[n])}" for n in ("accuracy", "macro F1"))
    macro = interval(judged["macro recall"])
    return f"n = {judged['pictures']}: {measures}; macro recall {macro}. Recall: {recall}."


def affect(judged: dict) -> str:
    names = judged["network"]
    rows = [[name, *(interval(each[name]) for each in judged.values())] for name in names]
    return table(["measure", *judged], *rows)


def london(judged: dict) -> str:
    parts = [
        f"{name} {interval(value) if isinstance(value, list) else format(value, '.3f')}"
        for name, value in judged.items()
        if name != "pictures"
    ]
    return f"n = {judged['pictures']}: " + "; ".join(parts) + "."


def peer_table(peers: dict) -> str:
    columns = {
        "PublicTest accuracy": ("public_test", "accuracy"),
        "PublicTest macro-F1": ("public_test", "macro F1"),
        "DiffusionFER macro-F1": ("diffusionfer", "macro F1"),
        "faces_color macro-F1": ("faces_color", "macro F1"),
        "neutral against smiling": ("london", "neutral against smiling"),
        "its AUROC": ("london", "AUROC"),
    }
    rows = [
        [name, *(interval(each[judge][measure]) for judge, measure in columns.values())]
        for name, each in peers.items()
    ]
    return table(["model", *columns], *rows)


if __name__ == "__main__":
    main()

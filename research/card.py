"""Write the measured figures into the models' cards, between their markers.

    python research/card.py

Reads what research/measure.py and research/speed.py wrote; the sentences around the figures are
written by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "research" / "records" / "figures"
CARDS = {"accurate": ("accurate", "compact"), "compact": ("compact", "accurate")}
OTHERS = ("compact-0.10", "mobilenet_7")


def worst(found: dict) -> str:
    """Return by how many points the worst corruption lowers accuracy, and which it is."""
    corrupted = dict(found["natural"]["corrupted"])
    clean = corrupted.pop("clean")
    name = min(corrupted, key=corrupted.get)
    return f"{100 * (clean - corrupted[name]):.1f} ({name})"


def share(pair: list[int]) -> str:
    """Return hits and their number as a share."""
    return f"{pair[0]}/{pair[1]} = {pair[0] / pair[1]:.2f}"


def three(value) -> str:
    """Return a measure to three places, with its interval if it has one."""
    if isinstance(value, list):
        return f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"
    return f"{value:.3f}"


def some(found: dict, names: tuple[str, ...]) -> str:
    """Return the recall of some emotions."""
    return ", ".join(f"{found[name]:.2f}" if name in found else "-" for name in names)


RARE = ("disgust", "fear")
ROWS: dict[str, Callable[[dict], str]] = {
    "**RAF-DB test**, own prior: accuracy": lambda m: three(m["rafdb_test"]["own prior: accuracy"]),
    "macro-recall": lambda m: three(m["rafdb_test"]["own prior: macro recall"]),
    "calibration error": lambda m: three(m["rafdb_test"]["own prior: calibration error"]),
    "accuracy without pictures that resemble a train picture": lambda m: three(
        m["rafdb_test without likenesses"]["own prior: accuracy"]
    ),
    "accuracy, default prior": lambda m: three(m["rafdb_test"]["default prior: accuracy"]),
    "macro-recall, default prior": lambda m: three(m["rafdb_test"]["default prior: macro recall"]),
    "disgust, fear found, default prior": lambda m: some(
        m["rafdb_test"]["default prior: recall"], RARE
    ),
    "**FER+ PublicTest**, eight emotions: accuracy, natural prior": lambda m: three(
        m["natural"]["public_test"]["accuracy of eight"]
    ),
    "where most raters agree": lambda m: three(
        m["natural"]["public_test"]["accuracy of eight where most agree"]
    ),
    "calibration error against the votes": lambda m: three(
        m["natural"]["public_test"]["calibration error"]
    ),
    "accuracy, default prior ": lambda m: three(m["default"]["public_test"]["accuracy of eight"]),
    "contempt, disgust, fear found, default prior": lambda m: some(
        m["default"]["public_test"]["recall"], ("contempt", *RARE)
    ),
    "*uncertain* where raters disagree: AUROC": lambda m: three(
        m["natural"]["public_test"]["uncertain AUROC"]
    ),
    "worst corruption costs, in points": worst,
    "**DiffusionFER** (synthetic), default prior: accuracy": lambda m: three(
        m["default"]["diffusionfer"]["accuracy"]
    ),
    "macro-F1": lambda m: three(m["default"]["diffusionfer"]["macro F1"]),
    "valence, concordance with ratings": lambda m: three(
        m["default"]["diffusionfer"]["affect"]["network"]["valence CCC"]
    ),
    "arousal": lambda m: three(m["default"]["diffusionfer"]["affect"]["network"]["arousal CCC"]),
    "same decision in grey as in colour": lambda m: three(
        m["default"]["diffusionfer"]["grey as colour"]
    ),
    "**faces_color**, other half of the people: macro-recall": lambda m: three(
        m["default"]["faces_color"]["macro recall"]
    ),
    "**London Set**, neutral against smiling": lambda m: three(
        m["default"]["london"]["neutral against smiling"]
    ),
    "smiles of women found": lambda m: share(m["london"]["female smiling"]),
    "smiles of men found": lambda m: share(m["london"]["male smiling"]),
    "fastest call, one face, one thread, ms": lambda m: str(m["speed"]["batch 1, 1 thread"]),
    "fastest call, a face of 16, two threads, ms": lambda m: str(m["speed"]["batch 16, 2 threads"]),
    "flicker on 11 clips": lambda m: three(m["flicker"]),
}


def table(figures: dict, speed: dict, names: tuple[str, ...]) -> str:
    """Return a Markdown table, a column a model; a measure that a peer lacks is a dash."""
    lines = ["| measure | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for measure, read in ROWS.items():
        cells = []
        for name in names:
            try:
                cells.append(read({**figures[name], "speed": speed.get(name, {})}))
            except KeyError:
                cells.append("-")
        lines.append(f"| {measure.strip()} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Fill in both cards."""
    figures = {path.stem: json.loads(path.read_text()) for path in FIGURES.glob("*.json")}
    speed = json.loads((FIGURES.parent / "speed.json").read_text())
    for card, names in CARDS.items():
        path, own = ROOT / "models" / card / "card.md", figures[card]
        told = f"Measured {own['date']} ({own['machine']}) by `research/measure.py`.\n\n"
        before, rest = path.read_text().split("<!-- figures -->")
        after = rest.split("<!-- end -->")[1]
        shown = f"{told}{table(figures, speed, (*names, *OTHERS))}"
        path.write_text(f"{before}<!-- figures -->\n\n{shown}\n\n<!-- end -->{after}")
        print(path)


if __name__ == "__main__":
    main()

# ruff: noqa: E501  (the lines are sentences of a page)
"""Make docs/results.md and its figure from research/records/finetune.json.

python research/finetune_report.py
"""

import json
from pathlib import Path

import numpy as np

from fer_nb.plots import INK, figure

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "research" / "records" / "finetune.json"
SPEED = ROOT / "research" / "records" / "finetune_speed.json"
PAGE, PICTURE = ROOT / "docs" / "results.md", ROOT / "docs" / "figures" / "finetune.png"
ORDER = ("frozen", "last 13", "last 25", "last 13, hard labels", "reference", "reference, votes")
COLORS = ("#9AA0A8", "#1B6E6A", "#0072B2", "#B3541E", "#7B52AB", "#D9A441")
WHOLE = ", all pictures"  # ends the name of a run on all of FER+ Training


def main() -> None:
    records = json.loads(RECORDS.read_text())
    found = list(records["runs"].values())
    found.sort(key=lambda run: (-run["pictures"]["train"], ORDER.index(base(run)), seed(run)))
    runs = [run for run in found if seed(run) == 0]
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    draw(runs).savefig(PICTURE)
    parts = [INTRODUCTION, fine_tuning(runs, found), valence_arousal(records["va"])]
    parts.append(speed(json.loads(SPEED.read_text())))
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(PAGE, PICTURE)


def base(run: dict) -> str:
    """Return the experiment's name without its seed and how many pictures it had."""
    return run["experiment"].removesuffix(f", seed {seed(run)}").removesuffix(WHOLE)


def seed(run: dict) -> int:
    return run["config"]["seed"]


def same(found: list[dict], name: str, pictures: int) -> dict[int, dict]:
    """Return the runs of one experiment by their seeds."""
    alike = [r for r in found if base(r) == name and r["pictures"]["train"] == pictures]
    return {seed(run): run for run in alike}


INTRODUCTION = """# Results of fine-tuning

This page is made by `python research/finetune_report.py` from the run records in
`research/records/`; the numbers are not typed. How good the compact model is that ships, and on
what, stands in its card, `models/compact/card.md`."""


def fine_tuning(runs: list[dict], found: list[dict]) -> str:
    first = runs[0]
    config, size = first["config"], first["config"]["preprocessing"]["size"]
    minutes = sum(run["seconds"] for run in runs) / 60
    counts = dict.fromkeys((run["pictures"]["train"], run["pictures"]["val"]) for run in runs)
    parts = " or ".join(f"{train:,} (and {val:,} for early stopping)" for train, val in counts)
    lines = [
        "## The recipe of notebook 1 on FER+",
        "",
        f"**Backbone**: a MobileNet v1 that was trained to tell people apart (VGGFace2) and then to "
        f"guess age and gender, at {size} × {size} pixels. The ResNet-50 file of keras-vggface "
        "could not be downloaded where this was run; any Keras backbone goes through the same code. "
        f"**Pictures**: {parts} of FER+ Training, drawn at random; {first['pictures']['test']:,} pictures of PublicTest (without those that also are in "
        "Training) were looked at once per run. PrivateTest was not used. "
        f"{config['epochs']} epochs, {config['views']} views: {minutes:.0f} minutes for all "
        "rows, with one seed, on two shared cores of a CPU. Compare the rows with each other; longer trainings of "
        "larger networks reach more (84 to 89 % in the literature).",
        "",
        "| run | pictures | trained | learning | labels | accuracy (95 % interval) | with other seeds | mean recall of the nine classes "
        "| cross-entropy to the votes | calibration error | median epoch | whole run |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        config, test = run["config"], run["test"]
        alike = same(found, base(run), run["pictures"]["train"])
        others = [f"{one['test']['accuracy']:.3f}" for each, one in alike.items() if each]
        recipe = "reference" if config["schedule"] == "exponential" else "ours"
        seconds = np.median([epoch["seconds"] for epoch in run["history"]])
        lines.append(
            f"| {base(run)} | {run['pictures']['train']:,} | {run['trainable_parameters'] / 1e6:.2f} M, last "
            f"{config['unfrozen']} layers | {recipe} | {config['targets']} | "
            f"{test['accuracy']:.3f} ({test['accuracy_low']:.3f}–{test['accuracy_high']:.3f}) | {', '.join(others) or '–'} | "
            f"{test['macro_recall']:.3f} | {test['cross_entropy']:.3f} | "
            f"{test['calibration_error']:.3f} | {seconds:.0f} s | {run['seconds'] / 60:.0f} min |"
        )
    lines += ["", "![accuracy and learning curves of the runs](figures/finetune.png)", ""]
    lines += [
        "- *ours*: Adam with weight decay 1e-4, one epoch of warming up to 1e-3 and half a cosine "
        "down; mirrored, turned, zoomed, shifted, brighter and darker views. *reference*: Adam from "
        "5e-4, times 0.9 per epoch (the reference project's own rate of decay is not on record), mirrored views.",
        "- Accuracy counts nine classes, with *unknown* and *not a face* votes as *uncertain*. "
        "Intervals come from 2,000 bootstrap draws of the test pictures and hold no spread over seeds. A seed "
        "decides the head's first weights, the views and the order of the pictures; the other columns are of seed 0.",
        "- A whole run includes the outputs of the frozen part, where no earlier run had stored them. Other "
        "programs used the same cores: the times tell hours from minutes, no more.",
        "- The calibration error is against the most voted emotion. Votes make a network less sure on "
        "purpose: its confidence is the share of raters that it expects.",
    ]
    for pictures in dict.fromkeys(run["pictures"]["train"] for run in runs):
        for title, one, other in (
            ("Votes against hard labels, all else equal", "last 13", "last 13, hard labels"),
            ("Our preset (votes) against the reference's (hard labels)", "last 13", "reference"),
        ):
            ours, theirs = (same(found, name, pictures) for name in (one, other))
            both = sorted(ours.keys() & theirs.keys())
            if both:
                pairs = [(ours[each]["test"], theirs[each]["test"]) for each in both]
                lines.append(f"- {title}, {pictures:,} pictures: {differences(pairs)}.")
    return "\n".join(lines)


def differences(pairs: list[tuple[dict, dict]]) -> str:
    """Say how the first differs from the second: the mean over seeds, and lowest to highest."""
    names = ("accuracy", "macro_recall", "cross_entropy", "calibration_error")
    words = ("accuracy", "mean recall", "cross-entropy to the votes", "calibration error")
    parts = []
    for name, word in zip(names, words, strict=True):
        found = [one[name] - other[name] for one, other in pairs]
        spread = f" ({min(found):+.3f} to {max(found):+.3f})" if len(found) > 1 else ""
        parts.append(f"{word} {np.mean(found):+.3f}{spread}")
    return (f"mean of {len(pairs)} seeds: " if len(pairs) > 1 else "") + ", ".join(parts)


def valence_arousal(record: dict) -> str:
    pictures, size = record["pictures"], record["config"]["preprocessing"]["size"]
    lines = [
        "## Three ways to label valence and arousal",
        "",
        f"The same backbone, frozen, at {size} × {size} pixels, trained on {pictures['train']:,} pictures of FER+ with made "
        f"labels and judged on {pictures['judged']} synthetic faces that two people rated "
        "(DiffusionFER, development half). Labels: see notebook 3. CCC is Lin's concordance; RMSE "
        "is in points of the 1–7 scale.",
        "",
        "| labels | table | valence CCC | r | RMSE | arousal CCC | r | RMSE |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in record["results"]:
        cells = [
            f"{row[f'{d}_{m}']:.3f}" for d in ("valence", "arousal") for m in ("ccc", "r", "rmse")
        ]
        lines.append(f"| {row['method']} | {row['table']} | {' | '.join(cells)} |")
    best = {
        d: max(record["results"], key=lambda r, d=d: r[f"{d}_ccc"]) for d in ("valence", "arousal")
    }
    lines += [
        "",
        "Highest concordance: "
        + "; ".join(f"{d} with *{r['method']}* labels of *{r['table']}*" for d, r in best.items())
        + ". One run each. Arousal depends on the table: the raters of these faces found anger and surprise most "
        "stirred up, as the words' ratings in *circumplex* (Russell & Mehrabian 1977) and the reference's table have "
        "it; in adfes2011 joy is, and fear is calmer than neutral. The compact model follows *circumplex*, whose valence "
        "is that of adfes2011. Two raters of synthetic faces are no gold standard.",
    ]
    return "\n".join(lines)


def speed(record: dict) -> str:
    counts = next(r["multiplications"] for r in record["rows"] if r["unfrozen"] == 13)
    billions = {name: f"{count / 1e9:.2f}" for name, count in counts.items()}
    lines = [
        "## The frozen part, once",
        "",
        f"VGGFace ResNet-50 (random weights) at 224 × 224, {record['rows'][0]['pictures']} pictures, {record['cores']} quiet cores; the median epoch after the first, validation included. Where 13 layers learn, the gain has a limit: the three large convolutions among them have to be run forwards and backwards in both loops. Counted in multiplications, {billions['cached']} of {billions['plain']} billion for a picture learned from remain ({counts['plain'] / counts['cached']:.1f} × fewer), and {billions['cached_validation']} of {billions['plain_validation']} for one in validation.",
        "",
        "| trained | plain loop | stored activations | speed-up |",
        "|---|---|---|---|",
    ]
    for row in record["rows"]:
        lines.append(
            f"| last {row['unfrozen']} layers | {row['plain_epoch_s']:.1f} s | "
            f"{row['cached_epoch_s']:.2f} s | {row['speed_up']:.1f} × |"
        )
    lines += [
        "",
        "That both loops give the same losses is held by a test on a small network, to 2 %; with random weights and this learning rate ResNet-50 itself does not settle.",
    ]
    return "\n".join(lines)


def draw(runs: list[dict]):
    colors = dict(zip(ORDER, COLORS, strict=True))
    names = [name for name in ORDER if any(base(run) == name for run in runs)]
    most = max(run["pictures"]["train"] for run in runs)
    with figure(1, 2, figsize=(10.5, 3.8)) as (fig, (left, right)):
        for run in runs:
            whole = run["pictures"]["train"] == most
            row = names.index(base(run)) + (-0.16 if whole else 0.16)
            color, test = colors[base(run)], run["test"]
            left.plot([test["accuracy_low"], test["accuracy_high"]], [row, row], color=color, lw=2)
            fill = color if whole else "white"
            left.plot(test["accuracy"], row, "o", ms=7, mfc=fill, mec=color, mew=1.6)
            label = f"{test['accuracy']:.3f}"
            left.annotate(
                label,
                (test["accuracy_high"], row),
                (5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        left.set_yticks(range(len(names)), names)
        left.set_ylim(len(names) - 0.5, -0.5)
        left.margins(x=0.16)
        left.set_xlabel("accuracy on PublicTest (line: 95 % interval)")
        left.grid(axis="y", visible=False)
        left.set_title("Accuracy")
        fewer = sorted({run["pictures"]["train"] for run in runs} - {most})
        for pictures, fill in ((most, INK), *((n, "white") for n in fewer)):
            left.plot([], [], "o", ms=7, mfc=fill, mec=INK, mew=1.6, label=f"{pictures:,} pictures")
        left.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
        for run in (run for run in runs if run["pictures"]["train"] == most):
            epochs = [epoch["epoch"] + 1 for epoch in run["history"]]
            accuracies = [epoch["val_accuracy"] for epoch in run["history"]]
            right.plot(epochs, accuracies, "o-", color=colors[base(run)], ms=4, label=base(run))
        right.set(xlabel="epoch", ylabel="accuracy on validation")
        right.xaxis.get_major_locator().set_params(integer=True)
        right.set_title(f"Learning, {most:,} pictures")
        right.legend(fontsize=8, loc="lower right")
    return fig


if __name__ == "__main__":
    main()

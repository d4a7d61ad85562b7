"""What decides the outcome of a fine-tuning, in one record that is stored beside the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from fer_nb.errors import FerError
from fer_nb.models import Preprocessing
from fer_nb.training.common.augment import augmentation
from fer_nb.training.common.labels import VA_METHODS


@dataclass(frozen=True)
class FineTuneConfig:
    """All that decides what comes out of a training.

    Parameters
    ----------
    task : {"emotion", "va"}
        Nine emotions, or valence and arousal.
    backbone : str
        "resnet50", "senet50", "vgg16" (VGGFace), "identity" (a small network that ships and has
        learned to tell people apart), "untrained" (the same with random numbers), "compact" (the
        model that ships, which has learned emotions), or the path of a .keras file.
    weights : str or None
        For the VGGFace networks: "vggface", the path of an .h5 file, or None for random numbers.
    size : int
        Side of the input of the VGGFace networks in pixels.
    cut : str, optional
        For a .keras file: the layer whose output is taken.
    preprocessing : Preprocessing, optional
        For a .keras file: what its input wants.
    unfrozen : int
        How many of the backbone's last layers are trained.
    hidden, dropout : int, float
        Of the head.
    targets : {"votes", "hard"}
        The share of the raters' votes, or only the most voted emotion.
    va_method, ratings : str
        How labels are made for the task "va"; see `fer_nb.training.common.labels.va_labels`.
    augmentation, views : str, int
        Epoch e sees view e modulo `views` of each picture; view 0 is the picture itself.
    learning_rate : float
        At the start ("exponential") or the highest ("cosine").
    schedule : {"exponential", "cosine"}
        Times `decay` per epoch, or half a cosine down to nothing after one epoch of warming up.
    decay : float
        For "exponential".
    weight_decay, label_smoothing : float
        0 for none.
    balance : float
        Pictures count (1 / frequency of their class) ** balance: 0 as they come, 1 all classes
        alike.
    batch, epochs, patience : int
        Training stops when `patience` epochs brought no better validation loss.
    seed : int
        Of initial weights, order, views and made labels.
    """

    task: str = "emotion"
    backbone: str = "resnet50"
    weights: str | None = "vggface"
    size: int = 224
    cut: str | None = None
    preprocessing: Preprocessing | None = None
    unfrozen: int = 13
    hidden: int = 512
    dropout: float = 0.25
    targets: str = "votes"
    va_method: str = "expected"
    ratings: str = "adfes2011"
    augmentation: str = "standard"
    views: int = 4
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    decay: float = 0.9
    weight_decay: float = 1e-4
    label_smoothing: float = 0.0
    balance: float = 0.0
    batch: int = 64
    epochs: int = 12
    patience: int = 4
    seed: int = 0

    def __post_init__(self):
        _one_of("task", self.task, ("emotion", "va"))
        _one_of("targets", self.targets, ("votes", "hard"))
        _one_of("va_method", self.va_method, VA_METHODS)
        _one_of("schedule", self.schedule, ("exponential", "cosine"))
        augmentation(self.augmentation)
        if min(self.unfrozen, self.balance, self.weight_decay) < 0 or not 0 <= self.dropout < 1:
            raise FerError("unfrozen, balance and weight_decay must be 0 or more, dropout below 1")
        if min(self.views, self.batch, self.epochs, self.patience, self.hidden) < 1:
            raise FerError("views, batch, epochs, patience and hidden must be at least 1")

    @classmethod
    def preset(cls, name: str = "default", task: str = "emotion", **changes) -> FineTuneConfig:
        """Return a recipe by name, with changes.

        "reference" is the reference study's: hard labels, the last 13 layers (2 for "va"), Adam
        from 5e-4 with exponential decay, mirrored pictures, random valence/arousal labels around
        its own table. The rate of that decay is not on record; we take 0.9 per epoch.

        Examples
        --------
        >>> FineTuneConfig.preset("reference", task="va").unfrozen
        2
        """
        _one_of("preset", name, ("default", "reference"))
        recipe = dict(_REFERENCE) if name == "reference" else {}
        if name == "reference" and task == "va":
            recipe["unfrozen"] = 2  # an activation and a pooling: nothing of the backbone learns
        return cls.from_json({"task": task, **recipe, **changes})

    def to_json(self) -> dict:
        """Return plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict) -> FineTuneConfig:
        """Return the configuration that `to_json` wrote."""
        values = dict(values)
        if "va_table" in values:  # its name in earlier records
            values["ratings"] = values.pop("va_table")
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise FerError(f"unknown settings: {', '.join(sorted(unknown))}")
        if isinstance(values.get("preprocessing"), dict):
            values["preprocessing"] = Preprocessing.from_json(values["preprocessing"])
        return cls(**values)


_REFERENCE = {
    "targets": "hard",
    "va_method": "random",
    "ratings": "reference",
    "augmentation": "mirror",
    "views": 2,
    "learning_rate": 5e-4,
    "schedule": "exponential",
    "weight_decay": 0.0,
    "batch": 32,
}


def _one_of(what: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise FerError(f"{what} must be one of {', '.join(allowed)}, not {value!r}")

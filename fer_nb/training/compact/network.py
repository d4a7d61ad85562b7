"""The compact network: nine emotions, valence and arousal from one small face.

Plain Keras 3: runs on the TensorFlow, jax and torch backends (`KERAS_BACKEND`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import keras
from keras import layers

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.models.preprocess import Preprocessing
from fer_nb.training.common.augment import Augmentation


@dataclass(frozen=True)
class CompactConfig:
    """Everything that decides a training run besides its data.

    The defaults are those of the run that gave the shipped network, whose seed is 2. It began with
    an earlier run's weights and learned from teachers' answers and features (see research/);
    without these, more epochs at a higher rate are wanted.

    Attributes
    ----------
    size : int
        Side of the network's input. Front, stem and every stage but the first halve it, so with the
        defaults it must be divisible by 16, as must `small_size` where it is used.
    colour : {"grey", "rgb"}
        What it sees. Grey pictures are shown to a network of colour as such.
    widths, blocks : tuple of int
        Channels and residual blocks of each stage; every stage after the first halves the side.
    small_until, small_size
        The first part of the epochs (a share) runs on smaller pictures, which costs less.
    front : int
        Channels of a convolution before all others that halves the picture, for larger ones; none
        by default.
    stem : int
        Channels of the first convolution, which halves the side.
    last_rate : float
        What is left of the learning rate at the end, as a share.
    ema : float
        Share that the running mean of the weights keeps, every eighth step.
    disagreement : float
        See `fer_nb.training.common.ferplus.vote_targets`.
    balance : float
        0 counts every face the same, 1 counts every class the same; see
        `fer_nb.training.compact.targets.balance`.
    teacher_share : float
        Weight of a teacher's labels against the raters', where there is a teacher.
    feature_weight : float
        Weight of guessing a teacher's features, where it gives any; see `with_features`.
    ratings : str
        The ratings that valence and arousal follow; see `fer_nb.emotions.RATINGS`.
    affect_weight : float
        Weight of the squared error of valence and arousal beside the emotions' cross-entropy.
    concordance_weight : float
        Weight of one minus their concordance (CCC) within a batch, which keeps their spread.
    held_out, held_out_seed
        Share of the pictures held out, and which they are: the same in a run that goes on from
        another, which else would be judged by faces it has learned from.
    seed : int
        Decides everything else that is random. A run that goes on from another takes a new one, or
        it sees the same pictures, turned and lit in the same ways, once more.
    """

    size: int = 48
    colour: str = "grey"
    front: int = 0
    stem: int = 32
    widths: tuple[int, ...] = (32, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 2, 3, 1)
    dropout: float = 0.0
    epochs: int = 14
    small_until: float = 0.0
    small_size: int = 32
    batch_size: int = 128
    learning_rate: float = 8e-4
    last_rate: float = 0.005
    weight_decay: float = 0.02
    ema: float = 0.984
    disagreement: float = 0.3
    ratings: str = "circumplex"
    affect_weight: float = 2.0
    concordance_weight: float = 0.5
    balance: float = 0.5
    teacher_share: float = 0.7
    feature_weight: float = 0.5
    held_out: float = 0.08
    held_out_seed: int = 0
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self):
        if self.colour not in ("grey", "rgb"):
            raise FerError(f"colour must be grey or rgb, not {self.colour!r}")
        halvings = len(self.widths) + bool(self.front)
        for name in ("size", "small_size") if self.small_until else ("size",):
            if getattr(self, name) % 2**halvings:
                raise FerError(
                    f"{name} is halved {halvings} times, so it must be divisible by "
                    f"{2**halvings}; {getattr(self, name)} is not"
                )

    @property
    def preprocessing(self) -> Preprocessing:
        """What happens to a face crop before the network sees it."""
        return Preprocessing(self.size, self.colour, dtype="uint8")

    @classmethod
    def from_dict(cls, values: dict) -> CompactConfig:
        """Build from `to_dict` output (or a JSON file's content)."""
        values = dict(values)
        if "affect_table" in values:  # its name in earlier records
            values["ratings"] = values.pop("affect_table")
        augmentation = dict(values.pop("augmentation", {}))
        for name in {"scale", "contrast"} & set(augmentation):
            augmentation[name] = tuple(augmentation[name])
        for name in ("widths", "blocks"):
            if name in values:
                values[name] = tuple(values[name])
        return cls(**values, augmentation=Augmentation(**augmentation))

    @classmethod
    def read(cls, path: str | Path) -> CompactConfig:
        """Read a JSON file; what it leaves out keeps its default.

        Raises
        ------
        FerError
            If it cannot be read or names something that is no setting.
        """
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, FerError) as error:
            known = ", ".join(each.name for each in fields(cls))
            raise FerError(
                f"{path} is not a configuration: {error}; settings are {known}"
            ) from error

    def to_dict(self) -> dict:
        """Return plain lists and numbers, fit for JSON."""
        return asdict(self)


def build_network(config: CompactConfig, size: int | None = None) -> keras.Model:
    """Build the untrained network.

    Parameters
    ----------
    config : CompactConfig
    size : int, optional
        Side of the input; any (also mixed from batch to batch) by default. Weights fit any size.

    Returns
    -------
    keras.Model
        From `face` (n, size, size, 1 or 3), 0-255, to `logits` (n, 9), in the order of `EMOTIONS`,
        and `affect` (n, 2), valence and arousal in [-1, 1] units.
    """
    face = layers.Input((size, size, config.preprocessing.channels), name="face")
    # Each face to mean 0 and spread 1: a dim or a bright room changes nothing.
    x = layers.LayerNormalization(
        axis=[1, 2, 3], center=False, scale=False, epsilon=1.0, dtype="float32", name="standardise"
    )(face)
    if config.front:
        x = _conv(x, config.front, "front", stride=2)
    x = _conv(x, config.stem, "stem", stride=2, kernel=5)
    for stage, (width, blocks) in enumerate(zip(config.widths, config.blocks, strict=True)):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            x = _residual(x, width, stride, f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(config.dropout, seed=config.seed, name="dropout")(x)
    logits = layers.Dense(len(EMOTIONS), dtype="float32", name="logits")(x)
    affect = layers.Dense(2, dtype="float32", name="affect")(x)
    return keras.Model(face, {"logits": logits, "affect": affect}, name="fer_nb_compact")


def with_features(network: keras.Model, count: int) -> keras.Model:
    """Add, for the time of training, an output `features` (n, count) that guesses a teacher's.

    Nine probabilities tell little of what a teacher sees in a face; its features tell more
    (Romero et al. 2015, *FitNets*). `without_features` takes the output away again.
    """
    guess = layers.Dense(count, dtype="float32", name="features")
    outputs = {**network.output, "features": guess(network.get_layer("dropout").output)}
    return keras.Model(network.input, outputs, name=network.name)


def without_features(network: keras.Model) -> keras.Model:
    """Undo `with_features`; the layers that are left are shared."""
    outputs = {name: network.output[name] for name in ("logits", "affect")}
    return keras.Model(network.input, outputs, name=network.name)


def deployable(network: keras.Model, temperature: float = 1.0) -> keras.Model:
    """Add what use needs: calibrated probabilities, and ratings on the 1-7 scale.

    Returns
    -------
    keras.Model
        From `face` (n, size, size, 1 or 3) to `probs` (n, 9), `valence` (n,) and `arousal` (n,).
    """
    logits, affect = network.output["logits"], network.output["affect"]
    logits = layers.Rescaling(1 / temperature, dtype="float32", name="temperature")(logits)
    probs = layers.Softmax(dtype="float32", name="probs")(logits)
    rating = layers.Rescaling(3.0, offset=4.0, dtype="float32", name="rating")(affect)
    rating = keras.ops.clip(rating, 1.0, 7.0)
    valence, arousal = (keras.ops.take(rating, column, axis=1) for column in (0, 1))
    outputs = {"probs": probs, "valence": valence, "arousal": arousal}
    return keras.Model(network.input, outputs, name="fer_nb_compact_deployed")


def _conv(x, width: int, name: str, *, stride: int = 1, kernel: int = 3, relu: bool = True):
    x = layers.Conv2D(width, kernel, stride, "same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.98, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _residual(x, width: int, stride: int, name: str):
    y = _conv(x, width, f"{name}_a", stride=stride)
    y = _conv(y, width, f"{name}_b", relu=False)
    if stride > 1:
        x = layers.AveragePooling2D(2, name=f"{name}_halve")(x)
    if x.shape[-1] != width:
        x = _conv(x, width, f"{name}_widen", kernel=1, relu=False)
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=f"{name}_relu")(x)

"""From face crops to emotions: the model, and how one is found by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fer_nb.emotions import EMOTIONS, expected_valence_arousal
from fer_nb.errors import ModelError
from fer_nb.models.choice import fast_enough
from fer_nb.models.network import Network
from fer_nb.models.protocol import Crop, Model, Predictions
from fer_nb.weights import model_folders, model_path

DEFAULT, ACCURATE = "compact", "accurate"


class FerModel:
    """A network that reads nine emotions, valence and arousal from face crops.

    The network answers with probabilities under the class frequencies it was trained with (the
    natural prior). For other circumstances they are changed by Bayes' rule,
    ``p ∝ p_natural * prior / prior_natural``, which leaves valence and arousal untouched.

    Parameters
    ----------
    folder : str or Path
        A folder with ``model.json`` and the file it names, or the path of such a .json file.
    prior : {"default", "natural", "balanced"} or mapping
        Class frequencies to assume: the model's recommended ones, those of its training data, all
        the same, or your own for all nine emotions (positive; they are normalised). A model that
        does not tell its natural ones is taken to have seen its classes equally often.
    threads : int
        Threads for one call; 0 leaves it to ONNX Runtime.
    runtime : {"auto", "onnx", "keras", "tflite"}
        See `fer_nb.models.network.Network`.
    device : {"auto", "cpu", "cuda", "directml", "coreml"}
        Where ONNX Runtime computes; "auto" takes the first GPU that it offers, else the CPU.

    Attributes
    ----------
    info : dict
        What model.json says, in format 2; see `fer_nb.models.info`.
    missing : tuple of str
        Emotions that the network does not know; their probability is always 0.
    ratings : str
        Name of the rating table that valence and arousal follow; see `fer_nb.emotions.RATINGS`. A
        network that gives neither is read as the mean rating under its probabilities.
    crop : Crop
        How the faces should be cut out.
    sha256 : str
        Of the file the weights came from; with `mirror`, of that and this.

    Raises
    ------
    ModelError
        If the folder holds no model, its file is damaged, or the prior is not usable.

    Source
    ------
    Saerens, M., Latinne, P., & Decaestecker, C. (2002). Adjusting the outputs of a classifier to
    new a priori probabilities. *Neural Computation, 14*(1), 21-41.
    """

    def __init__(
        self,
        folder: str | Path,
        prior: str | Mapping[str, float] = "default",
        threads: int = 0,
        *,
        runtime: str = "auto",
        device: str = "auto",
    ):
        self._given = Path(folder), prior, threads, runtime, device
        self.network = Network(folder, threads, runtime, device)
        self.folder, self.info = self.network.folder, self.network.info
        self.name: str = self.info["name"]
        self.ratings: str = self.info["ratings"]
        self.crop = Crop(**self.info["crop"])
        self.sha256, self.runtime = self.network.sha256, self.network.runtime
        self.preprocessing = self.network.preprocessing
        self._columns = [
            None if label is None else EMOTIONS.index(label) for label in self.info["labels"]
        ]
        known = np.isin(np.arange(len(EMOTIONS)), [c for c in self._columns if c is not None])
        if not known.any():
            raise ModelError(
                f"{self.folder} holds a network for valence and arousal only; "
                "VGGFerModel(val_ar=True) uses it beside one for emotions"
            )
        self.missing = tuple(np.array(EMOTIONS)[~known].tolist())
        self._known = known
        self.prior = self._resolve(prior)
        natural = np.array(list(self._resolve("natural").values()))
        self._factor = np.divide(
            list(self.prior.values()), natural, out=np.zeros(len(EMOTIONS)), where=known
        )

    @property
    def size(self) -> int:
        """Side of the network's input in pixels."""
        return self.preprocessing.size

    def _resolve(self, prior: str | Mapping[str, float]) -> dict[str, float]:
        even = self._known / self._known.sum()
        named = {"natural": even, "balanced": even, **self.info["priors"]}
        named.setdefault("default", named["natural"])
        if isinstance(prior, str):
            if prior not in named:
                raise ModelError(
                    f"no prior {prior!r}; choose one of {', '.join(named)} or a mapping"
                )
            given = named[prior]
        else:
            if not isinstance(prior, Mapping) or set(prior) != set(EMOTIONS):
                raise ModelError(f"a prior needs exactly these emotions: {', '.join(EMOTIONS)}")
            given = [prior[name] for name in EMOTIONS]
        try:
            values = np.asarray(given, dtype=float)
        except (TypeError, ValueError):
            values = np.full(len(EMOTIONS), np.nan)
        usable = values.shape == self._known.shape and np.isfinite(values).all()
        if not usable or not (values[self._known] > 0).all():
            raise ModelError("the frequencies of a prior must be nine positive numbers")
        values = np.where(self._known, values, 0)
        values = values / values.max()  # their sum could be too large
        return dict(zip(EMOTIONS, (values / values.sum()).tolist(), strict=True))

    def predict_batch(self, faces: Sequence[np.ndarray]) -> Predictions:
        """Read emotions from face crops.

        Parameters
        ----------
        faces : sequence of uint8 arrays (H, W, 3) RGB or (H, W) grey
            Of any size, also different ones. May be empty.

        Returns
        -------
        Predictions

        Raises
        ------
        FerError
            If a crop is not such an array.

        Examples
        --------
        >>> model = load_model()
        >>> model.predict_batch([]).probs.shape
        (0, 9)
        """
        read, ratings = self.network(faces)
        probs = np.zeros((len(read), len(EMOTIONS)), np.float32)
        for column, values in zip(self._columns, read.T, strict=True):
            if column is not None:
                probs[:, column] += values
        probs = np.maximum(probs, np.finfo(np.float32).tiny)
        if ratings is None:
            natural = np.where(self._known, probs, 0)
            ratings = expected_valence_arousal(natural, self.ratings).astype(np.float32)
        probs = probs * self._factor
        return Predictions(
            probs=(probs / probs.sum(axis=1, keepdims=True)).astype(np.float32),
            valence=ratings[:, 0],
            arousal=ratings[:, 1],
            prior=self.prior,
        )

    def predict(self, image: np.ndarray, val_ar: bool = False) -> str | list:
        """Return the emotion's name, or with `val_ar` the list ``[name, valence, arousal]``."""
        return one_answer(self.predict_batch([image]), val_ar)

    def __reduce__(self):
        """Be copied to another process as a recipe: it loads the folder there."""
        place, *settings = self._given
        return _load, (place.absolute(), *settings)

    def __repr__(self) -> str:
        return f"FerModel({self.name!r}, version {self.info['version']}, {self.size}x{self.size})"


def _load(
    place: Path, prior: str | Mapping[str, float], threads: int, runtime: str, device: str
) -> FerModel:
    return FerModel(place, prior, threads, runtime=runtime, device=device)


def one_answer(read: Predictions, val_ar: bool) -> str | list:
    """Return what was read of one face: its name, or ``[name, valence, arousal]``."""
    if not val_ar:
        return read.emotion[0]
    return [read.emotion[0], float(read.valence[0]), float(read.arousal[0])]


def load_model(
    name: str | Path = DEFAULT,
    prior: str | Mapping[str, float] = "default",
    threads: int = 0,
    device: str = "auto",
) -> FerModel:
    """Load a model by its name, from its folder, or from a file (ONNX, TensorFlow Lite).

    Parameters
    ----------
    name : str or Path
        A name as listed by ``fer-nb models list``; ``"auto"`` for ``"accurate"`` where this
        machine is fast enough, else ``"compact"`` (`fer_nb.models.choice`); a folder with
        ``model.json``; or an .onnx or .tflite file with such a description beside it
        (docs/own_model.md).
        Names are looked for in the folders of FER_NB_MODELS, then in the cache, then in the
        package.
    prior, threads, device
        See `FerModel`.

    Raises
    ------
    ModelError
        If there is no such model, or it is one to be downloaded and that is not possible.

    Examples
    --------
    >>> import skimage
    >>> load_model().predict(skimage.data.astronaut()[67:160, 177:270])
    'happy'
    """
    if name == "auto":
        accurate = FerModel(find_model(ACCURATE), prior, threads, device=device)
        if fast_enough(accurate):
            return accurate
        name = DEFAULT
    return FerModel(find_model(name), prior, threads, device=device)


def find_model(name: str | Path) -> Path:
    """Return the folder, or the .json file, that describes a model; see `load_model`.

    Raises
    ------
    ModelError
        If there is none.
    """
    if (folder := model_folders().get(str(name))) is not None:
        return folder
    if not isinstance(name, str | Path):
        raise ModelError(f"a model is found by its name or path, not by {name!r}")
    path = Path(name)
    if path.suffix in (".onnx", ".tflite") and path.is_file():
        own = path.with_suffix(".json")
        if own.is_file():
            return own
        if (path.parent / "model.json").is_file():
            return path.parent
        raise ModelError(
            f"{path} needs a description, {own.name} beside it: ten lines that say its classes and "
            "its input, as docs/own_model.md shows"
        )
    if (path / "model.json").is_file():
        return path
    places = ", ".join(map(str, model_path()))
    known = ", ".join(model_folders()) or "none"
    raise ModelError(f"no model {str(name)!r} in {places}; there are: {known}")


def as_model(model: Model | str | Path | None, threads: int = 0) -> Model:
    """Return a model from a name, a folder or a model; the default model from None."""
    chosen = DEFAULT if model is None else model
    return load_model(chosen, threads=threads) if isinstance(chosen, str | Path) else chosen

"""From face crops to emotions: what a model answers, and how one is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from fer_nb.emotions import EMOTIONS, rating_table
from fer_nb.errors import FerError, ModelError
from fer_nb.faces import check_picture
from fer_nb.files import sha256
from fer_nb.opencv import cv2
from fer_nb.zoo import model_folders, models_folder, onnx_session

# Red and blue weigh the same, so a picture with swapped channels gives the same grey; green keeps
# the weight it has in luma (ITU-R BT.601).
GREY_WEIGHTS = (0.2065, 0.587, 0.2065)

BATCH = 32


@dataclass(frozen=True)
class Predictions:
    """What a model reads from n faces.

    Attributes
    ----------
    probs : float32 array (n, 9)
        Probabilities in the order of `EMOTIONS`; rows sum to 1. They assume the class frequencies
        in `prior`.
    valence, arousal : float32 array (n,)
        On the 1-7 scale, 4 neutral.
    prior : dict of str to float
        The class frequencies that `probs` assumes.
    """

    probs: np.ndarray
    valence: np.ndarray
    arousal: np.ndarray
    prior: Mapping[str, float]

    @cached_property
    def emotion(self) -> list[str]:
        """The most probable emotion of each face."""
        return [EMOTIONS[i] for i in np.argmax(self.probs, axis=1)]

    def __len__(self) -> int:
        return len(self.probs)


def check_face(face: np.ndarray) -> np.ndarray:
    """Return the crop if it is a picture that a model can take, as `check_picture` does."""
    return check_picture(face, "a face crop")


def check_faces(faces: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """Return `faces` if they are several, not one picture.

    Raises
    ------
    FerError
        If they are one array (H, W, 3), whose rows would pass for grey faces.
    """
    if isinstance(faces, np.ndarray) and faces.ndim == 3 and len(faces) and faces.shape[2] == 3:
        raise FerError(f"faces must be a sequence of crops; give [face], not one {faces.shape}")
    return faces


def preprocess(faces: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Turn face crops into the grey squares that the compact model takes.

    The one way from crop to network, in training as in use.

    Parameters
    ----------
    faces : sequence of uint8 arrays (H, W, 3) RGB or (H, W) grey
        Of any size; a crop that is not square is stretched.
    size : int
        Side of the squares in pixels.

    Returns
    -------
    uint8 array (n, size, size, 1)
    """
    faces = check_faces(faces)
    squares = np.empty((len(faces), size, size, 1), dtype=np.uint8)
    for square, face in zip(squares, faces, strict=True):
        face = check_face(face)
        if face.ndim == 3:
            face = cv2.transform(face, np.array([GREY_WEIGHTS]))
        shrinks = min(face.shape[:2]) > size
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        square[..., 0] = cv2.resize(face, (size, size), interpolation=how)
    return squares


class FerModel:
    """A network in ONNX form that gives nine emotions, valence and arousal in one pass.

    The network answers with probabilities under the class frequencies it was trained with (the
    natural prior). For other circumstances they are changed by Bayes' rule,
    ``p ∝ p_natural * prior / prior_natural``, which leaves valence and arousal untouched.

    Parameters
    ----------
    folder : str or Path
        A folder with ``model.json`` and the ONNX file it names.
    prior : {"default", "natural", "balanced"} or mapping
        Class frequencies to assume: the model's recommended ones, those of its training data, all
        the same, or your own for all nine emotions (positive; they are normalised).
    threads : int
        Threads for one call; 0 leaves it to ONNX Runtime.

    Attributes
    ----------
    ratings : str
        Name of the rating table that valence and arousal follow; see `fer_nb.emotions.RATINGS`.

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
    ):
        self.folder = Path(folder)
        self._given = prior, threads
        self.info = _read_info(self.folder)
        self.name: str = self.info["name"]
        self.size = int(self.info["input"]["size"])
        self.ratings: str = rating_table(str(self.info.get("ratings", "adfes2011"))).name
        file = self.folder / self.info["files"]["onnx"]
        self._session = onnx_session(file, threads)
        self.sha256 = sha256(file)
        recorded = self.info["files"].get("onnx_sha256")
        if recorded and recorded != self.sha256:
            raise ModelError(f"{file} is not the file that model.json describes; get it again")
        self.prior = self._resolve(prior)
        natural = list(self._resolve("natural").values())
        self._factor = np.array(list(self.prior.values())) / natural

    def _resolve(self, prior: str | Mapping[str, float]) -> dict[str, float]:
        known = self.info["priors"]
        if isinstance(prior, str):
            if prior not in known:
                raise ModelError(
                    f"no prior {prior!r}; choose one of {', '.join(known)} or a mapping"
                )
            values = known[prior]
        else:
            if not isinstance(prior, Mapping) or set(prior) != set(EMOTIONS):
                raise ModelError(f"a prior needs exactly these emotions: {', '.join(EMOTIONS)}")
            values = [prior[name] for name in EMOTIONS]
        try:
            values = np.asarray(values, dtype=float)
        except (TypeError, ValueError):
            values = np.full(len(EMOTIONS), np.nan)
        if values.shape != (len(EMOTIONS),) or not (np.isfinite(values) & (values > 0)).all():
            raise ModelError("the frequencies of a prior must be nine positive numbers")
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
        squares = preprocess(faces, self.size)
        # Batches of one fixed size at most, so that memory stays flat however many faces come.
        parts = [
            self._session.run(["probs", "valence", "arousal"], {"face": squares[i : i + BATCH]})
            for i in range(0, len(squares), BATCH)
        ] or [[np.empty((0, 9), np.float32), np.empty(0, np.float32), np.empty(0, np.float32)]]
        probs, valence, arousal = (np.concatenate(column) for column in zip(*parts, strict=True))
        probs = np.maximum(probs, np.finfo(np.float32).tiny) * self._factor
        return Predictions(
            probs=(probs / probs.sum(axis=1, keepdims=True)).astype(np.float32),
            valence=np.clip(valence.reshape(-1), 1, 7),
            arousal=np.clip(arousal.reshape(-1), 1, 7),
            prior=self.prior,
        )

    def predict(self, image: np.ndarray, val_ar: bool = False) -> str | list:
        """Return the emotion's name, or with `val_ar` the list ``[name, valence, arousal]``."""
        answer = self.predict_batch([image])
        if not val_ar:
            return answer.emotion[0]
        return [answer.emotion[0], float(answer.valence[0]), float(answer.arousal[0])]

    def __reduce__(self):
        """Be copied to another process as a recipe: it loads the folder there."""
        return type(self), (self.folder.absolute(), *self._given)

    def __repr__(self) -> str:
        return f"FerModel({self.name!r}, version {self.info['version']}, {self.size}x{self.size})"


def _read_info(folder: Path) -> dict:
    try:
        info = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder} holds no model.json; is this the folder of a model?") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / 'model.json'} cannot be read: {error}") from error
    if not isinstance(info, dict):
        raise ModelError(f"{folder / 'model.json'} describes no model; get it again")
    if "task" in info:
        raise ModelError(
            f"{folder} holds a fine-tuned network; read it with VGGFerModel(models_dir=…)"
        )
    missing = {"name", "version", "input", "emotions", "priors", "files"} - set(info)
    for part, key in (("input", "size"), ("files", "onnx"), ("priors", "natural")):
        if part in info and (not isinstance(info[part], dict) or key not in info[part]):
            missing.add(f"{part}.{key}")
    if missing:
        raise ModelError(f"{folder / 'model.json'} lacks {', '.join(sorted(missing))}")
    if tuple(info["emotions"]) != EMOTIONS:
        raise ModelError(f"{folder / 'model.json'} names other emotions than {', '.join(EMOTIONS)}")
    return info


def load_model(
    name: str | Path = "compact",
    prior: str | Mapping[str, float] = "default",
    threads: int = 0,
) -> FerModel:
    """Load a model by its name, or from the folder that holds it.

    Parameters
    ----------
    name : str or Path
        A name as listed by ``fer-nb models list``, or a folder.
    prior, threads
        See `FerModel`.

    Raises
    ------
    ModelError
        If there is no such model.

    Examples
    --------
    >>> import skimage
    >>> load_model().predict(skimage.data.astronaut()[67:160, 177:270])
    'happy'
    """
    folder = model_folders().get(str(name))
    if folder is None and (Path(str(name)) / "model.json").is_file():
        folder = Path(name)
    if folder is None:
        names = ", ".join(model_folders()) or "none"
        raise ModelError(f"no model {str(name)!r} in {models_folder()}; there are: {names}")
    return FerModel(folder, prior, threads)


def as_model(model: FerModel | str | None, threads: int = 0) -> FerModel:
    """Return a model from a name, a folder or a model; ``"compact"`` from None."""
    chosen = "compact" if model is None else model
    return load_model(chosen, threads=threads) if isinstance(chosen, str | Path) else chosen

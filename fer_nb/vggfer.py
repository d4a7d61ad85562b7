"""Networks fine-tuned by notebooks 1 and 3, made ready for use: preprocessing and `VGGFerModel`.

Training and use share `Preprocessing`, which is stored beside the weights: what the network sees of
a face is the same on both sides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.special import softmax

from fer_nb.emotions import EMOTIONS, SCALE, expected_valence_arousal
from fer_nb.errors import MissingExtraError, ModelError
from fer_nb.files import sha256
from fer_nb.models import Predictions, check_face, check_faces, preprocess
from fer_nb.opencv import cv2
from fer_nb.zoo import models_folder, onnx_session


@dataclass(frozen=True)
class Preprocessing:
    """What happens to a face crop before a network sees it.

    Parameters
    ----------
    size : int
        Side of the square input in pixels. Shrinking averages over areas and enlarging is linear.
    colour : {"rgb", "bgr", "grey"}
        Order of the channels the network was trained with.
    mean : tuple of float
        Subtracted from each channel, in that order.
    scale : float
        Factor applied after that.
    """

    size: int
    colour: str = "rgb"
    mean: tuple[float, ...] = (0.0,)
    scale: float = 1.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one input."""
        return self.size, self.size, 1 if self.colour == "grey" else 3

    def __call__(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Turn uint8 crops, RGB (H, W, 3) or grey (H, W), into float32 (n, size, size, channels).

        Examples
        --------
        >>> red = np.zeros((10, 12, 3), np.uint8); red[..., 0] = 255
        >>> Preprocessing(4, "bgr", (10, 20, 30))([red])[0, 0, 0]
        array([-10., -20., 225.], dtype=float32)
        """
        if self.colour == "grey":  # exactly what the compact model sees
            inputs = preprocess(faces, self.size).astype(np.float32)
        else:
            inputs = np.empty((len(faces), *self.shape), np.float32)
            for row, face in zip(inputs, check_faces(faces), strict=True):
                row[:] = self._in_colour(check_face(face))
        inputs -= np.asarray(self.mean, np.float32)
        return inputs if self.scale == 1 else inputs * np.float32(self.scale)

    def _in_colour(self, face: np.ndarray) -> np.ndarray:
        shrinks = min(face.shape[:2]) > self.size
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        face = cv2.resize(face, (self.size, self.size), interpolation=how)
        if face.ndim == 2:
            return face[..., None]  # broadcasts to three equal channels
        return face[..., ::-1] if self.colour == "bgr" else face


def read_model_json(folder: str | Path) -> dict:
    """Return what `model.json` in a model's folder says.

    Raises
    ------
    ModelError
        If it is missing or isn't one of ours.
    """
    path = Path(folder) / "model.json"
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {path}: {error}") from None
    if not isinstance(info, dict):
        raise ModelError(f"{path} describes no model; was it made by notebook 1 or 3?")
    missing = {"task", "preprocessing", "files", "sha256", "structure", "priors"} - set(info)
    if missing:
        raise ModelError(
            f"{path} lacks {', '.join(sorted(missing))}: was it made by notebook 1 or 3?"
        )
    return info


class Network:
    """One network from a folder made by `fer_nb.training.saving.save_model`.

    Parameters
    ----------
    folder : path
        Holds `model.json`, the weights and perhaps an ONNX file.
    runtime : {"auto", "onnx", "keras"}
        "auto" takes ONNX Runtime where the exported file is there, Keras otherwise.
    threads : int
        Threads of ONNX Runtime; 0 for all cores.

    Attributes
    ----------
    info : dict
        What model.json says.
    sha256 : str
        Of the file the weights came from.
    """

    def __init__(self, folder: str | Path, runtime: str = "auto", threads: int = 0):
        self.folder = Path(folder)
        self.info = read_model_json(folder)
        preprocessing = dict(self.info["preprocessing"])
        preprocessing["mean"] = tuple(preprocessing["mean"])
        self.preprocessing = Preprocessing(**preprocessing)
        files = self.info["files"]
        if runtime == "auto":
            has_onnx = "onnx" in files and (self.folder / files["onnx"]).is_file()
            runtime = "onnx" if has_onnx else "keras"
        if runtime not in ("onnx", "keras") or (runtime == "onnx" and "onnx" not in files):
            raise ModelError(
                f"{self.folder} can't be run with {runtime!r}; choose 'auto' or 'keras'"
                f"{', or export it to ONNX' if runtime == 'onnx' else ' or onnx'}"
            )
        self.runtime = runtime
        self.sha256 = self._checked(files["onnx" if runtime == "onnx" else "weights"])
        self._run = self._onnx(threads) if runtime == "onnx" else self._keras()

    def __call__(self, faces: Sequence[np.ndarray], batch: int = 32) -> np.ndarray:
        """Return float32 (n, 9) logits, or (n, 2) valence and arousal, of uint8 face crops."""
        outputs = [
            self._run(self.preprocessing(faces[start : start + batch]))
            for start in range(0, len(faces), batch)
        ]
        width = 2 if self.info["task"] == "va" else len(EMOTIONS)
        return np.concatenate(outputs) if outputs else np.empty((0, width), np.float32)

    def _checked(self, name: str) -> str:
        path = self.folder / name
        if not path.is_file():
            raise ModelError(f"{path} is missing; make the model again with notebook 1 or 3")
        actual = sha256(path)
        if self.info["sha256"].get(name, actual) != actual:
            raise ModelError(
                f"{path} is not the file that model.json describes; make the model again"
            )
        return actual

    def _onnx(self, threads: int):
        session = onnx_session(self.folder / self.info["files"]["onnx"], threads)
        name = session.get_inputs()[0].name
        return lambda inputs: session.run(None, {name: inputs})[0]

    def _keras(self):
        try:
            import keras
        except ImportError:
            raise MissingExtraError("running a model that has no ONNX file", "train") from None
        # safe_mode refuses structures that carry code of their own.
        network = keras.saving.deserialize_keras_object(self.info["structure"], safe_mode=True)
        network.load_weights(self.folder / self.info["files"]["weights"])
        return lambda inputs: np.asarray(network.predict_on_batch(inputs))


class VGGFerModel:
    """The reference method: a network for the emotion and, if asked, one for valence/arousal.

    Parameters
    ----------
    val_ar : bool
        Also predict valence and arousal, with a network of their own, one after the other.
    models_dir : path, optional
        Folder with the subfolders `emotion` (made by notebook 1) and `va` (by notebook 3), each
        holding a `model.json` and weights. By default `vggfer` in the folder of models.
    runtime : {"auto", "onnx", "keras"}
        "auto" takes ONNX Runtime where the exported file is there, Keras otherwise.
    threads : int
        Threads of ONNX Runtime; 0 for all cores.

    Raises
    ------
    ModelError
        If a folder is missing; the message says how to make one and what works without.

    Examples
    --------
    >>> model = VGGFerModel(val_ar=True, models_dir="runs/vggfer")  # doctest: +SKIP
    >>> model.predict(image)  # doctest: +SKIP
    ['happy', 5.9, 5.1]
    """

    name = "vggfer"

    def __init__(
        self,
        val_ar: bool = False,
        models_dir: str | Path | None = None,
        *,
        runtime: str = "auto",
        threads: int = 0,
    ):
        folder = Path(models_dir) if models_dir is not None else models_folder() / self.name
        self.val_ar = val_ar
        self.emotion = _open(folder, "emotion", 1, runtime, threads)
        self.va = _open(folder, "va", 3, runtime, threads) if val_ar else None
        self.info = {**self.emotion.info, "name": self.name, "val_ar": val_ar}
        self.ratings = self.va.info["config"]["va_table"] if self.va else "adfes2011"
        self.prior = dict(zip(EMOTIONS, self.info["priors"]["natural"], strict=True))
        digests = [network.sha256 for network in (self.emotion, self.va) if network]
        self.sha256 = digests[0] if len(digests) == 1 else _joint(digests)

    def predict(self, image: np.ndarray) -> str | list:
        """Return the emotion of one face, uint8 RGB (H, W, 3) or grey (H, W) of any size.

        With `val_ar` the list `[emotion, valence, arousal]`, valence and arousal from 1 to 7.
        """
        result = self.predict_batch([image])
        if not self.val_ar:
            return result.emotion[0]
        return [result.emotion[0], float(result.valence[0]), float(result.arousal[0])]

    def predict_batch(self, faces: Sequence[np.ndarray]) -> Predictions:
        """Return probabilities (n, 9), valence and arousal (n,) of uint8 face crops.

        Without `val_ar`, valence and arousal are the mean ratings under the probabilities.
        """
        probs = softmax(self.emotion(faces), axis=1)
        if self.va is not None:
            va = np.clip(self.va(faces), *SCALE)
        else:
            va = expected_valence_arousal(probs).astype(np.float32)
        return Predictions(probs, va[:, 0], va[:, 1], self.prior)


def _joint(digests: list[str]) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _open(models_dir: Path, task: str, notebook: int, runtime: str, threads: int) -> Network:
    folder = models_dir / task
    if not (folder / "model.json").is_file():
        raise ModelError(
            f"there is no network in {folder}. Notebook {notebook} makes one, or "
            f"fer-nb train vggface --task {task} --data YOUR_FACES --out {folder}; "
            'load_model("compact") works now, without any training'
        )
    network = Network(folder, runtime, threads)
    if network.info["task"] != task:
        raise ModelError(f"{folder} holds a network for {network.info['task']!r}, not for {task!r}")
    return network


def preprocessing_json(preprocessing: Preprocessing) -> dict:
    """Return what `model.json` stores of a preprocessing."""
    return asdict(preprocessing)

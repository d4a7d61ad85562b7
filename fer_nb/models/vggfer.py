"""The reference method: two fine-tuned networks, one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fer_nb.errors import ModelError
from fer_nb.models.model import FerModel, one_answer
from fer_nb.models.network import Network
from fer_nb.models.protocol import Crop, Predictions
from fer_nb.weights import model_path


class VGGFerModel:
    """The reference method: a network for the emotion and, if asked, one for valence/arousal.

    Parameters
    ----------
    val_ar : bool
        Also predict valence and arousal, with a network of their own, one after the other.
    models_dir : path, optional
        Folder with the subfolders `emotion` (made by notebook 1) and `va` (by notebook 3), each
        holding a `model.json` and weights. By default `vggfer` in the folders of models.
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
        self._given = val_ar, models_dir, runtime, threads
        folder = _default_folder(self.name) if models_dir is None else Path(models_dir)
        self.val_ar = val_ar
        self.emotion = FerModel(
            _part(folder, "emotion", 1), prior="natural", threads=threads, runtime=runtime
        )
        self.va: Network | None = None
        if val_ar:
            self.va = Network(_part(folder, "va", 3), threads, runtime)
            if self.va.info["output"]["valence"] is None:
                raise ModelError(f"{folder / 'va'} holds a network for emotions, not for 'va'")
        self.info = {**self.emotion.info, "name": self.name, "val_ar": val_ar}
        self.ratings: str = (self.va or self.emotion).info["ratings"]
        self.prior, self.crop = self.emotion.prior, Crop(**self.info["crop"])
        digests = [network.sha256 for network in (self.emotion, self.va) if network]
        self.sha256 = digests[0] if len(digests) == 1 else _joint(digests)

    def predict(self, image: np.ndarray) -> str | list:
        """Return the emotion of one face, uint8 RGB (H, W, 3) or grey (H, W) of any size.

        With `val_ar` the list `[emotion, valence, arousal]`, valence and arousal from 1 to 7.
        """
        return one_answer(self.predict_batch([image]), self.val_ar)

    def predict_batch(self, faces: Sequence[np.ndarray]) -> Predictions:
        """Return probabilities (n, 9), valence and arousal (n,) of uint8 face crops.

        Without `val_ar`, valence and arousal are the mean ratings under the probabilities.
        """
        read = self.emotion.predict_batch(faces)
        if self.va is None:
            return read
        _, ratings = self.va(faces)
        assert ratings is not None  # checked when the network was loaded
        return Predictions(read.probs, ratings[:, 0], ratings[:, 1], self.prior)

    def __reduce__(self):
        """Be copied to another process as a recipe: it loads the folders there."""
        return _load, self._given


def _load(val_ar: bool, models_dir: str | Path | None, runtime: str, threads: int) -> VGGFerModel:
    return VGGFerModel(val_ar, models_dir, runtime=runtime, threads=threads)


def _joint(digests: list[str]) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _default_folder(name: str) -> Path:
    folders = [folder / name for folder in model_path()]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def _part(models_dir: Path, task: str, notebook: int) -> Path:
    folder = models_dir / task
    if not (folder / "model.json").is_file():
        raise ModelError(
            f"there is no network in {folder}. Notebook {notebook} makes one, or "
            f"fer-nb train vggface --task {task} --data YOUR_FACES --out {folder}; "
            'load_model("compact") works now, without any training'
        )
    return folder

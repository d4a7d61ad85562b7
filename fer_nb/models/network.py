"""One network from its folder: files checked, run by ONNX Runtime or Keras."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.special import softmax

from fer_nb.emotions import SCALE
from fer_nb.errors import MissingExtraError, ModelError
from fer_nb.files import sha256
from fer_nb.models.info import read_info
from fer_nb.models.preprocess import Preprocessing
from fer_nb.weights import Download, in_package, model_path, onnx_session, retrieve

BATCH = 32  # faces at a time, so that memory stays flat however many come

RUNTIMES = ("auto", "onnx", "keras", "tflite")
_KIND = {"float32": "tensor(float)", "uint8": "tensor(uint8)"}


class Network:
    """A network as `model.json` describes it; see `fer_nb.models.info`.

    Parameters
    ----------
    place : path
        The model's folder, or the path of the .json file in it.
    threads : int
        Threads of ONNX Runtime; 0 for all cores.
    runtime : {"auto", "onnx", "keras", "tflite"}
        "auto" takes ONNX Runtime where the ONNX file is there, else Keras or TensorFlow Lite,
        whichever has a file.
    device : {"auto", "cpu", "cuda", "directml", "coreml"}
        Where ONNX Runtime computes; "auto" takes the first GPU that it offers, else the CPU.

    Attributes
    ----------
    info : dict
        What model.json says, in format 2.
    sha256 : str
        Of the file the weights came from, and of whether faces are mirrored, too.

    Raises
    ------
    ModelError
        If a file is missing, changed, or not what model.json describes.
    """

    def __init__(
        self, place: str | Path, threads: int = 0, runtime: str = "auto", device: str = "auto"
    ):
        self.info = read_info(place)
        self.folder = Path(place).parent if Path(place).suffix == ".json" else Path(place)
        self.preprocessing = Preprocessing.from_json(self.info["input"])
        files = self.info["files"]
        roles = {"onnx": "onnx", "keras": "weights", "tflite": "tflite"}
        if runtime not in RUNTIMES or (runtime in ("onnx", "tflite") and runtime not in files):
            raise ModelError(
                f"{self.folder} can't be run with {runtime!r}; choose 'auto' or 'keras'"
                f"{', or export it to ONNX' if runtime == 'onnx' else ' or onnx'}"
            )
        if runtime == "auto":
            has_onnx = "onnx" in files and (self.folder / files["onnx"]).is_file()
            has_keras = "weights" in files and (self.folder / files["weights"]).is_file()
            lite = "tflite" in files and "onnx" not in files
            runtime = "keras" if has_keras and not has_onnx else "tflite" if lite else "onnx"
        self.runtime = runtime
        file = self.file(roles[runtime])
        self._mirror = self.info["mirror"]
        self.sha256 = sha256(file)
        if self._mirror:  # the same weights answer otherwise
            self.sha256 = hashlib.sha256(f"{self.sha256} mirror".encode()).hexdigest()
        self._batch = BATCH
        if runtime == "onnx":
            self._run = self._onnx(file, threads, device)
        else:
            self._run = self._keras(file) if runtime == "keras" else self._tflite(file, threads)

    def __call__(self, faces: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
        """Run the network on uint8 face crops.

        Returns
        -------
        probs : array (n, labels)
            Probabilities of the classes in `info["labels"]`.
        ratings : array (n, 2) or None
            Valence and arousal, 1-7, if the network gives them.
        """
        gives_ratings = self.info["output"]["valence"] is not None
        parts = [
            self._read(self.preprocessing(faces[start : start + self._batch]))
            for start in range(0, len(faces), self._batch)
        ]
        if not parts:
            self.preprocessing.squares(faces)  # complains about what is no list of faces
            nothing = np.empty((0, 2), np.float32) if gives_ratings else None
            return np.empty((0, len(self.info["labels"])), np.float32), nothing
        probs, ratings = zip(*parts, strict=True)
        return np.concatenate(probs), np.concatenate(ratings) if gives_ratings else None

    def _read(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return probabilities and ratings of prepared faces, and of their mirror images at once.

        The mean of two answers is that of the logits, and of valence and arousal.
        """
        probs, ratings = self._answer(inputs)
        if not self._mirror:
            return probs, ratings
        across = 2 if self.preprocessing.layout == "NHWC" else 3
        others, other_ratings = self._answer(np.ascontiguousarray(np.flip(inputs, across)))
        if probs.shape[1]:
            probs = np.sqrt(np.maximum(probs, 0) * np.maximum(others, 0))
            probs /= np.maximum(probs.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return probs, None if ratings is None else (ratings + other_ratings) / 2

    def _answer(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        output, labels = self.info["output"], len(self.info["labels"])
        read = self._run(inputs)
        main = read[output["emotion"] or next(iter(read))]
        probs = self._columns(main, slice(0, labels))
        if output["softmax"] and labels:
            probs = softmax(probs, axis=1)
        if output["valence"] is None:
            return probs, None
        both = [
            self._columns(main, one) if isinstance(one, int) else read[one].reshape(-1)
            for one in (output["valence"], output["arousal"])
        ]
        low, high = output["scale"]
        ratings = np.stack(both, axis=1)
        if [low, high] != list(SCALE):
            ratings = SCALE[0] + (ratings - low) * (SCALE[1] - SCALE[0]) / (high - low)
        return probs, np.clip(ratings, *SCALE)

    def _columns(self, output: np.ndarray, which: slice | int) -> np.ndarray:
        needed = which + 1 if isinstance(which, int) else which.stop
        if output.ndim != 2 or output.shape[1] < needed:
            raise ModelError(
                f"{self.info['name']} gives an output of {output.shape[1:]} values for a face, but "
                f"its model.json expects {needed}; check its labels and output"
            )
        return output[:, which]

    def file(self, role: str) -> Path:
        """Return the path of one of the network's files, checked: "onnx", "tflite" or "weights".

        Raises
        ------
        ModelError
            If it is missing, cannot be downloaded, or is not the one that model.json describes.
        """
        name = self.info["files"].get(role)
        if not isinstance(name, str):
            raise ModelError(f"{self.folder / 'model.json'} lacks files.{role}")
        path, known = self._find(role, name), self.info["sha256"].get(name)
        if known and sha256(path) != known:
            raise ModelError(
                f"{path} is not the file that model.json describes; get it again, or make it again"
            )
        return path

    def _find(self, role: str, name: str) -> Path:
        if (self.folder / name).is_file():
            return self.folder / name
        if role == "onnx" and (url := self.info.get("url")):
            known = self.info["sha256"].get(name)
            return retrieve(Download(url, known, self.info["license"]), name)
        if (package := self.info.get("package")) is not None:
            return in_package(package, name)
        hint = ""
        if role == "weights":  # those of what ships lie in models/ of a source checkout
            places = [folder / self.info["name"] / name for folder in model_path()]
            for path in places:
                if path.is_file():
                    return path
            hint = "; Keras' weights of a shipped model are in models/ of the source repository"
        raise ModelError(f"{self.folder / name} is missing; get the model again, or make it{hint}")

    def _onnx(
        self, file: Path, threads: int, device: str
    ) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        session = onnx_session(file, threads, device)
        taken = session.get_inputs()[0]
        wanted = self.preprocessing.shape
        fits = len(taken.shape) == 4 and all(
            size == want or not isinstance(size, int)
            for size, want in zip(taken.shape[1:], wanted, strict=True)
        )
        if not fits or taken.type != _KIND[self.preprocessing.dtype]:
            raise ModelError(
                f"{file} takes {taken.type} {taken.shape}, but model.json says "
                f"{self.preprocessing.dtype} {[None, *wanted]}; correct input (size, colour, "
                "layout, dtype) there"
            )
        if isinstance(taken.shape[0], int):
            if taken.shape[0] != 1:
                raise ModelError(
                    f"{file} takes {taken.shape[0]} faces at a time; export it for any number"
                )
            self._batch = 1
        names = [each.name for each in session.get_outputs()]
        output = self.info["output"]
        for key in ("emotion", "valence", "arousal"):
            if isinstance(output[key], str) and output[key] not in names:
                raise ModelError(
                    f"{file} gives {', '.join(names)}, not {output[key]!r}; correct output in "
                    "model.json"
                )
        first = output["emotion"] or names[0]
        others = [output[key] for key in ("valence", "arousal") if isinstance(output[key], str)]
        chosen = list(dict.fromkeys([first, *others]))
        return lambda inputs: dict(
            zip(chosen, session.run(chosen, {taken.name: inputs}), strict=True)
        )

    def _tflite(self, file: Path, threads: int) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        try:
            from tensorflow import lite
        except ImportError:
            raise MissingExtraError("running a network of TensorFlow Lite", "train") from None
        net = lite.Interpreter(str(file), num_threads=threads or None)
        net.allocate_tensors()
        taken, given = net.get_input_details()[0], net.get_output_details()
        wanted = [1, *self.preprocessing.shape]
        if taken["shape"].tolist() != wanted or taken["dtype"].__name__ != self.preprocessing.dtype:
            raise ModelError(
                f"{file} takes {taken['dtype'].__name__} {taken['shape'].tolist()}, but model.json "
                f"says {self.preprocessing.dtype} {wanted}; correct input there"
            )
        self._batch = 1

        def run(inputs: np.ndarray) -> dict[str, np.ndarray]:
            net.set_tensor(taken["index"], inputs)
            net.invoke()
            return {each["name"]: net.get_tensor(each["index"]) for each in given}

        return run

    def _keras(self, file: Path) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        try:
            import keras
        except ImportError:
            raise MissingExtraError("running a model that has no ONNX file", "train") from None
        # safe_mode refuses structures that carry code of their own.
        network = keras.saving.deserialize_keras_object(self.info["structure"], safe_mode=True)
        network.load_weights(file)

        def run(inputs: np.ndarray) -> dict[str, np.ndarray]:
            read = network.predict_on_batch(inputs)
            read = read if isinstance(read, dict) else {"output": read}
            return {name: np.asarray(values) for name, values in read.items()}

        return run

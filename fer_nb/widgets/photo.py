"""The photo explorer: what is read from each face of a photo."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import traitlets

from fer_nb.emotions import PROBABILITY_COLUMNS, nearest_emotion
from fer_nb.faces import Face, crop_face
from fer_nb.faces.detectors import DEFAULT, Detector, load_detector, margin_of
from fer_nb.faces.haar import cascade_names
from fer_nb.models import Preprocessing, as_model, catalogue, name_of, ratings_of
from fer_nb.spreadsheets import harmless
from fer_nb.widgets import assets, pictures
from fer_nb.widgets.base import FerWidget
from fer_nb.widgets.samples import SAMPLES, sample

DISPLAY_SIDE = 1600  # a browser needs no more; the reading is done on the full picture


class PhotoExplorer(FerWidget):
    """Drop, choose or paste a photo; click a face; change the model or the detector.

    Parameters
    ----------
    image : path or uint8 array (H, W, 3) RGB, optional
        The photo to begin with; without one the astronaut is shown.
    model : FerModel, str or None
        A model or its name; None takes the one that ships.
    detector : Detector, str or None
        A detector or its name, as `load_detector` takes it.

    Examples
    --------
    >>> explorer = PhotoExplorer("group.jpg")  # doctest: +SKIP
    >>> explorer  # doctest: +SKIP
    >>> explorer.reactions[["emotion", "valence", "arousal"]]  # doctest: +SKIP
    """

    _esm = assets.script("photo")
    choices = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        image: str | Path | np.ndarray | None = None,
        model=None,
        detector: Detector | str | None = None,
    ):
        self._model = as_model(model)
        # By the name shown: a file or an object of the caller's own cannot be loaded by name again.
        self._models = {name_of(self._model): self._model}
        self._detectors: dict[str, Detector] = {}
        self._set_detector(detector or DEFAULT)
        cascades = sorted(cascade_names(), key=lambda name: "face" not in name)
        found = [DEFAULT, *(f"haar/{name}" for name in cascades), "yunet"]
        if self._detector_name not in found:
            found.insert(0, self._detector_name)
        ready = [one.name for one in catalogue() if one.ready and one.read()["labels"]]
        models = list(dict.fromkeys([name_of(self._model), *ready]))
        choices = {"models": models, "detectors": found, "samples": list(SAMPLES)}
        super().__init__(self._model, choices=choices)
        self.show(SAMPLES[0] if image is None else image)

    def _set_detector(self, detector: Detector | str) -> None:
        if isinstance(detector, str):
            shown = detector
            if shown not in self._detectors:
                self._detectors[shown] = load_detector(detector)
        else:
            shown = getattr(detector, "name", "own")
            self._detectors[shown] = detector
        self._detector, self._detector_name = self._detectors[shown], shown

    # --- what the notebook can ask and do ---
    def show(self, image: str | Path | np.ndarray) -> None:
        """Show and read a photo: a path, an array, or the name of a sample."""
        from fer_nb.media import read_image

        if isinstance(image, np.ndarray):
            name, picture = "array", image
        elif str(image) in SAMPLES:
            name, picture = str(image), sample(str(image))
        else:
            name, picture = Path(image).name, read_image(image)
        self._name, self._image = name, picture
        self._read()

    @property
    def image(self) -> np.ndarray:
        """The photo shown, uint8 RGB (H, W, 3)."""
        return self._image

    @property
    def reactions(self) -> pd.DataFrame:
        """The reaction table of the photo shown, as `analyze_image` gives it."""
        return self._table

    # --- reading ---
    def _read(self) -> None:
        from fer_nb.reactions import analyze_image

        started = time.perf_counter()
        self._table = analyze_image(self._image, model=self._model, detector=self._detector)
        self._table.attrs["source"] = self._name
        self._ms = 1000 * (time.perf_counter() - started)
        self._send_photo()

    def _send_photo(self, view: str | None = None) -> None:
        height, width = self._image.shape[:2]
        # A model of the user's own may keep to itself what it looks at.
        prepared = getattr(self._model, "preprocessing", Preprocessing(64, "rgb"))
        table = ratings_of(self._model)
        seen = self._table[self._table["face_id"].notna()]
        faces, crops = [], []
        for row in seen.to_dict("records"):
            face = Face(row["x"], row["y"], row["width"], row["height"], row["score"])
            margin = margin_of(self._detector)
            [square] = prepared.squares([crop_face(self._image, face, margin)])
            crops.append(pictures.png(square[..., ::-1] if prepared.colour == "bgr" else square))
            faces.append(
                {
                    "id": int(row["face_id"]),
                    "x": row["x"] / width,
                    "y": row["y"] / height,
                    "w": row["width"] / width,
                    "h": row["height"] / height,
                    "emotion": str(row["emotion"]),
                    "probs": [float(row[name]) for name in PROBABILITY_COLUMNS],
                    "valence": float(row["valence"]),
                    "arousal": float(row["arousal"]),
                    "nearest": nearest_emotion(row["valence"], row["arousal"], table),
                }
            )
        message = {
            "type": "photo",
            "name": self._name,
            "width": width,
            "height": height,
            "faces": faces,
            "model": name_of(self._model),
            "detector": self._detector_name,
            "input": prepared.size,
            "ms": self._ms,
            "view": view,
        }
        shown = pictures.jpeg(pictures.shrink(self._image, DISPLAY_SIDE))
        self.send(message, [shown, *crops])

    # --- messages ---
    def _on_hello(self, message: Mapping, buffers: list) -> None:
        self._send_photo(message.get("view"))

    def _on_sample(self, message: Mapping, buffers: list) -> None:
        self.show(message["value"])

    def _on_model(self, message: Mapping, buffers: list) -> None:
        from fer_nb.models import load_model

        name = message["value"]
        if name not in self._models:
            self._models[name] = load_model(name)
        self._model = self._models[name]
        self._read()

    def _on_detector(self, message: Mapping, buffers: list) -> None:
        self._set_detector(message["value"])
        self._read()

    def _uploaded(self, path: Path, message: Mapping) -> None:
        if path.suffix.lower() != ".xml":
            self.show(path)
            return
        shown = f"haar/{path.name}"
        self._detectors[shown] = load_detector(f"haar/{path}")
        self._set_detector(shown)
        found = [name for name in self.choices["detectors"] if name != shown]
        self.choices = self.choices | {"detectors": [shown, *found]}
        self._read()

    def _on_save(self, message: Mapping, buffers: list) -> None:
        stem = Path(self._name).stem.replace(" ", "-")
        if message["value"] == "table":
            data = harmless(self._table).to_csv(index=False).encode()
            self._offer(message, f"{stem}-reactions.csv", "text/csv", data)
        else:
            from fer_nb.draw import draw_reactions

            drawn = draw_reactions(self._image, self._table, val_ar=True)
            self._offer(message, f"{stem}-annotated.png", "image/png", pictures.png(drawn))

    # --- without a browser ---
    def _sentence(self) -> str:
        names = [str(name) for name in self._table["emotion"].dropna()]
        count = "1 face" if len(names) == 1 else f"{len(names)} faces"
        found = f"{count}: {', '.join(names)}" if names else "no face found"
        return f"PhotoExplorer, {self._name}: {found}. Open it in JupyterLab to explore."

    def _picture(self) -> bytes:
        from fer_nb.widgets.still import photo_still

        return photo_still(self._image, self._table)

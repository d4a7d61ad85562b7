"""Run keras-vggface, written for the Keras of 2019, on today's Keras.

`keras_vggface.models` imports a dozen names from a `keras` that no longer has them. While it is
being imported, and only then, `sys.modules` holds small stand-ins that give it those names; after
that they are taken out again, so nobody else meets them. The stand-in layers differ from the real
ones in one respect: Keras 3 refuses "/" in a layer's name, so "conv1/7x7_s2" becomes
"conv1_7x7_s2" (`layer_name`), and layers without a name get one that depends on the network alone,
not on what was built before it.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections import Counter
from collections.abc import Callable
from types import ModuleType

from fer_nb.errors import MissingExtraError

_OLD_LAYERS = (
    "Activation",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "MaxPooling2D",
    "Permute",
    "Reshape",
)
_lock = threading.RLock()
_networks: ModuleType | None = None
_names: Counter[str] = Counter()


def layer_name(name: str) -> str:
    """Return the name that a layer called `name` in an old weights file has here.

    Examples
    --------
    >>> layer_name("conv1/7x7_s2/bn")
    'conv1_7x7_s2_bn'
    """
    return name.replace("/", "_")


def build(function: str, **arguments):
    """Call `keras_vggface.models.<function>(**arguments)` and return the Keras 3 model.

    Raises
    ------
    MissingExtraError
        If keras, keras-vggface or keras_applications is not installed.
    """
    global _networks
    with _lock:
        if _networks is None:
            _networks = _import_networks()
        _names.clear()
        return getattr(_networks, function)(**arguments)


def _import_networks() -> ModuleType:
    try:
        import keras
        import keras_applications.imagenet_utils  # noqa: F401  (so that it is not tied to stand-ins)
    except ImportError:
        raise MissingExtraError("building a VGGFace network", "train") from None
    stand_ins = _stand_ins(keras)
    hidden = {
        name: sys.modules.pop(name)
        for name in list(sys.modules)
        if name.partition(".")[0] in ("keras", "keras_vggface")
    }
    try:
        sys.modules.update(stand_ins)
        return importlib.import_module("keras_vggface.models")
    except ModuleNotFoundError as error:
        if error.name != "keras_vggface":
            raise
        raise MissingExtraError("building a VGGFace network", "train") from None
    finally:
        for name in list(sys.modules):
            if name.partition(".")[0] in ("keras", "keras_vggface"):
                del sys.modules[name]
        sys.modules.update(hidden)


def _stand_ins(keras) -> dict[str, ModuleType]:
    """Modules with just the names that keras_vggface.models and .utils import."""
    layers = {name: _named(getattr(keras.layers, name)) for name in _OLD_LAYERS}
    layers["Input"] = lambda shape: keras.layers.Input(shape, name="image")
    layers["add"] = lambda inputs: _named(keras.layers.Add)()(inputs)
    layers["multiply"] = lambda inputs: _named(keras.layers.Multiply)()(inputs)
    backend = {
        "image_data_format": lambda: "channels_last",
        "backend": lambda: "tensorflow",
        "is_keras_tensor": keras.utils.is_keras_tensor,
    }
    get_file = {"get_file": _no_download}
    return {
        "keras": _module("keras"),
        "keras.layers": _module("keras.layers", **layers),
        "keras.models": _module("keras.models", Model=keras.Model),
        "keras.backend": _module("keras.backend", **backend),
        "keras.engine": _module("keras.engine"),
        "keras.engine.topology": _module(
            "keras.engine.topology", get_source_inputs=keras.utils.get_source_inputs
        ),
        "keras.utils": _module("keras.utils"),
        "keras.utils.layer_utils": _module("keras.utils.layer_utils"),
        "keras.utils.data_utils": _module("keras.utils.data_utils", **get_file),
    }


def _module(name: str, **members: object) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = []  # `from keras import layers` then looks up sys.modules["keras.layers"]
    module.__dict__.update(members)
    return module


def _named(layer: type) -> Callable[..., object]:
    def create(*arguments, name: str | None = None, **options):
        if name is None:
            _names[layer.__name__] += 1
            name = f"{layer.__name__.lower()}_{_names[layer.__name__]}"
        return layer(*arguments, name=layer_name(name), **options)

    return create


def _no_download(name: str, *_: object, **__: object) -> str:
    raise RuntimeError(
        f"{name}: weights are loaded by fer_nb.training.finetune.vggface, not by keras_vggface"
    )

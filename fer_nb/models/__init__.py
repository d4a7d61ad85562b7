"""Networks that read emotion from a face crop, and how one is loaded."""

from fer_nb.models.catalogue import Entry, catalogue
from fer_nb.models.info import read_info
from fer_nb.models.model import FerModel, as_model, find_model, load_model
from fer_nb.models.network import Network
from fer_nb.models.preprocess import GREY_WEIGHTS, Preprocessing, preprocess
from fer_nb.models.protocol import (
    Crop,
    Model,
    Predictions,
    crop_of,
    describe_model,
    name_of,
    ratings_of,
)

__all__ = [
    "GREY_WEIGHTS",
    "Crop",
    "Entry",
    "FerModel",
    "Model",
    "Network",
    "Predictions",
    "Preprocessing",
    "as_model",
    "catalogue",
    "crop_of",
    "describe_model",
    "find_model",
    "load_model",
    "name_of",
    "preprocess",
    "ratings_of",
    "read_info",
]

"""The public face of fer_nb, as editors and type checkers read it; see `__init__.py`."""

from fer_nb.draw import draw_bbox_with_emotion as draw_bbox_with_emotion
from fer_nb.draw import draw_reactions as draw_reactions
from fer_nb.emotions import EMOTIONS as EMOTIONS
from fer_nb.emotions import from_unit as from_unit
from fer_nb.emotions import to_unit as to_unit
from fer_nb.errors import FerError as FerError
from fer_nb.faces import Face as Face
from fer_nb.faces import crop_face as crop_face
from fer_nb.faces import load_detector as load_detector
from fer_nb.media import VideoReader as VideoReader
from fer_nb.media import VideoWriter as VideoWriter
from fer_nb.media import read_image as read_image
from fer_nb.models import FerModel as FerModel
from fer_nb.models import Predictions as Predictions
from fer_nb.models import load_model as load_model
from fer_nb.models.vggfer import VGGFerModel as VGGFerModel
from fer_nb.reactions import analyze_frames as analyze_frames
from fer_nb.reactions import analyze_image as analyze_image
from fer_nb.reactions import analyze_video as analyze_video
from fer_nb.reports import report_videos as report_videos
from fer_nb.study import run_study as run_study
from fer_nb.tables import read_table as read_table
from fer_nb.tables import write_table as write_table
from fer_nb.widgets import PhotoExplorer as PhotoExplorer
from fer_nb.widgets import VideoExplorer as VideoExplorer
from fer_nb.widgets import WebcamPreview as WebcamPreview

__version__: str
__all__: list[str]

"""Many videos: each with an annotated copy and its table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from fer_nb.draw import annotate_video
from fer_nb.errors import FerError
from fer_nb.faces.detectors import Detector
from fer_nb.files import check_free, keep_source
from fer_nb.media import VIDEO_SUFFIXES, sound_note
from fer_nb.models import FerModel
from fer_nb.person import recording_quality
from fer_nb.reactions import analyze_video
from fer_nb.remote import (
    below,
    everywhere,
    fetched,
    files_at,
    is_address,
    is_file,
    is_folder,
    mirrored,
    name_of,
    path_of,
)
from fer_nb.tables import write_table


@dataclass(frozen=True)
class Copy:
    """A video, and where its annotated copy and its table go."""

    video: str | Path
    out: Path
    table: Path

    def everywhere(self) -> Copy:
        """The same by names that hold on every machine that sees these files."""
        return Copy(everywhere(self.video), self.out.absolute(), self.table.absolute())


def plan_copies(
    sources: Sequence[str | Path], out: str | Path | None, suffix: str = ".parquet"
) -> list[Copy]:
    """Say where the results of videos, and of folders of videos, go.

    Parameters
    ----------
    sources : sequence of path
        Or addresses (``s3://…``) of videos, and of folders.
    out : path, optional
        The copy's name (.mp4) for a single video, else a folder; what lies in it is no source.
        Without it they go beside each other into the current folder, as ``NAME_emotions.mp4``, or
        into the folder ``emotions``.
    suffix : str
        Of the tables.

    Raises
    ------
    FerError
        If a folder holds no video, two results would have one name, or `out` is of no use.
    """
    folders = {source for source in sources if is_folder(source)}
    single = len(sources) == 1 and not folders
    if single and out is None:
        out = Path(f"{Path(name_of(sources[0])).stem}_emotions.mp4")
    out = Path("emotions" if out is None else out)
    if single and out.suffix and not out.is_dir():
        if out.suffix.lower() != ".mp4":
            raise FerError(f"the annotated video is an MP4 file; name it .mp4, not {out.name}")
        return [Copy(sources[0], out, out.with_suffix(suffix))]
    if out.suffix.lower() == ".mp4" and not out.is_dir():
        raise FerError(f"several videos do not fit into {out.name}; give a folder as --out")
    copies: dict[Path, Copy] = {}
    for source in sources:
        videos = {name_of(source): source}
        if source in folders:
            videos = _without_copies(source, out, files_at(source, VIDEO_SUFFIXES))
            if not videos:
                raise FerError(f"{source} holds no video ({', '.join(VIDEO_SUFFIXES)})")
        for relative, video in videos.items():
            name = out / Path(relative).with_suffix(".mp4")
            if name in copies:
                raise FerError(
                    f"{copies[name].video} and {video} would both become {name}; give one of them "
                    "another --out"
                )
            copies[name] = Copy(path_of(str(video)), name, name.with_suffix(suffix))
    return list(copies.values())


def _without_copies(
    source: str | Path, out: Path, videos: dict[str, str | Path]
) -> dict[str, str | Path]:
    """Leave out what an earlier run has put into a folder of results within the source."""
    results = out.resolve()
    if is_address(source) or Path(source).resolve() not in results.parents:
        return videos
    return {
        name: video
        for name, video in videos.items()
        if results not in Path(video).resolve().parents
    }


@contextmanager
def copies_at(
    out: str | Path | None, sources: Sequence[str | Path], suffix: str, force: bool
) -> Iterator[dict[Copy, list[str]]]:
    """Yield the copies of `plan_copies`, each with how a user calls its two files.

    Where `out` is an address, they are made on this computer and sent there in the end.

    Raises
    ------
    FerError
        As from `plan_copies`; if one of the files exists at the address, unless with `force`; or if
        the storage cannot be reached.
    """
    if not is_address(out):
        copies = plan_copies(sources, out, suffix)
        yield {copy: [str(copy.out), str(copy.table)] for copy in copies}
        return
    folder, name = str(out), ""
    if folder.lower().endswith(".mp4"):
        folder, _, name = folder.rpartition("/")
    with mirrored(folder, fetch=False) as here:
        told = {
            copy: [below(folder, f.relative_to(here).as_posix()) for f in (copy.out, copy.table)]
            for copy in plan_copies(sources, here / name, suffix)
        }
        for file in chain(*told.values()):
            if not force and is_file(file):
                raise FerError(f"{file} exists already; choose another name, or add --force")
        yield told


def annotate_recording(
    copy: Copy,
    model: FerModel,
    detector: Detector,
    val_ar: bool = False,
    force: bool = False,
    progress: Callable[[float], None] | None = None,
    **options,
) -> tuple[list[str], dict]:
    """Write a video's annotated copy and its table.

    Parameters
    ----------
    copy : Copy
    model, detector
        As in `fer_nb.analyze_video`.
    val_ar, force
        As in `fer_nb.draw.annotate_video`.
    progress : callable, optional
        Called with the time of each frame, first of those analysed, then of those drawn.
    **options
        Further ones of `fer_nb.analyze_video`; ``start_s`` and ``end_s`` hold for the copy, too.

    Returns
    -------
    warnings : list of str
        What the video's reader and the sound tell.
    quality : dict
        As from `fer_nb.person.recording_quality`.

    Raises
    ------
    FerError
        If the video cannot be read, or the results cannot be written.
    """
    check_free(copy.out, force)
    check_free(copy.table, force)
    with fetched(copy.video) as video:
        keep_source(video, copy.out)
        table = analyze_video(video, model=model, detector=detector, progress=progress, **options)
        if table.empty:
            length_s = table.attrs["video"]["duration_s"]
            raise FerError(
                f"no frame lies in the stretch asked for; the video has {length_s:.1f} s"
            )
        start_s, end_s = options.get("start_s", 0.0), options.get("end_s")
        shift_s = table.attrs["video"]["start_s"] if options.get("clock") == "player" else 0.0
        span = max(0.0, start_s - shift_s), math.inf if end_s is None else end_s - shift_s
        annotate_video(video, table, copy.out, val_ar, force, span, progress)
        sound = sound_note(video)
    write_table(table, copy.table, force)  # last, as a table alone would be in the way next time
    warnings = [*table.attrs["warnings"], sound]
    return [warning for warning in warnings if warning], recording_quality(table)

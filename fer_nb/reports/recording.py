"""What a report says of one recording, in words and pictures."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.draw import blur_picture, draw_reactions
from fer_nb.emotions import COLORS, NEUTRAL
from fer_nb.errors import FerError
from fer_nb.media import VideoReader
from fer_nb.person import (
    LIMITS,
    headline,
    main_person,
    person_rows,
    recording_quality,
    smoothed,
)
from fer_nb.reports.html import Html, card, cards, jpeg, paragraphs
from fer_nb.reports.words import adjective, reason_text, signal_name, time_code


def provenance(table: pd.DataFrame, **parameters) -> dict[str, str]:
    """Return where a reaction table comes from, as names and values for the head of a report.

    `parameters` are those of the report itself and are listed with those of the analysis.
    """
    attrs = table.attrs
    video = attrs["video"]
    detector = dict(attrs["parameters"]["detector"])
    analysis = {k: v for k, v in attrs["parameters"].items() if k != "detector"}
    told = ", ".join(f"{k} {v}" for k, v in detector.items() if k not in ("name", "model"))
    return {
        "recording": attrs["source"],
        "SHA-256": attrs["sha256"],
        "video": f"{video['width']} × {video['height']}, {video['codec']}, "
        f"{video['duration_s']:.2f} s, {video['frames']} frames, {video['fps']:.2f} per second",
        "model": _model(attrs),
        "class prior": ", ".join(f"{k} {v:.3f}" for k, v in (attrs["prior"] or {}).items())
        or "not stated",
        "detector": f"{detector['name']} ({told})",
        "parameters": ", ".join(
            f"{k} {v}" for k, v in (analysis | parameters).items() if v is not None
        ),
        "made": f"{date.today().isoformat()} with fer_nb {attrs['package_version']}",
    }


def _model(attrs: dict) -> str:
    """Say which model was used; one of the user's own may tell no more than a name."""
    told = f"{attrs['model']} {attrs['model_version']}".strip()
    return f"{told}, SHA-256 {attrs['model_sha256']}" if attrs["model_sha256"] else told


def on_stimulus_clock(
    table: pd.DataFrame, start_s: float = 0.0, stimulus: str | Path | None = None
) -> pd.DataFrame:
    """Cut a reaction table to the time of the stimulus, and put it on the stimulus' clock.

    So that a respondent's page says the same second as the audience's. Without a stimulus and a
    start the table stays as it is.

    Raises
    ------
    FerError
        If nothing was recorded while the stimulus ran.
    """
    if not start_s and stimulus is None:
        return table
    end_s = np.inf
    if stimulus is not None:
        with VideoReader(stimulus) as film:
            end_s = film.info.duration_s or np.inf
    time_s = table["time_s"] - start_s
    inside = (time_s >= 0) & (time_s < end_s)
    if not inside.any():
        last = table["time_s"].max()
        raise FerError(
            f"the recording ends at {last:.1f} s, and the stimulus begins at {start_s:g} s; "
            "check start_s"
        )
    cut = table[inside].assign(time_s=time_s[inside]).reset_index(drop=True)
    cut.attrs = table.attrs
    return cut


def verdict(quality: dict, figures: dict) -> str:
    """Return one sentence on a recording, for the head of its report."""
    if not figures["measured_s"]:
        return "No face was found in this recording; there is nothing to report."
    valence = figures["mean_valence"]
    # A photograph of one frame lasts no time, and yet that frame was measured.
    whole_s = max(quality["duration_s"], figures["measured_s"])
    digits = 0 if whole_s >= 2 else 1
    said = (
        f"The face was measured for {figures['measured_s']:.{digits}f} of {whole_s:.{digits}f} "
        f"seconds and looked mostly {adjective(figures['dominant'])}, with a mean valence of "
        f"{valence:.1f} ({_mood(valence)})."
    )
    return said if quality["usable"] else f"Unusable: {'; '.join(reasons(quality))}. {said}"


def reasons(quality: dict) -> list[str]:
    """Return why a recording is unusable, in words; none where it is usable."""
    return [reason_text(code, quality, LIMITS) for code in quality["reasons"]]


def _mood(valence: float) -> str:
    if abs(valence - NEUTRAL) < 0.25:
        return "about neutral"
    return "positive" if valence > NEUTRAL else "negative"


def quality_facts(quality: dict) -> dict[str, str]:
    """Return the quality of a recording as names and values."""
    return {
        "time with the face in view": f"{quality['face_share']:.1%}",
        "longest time without a face": f"{quality['longest_gap_s']:.2f} s",
        "frames analysed": f"{quality['frames']} ({quality['effective_fps']:.1f} per second)",
        "brightness (median, 0–255)": f"{quality['brightness']:.0f}",
        "contrast (median SD of brightness)": f"{quality['contrast']:.0f}",
        "width of the face (median)": _pixels(quality["face_px"]),
        "time facing the camera": _known(100 * quality["facing_share"], "%"),
        "tilt of the head (median)": _known(quality["tilt_deg"], "°"),
        "frames with a second face": f"{quality['other_face_share']:.1%}",
        "frames damaged or lost": _known(100 * quality["damaged_share"], "%"),
    }


def _known(value: float, unit: str) -> str:
    return "not known" if np.isnan(value) else f"{value:.0f}{unit}"


def _pixels(width: float) -> str:
    return "no face" if np.isnan(width) else f"{width:.0f} px"


def headline_facts(figures: dict) -> dict[str, str]:
    """Return the key figures of a recording in print."""
    if not figures["measured_s"]:
        return {"seconds measured": "0"}
    peak, low = time_code(figures["peak_valence_s"]), time_code(figures["low_valence_s"])
    return {
        "seconds measured": f"{figures['measured_s']:.1f}",
        "mean valence (1–7)": f"{figures['mean_valence']:.2f}",
        "mean arousal (1–7)": f"{figures['mean_arousal']:.2f}",
        f"highest valence, at {peak}": f"{figures['peak_valence']:.2f}",
        f"lowest valence, at {low}": f"{figures['low_valence']:.2f}",
        f"of the time mostly {adjective(figures['dominant'])}": f"{figures['dominant_share']:.0%}",
    }


def thumbnail(
    video: VideoReader, time_s: float, table: pd.DataFrame, show_faces: bool = False
) -> np.ndarray:
    """Return the picture at a time: with the faces of the table marked, or blurred as a whole."""
    image = video.frame_at(time_s).image
    if not show_faces:
        return blur_picture(image)
    if not len(table):
        return image
    nearest = table["time_s"].to_numpy()[np.argmin(np.abs(table["time_s"].to_numpy() - time_s))]
    return draw_reactions(image, table[table["time_s"] == nearest])


def moment_cards(
    moments: pd.DataFrame,
    table: pd.DataFrame,
    video: str | Path,
    stimulus: str | Path | None = None,
    start_s: float = 0.0,
    show_faces: bool = False,
) -> Html:
    """Return the strongest moments as cards: picture, time code, and what was seen.

    With a stimulus the picture is the stimulus at that time, else the recording, blurred unless
    `show_faces`. `moments` are on the clock of `on_stimulus_clock`, `table` on the recording's.
    No moments are a sentence.
    """
    if moments.empty:
        return paragraphs("No moment stands out: no emotion rose 10 of 100 above its median.")
    items = []
    with VideoReader(stimulus or video) as source:
        for moment in moments.to_dict("records"):
            if stimulus:
                picture = source.frame_at(moment["time_s"]).image
            else:
                picture = thumbnail(source, moment["time_s"] + start_s, table, show_faces)
            lines = [
                f"{100 * moment['probability']:.0f} of 100, "
                f"{100 * moment['rise']:.0f} above its median",
                f"valence {moment['valence']:.1f}, arousal {moment['arousal']:.1f}",
            ]
            head = f"{time_code(moment['time_s'])}  {signal_name('p_' + moment['emotion'])}"
            items.append(card(picture, head, lines, COLORS[moment["emotion"]]))
    return cards(items)


def summarize(
    table: pd.DataFrame,
    video: str | Path,
    show_faces: bool = False,
    stimulus: str | Path | None = None,
    start_s: float = 0.0,
) -> dict:
    """Return quality, key figures and a thumbnail (JPEG) of a recording, for the index."""
    watched = on_stimulus_clock(table, start_s, stimulus)
    person = main_person(watched)
    rows = person_rows(watched, person)
    summary = recording_quality(watched, person) | headline(rows, smoothed(rows))
    summary["reasons"] = reasons(summary)
    seen = rows["time_s"][rows["face_id"].notna()]
    middle = float(seen.iloc[len(seen) // 2]) if len(seen) else summary["duration_s"] / 2
    middle += start_s
    with VideoReader(video) as source:
        summary["thumbnail"] = jpeg(thumbnail(source, middle, table, show_faces))
    return summary

"""What a report says of one recording, in words and pictures."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.draw import blur_picture, draw_reactions
from fer_nb.emotions import COLORS, NEUTRAL
from fer_nb.media import VideoReader
from fer_nb.pages import Html, card, cards, data_url
from fer_nb.summary import (
    headline,
    main_person,
    person_rows,
    recording_quality,
    smoothed,
    time_code,
)


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
        "model": f"{attrs['model']} {attrs['model_version']}, SHA-256 {attrs['model_sha256']}",
        "class prior": ", ".join(f"{k} {v:.3f}" for k, v in attrs["prior"].items()),
        "detector": f"{detector['name']} ({told})",
        "parameters": ", ".join(f"{k} {v}" for k, v in (analysis | parameters).items()),
        "made": f"{date.today().isoformat()} with fer_nb {attrs['package_version']}",
    }


def verdict(quality: dict, figures: dict) -> str:
    """Return one sentence on a recording, for the head of its report."""
    if not figures["measured_s"]:
        return "No face was found in this recording; there is nothing to report."
    valence = figures["mean_valence"]
    said = (
        f"{figures['measured_s']:.0f} of {quality['duration_s']:.0f} seconds were measured; "
        f"the face looked mostly {figures['dominant']}, with a mean valence of {valence:.1f} "
        f"({_mood(valence)})."
    )
    return said if quality["usable"] else f"Unusable: {'; '.join(quality['reasons'])}. {said}"


def _mood(valence: float) -> str:
    if abs(valence - NEUTRAL) < 0.25:
        return "about neutral"
    return "pleasant" if valence > NEUTRAL else "unpleasant"


def quality_facts(quality: dict) -> dict[str, str]:
    """Return the quality of a recording as names and values."""
    return {
        "time with the respondent's face": f"{quality['face_share']:.1%}",
        "longest time without it": f"{quality['longest_gap_s']:.2f} s",
        "frames analysed": f"{quality['frames']} ({quality['effective_fps']:.1f} per second)",
        "brightness (median, 0–255)": f"{quality['brightness']:.0f}",
        "contrast (median SD of brightness)": f"{quality['contrast']:.0f}",
        "width of the face (median)": _pixels(quality["face_px"]),
        "frames with a second face": f"{quality['other_faces_share']:.1%}",
    }


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
        f"of the frames mostly {figures['dominant']}": f"{figures['dominant_share']:.0%}",
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
    `show_faces`. No moments are a sentence.
    """
    if moments.empty:
        return Html("<p>No moment stands out: no emotion rose above its usual level by 0.1.</p>")
    items = []
    with VideoReader(stimulus or video) as source:
        for moment in moments.to_dict("records"):
            at = moment["time_s"] - start_s if stimulus else moment["time_s"]
            if stimulus:
                picture = source.frame_at(at).image if at >= 0 else None
            else:
                picture = thumbnail(source, at, table, show_faces)
            lines = [
                f"probability {moment['probability']:.0%}, "
                f"{100 * moment['rise']:.0f} points above its median",
                f"valence {moment['valence']:.1f}, arousal {moment['arousal']:.1f}",
            ]
            head = f"{time_code(moment['time_s'])}  {moment['emotion']}"
            items.append(card(picture, head, lines, COLORS[moment["emotion"]]))
    return cards(items)


def summarize(table: pd.DataFrame, video: str | Path, show_faces: bool = False) -> dict:
    """Return quality, key figures and a thumbnail of a recording, for the index of reports."""
    person = main_person(table)
    rows = person_rows(table, person)
    summary = recording_quality(table, person) | headline(rows, smoothed(rows))
    seen = rows["time_s"][rows["face_id"].notna()]
    middle = float(seen.iloc[len(seen) // 2]) if len(seen) else summary["duration_s"] / 2
    with VideoReader(video) as source:
        summary["thumbnail"] = data_url(thumbnail(source, middle, table, show_faces))
    return summary

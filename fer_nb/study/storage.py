"""A study's files: written so that the same study gives the same bytes, and read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.errors import StudyError
from fer_nb.files import make_folder, new_file
from fer_nb.remote import fetched, is_address, told
from fer_nb.spreadsheets import harmless, restored
from fer_nb.study.config import SIGNALS, StudyConfig
from fer_nb.study.curves import Audience
from fer_nb.study.intervals import blocks
from fer_nb.study.quality import COLUMNS as QUALITY_COLUMNS
from fer_nb.study.result import StudyResult
from fer_nb.study.stimuli import Scene, Stimulus

FORMAT = 3
TABLES = {
    "curves": "curves.parquet",
    "segment_curves": "segment_curves.parquet",
    "difference_curves": "difference_curves.parquet",
    "synchrony_curves": "synchrony_curves.parquet",
    "metrics": "metrics.csv",
    "quality": "quality.csv",
    "moments": "moments.csv",
    "brand": "brand.csv",
    "synchrony": "synchrony.csv",
    "comparison": "comparison.csv",
    "sensitivity": "sensitivity.csv",
    "segments": "segments.csv",
    "segment_comparison": "segment_comparison.csv",
    "scene_comparison": "scene_comparison.csv",
    "difference_clusters": "difference_clusters.csv",
    "mixed": "mixed.csv",
}
PEOPLE = "people.parquet"
_TEXT = (
    "recording",
    "respondent",
    "stimulus",
    "group",
    "source",
    "sha256",
    "signal",
    "scene",
    "first",
    "second",
    "level",
    "minus",
    "column",
    "brand",
)

# Text in which nothing is said by an empty cell.
_MAY_BE_EMPTY = ("reasons", "notes", "messages", "group", "stimulus", "level", "minus", "flag")


def save_study(result: StudyResult, folder) -> Path:
    """Write a study: CSV and Parquet tables, `people.parquet`, and `study.json`.

    Numbers carry six significant digits and nothing carries a date, so that the same inputs give
    the same bytes.
    """
    folder = make_folder(folder)
    for name, file in TABLES.items():
        table = _rounded(getattr(result, name))
        with new_file(folder / file, force=True) as part:
            if file.endswith(".csv"):
                harmless(table).to_csv(part, index=False, float_format="%.6g", lineterminator="\n")
            else:
                table.to_parquet(part, index=False)
    with new_file(folder / PEOPLE, force=True) as part:
        _write_people(result, part)
    with new_file(folder / "study.json", force=True) as part:
        part.write_text(json.dumps(_described(result, folder), indent=1) + "\n", encoding="utf-8")
    return folder


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Six significant digits: what remains is the same on every run."""
    table = table.copy()
    for name in table.columns:
        if table[name].dtype.kind == "f":
            values = table[name].to_numpy(dtype=float)
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = 10.0 ** (5 - np.floor(np.log10(np.abs(values))))
                rounded = np.round(values * scale) / scale
            table[name] = np.where(np.isfinite(rounded), rounded, values)
    return table


def _write_people(result: StudyResult, path: Path) -> None:
    """One row per kept respondent and bin: signals as measured, and as departures (`d_…`).

    Written some people at a time: the whole table of ten thousand is several hundred megabytes.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    text = [(name, pa.string()) for name in ("stimulus", "respondent", "group")]
    signals = [name for signal in SIGNALS for name in (signal, f"d_{signal}")]
    numbers = [(name, pa.float32()) for name in ("coverage", *signals)]
    schema = pa.schema([*text, ("time_s", pa.float64()), *numbers])
    with ParquetWriter(path, schema) as writer:
        for audience in result.audiences.values():
            bins = len(audience.times)
            for people in blocks(len(audience), bins * len(schema)):
                data = _people(audience, people)
                writer.write_table(pa.table(data, schema), row_group_size=bins * len(audience))


def _people(audience: Audience, people: slice) -> dict[str, np.ndarray]:
    """The columns of some respondents."""
    names, bins = audience.respondents[people], len(audience.times)
    data = {
        "stimulus": np.repeat(np.array(audience.stimulus, dtype=object), len(names) * bins),
        "respondent": np.repeat(np.array(names, dtype=object), bins),
        "group": np.repeat(np.array(audience.groups[people], dtype=object), bins),
        "time_s": np.tile(audience.times, len(names)),
        "coverage": audience.coverage[people].ravel().astype(np.float32),
    }
    for k, signal in enumerate(SIGNALS):
        data[signal] = audience.raw[people, k].ravel().astype(np.float32)
        data[f"d_{signal}"] = audience.corrected[people, k].ravel().astype(np.float32)
    return data


def _described(result: StudyResult, folder: Path) -> dict:
    return {
        "format": FORMAT,
        "parameters": result.config.as_dict(),
        "stimuli": [
            {
                "stimulus": s.name,
                "title": s.title,
                "video": told(s.video, folder) if s.video else None,
                "duration_s": None if pd.isna(s.duration_s) else s.duration_s,
                "scenes": [vars(scene) for scene in s.scenes],
                "brand": [vars(scene) for scene in s.brand],
            }
            for s in result.stimuli.values()
        ],
        "mixed_fit": result.mixed_fit,
        "provenance": result.provenance,
    }


@contextmanager
def films_here(stimuli: Iterable[Stimulus]) -> Iterator[dict[str, Path]]:
    """Yield where the videos of stimuli lie on this computer, by stimulus: for the block a copy of
    each that is given by its address."""
    with ExitStack() as stack:
        yield {s.name: stack.enter_context(fetched(s.video)) for s in stimuli if s.video}


def load_study(folder, films: Mapping[str, str | Path] | None = None) -> StudyResult:
    """Read a study that `save_study` wrote, for its report.

    Parameters
    ----------
    folder : path
    films : mapping of str to path, optional
        Where the videos of stimuli lie, for those that do not lie where the study says.

    Raises
    ------
    StudyError
        If the folder holds no study, or a damaged one.
    """
    folder = Path(folder)
    if not (folder / "study.json").is_file():
        raise StudyError(f"{folder} holds no study (no study.json); run `fer-nb study` first")
    try:
        return _load(folder, films or {})
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StudyError(
            f"the study in {folder} cannot be read ({type(error).__name__}: {error}); "
            "run `fer-nb study` again with --force"
        ) from error


def _load(folder: Path, films: Mapping[str, str | Path]) -> StudyResult:
    described = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    if described["format"] != FORMAT:
        raise ValueError(f"its format is {described['format']}, and this package reads {FORMAT}")
    tables = {}
    for name, file in TABLES.items():
        if file.endswith(".csv"):
            more = []  # the manifest's further columns, which are text
            if name == "quality":
                header = pd.read_csv(folder / file, nrows=0).columns
                more = [column for column in header if column not in QUALITY_COLUMNS]
            tables[name] = pd.read_csv(
                folder / file,
                dtype=dict.fromkeys((*_TEXT, *more), str),
                keep_default_na=False,  # "NA" may be a name; only an empty cell is missing
                na_values=[""],
            )
            table = tables[name] = restored(tables[name])
            more = [column for column in table if column not in QUALITY_COLUMNS] if more else []
            for column in (*_MAY_BE_EMPTY, *more):
                if column in tables[name]:
                    tables[name][column] = tables[name][column].astype(object).fillna("")
        else:
            tables[name] = pd.read_parquet(folder / file)
    config = StudyConfig(**described["parameters"])
    stimuli = {
        s["stimulus"]: Stimulus(
            s["stimulus"],
            s["title"],
            _film(folder, films.get(s["stimulus"], s["video"])),
            np.nan if s["duration_s"] is None else s["duration_s"],
            tuple(Scene(**scene) for scene in s["scenes"]),
            tuple(Scene(**scene) for scene in s["brand"]),
        )
        for s in described["stimuli"]
    }
    baseline = described["provenance"]["baseline"]
    source = "none" if baseline["method"] == "none" else baseline["source"]
    return StudyResult(
        config=config,
        stimuli=stimuli,
        audiences=_audiences(pd.read_parquet(folder / PEOPLE), tables["quality"], config, source),
        mixed_fit=described["mixed_fit"],
        provenance=described["provenance"],
        **tables,
    )


def _film(folder: Path, video: str | Path | None) -> Path | None:
    """Where a film lies, if that is on this computer; see `films_here`."""
    return folder / video if video and not is_address(video) else None


def _audiences(
    people: pd.DataFrame, quality: pd.DataFrame, config: StudyConfig, source: str
) -> dict[str, Audience]:
    audiences = {}
    kept = quality[quality["status"] == "kept"].set_index(["stimulus", "respondent"])
    for name, part in people.groupby("stimulus", sort=False) if len(people) else ():
        bins = int((part["respondent"] == part["respondent"].iloc[0]).sum())
        first = part.iloc[::bins]

        raw, coverage = (
            _grid(part, "", bins),
            part["coverage"].to_numpy(dtype=float).reshape(len(first), bins),
        )
        corrected = _grid(part, "d_", bins)
        difference = config.baseline == "difference"
        audiences[str(name)] = Audience(
            stimulus=str(name),
            respondents=tuple(first["respondent"]),
            groups=tuple(first["group"]),
            times=part["time_s"].to_numpy()[:bins],
            raw=raw,
            corrected=corrected,
            resting=np.nanmean((raw - corrected)[:, 2:], axis=-1) if difference else None,
            coverage=coverage,
            seconds=_seconds(raw, config.rate_hz, config.min_bin_coverage),
            baseline=source,
            config=config,
            facing=np.array([kept["facing_share"][name, one] for one in first["respondent"]]),
        )
    return audiences


def _grid(part: pd.DataFrame, prefix: str, bins: int) -> np.ndarray:
    """Columns of one stimulus as (n, 11, bins)."""
    values = part[[f"{prefix}{signal}" for signal in SIGNALS]].to_numpy(dtype=float)
    return np.moveaxis(values.reshape(-1, bins, len(SIGNALS)), 2, 1)


def _seconds(raw: np.ndarray, rate_hz: float, least: float) -> np.ndarray:
    """Mean probability per whole second, from bins (close to, not the same as, from frames)."""
    whole = int(raw.shape[2] / rate_hz)
    if whole < 1 or rate_hz != round(rate_hz):
        return np.full((len(raw), 9, max(whole, 1)), np.nan)
    width = round(rate_hz)
    cut = raw[:, 2:, : whole * width].reshape(len(raw), 9, whole, width)
    seen = ~np.isnan(cut)
    count = seen.sum(-1)
    mean = np.where(seen, cut, 0).sum(-1) / np.maximum(count, 1)
    return np.where(count >= least * width, mean, np.nan)

"""One person in a recording: who it is, how long each frame counts, quality, curves, rest.

Reports, studies and moods all measure a person here, so that no two pages disagree.
"""

from fer_nb.person.curves import headline, smoothed, strongest_moments
from fer_nb.person.identity import (
    SIGNALS,
    Person,
    find_person,
    main_person,
    person_rows,
    same_person,
)
from fer_nb.person.quality import (
    LIMIT_OF,
    LIMITS,
    TILTED_DEG,
    measure,
    recording_quality,
    shortcomings,
)
from fer_nb.person.rest import (
    LEAST_REST_S,
    Rest,
    angular,
    relative_to_rest,
    rest_of,
    usual_rest,
)
from fer_nb.person.time import MAX_HOLD_S, holds, moving_average

__all__ = [
    "LEAST_REST_S",
    "LIMITS",
    "LIMIT_OF",
    "MAX_HOLD_S",
    "SIGNALS",
    "TILTED_DEG",
    "Person",
    "Rest",
    "angular",
    "find_person",
    "headline",
    "holds",
    "main_person",
    "measure",
    "moving_average",
    "person_rows",
    "recording_quality",
    "relative_to_rest",
    "rest_of",
    "same_person",
    "shortcomings",
    "smoothed",
    "strongest_moments",
    "usual_rest",
]

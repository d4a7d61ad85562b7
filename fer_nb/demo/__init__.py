"""A synthetic study with a known truth: six viewers of a trailer that was never filmed.

The viewers are two portraits that packages carry, warped and painted into six people whose
expressions follow a script (`fer_nb.demo.script`). What the script says is written beside the
videos, so that what is measured can be held against it.
"""

from fer_nb.demo.faces import smiling_people
from fer_nb.demo.make import DemoStudy, make_demo, run_demo, sample_recording

__all__ = ["DemoStudy", "make_demo", "run_demo", "sample_recording", "smiling_people"]

"""Puts the models and notebooks, which stand beside the package, into the wheel."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithAssets(build_py):
    """`build_py` that copies ``models`` and ``notebooks`` to ``fer_nb/_models`` and so on."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        here = Path(__file__).parent
        for folder in ("models", "notebooks"):
            target = Path(self.build_lib) / "fer_nb" / f"_{folder}"
            shutil.rmtree(target, ignore_errors=True)
            ignored = shutil.ignore_patterns(".ipynb_checkpoints", "runs")
            shutil.copytree(here / folder, target, ignore=ignored)


setup(cmdclass={"build_py": BuildWithAssets})

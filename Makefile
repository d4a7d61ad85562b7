# make demo   a report of made viewers of a made trailer: three to four minutes, installation included
# make test   all tests
# make lab    JupyterLab on the notebooks, with all that they need (TensorFlow too); LAB='--no-browser' hands options on

PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
SOURCES = pyproject.toml setup.py

.PHONY: demo test lab lint format readme-pictures clean
.DELETE_ON_ERROR:

demo: $(VENV)/.base
	rm -rf reports/demo
	$(BIN)/fer-nb demo --out reports/demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest

lab: $(VENV)/.train
	$(BIN)/fer-nb lab $(LAB)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

readme-pictures: $(VENV)/.dev demo
	$(BIN)/python docs/make_pictures.py

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "fer_nb needs Python 3.11 or newer"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(SOURCES) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python docs/check_opencv.py
	touch $@

$(VENV)/.train: $(SOURCES) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[train]'
	$(BIN)/python docs/check_opencv.py
	touch $@ $(VENV)/.base

$(VENV)/.dev: $(SOURCES) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python docs/check_opencv.py
	touch $@ $(VENV)/.train $(VENV)/.base

clean:
	rm -rf $(VENV) reports build *.egg-info

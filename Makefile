# make demo   a report of made viewers of a made trailer: three to four minutes, installation included
# make test   all tests
# make fuzz   2,000 damaged files, read in about two minutes
# make docs   the book in build/book: these notebooks, executed, and the pages of docs/
# make slides  a talk of each notebook in build/slides, executed
# make lab    JupyterLab on the notebooks, with all that they need (TensorFlow too); LAB='--no-browser' hands options on

PYTHON ?= python3
VENV   ?= .venv
FUZZ   ?= 2000
BIN     = $(VENV)/bin
SOURCES = pyproject.toml

.PHONY: demo test lab docs docs-links slides lint types fuzz build format readme-pictures clean
.DELETE_ON_ERROR:

demo: $(VENV)/.base
	rm -rf reports/demo
	$(BIN)/fer-nb demo --out reports/demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

lab: $(VENV)/.train
	$(BIN)/python -m jupyterlab notebooks $(LAB)

docs: $(VENV)/.docs
	rm -rf build/book
	$(BIN)/python -m sphinx -W --keep-going -q docs build/book
	$(BIN)/python docs/check_site.py build/book
	@echo "Open build/book/index.html"

slides: $(VENV)/.docs
	$(BIN)/python docs/make_slides.py build/slides

docs-links: $(VENV)/.docs  # asks the network whether the addresses of sources still answer
	-FER_NB_BOOK_EXECUTE=off $(BIN)/python -m sphinx -q -b linkcheck docs build/links >build/links.log 2>&1
	$(BIN)/python docs/check_links.py build/links/output.json

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/python -m mypy

fuzz: $(VENV)/.dev  # damaged files: none may crash, hang, or raise what is not ours
	$(BIN)/python tests/fuzz/fuzz.py --count $(FUZZ)

build: $(VENV)/.dev
	$(BIN)/python -m build

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

$(VENV)/.docs: $(SOURCES) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/python docs/check_opencv.py
	touch $@ $(VENV)/.train $(VENV)/.base

clean:
	rm -rf $(VENV) reports build *.egg-info

# `make demo` and `make test` need Python 3.11 or newer with venv, nothing else; where uv is there, they use it.

PYTHON ?= python3
# exact versions; `make test CONSTRAINTS=` takes the newest that pyproject.toml allows
CONSTRAINTS ?= constraints.txt
# more for pytest: `make test TESTS='tests/metrics -k sbd'`
TESTS ?=

BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
INSTALL := $(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet)

# in the environment, so that they hold for what builds the package too
export PIP_CONSTRAINT = $(CONSTRAINTS)
export PIP_BUILD_CONSTRAINT = $(CONSTRAINTS)
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export UV_CONSTRAINT = $(CONSTRAINTS)
export UV_BUILD_CONSTRAINT = $(CONSTRAINTS)

.DEFAULT_GOAL := help
.PHONY: help demo test lint format lock clean

help: ## say what there is
	@sed -n 's/^\([a-z]*\): .*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: .venv/.core ## draw plants, find their leaves, score them; the core alone is installed, no torch
	$(BIN)/leafwise synth --out demo/photos --count 8 --seed 7
	$(BIN)/leafwise segment demo/photos/images --out demo/leaves --overwrite
	$(BIN)/leafwise score demo/leaves demo/photos/labels --json demo/scores.json
	@echo
	@echo "Open:"
	@echo "  demo/leaves/plant0001_overlay.png  the leaves found, outlined and numbered; one such picture a photo"
	@echo "  demo/leaves/leaves.csv             a row for each leaf: where it is, its size, shape and colour"
	@echo "  demo/leaves/plants.csv             a row for each plant: how many leaves, its size and compactness"
	@echo "  demo/photos/images, labels         the photos, and the true label maps that the scores compare with"
	@echo "Your own photos: $(BIN)/leafwise segment PHOTOS --out leaves"

test: .venv/.all ## run all tests
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(TESTS)

lint: .venv/.all ## check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.all ## put the code into the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/.core: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "Installing leafwise into .venv (0.6 GB)"
	@$(INSTALL) --editable .
	@touch $@

.venv/.all: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "Installing leafwise with the extras train, coco and dev into .venv (6 GB; a few minutes)"
	@$(INSTALL) --editable '.[train,coco,dev]'
	@touch .venv/.core $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "leafwise needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(if $(UV),uv venv --quiet --seed --python $(PYTHON) .venv,$(PYTHON) -m venv .venv)

lock: CONSTRAINTS =
lock: ## write constraints.txt anew
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --editable '.[train,coco,dev]' hatchling
	{ grep '^#' constraints.txt; build/lock/bin/python -m pip freeze --exclude-editable | sed 's/+.*//'; } > build/lock.txt
	mv build/lock.txt constraints.txt

clean: ## remove all that the others made
	rm -rf .venv build demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

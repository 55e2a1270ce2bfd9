# quot: every task is one word. `make help` lists them.
# Needs GNU make and Python >= 3.11; everything else is installed into .venv from requirements/.

PYTHON ?= python3
UV_VERSION := 0.13.9

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
PEERS := $(VENV)/.peers
UV := build/uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test zoo fuzz signals lint types check bench docs lock clean

help:  ## list the tasks
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r task text; do \
		printf '  make %-7s %s\n' "$$task" "$$text"; done

demo: $(READY)  ## solve a first problem and show the answer
	@$(BIN)/python examples/demo.py

# A file at a time to each process: tests of one file share what takes long to build.
test: $(READY)  ## run the tests, in a few processes; pass options with ARGS="-k flow -x"
	@$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile $(ARGS)

zoo: $(READY)  ## solve many random problems and judge each by an oracle; ARGS="--count 1000"
	@$(BIN)/python -m tests.zoo $(ARGS)

fuzz: $(READY)  ## give many files with faults to every reader; ARGS="--count 10000"
	@$(BIN)/python -m tests.fuzz $(ARGS)

signals: $(READY)  ## send signals to all that takes long, at random moments; ARGS="--count 40"
	@$(BIN)/python -m tests.signals $(ARGS)

lint: $(READY)  ## check style, import floors and spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

types: $(READY)  ## check types
	$(BIN)/mypy

check: test lint types  ## what has to pass before a change is accepted

bench: $(READY) $(PEERS)  ## measure against other libraries; pass options with ARGS=...
	@$(BIN)/python benchmarks/run.py $(ARGS)

docs: $(READY)  ## build the documentation in docs/_build/html
	$(BIN)/sphinx-build --quiet --fail-on-warning --nitpicky --keep-going docs docs/_build/html
	$(BIN)/python docs/narrow.py docs/_build/html
	@$(BIN)/quot reproduce --quick -o docs/_build/report
	@mkdir -p docs/_build/html/report
	@cp -r docs/_build/report/report.html docs/_build/report/csv docs/_build/html/report

lock: $(UV)  ## renew requirements/*.txt; UPGRADE=--upgrade takes newer versions
	$(COMPILE) $(UPGRADE) pyproject.toml --all-extras --group build --group test --group lint \
		--group docs --output-file requirements/lock.txt
	$(COMPILE) $(UPGRADE) --group peers --constraints requirements/lock.txt \
		--output-file requirements/peers.txt

clean:  ## remove the environment and everything built
	rm -rf $(VENV) build dist docs/_build docs/gallery .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find src tests benchmarks examples docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The environment: the locked packages first, then quot itself, editable.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "quot needs Python 3.11 or newer; '$(PYTHON)' is missing or older." \
			"Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(LOCKED): requirements/lock.txt | $(BIN)/python
	@echo "installing requirements/lock.txt into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/lock.txt
	@touch $@

$(READY): pyproject.toml $(LOCKED)
	@echo "installing quot, editable, into $(VENV)"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(PEERS): requirements/peers.txt $(LOCKED)
	@echo "installing requirements/peers.txt into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/peers.txt
	@touch $@

$(UV):
	@echo "installing uv $(UV_VERSION) into build/uv"
	@$(PYTHON) -m venv build/uv
	@build/uv/bin/python -m pip --disable-pip-version-check --quiet install uv==$(UV_VERSION)

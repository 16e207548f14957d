# Two commands need nothing but Python 3.11+, make and git: `make demo` and `make test`.
# Another interpreter: `make test PYTHON=python3.13`. Arguments for the demo: `make demo ARGS=--headless`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The benchmarks have an environment of their own: vakt installs a package called "tests", which would hide ours.
BENCH := .venv-bench
ARGS ?=
# What pytest runs, for a part of the suite: `make test TESTS=tests/architecture`.
TESTS ?=
# Worker processes of the tests.
JOBS ?= 2
# Where `make test-stores` writes its report: REPORT.json and REPORT.md.
REPORT ?= build/stores
# The commit against which `make nightly` looks for changed modules; empty: all of core and flows.
BASE ?=

# How many examples a law gets from `make nightly`.
EXAMPLES ?= 10000

.DEFAULT_GOAL := help
.PHONY: help install demo test gate browser test-stores check lint types imports format nightly laws mutate bench clean

help: ## List what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 14

install: $(VENV)/.dev ## Make the virtual environment of the tests and checks, or bring it up to date

demo: $(VENV)/.demo ## Start the demo on a free loopback port (ARGS=--headless plays a transcript)
	@$(BIN)/python -m scopegate demo $(ARGS)

test: ## Run the test suite: everything but the browser with the coverage gate, then the browser
test: gate browser

gate: $(VENV)/.dev ## Run the tests that need no browser, under the coverage gate
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(JOBS) -p no:randomly -m "not browser and not nightly and not stores" $(TESTS)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report $(if $(TESTS),--fail-under=0)

browser: $(VENV)/.dev ## Run the tests that drive a real Chromium
	$(BIN)/pytest -p no:randomly -m "browser and not nightly" $(TESTS)

test-stores: $(VENV)/.dev ## Test every store in full, on real servers, and report on its contract (REPORT=path)
	$(BIN)/python -m pytest -n $(JOBS) -p no:randomly -p scopegate.testing.plugin --scopegate-report=$(REPORT) \
		-m "not browser and not nightly" tests/stores tests/examples

check: lint types imports ## Lint (docstrings too), format, types, import contracts

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy
	$(BIN)/pyright

imports: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

nightly: ## Long examples of the laws, tests in random order, mutation of the pure rooms
nightly: laws mutate

laws: $(VENV)/.dev ## Run the laws with many examples, and the tests too long for every commit
	SCOPEGATE_HYPOTHESIS=nightly SCOPEGATE_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -n $(JOBS) -m "law or nightly" --timeout=600 $(TESTS)

mutate: $(VENV)/.dev ## Mutate core and flows (BASE=main: only what changed since) and fail on unlisted survivors
	$(BIN)/python tools/mutate.py $(if $(BASE),--base $(BASE))

bench: $(BENCH)/.bench ## Compare scopegate with rulers and peers (a few minutes; best on an idle machine)
	$(BENCH)/bin/python -m benchmarks

clean: ## Remove the virtual environment and every cache
	rm -rf $(VENV) $(BENCH) build dist htmlcov mutants .coverage .coverage.* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache

# An environment that exists is kept and brought up to date.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "scopegate needs Python 3.11 or newer, and \"$(PYTHON)\" is older or missing." \
			"Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "\"$(PYTHON) -m venv\" failed. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing what the demo needs into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[demo]"
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing what the tests and checks need into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@ $(VENV)/.demo

$(BENCH)/.bench: pyproject.toml
	@echo "Installing what the benchmarks need into $(BENCH) ..."
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[bench]"
	@touch $@

# make demo    the service, one real example asked, its cards shown; Ctrl-C stops it
# make test    everything that must hold
# make help    the rest

.DEFAULT_GOAL := help
.PHONY: help demo serve test later lint spark bench conformance lock clean

PORT  ?= 8000
STORY ?= fhir_examples/abrupt-stop-alprazolam

# One process of tests more than there are processors, since some wait. Another number: make test AT_ONCE="-n 8".
AT_ONCE ?= -n $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1))) --dist worksteal

# How much later it is for make later. Left out are the tests in which no shell is: what they test is given its day, and may ask no clock.
LATER ?= 3650d
SHELLS := cds[. ](cli|web|records|trust)|subprocess|\.now\(|\.today\(|time\.time
GIVEN_THEIR_DAY = $(shell grep -rLE '$(SHELLS)' tests/spec tests/agreement --include='test_*.py')
LIBFAKETIME ?= $(firstword $(wildcard /usr/lib/*/faketime/libfaketime.so.1 /usr/lib/faketime/libfaketime.so.1))

# The first Python that will do; name another with PYTHON=.
ifndef PYTHON
PYTHON := $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' >/dev/null 2>&1 && { echo $$p; break; }; done)
endif

BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-input
LOCKS := requirements-build.lock requirements.lock

help:
	@echo "make demo    start the service on 127.0.0.1:$(PORT), ask it about one example, show the cards; Ctrl-C stops it"
	@echo "make serve   start the service alone"
	@echo "make test    everything that must hold: lint, import rules, types, layout of rule files, tests"
	@echo "make later   the tests that meet a clock again, ten years from now (needs libfaketime)"
	@echo "make lint    the first four of these"
	@echo "make spark   install PySpark, and test that a cluster gives the rows of one machine (needs Java 17)"
	@echo "make bench   what a call, a start, a plan, a page and a check of the rules cost, a minute of 200 calls a second, and a replay"
	@echo "make conformance   write docs/conformance.md from the tests"
	@echo "make lock    refresh the lock files from pyproject.toml; delete them first to take the newest of everything"
	@echo "make clean   remove the environment and every cache"

demo: .venv/installed
	@$(BIN)/python scripts/demo.py $(STORY) $(PORT)

serve: .venv/installed
	@$(BIN)/cds serve --port $(PORT)

test: lint
	@scripts/browser.sh >/dev/null || true
	$(BIN)/pytest $(AT_ONCE)
	@echo "Not run: nothing."

# Every process that a test starts is in the same year; monotonic time goes on as it is, and files keep their times.
later: .venv/installed-test
	@test -n "$(LIBFAKETIME)" || { echo "make later needs libfaketime. Install it with: apt install libfaketime; or name it: make later LIBFAKETIME=/path/to/libfaketime.so.1"; exit 1; } >&2
	@echo "The tests that meet a clock, $(LATER) from now"; LD_PRELOAD=$(LIBFAKETIME) FAKETIME="+$(LATER)" FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 PYTHONPATH=$(CURDIR)/tests/later \
		$(BIN)/pytest $(AT_ONCE) $(addprefix --ignore=,$(GIVEN_THEIR_DAY))
	@echo "Not run $(LATER) from now: $(words $(GIVEN_THEIR_DAY)) modules of tests/spec and tests/agreement, which are given their day and can ask no clock."

lint: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/cds rules format --check

# The cluster's engine is an extra: PySpark is large and needs Java, so no other step installs it.
spark: .venv/installed-test
	@command -v java >/dev/null || { echo "make spark needs Java 17. Debian: apt install openjdk-17-jre-headless"; exit 1; } >&2
	@$(PIP) --require-hashes --no-build-isolation -r requirements-spark.lock
	$(BIN)/pytest tests/population/test_spark.py

bench: .venv/installed-test
	@worst=0; for what in hook_call extremes start_up plan pages rules load population; do $(BIN)/python -m bench.$$what || worst=$$?; done; exit $$worst

conformance: .venv/installed-test
	@$(BIN)/python -m tests.conformance.table

# The environment: exactly what the lock files hold, then this folder itself. ------------------------------------------

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or 3.12 was found. Install one (Debian, Ubuntu: apt install python3.11 python3.11-venv python3.11-dev), or name it: make demo PYTHON=/path/to/python3.11"; exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null || { echo "$(PYTHON) is not Python 3.11 or 3.12. Name one that is: make demo PYTHON=/path/to/python3.11"; exit 1; } >&2
	@$(PYTHON) scripts/can_build.py
	@echo "Making .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml $(LOCKS) | .venv/bin/python
	@echo "Installing what requirements.lock holds (once; about half a minute)"
	@$(PIP) --require-hashes -r requirements-build.lock
	@$(PIP) --require-hashes --no-build-isolation -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-test: requirements-test.lock .venv/installed
	@echo "Installing what requirements-test.lock adds (once)"
	@$(PIP) --require-hashes --no-build-isolation -r requirements-test.lock
	@touch $@

# Needs uv, the one tool that is not in the locks. Keeps the versions there are; without the files it takes the newest. ----

UV := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv. Install it with: pip install uv"; exit 1; } >&2
	grep -o '"setuptools>[^"]*"' pyproject.toml | tr -d '"' | $(UV) - --output-file requirements-build.lock
	$(UV) pyproject.toml --extra tracing --extra pdf --output-file requirements.lock
	$(UV) pyproject.toml --extra tracing --extra pdf --extra test --constraint requirements.lock --output-file requirements-test.lock
	$(UV) pyproject.toml --extra spark --constraint requirements.lock --output-file requirements-spark.lock

clean:
	rm -rf .venv build dist var *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

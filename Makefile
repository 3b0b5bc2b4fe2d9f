# Nothing but Python >= 3.11 and a package registry is assumed. `make` installs; every other target installs first.

PYTHONS ?= python3.13 python3.12 python3.11 python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PY ?= python3.12
PYTEST_ARGS ?= -n 3
SOAK_ARGS ?=
BENCH_ARGS ?=

.DEFAULT_GOAL := install
.DELETE_ON_ERROR:
.PHONY: install demo test check bench pictures soak lock test-python

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@set -e; recent='import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))'; found=; \
	for python in $(PYTHONS); do \
	  if $$python -c "$$recent" >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Signoff needs Python 3.11 or newer, with venv, on PATH (tried: $(PYTHONS))." >&2; exit 1; \
	fi; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1 || ! $(BIN)/python -c "$$recent" >/dev/null 2>&1; then \
	  $$found -m venv --clear $(VENV); \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8'
	@VIRTUAL_ENV='$(CURDIR)/$(VENV)' $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@VIRTUAL_ENV='$(CURDIR)/$(VENV)' $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/signoff demo

test: $(STAMP)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.house_rules

# Every benchmark, with its figures in benchmarks/results/bench.md; BENCH_ARGS="runs clicks" for some of them.
bench: $(STAMP)
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

# The pictures of README.md and docs/approvals.md, from the real page.
pictures: $(STAMP)
	@SIGNOFF_PICTURES=docs $(BIN)/python -m pytest tests/browser

# The long proofs: every tier of the contract, with its figures and its seed in benchmarks/results/soak.md.
soak: $(STAMP)
	@$(BIN)/python -m tests.soak $(SOAK_ARGS)

lock: $(STAMP)
	@VIRTUAL_ENV='$(CURDIR)/$(VENV)' $(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --quiet --output-file requirements.lock
	@! grep -n '://' requirements.lock  # a URL would tie the lock to one registry

# The whole suite on another Python: make test-python PY=python3.13
test-python:
	@$(MAKE) --no-print-directory test VENV=.venv-$(notdir $(PY)) PYTHONS=$(PY)

# Needs git, make and python3 >= 3.11 with venv; everything else is brought by `make` itself, node too.
#
#   make demo        the hub with demo data on http://127.0.0.1:$(PORT); Ctrl-C stops it, a second start keeps the data
#   make test        everything that CI runs (WORKERS=0 for one process, whose output names the files)
#   make test-fast   lint and unit tests, under a minute
#   make nightly     the long runs: a million steps of routing among faults, half an hour (STEPS=100000 for fewer)
#   make lint        ruff, mypy, tsc
#   make format      ruff's formatter and safe fixes
#   make build       sdist and wheel in dist/
#   make clean       forgets all that make has made, except demo-data/

PYTHON ?= python3
PORT ?= 8000
SIP_PORT ?= 5060
SMTP_PORT ?= 2525
PYTEST_ARGS ?=
STEPS ?= 1000000
# Processes that test: most of the time each waits for a peer, a browser or a clock. Files stay whole and in their order,
# browsers last.
WORKERS ?= 2
SIDE_BY_SIDE := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

VENV := .venv
BIN := $(VENV)/bin
# The tools of the virtual environment first, its node and npm among them.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Some images set it; without byte code each start of the hub would compile all of it.
unexport PYTHONDONTWRITEBYTECODE

FRONT_END := $(shell find widget/src widget/locales agent_ui/src agent_ui/locales agent_ui/assets)

.PHONY: demo test test-fast nightly lint lint-py lint-ts format build clean peers
.DELETE_ON_ERROR:

demo: $(VENV)/.runtime static/manifest.json
	@$(BIN)/contacthub demo --port $(PORT) --sip-port $(SIP_PORT) --smtp-port $(SMTP_PORT) --data demo-data

# A clean copy of the checkout that the tests made shows that everything is there; to run it all again, copies of the
# copy among it, would show nothing more.
ifdef CONTACTHUB_NESTED
test: lint static/manifest.json
	$(BIN)/python -m pytest tests/unit/test_front_end.py tests/test_architecture.py $(PYTEST_ARGS)
else
test: peers lint static/manifest.json
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(PYTEST_ARGS)
endif

test-fast: lint static/manifest.json
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/unit tests/test_architecture.py $(PYTEST_ARGS)

nightly: $(VENV)/.dev
	STEPS=$(STEPS) $(BIN)/python -m pytest tests/nightly $(PYTEST_ARGS)

lint: lint-py lint-ts

lint-py: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .

lint-ts: node_modules/.package-lock.json
	@npm run --silent typecheck

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build: $(VENV)/.dev
	@$(BIN)/pip install --quiet "build>=1.2,<2"
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) node_modules dist build test-artifacts .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find static -mindepth 1 ! -name .gitkeep -delete
	find . -name __pycache__ -prune -exec rm -rf {} +

peers:
	@bash .ci/peers

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Contact Hub needs Python 3.11 or newer: make PYTHON=python3.12' >&2; exit 1; }
	@echo 'Installing what Contact Hub needs into $(VENV); the first time this takes a minute.'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.build-tools: pyproject.toml | $(BIN)/python
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["build"], sep="\n")' > $@.txt
	@$(BIN)/pip install --quiet -r $@.txt
	@touch $@

# Without isolation the build tools just installed are used instead of being downloaded once more.
$(VENV)/.runtime: pyproject.toml hatch_build.py $(VENV)/.build-tools
	@$(BIN)/pip install --quiet --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: pyproject.toml hatch_build.py $(VENV)/.build-tools
	@$(BIN)/pip install --quiet --no-build-isolation -e '.[dev]'
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["hearing"], sep="\n")' > $@.txt
	@$(BIN)/pip install --quiet -r $@.txt 2>$@.log || echo 'PESQ was not built (see $@.log); the tests of how calls sound are skipped.'
	@touch $@ $(VENV)/.runtime

node_modules/.package-lock.json: package.json package-lock.json $(VENV)/.build-tools
	@npm ci --loglevel=error
	@touch $@

# Every entry must exist here; `node build.mjs` builds what there is.
static/manifest.json: build.mjs tsconfig.json node_modules/.package-lock.json $(FRONT_END)
	@node build.mjs --strict
	@touch $@

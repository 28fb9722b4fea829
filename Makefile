# Everything here runs on a machine with Python ≥ 3.11 (with venv), make and a package index.
# `make help` lists what there is.

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .tools/bin/uv
BIN := .venv/bin

# uv does not read pip's settings: an index that is set for pip serves uv too.
ifneq ($(PIP_INDEX_URL),)
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifneq ($(PIP_CERT),)
export SSL_CERT_FILE ?= $(PIP_CERT)
endif

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup quickstart test lint format bench toxiproxy images pin-images lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: .venv/.installed ## bring uv and the locked environment into this folder

quickstart: setup ## decide one claim of the standard in about a minute
	$(BIN)/harness run 8 --profile smoke

# Tests that measure need the machine to themselves; the others share its cores, in the order of their folders: what
# waits for most of its time begins early, beside what computes (tests/conftest.py).
ALONE := tests/integration tests/containers/test_down.py
REPORT ?=

test: setup ## run every test
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(if $(REPORT),--junitxml=$(REPORT)/shared.xml) $(addprefix --ignore=,$(ALONE))
	$(BIN)/pytest $(if $(REPORT),--junitxml=$(REPORT)/alone.xml) $(ALONE)

lint: setup ## check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measure the instrument itself
	$(BIN)/harness selftest
	$(BIN)/python tests/bench/bench.py

toxiproxy: setup ## build Toxiproxy, which trials with faults otherwise do at first need
	$(BIN)/python -m harness.backends.toxiproxy_build

images: setup ## build the images of the rig, with stand-ins of those that are not here
	targets/images/stand_ins
	docker compose build --quiet granian  # First: built at once, the images would not share its layers.
	docker compose --profile '*' build --quiet

pin-images: ## replace the tags of images by their digests, where a registry can be reached
	targets/images/pin

lock: .tools/uv-$(UV_VERSION) ## resolve the dependencies anew: hashes, no addresses
	$(UV) pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --quiet --upgrade -o requirements.lock
	cd targets/images/locks && for one in *.in; do $(abspath $(UV)) pip compile "$$one" \
		--constraint ../../../requirements.lock --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --quiet --upgrade -o "$${one%.in}.lock" || exit 1; done

clean: ## remove what the targets above made, but no results
	rm -rf .venv .tools dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find harness targets scenarios tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements.lock pyproject.toml .tools/uv-$(UV_VERSION)
	test -x $(BIN)/python || $(UV) venv --quiet --python "$$(command -v $(PYTHON))" .venv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	$(BIN)/python -m compileall -q harness targets scenarios
	touch $@

.tools/uv-$(UV_VERSION):
	@command -v $(PYTHON) >/dev/null || \
		{ echo "There is no $(PYTHON): install Python 3.11 or newer, or name one: make PYTHON=/path/to/python." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed (make PYTHON=python3.12)." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv: install it (Debian: apt-get install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || \
		{ echo "uv could not be installed: is the package index reachable (PIP_INDEX_URL, PIP_CERT)?" >&2; exit 1; }
	rm -f .tools/uv-* && touch $@

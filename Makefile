# Nothing is needed beforehand but Python 3.11 or newer with venv; everything else comes from PyPI by the lock.
PYTHON ?= python3
BIN := .venv/bin
# Behind a proxy that inspects TLS only the system's own certificates will do; a slim host may have none.
CERTS := $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem)
UV := UV_PYTHON_DOWNLOADS=never $(if $(CERTS),UV_SYSTEM_CERTS=true) $(BIN)/uv
UV_VERSION := $(shell sed -n 's/.*"uv==\([0-9.]*\)".*/\1/p' pyproject.toml)
JOBS ?= auto

.PHONY: demo test lint format pictures unit node headless wheel bench clean help

help:  ## what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: .venv/.run  ## open the room on the Sprint 07 plan, over a small real world
	@$(BIN)/loom demo

test: lint unit  ## what must pass: ruff, strict types, layers, tests

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: .venv/.dev
	$(BIN)/pytest -q -n $(JOBS)
	@echo "Left out here, for it needs Node: what is marked node, by npm's packages (make node; CI demands it)."

node: .venv/.dev build/node/.done  ## the tests by npm's packages: other systems' specifications, independent witnesses
	$(BIN)/pytest -q -n $(JOBS) -m node

build/node/.done: tests/node/package.json
	mkdir -p build/node && cp tests/node/package.json build/node
	npm install --prefix build/node --no-audit --no-fund --silent
	@touch $@

headless: .venv/.run  ## the demo without a screen, for a script or CI
	@$(BIN)/loom demo --headless --for 25 --json

wheel: .venv/.dev  ## build the wheel and try what is installed, outside this tree
	rm -rf build/wheel && mkdir -p build/wheel
	$(UV) build --wheel --quiet --out-dir build/wheel
	$(PYTHON) -m venv build/wheel/venv
	$(UV) pip install --quiet --python build/wheel/venv/bin/python build/wheel/*.whl
	cd build/wheel && ./venv/bin/loom --version && ./venv/bin/loom import ../../tests/plans/SPRINT_07_DEPLOYMENT_PLAN.md > plan.toml \
	  && ./venv/bin/loom plan check plan.toml && ./venv/bin/loom plan path plan.toml > /dev/null

bench: .venv/.dev  ## measure speed and memory beside a bare Textual app (docs/performance.md)
	$(BIN)/python benchmarks/schedule.py
	$(BIN)/python benchmarks/store.py
	$(BIN)/python benchmarks/credentials.py
	$(BIN)/python benchmarks/hanging.py
	$(BIN)/python benchmarks/room.py

pictures: .venv/.dev  ## accept what the screens look like now (tests/pictures); look at each that changed
	LOOM_PICTURES=accept $(BIN)/pytest -q -n 0 tests/test_pictures.py
	@git status --short tests/pictures

format: .venv/.dev  ## let ruff format and mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what make made
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/uv: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Loom needs Python 3.11 or newer; $$($(PYTHON) --version) is on the path. Name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@.venv/bin/python -m pip --version > /dev/null 2>&1 || .venv/bin/python -m ensurepip > /dev/null
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/.run: .venv/bin/uv uv.lock
	$(UV) sync --quiet --frozen --inexact --no-dev --extra demo
	@touch $@

.venv/.dev: .venv/bin/uv uv.lock
	$(UV) sync --quiet --frozen --inexact --extra demo
	@touch $@ .venv/.run

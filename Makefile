# `make help` lists what is here. Everything sets itself up on a fresh Debian 12 (root, Python 3.11).
SHELL := /bin/bash
PY := .venv/bin/python
CALLS ?= 0
RATE ?= 1
ASTERISK ?= 22
JOBS ?= 5
export ASTERISK

.PHONY: help setup run test check unit e2e chaos bench lock wheel clean

help:
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: .venv/.ready  ## system packages and the Python environment
.venv/.ready: requirements/dev.lock pyproject.toml sandbox/setup.sh
	bash sandbox/setup.sh

run: setup  ## the main job: sandbox, service, 12 seats and callers (CALLS=200 stops with a verdict, RATE=0 seats only)
	@exec .venv/bin/hotline sandbox demo --calls $(CALLS) --rate $(RATE)

check: setup  ## lint, types, unit, property, transcripts: two minutes on two processors
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(PY) -m pytest -q -n 2 tests/unit tests/property tests/transcripts

e2e: setup  ## end to end on a private Asterisk (ASTERISK=16 for the old one)
	$(PY) -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder --rerun-show-tracebacks tests/e2e

test: check  ## everything but benches
	$(PY) -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder tests/contract
	$(MAKE) e2e

chaos: setup  ## joined calls: every act from every state, everybody leaving at every moment, on 22 and 16
	ASTERISK=22 $(PY) -m tests.e2e.joining
	ASTERISK=16 $(PY) -m tests.e2e.joining

bench: setup  ## side by side with Queue() and Dial() on the same Asterisk
	$(PY) -m bench

lock: setup  ## renew requirements/dev.lock, with hashes and without index addresses
	$(PY) -m uv pip compile pyproject.toml --extra dev --extra picture --extra postgres --generate-hashes --universal \
	  --python-version 3.11 --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
	  --upgrade -q -o requirements/dev.lock

wheel: setup  ## dist/*.whl
	$(PY) -m hatchling build -t wheel

clean:
	rm -rf .venv dist var

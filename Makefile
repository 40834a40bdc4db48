# Every target works as the first command on a machine that has Python 3.11 with venv, make and git.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
READY := .venv/ready
WORLD := .bench/world
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup check test test-world demo faults help
.DEFAULT_GOAL := help

help:  ## say what there is
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

setup: $(READY)  ## make .venv with the pinned dependencies

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "trimtab needs Python 3.11 or newer. Next: apt-get install python3 python3-venv"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv. Next: apt-get install python3-venv"; exit 2; }
	@echo "Installing into .venv (about one minute) ..."
	@started=$$(date +%s); \
	$(PYTHON) -m venv .venv && \
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable '.[dev]' && \
	touch $@ && echo "Set up in $$(( $$(date +%s) - started )) s."

check: $(READY)  ## format, lint, types, floors, doors
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo >/dev/null || $(BIN)/lint-imports --no-logo

test: check  ## check, then every test (under 5 minutes on 2 cores)
	$(BIN)/pytest -n 2 --dist worksteal

test-world: $(WORLD)/ready  ## against servers of other people: MLflow, and audits of six (environments of their own, .bench/)
	$(WORLD)/bin/pytest -n 0 -m world tests/world

$(WORLD)/ready: pyproject.toml constraints.txt | $(READY)
	@echo "Installing into $(WORLD) (a few minutes) ..."
	@$(PYTHON) -m venv $(WORLD) && \
	PIP_CONSTRAINT=constraints.txt $(WORLD)/bin/python -m pip install --quiet --editable '.[world]' && touch $@

demo: $(READY)  ## turn the whole wheel on real data
	@$(BIN)/trimtab demo

faults: $(READY)  ## long fault batteries with their negative controls; N=20 tries each as often
	$(BIN)/pytest -n 0 -m faults -s tests/faults $(if $(N),--n $(N))

bench-%: $(READY)  ## figures, for example bench-start, bench-store, bench-serve, bench-data (short: MB=100)
	@$(BIN)/python benchmarks/$*.py $(if $(MB),--mb $(MB)) $(if $(ROWS),--rows $(ROWS))

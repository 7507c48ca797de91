# All targets do their own set-up: a fresh machine needs Python 3.11 to 3.13 with venv, and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST_ARGS ?=
DEMO_ARGS ?=

# Without bytecode on disk, each of the hundreds of processes the tests start would compile every library again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint docs pictures format constraints clean
.PHONY: bench-sandbox bench-investigation bench-cases bench-logs bench-detect bench-ledger bench-runs bench-bundles bench-jamie bench-recall bench-portal bench-watch chaos

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv with pinned versions (every other target does this by itself)

$(READY): pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" ./.ci/set-up "$(VENV)"

demo: $(READY) ## Show the main job end to end; DEMO_ARGS=--once ends without serving
	@exec $(BIN)/autodevops demo $(DEMO_ARGS)

test: $(READY) ## Run the whole test suite; PYTEST_ARGS for pytest
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

bench-sandbox: $(READY) ## Print how quick the sandbox is, beside a real Prometheus
	$(BIN)/python benchmarks/bench_sandbox.py

bench-investigation: $(READY) ## Print what time and memory of ours an investigation takes, by size
	$(BIN)/python benchmarks/bench_investigation.py

bench-cases: $(READY) ## Run public cases through the engine; CASES= names the folder that holds them
	$(BIN)/python benchmarks/bench_cases.py $(CASES)

bench-logs: $(READY) ## Print how well and how fast log lines are grouped, beside Drain3; LOGS= names a labelled folder
	$(BIN)/python benchmarks/bench_logs.py $(LOGS)

bench-detect: $(READY) ## Print how changes in series are found, beside ruptures and never alarming
	$(BIN)/python benchmarks/bench_detect.py

bench-ledger: $(READY) ## Print how quick the ledger is, beside plain SQLite and lines in a file
	$(BIN)/python benchmarks/bench_ledger.py

bench-runs: $(READY) ## Print how soon a runbook is run and kept, beside Papermill; 200 queued runs
	$(BIN)/python benchmarks/bench_runs.py

bench-bundles: $(READY) ## Print how long listing, searching and comparing runs takes among 2,000; BUNDLE= names one to copy
	$(BIN)/python benchmarks/bench_bundles.py $(BUNDLE)

bench-jamie: $(READY) ## Print what time of ours a turn with Jamie takes, by intent and stage
	$(BIN)/python benchmarks/bench_jamie.py

bench-recall: $(READY) ## Print how well the handbook is found, by full text, vectors and both
	PYTHONPATH=tests $(BIN)/python benchmarks/bench_recall.py

chaos: $(READY) ## Play the chaos matrix: each system fails in each way at each of Scarlet's steps; CELLS= some systems
	PYTHONPATH=tests $(BIN)/python benchmarks/chaos.py $(CELLS)

bench-watch: $(READY) ## Print how many series Scarlet's own baselines go over in a minute, on one core
	$(BIN)/python benchmarks/bench_watch.py

bench-portal: $(READY) ## Print how soon the portal can be used, with a real Chromium; VISITS= how often
	$(BIN)/python benchmarks/bench_portal.py $(VISITS)

lint: $(READY) ## ruff, import-linter (the floors), strict types
	$(BIN)/ruff check autodevops tests benchmarks
	$(BIN)/ruff format --check autodevops tests benchmarks
	$(BIN)/lint-imports
	$(BIN)/mypy

docs: $(READY) ## Write docs/reference from the code
	$(BIN)/python docs/generate.py

pictures: $(READY) ## Take the pictures of README and docs anew, with Chromium over the sandbox; SHOW= portal, chat, views, library
	PYTHONPATH=tests $(BIN)/python docs/pictures.py $(SHOW)

format: $(READY) ## Format and sort imports
	$(BIN)/ruff check --fix autodevops tests benchmarks
	$(BIN)/ruff format autodevops tests benchmarks

constraints: $(READY) ## Re-resolve the pinned versions (names no index)
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate --group dev \
		pyproject.toml --output-file constraints.txt

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

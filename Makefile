# Every target does its own set-up from nothing but make, bash and Python 3.11 or newer.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

UV := $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
BIN := .venv/bin
READY := .venv/.ready
FOREIGN := tests/contract/foreign

.PHONY: help run up test test-unit test-foreign lint docs types bench bench-against chaos check-imports migrations-check engine lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{ printf "  make %-17s %s\n", $$1, $$2 }'

run: $(READY) ## Play the sandbox plant to its end: the whole loop, about two minutes, then a summary
	@$(BIN)/millwright run $(if $(FRESH),--fresh)

up: $(READY) ## The same, and it stays up afterwards, with the addresses to open
	@$(BIN)/millwright up $(if $(FRESH),--fresh)

test: $(READY) engine ## Run every test, two files at a time, in one pytest run
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not foreign"

test-unit: $(READY) ## Run the tests without I/O, but for the thorough ones: half a minute
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not thorough" tests/unit

test-foreign: $(READY) $(FOREIGN)/node_modules/.ready ## Run the contract tests against servers that others wrote; needs Node.js
	@$(BIN)/python -m pytest -m foreign tests/contract

lint: $(READY) ## Check style and form (ruff)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

docs: $(READY) ## Build the pages of docs/ as a site in build/site; a broken link fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean
	@echo "The site is in build/site. To read it: $(BIN)/python -m http.server --bind 127.0.0.1 --directory build/site"

types: $(READY) ## Check types, strictly (mypy), tests included
	@$(BIN)/mypy

bench: $(READY) engine ## Run the benchmarks, about 25 minutes
	@for file in benchmarks/[a-z]*.py; do echo "== $$file ($$SECONDS s so far)"; \
	  $(BIN)/python -m "benchmarks.$$(basename "$$file" .py)"; done; echo "All of them ran in $$SECONDS s."

bench-against: $(READY) ## Measure HEAD against an earlier build, about 40 minutes: make bench-against COMMIT=… [ONLY=post] [RUNS=5] [ANYWAY=1]
	@$(if $(COMMIT),,echo "Say against which commit: make bench-against COMMIT=0541b6c" >&2; exit 2;) \
	$(BIN)/python -m benchmarks.against $(COMMIT) $(addprefix --only ,$(ONLY)) $(if $(RUNS),--runs $(RUNS)) $(if $(ANYWAY),--anyway)

chaos: $(READY) engine ## Play the plant while its parts are killed and its systems misbehave: make chaos SEED=1 [ENGINE=production]
	@$(BIN)/python -m benchmarks.chaos --seed $(or $(SEED),1) --engine $(or $(ENGINE),development)

check-imports: $(READY) ## Check that imports point down (import-linter)
	@$(BIN)/lint-imports

migrations-check: $(READY) ## Migrate a fresh database up, compare, down, and up again
	@$(BIN)/python .ci/migrations.py

lock: $(UV) ## Resolve the dependencies anew into requirements.lock
	@$(UV) pip compile --quiet --universal --generate-hashes --group dev pyproject.toml -o requirements.lock

clean: ## Remove what was played under var/run; FRESH=1 also where people did something in it
	@if [ -x $(BIN)/millwright ]; then $(BIN)/millwright --home var/run home remove $(if $(FRESH),--fresh); \
	elif [ -e var/run ]; then echo "Nothing was removed: without .venv it cannot be known who uses var/run." >&2; exit 1; fi

engine: $(READY)
	@$(BIN)/millwright engine >/dev/null

$(FOREIGN)/node_modules/.ready: $(FOREIGN)/package.json $(FOREIGN)/package-lock.json
	@for tool in node npm; do command -v "$$tool" >/dev/null || \
	  { echo "make test-foreign needs Node.js 20 or newer with npm: there is no $$tool on the PATH." >&2; exit 1; }; done
	@echo "Installing the locked packages of the foreign servers into $(FOREIGN)/node_modules: ten seconds, 71 MB."
	@npm ci --prefix $(FOREIGN) >/dev/null
	@touch $@

.tools/bin/uv:
	@echo "uv, which installs the packages, is not on this machine: fetching it into .tools, once."
	@python3 -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv

$(READY): requirements.lock pyproject.toml | $(UV)
	@echo "Installing the locked packages into .venv: a minute or two the first time, and again when the lock changes."
	@[ -x $(BIN)/python ] || $(UV) venv --quiet --python '>=3.11' .venv
	@$(UV) pip sync --quiet --python $(BIN)/python requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

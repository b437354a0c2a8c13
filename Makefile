# Every target does its own set-up from nothing but make, bash and Python 3.11 or newer.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Where it is set, each program compiles all that it imports again: three seconds of each start.
unexport PYTHONDONTWRITEBYTECODE

# Always the locked one: a uv on the PATH is of no known version.
UV := .tools/bin/uv
TOOLS := .tools/.ready
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes
BIN := .venv/bin
READY := .venv/.ready
FOREIGN := tests/contract/foreign

.PHONY: help run up test test-unit test-foreign lint docs types connector-faults bench bench-against chaos check-imports migrations-check engine engine-production lock notices sbom audit-deps clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{ printf "  make %-17s %s\n", $$1, $$2 }'

run: $(READY) ## Play the sandbox plant to its end: the whole loop, about two minutes, then a summary; CMMS=odoo or MES=odoo_mrp for another, see docs/cli.md
	@$(BIN)/millwright run $(if $(FRESH),--fresh) $(if $(CMMS),--cmms '$(CMMS)') $(if $(MES),--mes '$(MES)')

up: $(READY) ## The same, and it stays up afterwards, with the addresses to open
	@$(BIN)/millwright up $(if $(FRESH),--fresh) $(if $(CMMS),--cmms '$(CMMS)') $(if $(MES),--mes '$(MES)')

test: $(READY) engine ## Run every test, two files at a time, in one pytest run
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not foreign"

test-unit: $(READY) ## Run the tests without I/O, but for the thorough ones: half a minute
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not thorough" tests/unit

test-foreign: $(READY) $(FOREIGN)/node_modules/.ready $(FOREIGN)/gopcua/client $(FOREIGN)/azservicebus/client $(FOREIGN)/milo/build/.ready .tools/odoo/.ready .tools/factorysemantics/.ready ## Run the contract tests against servers and clients that others wrote; needs Node.js, Go, Java, Debian
	@$(BIN)/python -m pytest -m foreign tests/contract

lint: $(READY) ## Check style and form (ruff)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

docs: $(READY) ## Build the pages of docs/ as a site in build/site; a broken link fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean
	@echo "The site is in build/site. To read it: $(BIN)/python -m http.server --bind 127.0.0.1 --directory build/site"

types: $(READY) ## Check types, strictly (mypy), tests included
	@$(BIN)/mypy

connector-faults: $(READY) ## Run the faults against the sandbox's CMMS, and write the table of docs/connector-faults.md
	@$(BIN)/python -m tests.contract.fault_table

bench: $(READY) engine ## Run the benchmarks, about 45 minutes
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

lock: $(TOOLS) ## Resolve the dependencies and the tools into their locks: make lock [UPGRADE="certifi uv"]
	@$(COMPILE) $(addprefix --upgrade-package ,$(UPGRADE)) --group dev pyproject.toml -o requirements.lock
	@$(COMPILE) $(addprefix --upgrade-package ,$(UPGRADE)) --python-version 3.11 --group tools -o requirements-tools.lock
	@$(COMPILE) --python-version 3.11 $(FOREIGN)/odoo/requirements.in -o $(FOREIGN)/odoo/requirements.lock
	@$(COMPILE) --python-version 3.14 $(FOREIGN)/factorysemantics/requirements.in -o $(FOREIGN)/factorysemantics/requirements.lock

notices: $(READY) ## Write THIRD_PARTY_NOTICES.md from the lock and the installed packages
	@$(BIN)/python -m supply.notices

sbom: $(READY) ## Write the bill of materials of production into build/sbom.cdx.json (CycloneDX)
	@$(BIN)/python -m supply.sbom

audit-deps: $(READY) ## Say what is older than its newest release, and why; asks the registries, needs Go and npm
	@$(BIN)/python -m supply.audit

clean: ## Remove what was played under var/run; FRESH=1 also where people did something in it
	@if [ -x $(BIN)/millwright ]; then $(BIN)/millwright --home var/run home remove $(if $(FRESH),--fresh); \
	elif [ -e var/run ]; then echo "Nothing was removed: without .venv it cannot be known who uses var/run." >&2; exit 1; fi

engine: $(READY)
	@$(BIN)/millwright engine >/dev/null

engine-production: $(READY) ## Build the engine that is for production too; its tests are skipped without it
	@$(BIN)/millwright engine --production >/dev/null

$(FOREIGN)/node_modules/.ready: $(FOREIGN)/package.json $(FOREIGN)/package-lock.json
	@for tool in node npm; do command -v "$$tool" >/dev/null || \
	  { echo "make test-foreign needs Node.js 20 or newer with npm: there is no $$tool on the PATH." >&2; exit 1; }; done
	@echo "Installing the locked packages of the foreign servers and clients into $(FOREIGN)/node_modules: a minute, 440 MB."
	@npm ci --prefix $(FOREIGN) >/dev/null
	@touch $@

$(FOREIGN)/gopcua/client: $(wildcard $(FOREIGN)/gopcua/*.go) $(FOREIGN)/gopcua/go.mod $(FOREIGN)/gopcua/go.sum
	@command -v go >/dev/null || { echo "make test-foreign needs Go: there is no go on the PATH." >&2; exit 1; }
	@echo "Building the Go client of the foreign tests: half a minute the first time."
	@CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -C $(FOREIGN)/gopcua -trimpath -buildvcs=false -o client

$(FOREIGN)/azservicebus/client: $(addprefix $(FOREIGN)/azservicebus/,main.go go.mod go.sum)
	@command -v go >/dev/null || { echo "make test-foreign needs Go: there is no go on the PATH." >&2; exit 1; }
	@echo "Building the Go client of the bus: half a minute the first time."
	@CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -C $(@D) -trimpath -buildvcs=false -o client

$(FOREIGN)/milo/build/.ready: $(FOREIGN)/milo/pom.xml $(FOREIGN)/milo/jars.sha256 $(FOREIGN)/milo/Client.java
	@for tool in javac mvn; do command -v "$$tool" >/dev/null || \
	  { echo "make test-foreign needs Java 17 or newer with Maven: there is no $$tool on the PATH." >&2; exit 1; }; done
	@echo "Fetching the packages of the Java client of the foreign tests, and building it: fifteen seconds, 19 MB."
	@rm -rf $(@D)
	@mvn -q -B -Dstyle.color=never -f $< org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies -DoutputDirectory=build/lib
	@export LC_ALL=C; cd $(@D)/lib && sha256sum *.jar | diff ../../jars.sha256 - || \
	  { echo "The packages of the Java client are not those of jars.sha256." >&2; exit 1; }
	@javac -cp "$(@D)/lib/*" -d $(@D) $(FOREIGN)/milo/Client.java
	@touch $@

.tools/odoo/.ready: $(FOREIGN)/odoo/install.sh $(FOREIGN)/odoo/package.sha256 $(FOREIGN)/odoo/requirements.lock | $(READY)
	@echo "Fetching Odoo from Debian sid, and what it needs, into .tools/odoo: half a minute, 525 MB."
	@mkdir -p $(@D)
	@$(FOREIGN)/odoo/install.sh $(UV) $(BIN)/python
	@touch $@

.tools/factorysemantics/.ready: $(addprefix $(FOREIGN)/factorysemantics/,main.go go.mod go.sum requirements.lock) | $(READY)
	@command -v go >/dev/null || { echo "make test-foreign needs Go: there is no go on the PATH." >&2; exit 1; }
	@echo "Fetching FactorySemantics MES, and the Python that it needs, into .tools/factorysemantics: half a minute, 320 MB."
	@mkdir -p $(@D)
	@CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -C $(FOREIGN)/factorysemantics -trimpath -buildvcs=false -o $(CURDIR)/$(@D)/unpack
	@rm -rf $(@D)/python
	@$(@D)/unpack $(@D)/python
	@$(UV) venv --quiet --clear --python $(@D)/python/bin/python3 $(@D)/venv
	@$(UV) pip sync --quiet --require-hashes --python $(@D)/venv/bin/python $(FOREIGN)/factorysemantics/requirements.lock
	@touch $@

$(TOOLS): requirements-tools.lock
	@echo "Fetching uv, which installs the packages, into .tools: by its hash, once for each version."
	@python3 -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

$(READY): requirements.lock pyproject.toml $(TOOLS)
	@echo "Installing the locked packages into .venv: a minute or two the first time, and again when the lock changes."
	@[ -x $(BIN)/python ] || $(UV) venv --quiet --python '>=3.11' .venv
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --build-constraints requirements-tools.lock -e .
	@touch $@

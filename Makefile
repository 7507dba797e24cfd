# `make help` lists the targets. Python 3.11+ (with venv) and make are all that `run` needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIENT_SOURCES := $(shell find client -path client/node_modules -prune -o -path client/dist -prune -o -type f -print 2>/dev/null)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

.PHONY: run
run: $(VENV)/embedded client/dist/index.html ## the whole stack on http://localhost:8080
	@exec $(BIN)/raindrop run

.PHONY: build
build: client/dist/index.html ## build the client into client/dist

.PHONY: fab
fab: $(VENV)/deploy ## install .venv/bin/fab, which puts Raindrop on servers

.PHONY: test
test: $(VENV)/dev client/dist/index.html ## every test; installs the servers and the browser it needs through apt
	@tests/install-system-packages.sh
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup -m "not load and not deploy"
	$(BIN)/python -m pytest -m load
endif

.PHONY: contract
contract: $(VENV)/dev client/dist/index.html ## the tests of /v1, and how much of its contract they saw
	@tests/install-system-packages.sh
	$(BIN)/python -m tests.contract.report $(ARGS)

.PHONY: lint
lint: $(VENV)/dev client/node_modules/.package-lock.json ## ruff, mypy, import-linter, vue-tsc, eslint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd client && PATH="$(CURDIR)/$(BIN):$$PATH" npm run lint --silent
	cd client && PATH="$(CURDIR)/$(BIN):$$PATH" npm run typecheck --silent

.PHONY: test-deploy
test-deploy: $(VENV)/dev client/dist/index.html ## the three commands on real hosts: containers with SSH
	@tests/deploy/install-system-packages.sh
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup -m deploy $(ARGS)

.PHONY: bench
bench: $(VENV)/dev client/dist/index.html ## the ladder, side by side; results in tests/bench/results
	@tests/install-system-packages.sh
	$(BIN)/python -m tests.bench

.PHONY: bench-peers
bench-peers: $(VENV)/dev ## install what `bench` measures databases beside: Parse Server, PocketBase, FastAPI
	@tests/install-system-packages.sh mariadb-server postgresql wrk
	$(BIN)/python -m tests.bench.peers.install

.PHONY: clean
clean: ## remove what was built and installed here; var/ stays
	rm -rf $(VENV) client/dist client/node_modules build dist

$(VENV)/embedded: requirements/common.txt requirements/embedded.txt setup.py
	@$(PYTHON) -c 'import sys; sys.exit("Raindrop needs Python 3.11 or newer; this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/embedded.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/deploy: requirements/deploy.txt $(VENV)/embedded
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/deploy.txt
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/deploy
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@

client/node_modules/.package-lock.json: client/package-lock.json | $(VENV)/embedded
	cd client && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-audit --no-fund --loglevel error

client/dist/index.html: $(CLIENT_SOURCES) client/node_modules/.package-lock.json
	cd client && PATH="$(CURDIR)/$(BIN):$$PATH" npm run build --silent
	@touch $@

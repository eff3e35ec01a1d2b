# `make help` lists what there is. Everything is installed into .venv; nothing outside of the checkout is
# touched, but for the system packages that `make test` asks apt for where it may (root).
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
FRONTEND := jupyter_ext/jupyter_etl/labextension/static/style.js
FRONTEND_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) \
	labextension/package.json labextension/yarn.lock labextension/tsconfig.json
PACKAGE_SOURCES := pyproject.toml $(shell find jupyter_ext magics -type f -not -path '*/labextension/*' \
	-not -name '*.pyc' 2>/dev/null)
# PATH, so that the tools find one another; no bytecode of another Python.
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"
# Test modules are compiled once and not by every process, whatever the shell has set.
TESTS := PYTHONDONTWRITEBYTECODE= $(RUN) python -m pytest -q
NO_BROWSER := --ignore=tests/ui -m "not ui"
DEMO := .demo

# uv installs in a tenth of pip's time, from the index that pip is set to; where it fails, pip does it.
comma := ,
define uv
	@index="$$($(BIN)/pip config list | sed -n "s/^[a-z:]*[.]index-url='\(.*\)'$$/\1/p" | tail -n 1)"; \
	{ [ -x $(BIN)/uv ] || $(BIN)/pip install -q uv; } && UV_NO_CACHE=1 \
		$${index:+env UV_DEFAULT_INDEX="$$index"} $(BIN)/uv pip install -q --python $(BIN)/python
endef
define install
$(uv) --reinstall-package jupyter-etl $(1) || $(BIN)/pip install -q $(1)
endef

.PHONY: help setup check test fast ui-test demo lab serve bench chaos fuzz docs clean system

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3."; exit 1; }
	$(PYTHON) -m venv .venv

$(BIN)/jlpm: | $(BIN)/python
	$(call install,"jupyter-builder>=1.2$(comma)<2")

labextension/node_modules/.yarn-state.yml: labextension/package.json labextension/yarn.lock | $(BIN)/jlpm
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm install --immutable > .install.log 2>&1 \
		|| { cat .install.log; exit 1; }
	@touch $@

# The built panel is kept out of git and goes into wheel and sdist.
$(FRONTEND): $(FRONTEND_SOURCES) labextension/node_modules/.yarn-state.yml
	rm -rf jupyter_ext/jupyter_etl/labextension
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm build:prod > .build.log 2>&1 \
		|| { cat .build.log; exit 1; }

.venv/.demo: $(PACKAGE_SOURCES) $(FRONTEND) | $(BIN)/python
	$(call install,".[demo]")
	@touch $@

# What the tests depend on is installed while the panel is built, which the package itself waits for;
# what fails here is installed with it.
.venv/.dependencies: pyproject.toml | $(BIN)/jlpm
	$(uv) -r pyproject.toml --extra test --extra ui-test 2>/dev/null || true
	@touch $@

.venv/.test: $(PACKAGE_SOURCES) $(FRONTEND) .venv/.dependencies | $(BIN)/python
	$(call install,".[test$(comma)ui-test]")
	@touch $@ .venv/.demo

setup: ## Install everything a developer needs into .venv
	@$(MAKE) -j2 .venv/.test
	@[ -d .git ] && $(RUN) pre-commit install >/dev/null 2>&1 || true

system: ## Ask apt for browser and PostgreSQL, where they are missing and it may
	@need=""; \
	command -v chromium >/dev/null || need="$$need chromium"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || need="$$need postgresql"; \
	if [ -n "$$need" ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			export DEBIAN_FRONTEND=noninteractive; apt-get update -qq; apt-get install -y -qq $$need >/dev/null; \
		else echo "Missing:$$need. The tests that need them are skipped."; fi; \
	fi

check: .venv/.test ## Lint, types and layers of Python and TypeScript
	@# Beside one another; each says what it found.
	@python=0; panel=0; export $(RUN); \
	(cd labextension; jlpm api:check && jlpm prettier:check && jlpm eslint:check && jlpm tsc --noEmit -p tsconfig.test.json) >.check.log 2>&1 & \
	{ ruff check . && ruff format --check . && mypy && lint-imports; } || python=$$?; \
	wait $$! || panel=$$?; cat .check.log; exit $$((python + panel))

test: ## Check and test everything; what CI runs
	@$(MAKE) -j3 system .venv/.test
	$(RUN) jupyter labextension list 2>&1 | grep -E "jupyterlab-etl .*enabled.*OK"
	$(RUN) jupyter server extension list 2>&1 | grep -E "jupyter_etl .*OK"
	@# Beside the checks one process writes the bytecode that all workers would write at the same time.
	@checked=0; $(TESTS) --collect-only $(NO_BROWSER) >/dev/null & $(MAKE) check || checked=$$?; wait; exit $$checked
	@# A browser waits most of the time: its tests run beside the others, in a process of their own.
	@others=0; panel=0; export $(RUN); \
	{ (cd labextension; jlpm test --silent) && $(TESTS) -m ui tests/ui; } >.ui-test.log 2>&1 & \
	$(TESTS) -n 3 --dist loadfile --no-loadscope-reorder $(NO_BROWSER) || others=$$?; \
	wait $$! || panel=$$?; cat .ui-test.log; exit $$((others + panel))

fast: .venv/.test ## The tests that start nothing (seconds)
	$(RUN) python -m pytest -q -m "not kernel and not ui and not chaos and not postgres and not slow"

ui-test: system .venv/.test ## The browser tests on a real JupyterLab
	$(RUN) python -m pytest -q -m ui

demo: .venv/.demo ## Run the example chain on real data and show what it published
	@$(RUN) python notebooks/demo.py $(DEMO)

lab: .venv/.demo ## Open JupyterLab on the demo
	@mkdir -p $(DEMO)/notebooks
	JUPYTER_ETL_HOME="$(CURDIR)/$(DEMO)/etl" $(RUN) jupyter lab --ServerApp.root_dir="$(CURDIR)/$(DEMO)/notebooks"

serve: .venv/.demo ## Serve what the demo published, as APIs
	@JUPYTER_ETL_HOME="$(CURDIR)/$(DEMO)/etl" $(RUN) jupyter etl serve --port 8787

bench: system .venv/.test ## Measure the speed goals against the peers (ONLY=, QUICK=1, JSON=1, DOCS=1)
	$(RUN) python tests/bench/run.py $(ONLY) $(if $(QUICK),--quick) $(if $(JSON),--json) $(if $(DOCS),--write-docs)

chaos: system .venv/.test ## Kill at random for half an hour and count (SEED=, SCALE=0.1, KERNEL=chaos, ONLY=)
	$(RUN) python tests/chaos/run.py $(if $(SEED),--seed $(SEED)) $(if $(SCALE),--scale $(SCALE)) \
		$(if $(KERNEL),--kernel $(KERNEL)) $(if $(ONLY),--only $(ONLY))

fuzz: .venv/.test ## Try many more random tables than `make test` does (FUZZ=10000)
	FUZZ=$(or $(FUZZ),10000) $(TESTS) -n 2 --timeout=0 tests/round_trips

docs: .venv/.test ## Check that the docs name everything there is and show what comes (WRITE=1: write it)
	$(RUN) python -m pytest -q tests/test_docs.py tests/examples $(if $(WRITE),--write)

clean: ## Take away what was built, installed and demonstrated
	rm -rf .venv $(DEMO) jupyter_ext/jupyter_etl/labextension labextension/lib labextension/node_modules \
		labextension/tsconfig.tsbuildinfo

# A fresh machine has make and a Python >= 3.11; everything else is made here: .venv, node_modules, kernels, a browser.
# `make help` lists the targets. What is made leaves a stamp, so the next run starts with the work itself.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON_IN_VENV := .venv/bin/python
PYTEST := $(PYTHON_IN_VENV) -m pytest
NPM := tools/with_node npm --prefix js
NOTEBOOK_TESTS := tests/e2e/test_notebooks.py
HOST_TESTS := tests/e2e/hosts

VENV := .venv/.made
DEMO := .venv/.made-demo
DEV := .venv/.made-dev
BROWSER := .venv/.made-browser
FIREFOX := .venv/.made-firefox
CLIENTS := tests/clients/node_modules/.made
KERNELS := .kernels/.made
HOSTS := .hosts/.made
MODULES := js/node_modules/.made

heading = @printf '\n\033[1m== %s ==\033[0m\n' "$(1)"

.PHONY: help demo test lint fix types js-test bundle build unit e2e notebooks bench bench-quick soak screenshots
.PHONY: fuzz clients e2e-hosts kernels hosts browser lock clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: $(DEMO) ## open JupyterLab on the quickstart
	@tools/demo

test: lint types js-test bundle unit e2e e2e-hosts notebooks bench-quick ## everything CI runs, the quick checks first
	$(call heading,all passed)

lint: $(DEV) ## ruff: rules and format
	$(call heading,lint)
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m ruff format --check .

fix: $(DEV) $(MODULES) ## write the generated types, let ruff and biome mend what they can
	$(PYTHON_IN_VENV) -m tools.gen_types
	$(PYTHON_IN_VENV) -m ruff check --fix .
	$(PYTHON_IN_VENV) -m ruff format .
	$(NPM) run fix

types: $(DEV) $(MODULES) ## mypy, tsc and biome
	$(call heading,types)
	$(PYTHON_IN_VENV) -m mypy
	$(NPM) run check

js-test: $(MODULES) ## the page's half, without a browser
	$(call heading,JavaScript tests)
	$(NPM) test

build: $(MODULES) ## build sse_widget/static from js/src
	$(NPM) run build

bundle: $(DEV) $(MODULES) ## build it again and compare with what is there
	$(call heading,bundle)
	tools/same_bundle

unit: $(DEV) $(CLIENTS) ## Python tests with coverage, without a browser
	$(call heading,Python tests)
	$(PYTHON_IN_VENV) -m coverage run -m pytest -m "not slow"
	$(PYTHON_IN_VENV) -m coverage report

e2e: $(DEV) $(KERNELS) $(BROWSER) $(FIREFOX) ## tests in a real JupyterLab and Chromium, on three kernels
	$(call heading,end-to-end tests)
	$(PYTEST) tests/e2e -m "not slow" --ignore=$(NOTEBOOK_TESTS) --ignore=$(HOST_TESTS)

e2e-hosts: $(DEV) $(KERNELS) $(HOSTS) $(BROWSER) ## the same widget in JupyterHub, Voila, marimo, behind nginx, …
	$(call heading,other hosts)
	$(PYTEST) $(HOST_TESTS) -m "not slow"

notebooks: $(DEV) $(KERNELS) $(BROWSER) ## execute notebooks/ in JupyterLab
	$(call heading,notebooks in JupyterLab)
	$(PYTEST) $(NOTEBOOK_TESTS) -m "not slow"

bench: $(DEV) $(KERNELS) $(BROWSER) ## measure side by side with the alternatives, 20,000 events
	$(call heading,benchmarks)
	$(PYTHON_IN_VENV) -m benchmarks

bench-quick: $(DEV) $(KERNELS) $(BROWSER) ## the same with 2,000 events: does it count right?
	$(call heading,benchmarks with 2000 events)
	$(PYTHON_IN_VENV) -m benchmarks --events 2000

fuzz: $(DEV) ## 1,000,000 cases through the stream format's encoder and decoder
	$(call heading,fuzzing)
	$(PYTHON_IN_VENV) -m tools.fuzz

soak: $(DEV) $(KERNELS) $(BROWSER) ## the slow tests
	$(call heading,slow tests)
	$(PYTEST) -m slow || [ $$? = 5 ] # 5: none collected
	$(PYTEST) tests/e2e -m slow || [ $$? = 5 ]

screenshots: $(DEV) $(KERNELS) $(BROWSER) ## take the README's pictures again
	$(call heading,screenshots)
	$(PYTHON_IN_VENV) -m tools.screenshots

kernels: $(KERNELS) ## install the ipykernels that the tests run on
hosts: $(HOSTS) ## install JupyterHub, Notebook 7, Voila and marimo for the tests
browser: $(BROWSER) $(FIREFOX) ## find or install a Chromium and a Firefox
clients: $(CLIENTS) ## install other people's clients for the tests

lock: $(DEV) ## write requirements/lock.txt with the newest versions
	$(PYTHON_IN_VENV) -m tools.lock

clean: ## remove all that was made
	rm -rf .venv .kernels .hosts js/node_modules tests/clients/node_modules test-artifacts

$(VENV): tools/bootstrap
	tools/bootstrap
	@touch $@

$(DEMO): pyproject.toml requirements/lock.txt tools/bootstrap
	tools/bootstrap demo
	@touch $@

# The editable install is the same; this adds what the checks need. It refuses a stale bundle: `make build` mends that.
$(DEV): pyproject.toml requirements/lock.txt tools/bootstrap
	tools/bootstrap demo dev
	@touch $@ $(DEMO)

$(MODULES): js/package.json js/package-lock.json tools/with_node | $(VENV)
	$(NPM) ci
	@touch $@

$(KERNELS): tools/kernels.py | $(DEV)
	$(PYTHON_IN_VENV) -m tools.kernels
	@touch $@

$(HOSTS): tools/hosts.py requirements/hosts.txt pyproject.toml | $(DEV)
	$(PYTHON_IN_VENV) -m tools.hosts
	@touch $@

$(CLIENTS): tests/clients/package.json tests/clients/package-lock.json tools/with_node | $(VENV)
	tools/with_node npm --prefix tests/clients ci
	@touch $@

$(FIREFOX): tools/firefox.py | $(DEV)
	$(PYTHON_IN_VENV) -m tools.firefox
	@touch $@

$(BROWSER): tools/browser.py | $(DEV)
	$(PYTHON_IN_VENV) -m tools.browser
	@touch $@

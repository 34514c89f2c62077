# Every target works on a fresh clone: it makes the environment it needs first, and only when its pins have changed.
#   .venv       everything: training, serving, tests   (requirements/dev.txt)
#   .venv-demo  serving and the client, without torch  (requirements/demo.txt)
# Another interpreter:  make test PYTHON=/path/to/python3.11

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || echo python3)
UV_VERSION := 0.13.8
SOURCES := clients ensembles helm loadtest model_repository serving tests training

# ----------------------------------------------------------------------------- what people type

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv-demo/.installed ## start Triton, detect in sample photos over HTTP and gRPC, write pictures to out/demo/, stop
	@.venv-demo/bin/python -m serving.demo

.PHONY: serve
serve: .venv-demo/.installed ## serve until Ctrl-C: HTTP 8000, gRPC 8001, metrics 8002
	@exec .venv-demo/bin/python -m serving

.PHONY: test
test: .venv/.installed ## install everything and run all tests
	@# Three at a time on two cores: many tests only wait for a server. Tests of one file share what they start.
	@.venv/bin/python -m pytest -q -n 3 --dist loadfile -m "not quiet"
	@# What measures real time has the machine for itself.
	@.venv/bin/python -m pytest -q -m quiet

.PHONY: check
check: .venv/.installed ## formatting, lint, types, spelling, rendered files up to date: what CI checks before the tests
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	@# Triton imports the files of a model or backend by bare name, out of no package: each folder is typed by itself.
	@for folder in model_repository/*/1 serving/backends/*; do \
	  if compgen -G "$$folder/*.py" >/dev/null; then \
	    echo "mypy $$folder"; \
	    MYPYPATH=$$folder .venv/bin/mypy $$folder/*.py; \
	  fi; \
	done
	.venv/bin/codespell
	.venv/bin/python -m ensembles check
	.venv/bin/python -m ensembles release check
	.venv/bin/python helm/values_table.py --check
	.venv/bin/python -m tests.helm.golden

.PHONY: format
format: .venv/.installed ## format the code and mend what lint can mend
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

.PHONY: bench
bench: .venv/.installed ## what serving and heads cost, fusing saves, peers do, and the load generator holds: tables and JSON (15 minutes)
	@.venv/bin/python -m loadtest.benchmarks.serving_overhead
	@.venv/bin/python -m loadtest.benchmarks.fused
	@.venv/bin/python -m loadtest.benchmarks.many_heads
	@.venv/bin/python -m loadtest.benchmarks.visual_search
	@.venv/bin/python -m loadtest.benchmarks.peers
	@.venv/bin/python -m loadtest.benchmarks.generator

.PHONY: models
models: .venv/.installed ## train the demo's models again, export them, measure them (needs GENOD_DATA; about an hour on 2 cores)
	.venv/bin/python -m training train recipes/demo_generic.yaml
	.venv/bin/python -m training train recipes/demo_electronics.yaml
	.venv/bin/python -m training export run runs/demo_generic --with-backbone
	.venv/bin/python -m training export run runs/demo_electronics
	.venv/bin/python -m training export label-propagation head_generic head_electronics
	.venv/bin/python -m ensembles render
	.venv/bin/python -m training evaluate coco_mini microcontrollers --json docs/model_card_metrics.json

.PHONY: requirements
requirements: .venv/.uv-$(UV_VERSION) ## pin requirements/*.txt again from the two pyproject.toml
	$(COMPILE) --all-extras pyproject.toml clients/pyproject.toml -o requirements/dev.txt
	$(COMPILE) --extra serve --extra demo -c requirements/dev.txt pyproject.toml clients/pyproject.toml -o requirements/demo.txt

.PHONY: clean
clean: ## remove both environments, caches and out/
	rm -rf .venv .venv-demo out build .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info clients/*.egg-info
	find $(wildcard $(SOURCES)) -name __pycache__ -prune -exec rm -rf {} +

# ----------------------------------------------------------------------------- environments

# No index address and no path of this machine ends up in the pins.
COMPILE = .venv/bin/uv pip compile --quiet --python-version 3.11 --no-emit-index-url --no-emit-find-links \
  --annotation-style line --custom-compile-command "make requirements"

# Triton's Python stub is linked against this library; pyenv and Docker images carry it, Debian has it apart.
LIBPYTHON := libpython3.11.so.1.0

.PRECIOUS: %/.uv-$(UV_VERSION)
%/.uv-$(UV_VERSION):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo "GenOD needs Python 3.11 (Triton's Python stub is built per minor version), but $(PYTHON) is" \
	    "$$($(PYTHON) --version 2>&1 || true). Name another: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; \
	  exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "$(PYTHON) cannot make environments; on Debian and Ubuntu: apt-get install python3.11-venv"; exit 1; } >&2
	@echo "Making $* ..."
	@$(PYTHON) -m venv $*
	@$*/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/.installed: requirements/dev.txt | test-programs
.venv-demo/.installed: requirements/demo.txt
%/.installed: %/.uv-$(UV_VERSION) pyproject.toml clients/pyproject.toml
	@$(MAKE) --no-print-directory system-packages PYTHON=$*/bin/python
	@echo "Installing $(filter requirements/%,$^) into $* ..."
	@$*/bin/uv pip sync --python $*/bin/python $(filter requirements/%,$^)
	@$*/bin/uv pip install --python $*/bin/python --no-deps --editable . --editable clients
	@touch $@

.PHONY: system-packages
system-packages: ## install Debian's libpython3.11 where it is missing (root only; Triton's Python stub loads it)
	@libdir="$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')"; \
	for directory in "$$libdir" /usr/lib/*-linux-gnu /usr/lib64 /usr/local/lib; do \
	  if [ -e "$$directory/$(LIBPYTHON)" ]; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing libpython3.11, which Triton's Python stub loads ..."; \
	  apt-get update -qq </dev/null && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libpython3.11 </dev/null && \
	    exit 0; \
	fi; \
	echo "Note: $(LIBPYTHON) was not found; Triton's Python stub loads it. Please install libpython3.11." >&2

.PHONY: test-programs
test-programs: ## install Debian's prometheus and chromium where they are missing (root only; some tests drive them)
	@missing=""; \
	for program in prometheus chromium; do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing$$missing, which some tests drive ..."; \
	  apt-get update -qq </dev/null && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing </dev/null >/dev/null && \
	    exit 0; \
	fi; \
	echo "Note: not found:$$missing. The tests that drive them are skipped." >&2

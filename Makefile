# Each target does its own set-up, on a bare Debian 12 with git and make. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup build test demo bench check format soak clean
SHELL := /bin/bash -o pipefail
MAKEFLAGS += --no-print-directory

PYTHON_BIN := .venv/bin/python
SOAK_ROUNDS ?= 20
FUZZ_RUNS ?= 10000000
step = @printf '==> %s\n'

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: ## Install all that build, test and demo need (Debian packages, .venv)
	@tools/setup build demo test

build: setup build/release/build.ninja ## Compile the engine, the Python module and the C++ tests
	$(step) "building build/release"
	@cmake --build --preset release

test: build ## Run the C++ tests, then the Python tests
	$(step) "C++ tests"
	@ctest --preset release
	$(step) "Python tests"
	@$(PYTHON_BIN) -m pytest -n 2 tests/python

demo: ## Run the main job: an offer experiment on a year of a grocer's data
	@tools/setup build demo
	@$(MAKE) build/release/build.ninja
	$(step) "building the Python module, and the service"
	@cmake --build --preset release --target _core loyaltyd
	$(step) "loyalty demo"
	@.venv/bin/loyalty demo

bench: ## Run the benchmarks beside PostgreSQL and Redis (ARGS="--quick" for a short run)
	@tools/setup build demo bench
	@$(MAKE) build/release/build.ninja
	$(step) "building the benchmarks, and the service"
	@cmake --build --preset release --target _core loyaltyd benchmarks
	@$(PYTHON_BIN) benchmarks/run.py $(ARGS)

check: ## Formats, linters, types, stubs, thread safety, sanitizers (ONLY="step ..." for some)
	@tools/setup build demo test check
	@$(MAKE) build/release/build.ninja
	@tools/check $(ONLY)

format: ## Format the sources in place
	@tools/setup build test check
	@tools/check --fix format ruff

soak: build ## Repeat the C++ tests SOAK_ROUNDS times, run the Python tests marked soak, fuzz FUZZ_RUNS times
	$(step) "C++ tests, $(SOAK_ROUNDS) rounds or until one fails"
	@ctest --preset release --repeat until-fail:$(SOAK_ROUNDS)
	$(step) "Python soak tests"
	@$(PYTHON_BIN) -m pytest -m soak --timeout 0 tests/python
	@tools/setup build fuzz
	$(step) "fuzzing, $(FUZZ_RUNS) runs"
	@tools/fuzz $(FUZZ_RUNS)

clean: ## Remove what was built (not .venv, nor Debian packages)
	rm -rf build dist python/loyalty/_core*.so

# Ninja configures again by itself when a CMake file changes, but it does not know of presets or .venv.
build/release/build.ninja: CMakePresets.json .venv/pyvenv.cfg
	$(step) "configuring build/release"
	@mkdir -p build && cmake --preset release --fresh >build/configure.log || { cat build/configure.log; exit 1; }

.venv/pyvenv.cfg:
	@tools/setup build

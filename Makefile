# Two commands do all the set-up: make demo, make test.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test test-fast bench bench-local lint clean

demo: .venv/user.stamp
	$(BIN)/medsyn demo --out demo

test: .venv/dev.stamp
	$(BIN)/python -m pytest -n 2 --dist loadfile $(if $(CI),,-m "not slow")

bench: .venv/user.stamp
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/report.py

bench-local: .venv/dev.stamp
	$(BIN)/python benchmarks/local.py

lint: .venv/dev.stamp
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks

clean:
	rm -rf .venv demo

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "medsyn needs Python 3.11 or later; say where it is: make PYTHON=python3.12 demo"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/user.stamp: pyproject.toml | .venv/bin/python
	$(PIP) install --quiet --editable .
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@ .venv/user.stamp

# `make run` sets up and starts the page; `make test` sets up and runs all tests. Both are quick the second time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test dev lint format setup-browser clean

run: $(VENV)/.run
	$(BIN)/python app.py

# A process for each core, and a thread for each process: more would get in each other's way.
test: $(VENV)/.dev setup-browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

dev: $(VENV)/.dev

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/.run: requirements.txt
	$(PYTHON) .ci/check_python.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt
	$(PYTHON) .ci/check_python.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements-dev.txt
	touch $@ $(VENV)/.run

setup-browser:
	.ci/setup_browser

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

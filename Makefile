# `make run` sets up and starts the page; `make test` sets up and runs all tests. Both are quick the second time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Images often forbid Python to keep what it has compiled; then each of the many processes that tests start compiles torch anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test quick dev lint audit format setup-browser clean

run: $(VENV)/.run
	$(BIN)/python app.py

# Two processes more than there are cores, as many tests wait for a server or a clock; a thread for each: more would get in
# each other's way.
WORKERS := $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) + 2 )))
test: $(VENV)/.dev setup-browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 5 --dist loadfile --no-loadscope-reorder

# For the loop while one works: no browser, no models, nothing that takes long; under a minute on two cores.
quick: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 5 -m "not browser and not models and not slow" \
		--ignore tests/ui/page --ignore tests/experts/local --ignore tests/experts/bundled

dev: $(VENV)/.dev

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Looks up known vulnerabilities of what is installed; passes where the database can't be reached.
audit: $(VENV)/.dev
	$(BIN)/python .ci/audit.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/.run: requirements.txt
	$(PYTHON) .ci/check_python.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.dev: pyproject.toml
	$(PYTHON) .ci/check_python.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e ".[dev]"
	touch $@ $(VENV)/.run

setup-browser:
	.ci/setup_browser

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

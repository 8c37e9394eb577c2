# The environment is in .venv. Stamp files in it are newer than the lock file that was installed, so
# it is updated only when a lock file changes.

PYTHON ?= python3
UV ?= uv

VENV_PYTHON := .venv/bin/python
PIP_INSTALL := $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes
UV_COMPILE := $(UV) pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test crash-test fault-test abuse-test fuzz lint lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.dev .venv/.torch .venv/.reference ## install everything for development into .venv, from requirements-dev.lock

demo: .venv/.runtime ## pre-train and fine-tune on the bundled sample (needs requirements.lock only)
	@$(VENV_PYTHON) -m benchmarks.demo

# mypy uses one core, and the tests leave one idle now and then: they run at the same time.
test: lint ## setup, lint, type checks and tests, as in continuous integration
	@$(VENV_PYTHON) -m mypy & types=$$!; \
	$(VENV_PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder; tests=$$?; \
	wait $$types && exit $$tests

crash-test: setup ## kill pre-training and fine-tuning runs 52 times and compare the results (minutes)
	@$(VENV_PYTHON) -m benchmarks.crash_test

fault-test: setup ## write to full disks, and be killed at every rename (needs the permission to mount)
	@$(VENV_PYTHON) -m benchmarks.fault_test

abuse-test: setup ## abuse the service of a checkpoint, CKPT_DIR=checkpoint_lm_save, for a minute
	@$(VENV_PYTHON) -m benchmarks.service_abuse --ckpt_dir=$(or $(CKPT_DIR),checkpoint_lm_save)

lint: setup ## setup, then ruff's rules and format
	$(VENV_PYTHON) -m ruff check
	$(VENV_PYTHON) -m ruff format --check

fuzz: setup ## fuzz the file readers, SECONDS=60 per target (docs/reliability.md)
	$(VENV_PYTHON) -m tests.fuzz --seconds=$(or $(SECONDS),60)

lock: ## regenerate the three lock files from pyproject.toml (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	$(UV_COMPILE) --extra train -o requirements.lock
	$(UV_COMPILE) --extra dev -c requirements.lock -o requirements-dev.lock
	$(UV_COMPILE) --extra runtime -c requirements-dev.lock -o requirements-runtime.lock

clean: ## remove .venv and the caches, but not data/cache and checkpoint folders
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# "|| exit" prints what is wrong, rather than make's message about the rule that failed.
$(VENV_PYTHON):
	@command -v $(PYTHON) >/dev/null || { \
		echo "There is no '$(PYTHON)'. Install Python 3.11 or newer, or name it:" \
			"make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
			"Name a newer one: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Creating .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "Creating .venv failed (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }

.venv/.runtime: requirements.lock | $(VENV_PYTHON)
	@echo "Installing requirements.lock into .venv (the first time: about 1 GB, a few minutes)"
	@$(PIP_INSTALL) -r requirements.lock
	@touch $@

# The lock file for development includes the runtime's packages, at the same versions.
.venv/.dev: requirements.lock requirements-dev.lock | $(VENV_PYTHON)
	@echo "Installing requirements-dev.lock into .venv (the first time: about 1 GB, a few minutes)"
	@$(PIP_INSTALL) -r requirements-dev.lock
	@touch .venv/.runtime $@

# Only tests need PyTorch, and they are skipped without it: setup continues if it cannot be installed,
# and tries again the next time.
.venv/.torch: requirements-torch.txt .venv/.dev
	@echo "Installing requirements-torch.txt into .venv (200 MB; for tests only)"
	@if $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 30 \
			--no-deps -r requirements-torch.txt && $(VENV_PYTHON) -c "import torch"; then touch $@; \
		else echo "PyTorch could not be installed: the tests that need it will be skipped."; fi

# The same holds for these.
.venv/.reference: requirements-reference.txt .venv/.dev
	@if $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 30 \
			--no-deps "setuptools-scm==8.3.1" && \
		$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 30 \
			--no-deps --no-build-isolation -r requirements-reference.txt; then touch $@; \
		else echo "requirements-reference.txt could not be installed: tests that need it will be skipped."; fi

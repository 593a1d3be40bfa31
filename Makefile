# The contributor's guide: every target does its own set-up. ARGS= is handed on to the command.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ARGS ?=
AHEAD ?=

UV := uv==0.13.9
# Hashes of all files of a version are taken, so the pins hold on x86-64 and on aarch64.
PIN := .venv-pins/bin/uv -q pip compile --python-version 3.11 --universal --generate-hashes --no-header --no-annotate $(ARGS)
IMAGES := PYTHON_IMAGE=python:3.11-slim-trixie POSTGRES_IMAGE=postgres:17-alpine \
	VALKEY_IMAGE=valkey/valkey:8-alpine MAILPIT_IMAGE=axllent/mailpit:v1.27

# Every process that a test starts would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test test-clock collect lint format types migrations messages docs docs-pictures bench chaos secrets pins images plan clean

help:            ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /make \1\t/' | expand -t 18

.venv/runs: requirements-build.txt requirements-embedded.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing Digest into .venv (once) ..."
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements-build.txt -r requirements-embedded.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/tests: .venv/runs requirements-dev.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.venv/ahead.so: tests/ahead.c
	@$(CC) -O2 -shared -fPIC -o $@ $<

run: .venv/runs  ## everything on embedded services, with a sample publication
	@exec $(BIN)/digest up $(ARGS)

# Three at a time on two cores: tests wait for processes, browsers and clocks.
test: .venv/tests $(if $(AHEAD),.venv/ahead.so) ## the whole suite, on a real PostgreSQL, Valkey and SMTP; AHEAD=30: in 30 days
	@$(if $(AHEAD),LD_PRELOAD=$(CURDIR)/.venv/ahead.so TESTS_DAYS_AHEAD=$(AHEAD)) $(BIN)/python -m pytest -n 3 --no-loadscope-reorder $(ARGS)

test-clock: .venv/tests ## the tests that touch time, on other days: 29 February, changes of clocks (Linux)
	@if [ "$$(uname)" = Linux ] && command -v $(CC) >/dev/null; then \
		$(MAKE) -s .venv/ahead.so && $(BIN)/python -m tests.ahead $(ARGS); \
	else echo "Not on Linux, or no C compiler: the clock cannot be moved, so these tests are skipped."; fi

collect: .venv/tests ## find the tests without running any, into build/tests.txt; what cannot be imported fails
	@mkdir -p build
	@$(BIN)/python -m pytest --collect-only -qq $(ARGS) > build/tests.txt || { cat build/tests.txt; exit 1; }

lint: .venv/tests ## ruff, mypy, the floors, and that every import is declared
	@$(BIN)/ruff check $(ARGS) .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/deptry .
	@DIGEST_SECRET_KEY=only-for-lint-which-signs-nothing DIGEST_DATABASE_URL=postgresql:///lint DIGEST_REDIS_URL=redis://lint \
		$(BIN)/mypy

format: .venv/tests ## put the code in house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

migrations: .venv/tests ## write migrations for changed models
	@$(BIN)/python -m tests.services $(BIN)/python -m django makemigrations $(ARGS)

messages: .venv/tests ## update the translation catalogs from the sources, and compile them
	@$(BIN)/pybabel -q extract -F digest/locale/babel.cfg --no-location --sort-output --omit-header -o .messages.pot .
	@for folder in digest/locale/*/; do \
		$(BIN)/pybabel -q update -N -i .messages.pot -o $${folder}LC_MESSAGES/django.po -l $$(basename $$folder); \
	done; rm -f .messages.pot
	@$(BIN)/pybabel -q compile -D django -d digest/locale

plan: .venv/tests  ## write docs/modules.md and the table of packages from the code
	@$(BIN)/python -m tests.plan

.venv-docs: requirements-docs.txt
	@$(PYTHON) -m venv --clear .venv-docs
	@.venv-docs/bin/pip install -qq --disable-pip-version-check --require-hashes -r requirements-docs.txt
	@touch $@

docs: .venv-docs ## the documentation as a site in build/docs; a link that leads nowhere fails
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict $(ARGS)

docs-pictures: .venv/tests ## take the pictures of docs/first-steps.md again; look at them
	@DIGEST_DOCS_PICTURES=$(CURDIR)/docs/pictures $(BIN)/python -m pytest -q tests/console/pictures_of_docs.py

bench: .venv/tests ## every benchmark, both sides in one run
	@$(BIN)/python -m benchmarks $(ARGS)

chaos: .venv/tests ## 100,000 subscribers, something killed every second; again with bounces
	@$(BIN)/python -m tests.chaos

secrets:         ## random secrets for docker-compose.yml, once; existing ones are kept
	@install -d -m 700 secrets
	@for name in secret_key postgres_password; do \
		test -s secrets/$$name || (umask 022; $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(48))' > secrets/$$name); \
	done

pins: ## pin what pyproject.toml asks for, with hashes; ARGS=--upgrade: the newest of everything
	@rm -rf .venv-pins && $(PYTHON) -m venv .venv-pins && .venv-pins/bin/pip install -qq $(UV)
	@$(PIN) pyproject.toml -o requirements.txt
	@printf 'hatchling>=1.27\ncyclonedx-bom>=7\n' | $(PIN) - -c requirements.txt -o requirements-build.txt
	@echo "mkdocs-material>=9.6" | $(PIN) - -c requirements.txt -o requirements-docs.txt
	@$(PIN) pyproject.toml --extra s3 --extra sentry --extra traces -c requirements.txt -o requirements-extras.txt
	@$(PIN) pyproject.toml --extra embedded -c requirements.txt -o requirements-embedded.txt
	@$(PIN) pyproject.toml --extra embedded --extra mcp --extra dev -c requirements-embedded.txt -c requirements-extras.txt -c requirements-build.txt -o requirements-dev.txt
	@rm -rf .venv-pins

images: ## pin the images of docker-compose.yml by digest, in .env (asks their registries)
	@touch .env; for pair in $(IMAGES); do \
		name=$${pair%%=*}; image=$${pair#*=}; \
		digest=$$(docker buildx imagetools inspect $$image --format '{{.Manifest.Digest}}') || exit 1; \
		grep -v "^$$name=" .env > .env.new; echo "$$name=$$image@$$digest" >> .env.new; mv .env.new .env; \
		echo "$$name=$$image@$$digest"; \
	done

clean:           ## remove the environment and caches, never the data
	@rm -rf .venv .venv-docs .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info

# Thin by intent: every recipe is a line or two, the work is in the programs that it calls.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
LOCK := --universal --python-version 3.10 --generate-hashes --no-annotate --no-header -q

CANNOT_INSTALL = echo "make setup: the packages could not be installed; see the lines above. It needs a connection to pypi.org, or to the index that PIP_INDEX_URL and UV_INDEX_URL name" >&2; exit 1

help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/installed profiles.yml ## Install everything, pinned and hashed, into .venv

.venv/installed: requirements/locked.txt requirements/installer.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.12 setup")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/installer.txt || { $(CANNOT_INSTALL); }
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/locked.txt || { $(CANNOT_INSTALL); }
	@touch $@

profiles.yml: profiles.example.yml
	@test -f $@ || cp $< $@; touch $@

demo: setup ## The whole pipeline on real events, then the dashboard (ARGS="--no-dashboard --json")
	@$(BIN)/python -m embedded demo $(ARGS)

test: setup ## Everything that CI runs: tests, and the style beside them
	@$(MAKE) --no-print-directory --jobs=2 lint pytest

pytest: setup
	@$(BIN)/python -m pytest $(ARGS)

test-kafka: setup ## The loader's tests against another cluster: KAFKA=host:port
	@test -n "$(KAFKA)" || { echo "name the cluster: make test-kafka KAFKA=host:port"; exit 2; }
	@KAFKA=$(KAFKA) $(BIN)/python -m pytest tests/kafka tests/test_ingest_*.py tests/test_replay.py tests/test_senders.py tests/test_faults_*.py $(ARGS)

bench: setup ## The benchmark table; last line: JSON
	@$(BIN)/python -m benchmarks $(ARGS)

backtest: setup ## How well the model predicts: EVENTS=file of events; last line: JSON
	@test -n "$(EVENTS)" || { echo "name the events: make backtest EVENTS=file.parquet"; exit 2; }
	@$(BIN)/python -m benchmarks.backtest "$(EVENTS)" $(ARGS)

soak: setup ## The long fault test (ARGS="--kills 200 [--sink duckdb|snowflake | --everything]"); last line: JSON
	@$(BIN)/python -m tests.soak $(ARGS)

soak-together: setup ## All parts on one database (ARGS="--seconds 300 --rate 300"); last line: JSON
	@$(BIN)/python -m tests.soak.together $(ARGS)

soak-steady: setup ## An hour of 5,000 events a second: what file and memory become; last line: JSON
	@$(BIN)/python -m tests.soak.steady $(ARGS)

packages: setup ## What Snowflake imports: target/training.zip and target/outreach.zip
	@mkdir -p target && $(BIN)/python -m zipfile -c target/training.zip training && $(BIN)/python -m outreach pack

# $(call as,ROLE,OPERATIONS): run-operations on Snowflake as a role, or what they would send.
as = for operation in $(2); do DBT_TARGET=snowflake SNOWFLAKE_ROLE=$(1) $(BIN)/dbt run-operation $$operation $(vars) $(if $(DRY_RUN),--args '{dry_run: true}') || exit 1; done
vars = $(if $(VARS),--vars '$(VARS)')

deploy: packages ## All that docs/snowflake.md does on day one, and to upgrade (DRY_RUN=1: what it sends; VARS='{...}')
	@$(call as,ACCOUNTADMIN,create_roles create_cost_limits grant_access)
	@$(call as,DATA_ENGINEER,upload create_message_functions)
ifdef DRY_RUN
	@echo "-- check_setup, then dbt build, as DATA_ENGINEER: make snowflake-report writes what they send"
else
	@$(call as,DATA_ENGINEER,check_setup) && DBT_TARGET=snowflake SNOWFLAKE_ROLE=DATA_ENGINEER $(BIN)/dbt build $(vars)
endif
	@$(call as,DATA_ENGINEER,start_new_tasks)
	@$(call as,ACCOUNTADMIN,create_roles grant_access)
	@$(call as,ACCOUNTADMIN,create_compute_pool grant_access)
ifndef DRY_RUN
	@$(call as,CHURN_APP,check_setup)
endif
	@$(call as,CHURN_APP,deploy_dashboard)
	@$(call as,ACCOUNTADMIN,grant_access)

snowflake-report: setup ## All that deploys would send to Snowflake, and both engines compared; last line: JSON
	@$(BIN)/python -m tests.snowflake.report

shots: setup ## Screenshots of every page, 1440 and 820 px, light and dark, into target/shots/
	@CHURN_HOME=target/showcase $(BIN)/python -m tests.browser.shots $(ARGS)

lint: setup ## ruff and sqlfluff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint --disable-progress-bar models tests/data

audit: ## Known vulnerabilities of the pinned packages; it asks the internet, so it is no part of test
	@$(PYTHON) -m venv target/audit && target/audit/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/audit.txt
	@target/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements/locked.txt -r requirements/installer.txt

lock: ## Compile the requirements again from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --all-extras --group test --group lint $(LOCK) -o requirements/locked.txt
	@$(BIN)/uv pip compile --group audit $(LOCK) -o requirements/audit.txt

.PHONY: help setup demo test pytest test-kafka bench backtest soak soak-together soak-steady packages deploy snowflake-report shots lint audit lock

# One word for everything. Needs python3 (>= 3.11) with pip, and make; all else is fetched, pinned and checked by hash.
#
# PORT and CRM_HOME choose where the system answers and keeps its data; DATABASE_URL and REDIS_URL use servers that
# exist instead of starting own ones; ARGS goes to the program behind a target (make test ARGS="-k filters").

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
PY := .venv/bin/python
LOCK := --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url --universal
SOURCES := crm shared services deploy tests benchmarks

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

.PHONY: install
install: ## make .venv with what requirements.lock names (every target does it when needed)
	@./deploy/bootstrap

.PHONY: up
up: install ## run the whole system in the foreground: http://127.0.0.1:8000, Ctrl-C stops it
	@exec $(PY) -m deploy.local up

.PHONY: up-split
up-split: install ## the same with a process per service and role, behind nginx; SCALE="contacts-web=2" for more of one
	@exec $(PY) -m deploy.local up-split

.PHONY: down
down: install ## stop the system that runs on this CRM_HOME
	@exec $(PY) -m deploy.local down

.PHONY: token
token: install ## print the administrator's token
	@exec $(PY) -m deploy.local token

.PHONY: status
status: install ## what runs, as JSON
	@exec $(PY) -m deploy.local status-json

.PHONY: test
test: install ## all tests but those that start whole systems
	$(PY) -m pytest -m "not ops" -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: test-ops
test-ops: install ## tests that start whole systems, kill processes, take servers away
	$(PY) -m pytest -m ops $(ARGS)

.PHONY: test-faults
test-faults: install ## kill, stop, flush and restart everything about the event path, SEEDS=20 times two minutes
	$(PY) -m tests.faults.events.soak --seeds $(or $(SEEDS),20) $(ARGS)

.PHONY: show-faults
show-faults: install ## watch it for a minute: writers, random kills, and what the numbers come to
	@$(PY) -m tests.faults.events.show $(ARGS)

.PHONY: check
check: install ## format, lint, types, layers
	$(PY) -m ruff format --check $(SOURCES)
	$(PY) -m ruff check $(SOURCES)
	$(PY) -m mypy
	.venv/bin/lint-imports

.PHONY: format
format: install ## put the sources into the house's format
	$(PY) -m ruff format $(SOURCES)
	$(PY) -m ruff check --fix $(SOURCES)

.PHONY: bench
bench: install ## the system over HTTP beside hand-written routes
	$(PY) -m benchmarks.http $(ARGS)

.PHONY: bench-eav
bench-eav: install ## the engine against a native table
	$(PY) -m benchmarks.eav $(ARGS)

.PHONY: bench-imports
bench-imports: install ## a file through the running system, and the engine's part beside COPY and batches
	$(PY) -m benchmarks.imports $(ARGS)

.PHONY: bench-events
bench-events: install ## events from the writer to the report, beside counters, views and GROUP BY
	$(PY) -m benchmarks.events $(ARGS)

.PHONY: pictures
pictures: install ## draw what the terminal shows, for the README (of a running system with the demo in it)
	$(PY) -m crm.pictures docs/pictures

.PHONY: compose
compose: install ## write docker-compose.yml and nginx's configuration anew, from the services there are
	@$(PY) -m deploy.compose

.PHONY: env
env: ## add the passwords that docker-compose.yml wants to .env
	@python3 deploy/compose/env.py

.PHONY: lock
lock: install ## resolve pyproject.toml anew into requirements.lock and the image's part of it
	.tools/uv/bin/uv pip compile pyproject.toml --upgrade --extra embedded --extra dev $(LOCK) --output-file requirements.lock
	.tools/uv/bin/uv pip compile pyproject.toml --constraint requirements.lock $(LOCK) --output-file deploy/requirements.lock

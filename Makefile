# What one does with Duban. `make` alone lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Where programs that are not on the machine are fetched to, and where cargo builds.
TOOLS  := $(abspath $(or $(DUBAN_TOOLS),.tools))
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
export DUBAN_TOOLS := $(TOOLS)
# What was fetched, pinned, comes before what the machine has.
export PATH := $(TOOLS):$(PATH)

DUBAN   := $(TARGET)/release/duban
RELEASE := cargo build --release --locked --workspace --bins
NEEDS_DUBAN = { [ -x $(DUBAN) ] || cargo build --release --locked -p duban; }

# Folders of `make up` and `make demo`; arguments for `duban`, e.g. make up ARGS="--copies escalation=2".
DIR      ?= .duban
DEMO_DIR ?= .duban-demo
ARGS     ?=

.PHONY: help up demo down clean test lint faults soak bench containers

help:  ## list what there is to do
	@echo "Duban 督办. make up, then open what it prints."
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up:  ## start everything on this machine; Ctrl-C stops it, a second start continues
	@tools/fetch
	$(RELEASE)
	$(DUBAN) up --dir $(DIR) $(ARGS)

demo:  ## a fortnight in minutes, reports played from a file (REPORTS=FILE MAPPING=FILE plays yours)
	@tools/fetch
	$(RELEASE)
	$(DUBAN) demo --data $(DEMO_DIR) $(if $(REPORTS),--reports "$(REPORTS)") $(if $(MAPPING),--mapping "$(MAPPING)") $(ARGS)

down:  ## stop what `make up` or `make demo` started; the data stays
	@for dir in $(DIR) $(DEMO_DIR); do [ ! -e $$dir ] || { $(NEEDS_DUBAN) && $(DUBAN) down --dir $$dir; }; done

clean:  ## stop it and forget the data (.duban, .duban-demo); what was built and fetched stays
	@for dir in $(DIR) $(DEMO_DIR); do [ ! -e $$dir ] || { $(NEEDS_DUBAN) && $(DUBAN) clean --dir $$dir; }; done

test:  ## every test, on real Postgres and NATS of its own
	@tools/fetch --develop
	cargo build --locked --workspace --bins
	cargo test --locked --workspace --doc --quiet
	cargo nextest run --locked --workspace --no-fail-fast $(ARGS)

lint:  ## formatting, clippy, licences and origins of what we depend on, known vulnerabilities
	@tools/fetch --develop
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo deny --locked --log-level error check bans licenses sources
	@# Its own step, since it alone needs a database that a machine without a way out cannot have.
	@if timeout 120 cargo deny --locked --log-level error fetch db >/dev/null 2>&1; then \
	  cargo deny --locked --log-level error check advisories; \
	else \
	  echo "=== SKIPPED: known vulnerabilities were NOT checked, the advisory database could not be had here ==="; \
	fi

faults:  ## 200 rounds of killing services, NATS and Postgres under load (ROUNDS=n, SEED=n)
	@tools/fetch --develop
	cargo build --locked --workspace --bins
	DUBAN_FAULT_ROUNDS=$(or $(ROUNDS),200) $(if $(SEED),DUBAN_FAULT_SEED=$(SEED)) \
	  cargo nextest run --locked --workspace --test faults --no-capture --profile long $(ARGS)

soak:  ## an hour without Postgres, packs mangled CASES=n times, then faults for hours: HOURS=n, a new seed each time
	@tools/fetch --develop
	cargo build --locked --workspace --bins
	DUBAN_OUTAGE_SECONDS=3600 cargo nextest run --locked --workspace --test faults --no-capture --profile long an_outage
	DUBAN_FUZZ_CASES=$(or $(CASES),20000) cargo nextest run --locked --workspace --profile long -E 'package(duban-policy)'
	DUBAN_SCENARIOS=all cargo nextest run --locked --workspace --profile long -E 'package(duban-tests) & binary(scenarios)'
	@until=$$(( $$(date +%s) + 3600 * $(or $(HOURS),8) )); \
	while [ $$(date +%s) -lt $$until ]; do \
	  DUBAN_FAULT_ROUNDS=$(or $(ROUNDS),200) cargo nextest run --locked --workspace --test faults --no-capture --profile long || exit 1; \
	done

bench:  ## how fast it is, as ratios to plainer programs measured in the same run
	@tools/fetch
	$(RELEASE)
	$(DUBAN) bench $(ARGS)

containers:  ## docker-compose.yml for real: build, start, send a report through to its mail
	tests/compose.sh

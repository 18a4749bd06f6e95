# Everything here is a few lines over scripts/; `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(HOME)/.cargo/bin:$(PATH)
.PHONY: help run test test-fast bench dev release

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

run: setup-run ## from a bare machine to the demo on http://localhost:8080
	@scripts/wasm.sh
	@cargo build --locked --bin vestibule
	@exec target/debug/vestibule serve --demo

test: setup-test ## everything: format, lints, both databases, the built binary, the browser
	@scripts/test.sh all

test-fast: setup-test-fast ## format, lints, unit and domain tests on SQLite
	@scripts/test.sh fast

bench: release ## figures as ratios of one run, in target/bench/report.md
	@mkdir -p target/bench
	@cargo bench --locked -p domain --features testing --bench people | tee target/bench/people.rows
	@cargo bench --locked -p domain --features testing --bench access --no-run
	@taskset -c 0 cargo bench --locked -p domain --features testing --bench access | tee target/bench/access.rows
	@VESTIBULE_BIN=$(CURDIR)/target/release/vestibule cargo bench --locked -p it --bench report

dev: setup-run ## rebuild and restart on change
	@scripts/dev.sh

release: setup-release ## target/release/vestibule: one file with everything inside
	@scripts/wasm.sh
	@cargo build --locked --release -p vestibule --features vendored
	@ls -l target/release/vestibule

setup-%:
	@scripts/setup.sh $*

# Every target installs what it needs first; `make demo` and `make test` work on a machine
# with nothing but Rust, Node and Python 3.11.

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check bench bench-quick bench-spec fmt lint

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## install what is missing: Debian packages, .venv
	@scripts/setup

run: setup ## start the gateway on 127.0.0.1:8090 (ARGS='--http 127.0.0.1:0 …')
	cargo run --release --package pocketgate -- serve $(ARGS)

demo: setup ## a client, the gateway and an AI sidecar: JSON, a token stream, refusals
	@.venv/bin/python scripts/demo

test: setup ## format, lints, every Rust and Python test; ends with counts
	@scripts/test

check: setup ## the long runs: fuzzing, long tests, dependency policy
	@scripts/check

bench: setup ## CPU and latency beside five other proxies, into docs/performance.md (20 min)
	@scripts/setup rivals
	@bench/run --write-docs

bench-quick: setup ## the same in three minutes, less exact
	@scripts/setup rivals
	@bench/run --quick

bench-spec: setup ## what the specifications ask for in figures, into docs/performance.md (8 min)
	@bench/specification --write-docs

fmt: setup ## format Rust and Python
	cargo fmt --all
	.venv/bin/ruff format

lint: setup ## clippy, ruff, mypy
	cargo clippy --workspace --all-targets -- -D warnings
	.venv/bin/ruff check
	.venv/bin/mypy

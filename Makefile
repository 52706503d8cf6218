# What people run here. `make` alone says what there is.

SHELL := /bin/bash
TARGET := $(or $(CARGO_TARGET_DIR),target)
WHITTLE := $(TARGET)/release/whittle

.PHONY: help setup page build up test test-rust test-web test-e2e lint bench bench-patterns bench-web soak fuzz pictures clean

help:
	@echo 'make up       install what is missing, build page and binary, run them'
	@echo 'make build    build page and binary'
	@echo 'make test     everything that CI runs'
	@echo 'make bench    the benchmarks, on the release build; writes bench-results/'
	@echo 'make bench-patterns  accuracy and speed of the patterns beside other miners; writes docs/patterns.md'
	@echo 'make bench-distributed the roles over a real Kafka and PostgreSQL'
	@echo 'make bench-web what the page costs in a browser'
	@echo 'make soak     the long runs: power cuts, kills, load for minutes'
	@echo 'make fuzz     each decoder under the coverage-guided fuzzer, a minute each (SECONDS_EACH=60)'
	@echo 'make pictures the pictures of the page under docs/pictures'

setup:
	@deploy/dev/setup.sh

page: setup
	@cd web && if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then npm ci --no-audit --no-fund; fi
	@cd web && npm run --silent build

build: page
	cargo build --release --locked -p whittle-server

up: build
	$(WHITTLE) up

test: test-web test-rust test-e2e

lint: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@deploy/dev/setup.sh schemas
	@deploy/dev/check.sh

test-rust: lint
	@deploy/dev/setup.sh servers
	cargo test --workspace --locked

test-web: page
	cd web && npm run --silent lint && npm test --silent && npm run --silent check:size

# In a real browser, against the binary that the tests before it have built.
test-e2e: page
	@deploy/dev/setup.sh browser
	@test -x $(TARGET)/debug/whittle || cargo build --locked -p whittle-server
	cd web && npm run --silent test:e2e

bench: build
	cargo run --release --locked -p whittle-bench -- $(ARGS)

# On lines of real systems where ../shared/loghub is at hand; else on lines of its own, without accuracy.
bench-patterns: build
	cargo build --release --locked --manifest-path bench/patterns/Cargo.toml --target-dir $(TARGET)
	python3 bench/patterns/measure.py --whittle $(WHITTLE) --bench $(TARGET)/release/whittle-bench-patterns --work $(TARGET)

# The roles alone, over a real Kafka and a real PostgreSQL on this machine.
bench-distributed: build
	@deploy/dev/setup.sh servers
	cargo run --release --locked -p whittle-bench-distributed -- --binary $(WHITTLE) $(ARGS)

# What the page costs in a real browser: CPU from traces, heap after collection, over ten minutes and ten million rows. Parts alone:
# make bench-web ARGS='weight chart list load live many viewers'
bench-web: build
	@deploy/dev/setup.sh browser
	cargo build --release --locked -p whittle-server --example gateway_fanout
	cd web && WHITTLE_BIN=$(abspath $(WHITTLE)) npm run --silent bench -- $(ARGS)

# The same tests as in `make test`, for longer: 100,000 power cuts, 1,000 kills.
soak: setup
	WHITTLE_SEEDS=100000 cargo test --locked -p whittle-bus --test embedded power
	WHITTLE_CRASH_ROUNDS=1000 cargo test --locked -p whittle-server --test it -- --nocapture crash::

pictures: build
	deploy/dev/setup.sh browser
	cd web && npm run --silent pictures

# The fuzzer's instrumentation needs switches of the compiler that are not stable; the toolchain is the pinned one all the same.
FUZZ_TARGETS := packed_batch body bus_frame query scrub pattern_line pattern_journal pattern_groups model_answer
fuzz: setup
	@command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked
	@cd fuzz && for target in $(FUZZ_TARGETS); do \
	  echo "fuzzing $$target"; \
	  RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none --fuzz-dir . $$target -- -max_total_time=$(or $(SECONDS_EACH),60) -rss_limit_mb=256 -timeout=1 -print_final_stats=1 || exit 1; \
	done

clean:
	cargo clean
	rm -rf web/dist web/node_modules bench-results

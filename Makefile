# Two commands do everything: `make devnet` runs Basalt, `make test` checks it. Both install what they lack.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# One profile for all (see Cargo.toml): RocksDB alone takes a quarter of an hour on two cores, once.
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
export CARGO_TERM_COLOR ?= auto
BASALT := $(CARGO_TARGET_DIR)/release/basalt
CONTRACTS := bridge/contracts
# Of `make test-differential`; another seed gives other blocks.
BLOCKS ?= 10000
MUTANTS ?= 40000
SEED ?= 0
# Of `make test-bridge-deep`.
RUNS ?= 2000
# Of `make sim`.
SEEDS ?= 2000
FIRST_SEED ?= 0
# Of `make fuzz`; the targets are those of etc/fuzz/src/lib.rs.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= input witness rlp bal blobs

PEER := $(CARGO_TARGET_DIR)/bench/peers/release/peer-ethrex24

.PHONY: bench bench-build bench-quick help deps build chaos devnet devnet-test test test-contracts test-bridge-deep test-rust test-vectors test-rpc test-differential sim fuzz lint deny abi vectors

help: ## list of targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

deps: ## install what the build needs (Debian packages), or say what to install
	@etc/deps.sh

build: deps ## build the release binary
	@if [ ! -x "$(BASALT)" ]; then echo "First build: about 20 minutes on two cores, most of it RocksDB. Later builds take seconds."; fi
	cargo build --release --locked --workspace --bin basalt

devnet: build ## start an L1, its contracts, a sequencer and a follower; Ctrl-C stops all of it
	@exec "$(BASALT)" devnet $(ARGS)

devnet-test: build ## the main job on real input: bridge in and out, 200 transactions, kill -9, blobs (ARGS='--sequencers 3')
	"$(BASALT)" devnet test $(ARGS)

chaos: build ## real processes: 100 times kill -9 under load, then 50 L1 reorgs, about a quarter of an hour (ARGS='--seed 1')
	"$(BASALT)" chaos $(ARGS)

test: deps lint test-contracts test-rust deny ## everything that CI runs

lint: deps ## formatting and clippy
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings

test-contracts: $(CONTRACTS)/node_modules/.installed ## forge tests, and that committed ABI files are fresh
	cd $(CONTRACTS) && npx --no-install forge build && node script/abi.mjs --check
	cd $(CONTRACTS) && npx --no-install forge test

test-bridge-deep: $(CONTRACTS)/node_modules/.installed ## the contracts' invariants with a million calls each (RUNS=2000 of 500 calls)
	cd $(CONTRACTS) && FOUNDRY_INVARIANT_RUNS=$(RUNS) npx --no-install forge test --match-test '^invariant_'

test-rust: deps etc/clients/node_modules/.installed etc/viem-basalt/node_modules/.installed ## cargo tests
	@if cargo nextest --version >/dev/null 2>&1; then \
		cargo nextest run --release --locked --workspace; \
	else \
		echo "cargo-nextest is not installed (cargo install cargo-nextest --locked): using cargo test"; \
		cargo test --release --locked --workspace; \
	fi

test-vectors: deps ## all official test vectors in $BASALT_VECTORS (default ../shared/vectors); ARGS="--filter NAME -v"
	cargo build --release --locked --workspace --bin basalt-vectors
	"$(CARGO_TARGET_DIR)/release/basalt-vectors" $(ARGS)

test-rpc: deps ## recorded JSON-RPC cases in $BASALT_RPC_CASES (default ../shared/vectors) against a node with their chain; ARGS="--filter NAME"
	cargo build --release --locked --workspace --bin basalt-conformance
	"$(CARGO_TARGET_DIR)/release/basalt-conformance" $(ARGS)

test-differential: deps ## 10,000 generated blocks on which revm, LEVM and stateless validation must agree, then 40,000 hostile inputs
	cargo build --release --locked --workspace --bin basalt-differential
	"$(CARGO_TARGET_DIR)/release/basalt-differential" blocks --blocks $(BLOCKS) --seed $(SEED) --seconds 1800
	"$(CARGO_TARGET_DIR)/release/basalt-differential" hostile --mutants $(MUTANTS) --seed $(SEED) --seconds 1800

sim: deps ## whole nodes in a simulated world: SEEDS=2000 worlds from FIRST_SEED=0 on; one that fails is made small (ARGS=--log)
	cargo build --release --locked --workspace --bin basalt-sim
	"$(CARGO_TARGET_DIR)/release/basalt-sim" --seeds $(SEEDS) --first-seed $(FIRST_SEED) $(ARGS)

fuzz: deps ## each fuzz target for FUZZ_SECONDS, from the kept corpus
	@if ! cargo fuzz --version >/dev/null 2>&1; then cargo install cargo-fuzz --locked --quiet; fi
	cd etc/fuzz/libfuzzer && for target in $(FUZZ_TARGETS); do \
		mkdir -p "found/$$target" && \
		CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/fuzz" cargo fuzz run --fuzz-dir . --sanitizer none "$$target" "found/$$target" "../corpus/$$target" -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=20000 -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 || exit 1; \
	done

bench: bench-build ## compare with revm, LEVM and ethrex; writes etc/bench/results (ARGS='--only G4', ARGS=--huge)
	"$(CARGO_TARGET_DIR)/release/basalt-bench" compare --ethrex "$(PEER)" --cache "$(CARGO_TARGET_DIR)/bench" $(if $(findstring --only,$(ARGS)),,--write etc/bench/results) $(ARGS)

bench-quick: bench-build ## the same in a few minutes: small states, fewer rows, nothing written
	"$(CARGO_TARGET_DIR)/release/basalt-bench" compare --ethrex "$(PEER)" --cache "$(CARGO_TARGET_DIR)/bench" --quick $(ARGS)

# The peer links the RocksDB that Basalt's own build has just made; building another one takes a quarter of an hour.
bench-build: deps
	cargo build --release --locked --workspace --bin basalt --bin basalt-bench
	cd etc/bench/peers/ethrex24 && ROCKSDB_STATIC=1 \
		ROCKSDB_LIB_DIR="$$(dirname "$$(ls "$(CARGO_TARGET_DIR)"/release/build/librocksdb-sys-*/out/librocksdb.a | head -1)")" \
		CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/bench/peers" cargo build --release --locked --features disk

deny: ## licences, sources and duplicate versions of dependencies
	@if ! cargo deny --version >/dev/null 2>&1; then cargo install cargo-deny --locked --quiet; fi
	cargo deny check bans licenses sources

abi: $(CONTRACTS)/node_modules/.installed ## rebuild bridge/abi from the contracts
	cd $(CONTRACTS) && npx --no-install forge build && node script/abi.mjs

vectors: ## rewrite golden vectors and generated tables; look at the diff
	BLESS=1 cargo nextest run --release --workspace

$(CONTRACTS)/node_modules/.installed: $(CONTRACTS)/package-lock.json | deps
	cd $(CONTRACTS) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

etc/clients/node_modules/.installed: etc/clients/package-lock.json | deps
	cd etc/clients && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

etc/viem-basalt/node_modules/.installed: etc/viem-basalt/package-lock.json | deps
	cd etc/viem-basalt && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

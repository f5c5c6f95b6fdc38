# The commands of the house. What each does lies in scripts/; this file only names them.
# CARGO_TARGET_DIR is respected; ARGS goes to the program that the target runs.

TARGET := $(or $(CARGO_TARGET_DIR),target)
RUNNABLE := -p postern -p postern-sidecar -p postern-control-plane

.DEFAULT_GOAL := help
.PHONY: help dev test lint fuzz tools bench bench-check bench-peers bench-policy differential compare-opa-envoy record-golden proto-release release

help: ## Shows this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## Builds in release mode and runs everything in the foreground, Envoy included
	@scripts/envoy.sh >/dev/null
	@echo "building in release mode (some minutes the first time)"
	@cargo build --release $(RUNNABLE)
	@exec $(TARGET)/release/postern dev --envoy "$$(scripts/envoy.sh)" $(ARGS)

test: ## Installs what the tests need and runs what CI runs
	@scripts/test.sh $(ARGS)

lint: ## rustfmt, clippy, cargo-deny, doc links
	@scripts/lint.sh

fuzz: ## Throws mutated input at every parser, a minute each; ARGS names targets, SECONDS sets how long
	@FUZZ_SECONDS=$(or $(SECONDS),60) scripts/fuzz.sh $(ARGS)

tools: ## Builds the pinned opa, which changing a policy needs, into a cache outside the clone
	@scripts/tools.sh

bench: ## Measures; prints tables, draws plots, writes target/bench/summary.json
	@scripts/bench.sh $(ARGS)

bench-check: ## The figures of the sidecar's check alone
	@scripts/bench.sh check $(ARGS)

bench-peers: ## A Check beside opa-envoy-plugin (OPA_ENVOY=<its binary>)
	@scripts/bench.sh peers --opa-envoy "$(OPA_ENVOY)" $(ARGS)

bench-policy: ## The figures of policy evaluation alone
	@scripts/bench.sh policy $(ARGS)

differential: ## Puts random policies to OPA and to common/rego, a million decisions; ARGS are how many, and from which seed on
	@scripts/differential.sh $(ARGS)

compare-opa-envoy: ## Puts CASES random requests to opa-envoy-plugin (OPA_ENVOY=<its binary>) and to the sidecar, and prints where they differ
	@cargo build --quiet --workspace --bins
	@$(TARGET)/debug/postern-compare --opa-envoy "$(OPA_ENVOY)" random --sidecar $(TARGET)/debug/postern-sidecar \
		--cases $(or $(CASES),10000) $(ARGS)

record-golden: ## Records what opa-envoy-plugin (OPA_ENVOY=<its binary>) answers to the golden cases
	@cargo build --quiet --workspace --bins
	@$(TARGET)/debug/postern-compare --opa-envoy "$(OPA_ENVOY)" record $(ARGS)

proto-release: ## Accepts the present contracts as the ones to stay compatible with
	@cargo run --quiet -p postern-proto --example release

release: ## Builds what is shipped, into target/dist
	@cargo build --profile dist $(RUNNABLE) --features postern/wasm,postern-control-plane/wasm,postern-sidecar/wasm

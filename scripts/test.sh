#!/usr/bin/env bash
# Installs what the tests need, then runs everything that CI runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { echo; echo "== $*"; }

scripts/lint.sh code

step "tools: Envoy, nginx, opa, opa's own cases, opa as an oracle"
scripts/envoy.sh
scripts/nginx.sh
scripts/tools.sh opa
scripts/tools.sh kit
scripts/tools.sh oracle
scripts/peers.sh oidc-provider >/dev/null

step "build"
# Tests start the real programs, so these are built first, in the same profile.
cargo build --workspace --bins

step "test"
# A failure doesn't hide the next one.
cargo test --workspace --no-fail-fast "$@"

step "a build without Wasm"
cargo test -p postern-policy --test without_wasm

step "what a check costs"
scripts/count.sh

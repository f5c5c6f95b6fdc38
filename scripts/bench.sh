#!/usr/bin/env bash
# Builds in release mode what is measured and what measures, then measures.
#   scripts/bench.sh [check] [envoy] [policy] [--rounds N] [--seconds N]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/envoy.sh >/dev/null
scripts/tools.sh opa >/dev/null
cargo build --release -p postern -p postern-sidecar -p postern-control-plane -p postern-e2e
exec "${CARGO_TARGET_DIR:-target}/release/postern-bench" "$@"

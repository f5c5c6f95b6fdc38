#!/usr/bin/env bash
# Builds in release mode what is measured and what measures, then measures.
#   scripts/bench.sh [check] [growth] [envoy] [peers] [policy] [shipped] [swap] [--rounds N] [--seconds N]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/envoy.sh >/dev/null
scripts/tools.sh opa >/dev/null
cargo build --release -p postern -p postern-sidecar -p postern-control-plane -p postern-e2e
# The shipped build takes minutes more; it is made where it is to be measured.
case " $* " in
*' shipped '*) wants_shipped=1 ;;
*' check '* | *' growth '* | *' envoy '* | *' peers '* | *' policy '* | *' swap '*) wants_shipped= ;;
*) wants_shipped=1 ;;
esac
if [ -n "$wants_shipped" ]; then
  # As `make release` does.
  cargo build --profile dist -p postern-sidecar --features postern-sidecar/wasm
fi
# Random policies against OPA itself: `differential_decisions` were compared, `differential_differing` policies differ.
case " $* " in
*' policy '*) wants_differential=1 ;;
*' check '* | *' growth '* | *' envoy '* | *' peers '* | *' shipped '* | *' swap '*) wants_differential= ;;
*) wants_differential=1 ;;
esac
if [ -n "$wants_differential" ]; then
  scripts/differential.sh "${DIFFERENTIAL_DECISIONS:-1000000}"
fi
exec "${CARGO_TARGET_DIR:-target}/release/postern-bench" "$@"

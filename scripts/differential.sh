#!/usr/bin/env bash
# Puts random policies to OPA and to common/rego until a million decisions were compared; none may differ. What differs is
# made small and kept in common/rego/tests/differential/found, where tests begin.
#
#   scripts/differential.sh                  a million decisions, from seed 1000000 on
#   scripts/differential.sh 50000 77         50,000 decisions, from seed 77 on
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/tools.sh oracle >/dev/null
DIFFERENTIAL_DECISIONS="${1:-1000000}" DIFFERENTIAL_SEED="${2:-1000000}" \
  cargo test --quiet --release -p postern-rego --test differential -- --nocapture decisions_of_random_policies

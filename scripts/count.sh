#!/usr/bin/env bash
# What one check costs, and the evaluation of policy in it, in instructions and allocations: numbers that a busy machine
# doesn't blur. Needs valgrind, and installs it where apt can; where it can't, it says so and counts nothing.
# Prints `name number` lines: check_instructions, check_allocs, evaluation_instructions, evaluation_allocs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

RUNS=1000

say() { echo "count: $*" >&2; }

if ! command -v valgrind >/dev/null && command -v apt-get >/dev/null; then
  say "installing valgrind"
  root=''
  [ "$(id -u)" = 0 ] || root='sudo -n'
  { $root apt-get update && $root apt-get install -y --no-install-recommends valgrind; } >/dev/null 2>&1 || true
fi
if ! command -v valgrind >/dev/null; then
  say "NOT COUNTED: valgrind is not here and could not be installed; install it and run scripts/count.sh again"
  exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
opa=$(scripts/tools.sh opa)
policy=e2e/bench/policies/rbac_30
"$opa" build -t plan -e bench/rbac/decision -o "$folder/bundle.tar.gz" "$policy/policy.rego" "$policy/data.json"
cargo build --quiet --release -p postern-count >&2

for what in check evaluation; do
  # What came before `counted` is forgotten, and what it did is written down when it returns.
  valgrind --quiet --tool=callgrind --callgrind-out-file="$folder/$what" \
    --zero-before='postern_count::counted' --dump-after='postern_count::counted' \
    "${CARGO_TARGET_DIR:-target}/release/postern-count" "$folder/bundle.tar.gz" bench/rbac/decision "$what" "$RUNS" >&2
  awk -v runs="$RUNS" -v name="$what" -f scripts/count.awk "$folder/$what.1"
done

#!/usr/bin/env bash
# What one check costs, and the evaluation of policy in it, in instructions and allocations: numbers that a busy machine
# doesn't blur. Needs valgrind, and installs it where apt can; where it can't, it says so and counts nothing.
#
#   scripts/count.sh                                 check_instructions, check_allocs; the same of evaluated_check and evaluation
#   scripts/count.sh policy BUNDLE ENTRYPOINT INPUT  policy_instructions, policy_allocs: of one evaluation
#   scripts/count.sh load BUNDLE ENTRYPOINT          load_instructions, load_allocs: of loading the bundle's plan
#
# Prints `name number` lines.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

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
cargo build --quiet --release -p postern-count >&2

# count WHAT RUNS BUNDLE ENTRYPOINT [INPUT]
count() {
  local what=$1 runs=$2 bundle=$3 entrypoint=$4
  shift 4
  # What came before `counted` is forgotten, and what it did is written down when it returns.
  valgrind --quiet --tool=callgrind --callgrind-out-file="$folder/$what" \
    --zero-before='postern_count::counted' --dump-after='postern_count::counted' \
    "${CARGO_TARGET_DIR:-target}/release/postern-count" "$bundle" "$entrypoint" "$what" "$runs" "$@" >&2
  awk -v runs="$runs" -v name="$what" -f scripts/count.awk "$folder/$what.1"
}

case "${1:-check}" in
policy) count policy 200 "${@:2}" ;;
load) count load 2 "${@:2}" ;;
check)
  opa=$(scripts/tools.sh opa)
  policy=e2e/bench/policies/rbac_30
  "$opa" build -t plan -e bench/rbac/decision -o "$folder/bundle.tar.gz" "$policy/policy.rego" "$policy/data.json"
  for what in check evaluated_check evaluation; do
    count "$what" 1000 "$folder/bundle.tar.gz" bench/rbac/decision
  done
  ;;
*) say "policy, load or nothing, not '$1'"; exit 2 ;;
esac

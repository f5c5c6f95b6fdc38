#!/usr/bin/env bash
# Formatting, lints, the rules on dependencies, the links of the documentation. Says no to a warning too.
# `scripts/lint.sh code` stops after the lints: that much is part of every test run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

CARGO_DENY_VERSION=0.20.2
cache="${POSTERN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/postern}"
deny="$cache/tools/cargo-deny-$CARGO_DENY_VERSION/bin/cargo-deny"

step() { echo; echo "== $*"; }

step "rustfmt"
cargo fmt --all --check
# A workspace of its own, for a toolchain that nothing else needs: the steps below leave it out.
cargo fmt --manifest-path fuzz/Cargo.toml --check

step "the fuzzers' lock"
cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null || {
  echo "lint: fuzz/Cargo.lock doesn't fit the crates; cargo update --workspace --manifest-path fuzz/Cargo.toml" >&2
  exit 1
}

step "clippy"
cargo clippy --workspace --all-targets -- -D warnings

[ "${1:-}" != code ] || exit 0

step "cargo-deny: bans, licenses, sources"
if [ ! -x "$deny" ]; then
  echo "building cargo-deny $CARGO_DENY_VERSION into the cache (some minutes, once)"
  cargo install --quiet --locked --root "$(dirname "$(dirname "$deny")")" "cargo-deny@$CARGO_DENY_VERSION"
fi
"$deny" --workspace check bans licenses sources

step "doc links"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --quiet

#!/usr/bin/env bash
# Throws mutated input at what reads strangers' bytes, each target for a minute; stops at the first find.
#
#   scripts/fuzz.sh                 every target of fuzz/Cargo.toml
#   scripts/fuzz.sh xfcc jws        these
#   FUZZ_SECONDS=600 scripts/fuzz.sh
#
# Begins from fuzz/corpus/<target> and never writes there; what it learns grows beside the build, in
# <target dir>/corpus/<target>. A find lies in fuzz/artifacts/<target>: mend the code, then put the file into the corpus,
# which `cargo test --manifest-path fuzz/Cargo.toml --lib` replays with an ordinary toolchain.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

CARGO_FUZZ_VERSION=0.13.2
cache="${POSTERN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/postern}"
cargo_fuzz="$cache/tools/cargo-fuzz-$CARGO_FUZZ_VERSION/bin/cargo-fuzz"
seconds="${FUZZ_SECONDS:-60}"
built="${CARGO_TARGET_DIR:-fuzz/target}"

step() { echo; echo "== $*"; }
fail() { echo "fuzz: $*" >&2; exit 1; }

case "$seconds" in '' | *[!0-9]* | 0) fail "FUZZ_SECONDS is a number of seconds above 0, not '$seconds'" ;; esac
cargo +nightly --version >/dev/null 2>&1 ||
  fail "libFuzzer needs a nightly toolchain: rustup toolchain install nightly --profile minimal"

known=$(awk -F '"' '/^\[\[bin\]\]/ { bin = 1 } bin && /^name = / { print $2; bin = 0 }' fuzz/Cargo.toml)
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets <<<"$known"
for target in "${targets[@]}"; do
  grep -qxF -- "$target" <<<"$known" || fail "no target '$target'; there are: $(tr '\n' ' ' <<<"$known")"
done

if [ ! -x "$cargo_fuzz" ]; then
  echo "building cargo-fuzz $CARGO_FUZZ_VERSION into the cache (a minute or two, once)"
  cargo install --quiet --locked --root "$(dirname "$(dirname "$cargo_fuzz")")" "cargo-fuzz@$CARGO_FUZZ_VERSION"
fi

# There is no unsafe code of ours for the address sanitizer to watch; without it, the same minute sees several times more.
fuzz() { RUSTUP_TOOLCHAIN=nightly "$cargo_fuzz" fuzz "$@"; }

step "build"
for target in "${targets[@]}"; do
  fuzz build --sanitizer none "$target"
done

for target in "${targets[@]}"; do
  step "$target, $seconds s"
  grown="$built/corpus/$target"
  mkdir -p "$grown" "fuzz/corpus/$target"
  arguments=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1)
  dictionary="fuzz/dictionaries/$target.dict"
  [ ! -f "$dictionary" ] || arguments+=(-dict="$dictionary")
  fuzz run --sanitizer none "$target" "$grown" "fuzz/corpus/$target" -- "${arguments[@]}"
done
step "${#targets[@]} targets, $seconds s each: no find"

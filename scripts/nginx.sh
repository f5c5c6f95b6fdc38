#!/usr/bin/env bash
# Installs the distribution's nginx with apt, where there is none, and prints its path. Starts nothing: tests run it with a
# configuration of their own.
set -euo pipefail

say() { echo "nginx: $*" >&2; }
fail() { say "$*"; exit 1; }
# Debian has it in a folder that isn't in everybody's PATH.
find_nginx() { PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v nginx; }

# One at a time, for two tests may ask at once. The lock is on this file itself, so that none is left behind.
exec 9<"${BASH_SOURCE[0]}"
flock 9

if ! find_nginx >/dev/null; then
  command -v apt-get >/dev/null || fail "nginx is needed, and there is no apt-get here to install it with; install it"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
    sudo -n true 2>/dev/null || fail "nginx is needed: apt-get install nginx (as root)"
  fi
  # The package starts a server on port 80, unless this file says not to (invoke-rc.d).
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
  fi
  say "installing Debian's nginx (once)"
  install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx)
  "${as_root[@]}" "${install[@]}" >&2 9>&- ||
    { "${as_root[@]}" apt-get update -qq >&2 9>&- && "${as_root[@]}" "${install[@]}" >&2 9>&-; } ||
    fail "apt-get could not install nginx; see what it says above"
fi
nginx=$(find_nginx) || fail "apt-get installed nginx, but it isn't there"
"$nginx" -V 2>&1 | grep -q -- --with-http_auth_request_module || fail "$nginx has no auth_request module"
echo "$nginx"

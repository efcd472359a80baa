#!/usr/bin/env bash
# Sets up what this checkout needs on Debian 12: system packages that are missing (as root), and .venv from the lock.
# Run again it does nothing in a moment; after an interrupted run it goes on where that ended.
set -euo pipefail
cd "$(dirname "$0")/.."

stop() { echo "$1" >&2; exit 2; }

# -- system packages --

declare -A wanted=( [debootstrap]=debootstrap [sipp]=sip-tester [chromium]=chromium [promtool]=prometheus )
missing=()
for program in "${!wanted[@]}"; do
  command -v "$program" >/dev/null || missing+=("${wanted[$program]}")
done
[ -e /usr/lib/postgresql ] || missing+=(postgresql)
[ -e /usr/share/zoneinfo/Asia/Shanghai ] || missing+=(tzdata)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)

# Tests start their own PostgreSQL and Prometheus: what the packages would run, from now on and after each boot, is not wanted.
no_cluster=/etc/postgresql-common/createcluster.d/hotline-setup.conf
no_start=/usr/sbin/policy-rc.d  # Debian's door for this; one that stands there already has its reasons
ours=()
without_daemons() {
  trap 'rm -f "${ours[@]}"' EXIT
  if [ ! -e /usr/lib/postgresql ]; then
    mkdir -p "${no_cluster%/*}"
    echo "create_main_cluster = false" >"$no_cluster"
    ours+=("$no_cluster")
  fi
  if [ ! -e "$no_start" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$no_start"
    chmod 755 "$no_start"
    ours+=("$no_start")
  fi
}
not_at_boot() {
  if command -v systemctl >/dev/null; then systemctl --quiet disable "$1" 2>/dev/null; else update-rc.d "$1" disable; fi
}

if [ "${#missing[@]}" -gt 0 ]; then
  command -v apt-get >/dev/null || stop "missing: ${missing[*]} (names of Debian's packages); there is no apt-get here"
  [ "$(id -u)" -eq 0 ] || stop "missing: ${missing[*]}. Type: sudo apt-get install --no-install-recommends ${missing[*]}"
  echo "installing: ${missing[*]}"
  without_daemons
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  [[ " ${missing[*]} " != *" prometheus "* ]] || not_at_boot prometheus || echo "prometheus will start at boot: disable it"
  hash -r
fi

# -- Python packages --

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
python3 -c "$new_enough" || stop "$(command -v python3) is $(python3 --version): Python 3.11 or newer is needed"

works() { .venv/bin/python -c "$new_enough" && .venv/bin/python -m pip --version; }
if ! works >/dev/null 2>&1; then
  echo "making .venv"
  python3 -m venv .venv
  works >/dev/null 2>&1 || python3 -m venv --clear .venv  # what was there cannot be mended
fi

state="$PWD $(cat requirements/dev.lock pyproject.toml | sha256sum)"
if [ "$(cat .venv/.installed 2>/dev/null)" != "$state" ]; then
  echo "installing the locked Python packages into .venv"
  rm -f .venv/.installed
  pip=(.venv/bin/python -m pip --disable-pip-version-check --no-input install -q)
  "${pip[@]}" --require-hashes -r requirements/dev.lock
  "${pip[@]}" --no-build-isolation --no-deps -e .
  echo "$state" >.venv/.installed
fi
touch .venv/.ready

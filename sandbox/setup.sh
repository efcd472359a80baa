#!/usr/bin/env bash
# Sets up what this checkout needs on Debian 12: system packages that are missing (as root) and .venv from the lock.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A wanted=( [debootstrap]=debootstrap [sipp]=sip-tester [pgrep]=procps [chromium]=chromium [setpriv]=util-linux )
missing=()
for program in "${!wanted[@]}"; do
  command -v "$program" >/dev/null || missing+=("${wanted[$program]}")
done
[ -e /usr/lib/postgresql ] || missing+=(postgresql)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "missing: ${missing[*]}. Type: sudo apt-get install ${missing[*]}" >&2
    exit 2
  fi
  echo "installing: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ ! -x .venv/bin/python ]; then
  echo "making .venv"
  python3 -m venv .venv
fi
echo "installing the locked Python packages into .venv"
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.lock
.venv/bin/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
touch .venv/.ready

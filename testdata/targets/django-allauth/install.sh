#!/usr/bin/env bash
#
# Installs what start.sh runs from PyPI: every version is pinned and every file
# is checked by its hash.
#
#   install.sh FOLDER
#
# FOLDER must be empty.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
name=$(basename "$here")
[ $# = 1 ] || { echo "usage: $name/install.sh FOLDER" >&2; exit 2; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
    "$@" >"$log" 2>&1 </dev/null && return
    echo "$name/install.sh: ${*:1:3} failed:" >&2
    tail -n 15 "$log" >&2
    exit 1
}

quietly python3 -c 'import sys; assert sys.version_info >= (3, 10), "Python 3.10 or later is needed"'
quietly python3 -m venv "$1/venv"
# Wheels only: building a source package would fetch tools that are not pinned.
quietly "$1/venv/bin/python" -m pip install --disable-pip-version-check \
    --require-hashes --no-deps --only-binary :all: -r "$here/install/requirements.txt"
quietly "$1/venv/bin/python" -m pip check
# start.sh needs no pip.
quietly "$1/venv/bin/python" -m pip uninstall --yes pip

#!/usr/bin/env bash
#
# Installs what start.sh runs from npm, at the versions and with the hashes of
# install/package-lock.json.
#
#   install.sh FOLDER
#
# FOLDER must be empty.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
name=$(basename "$here")
[ $# = 1 ] || { echo "usage: $name/install.sh FOLDER" >&2; exit 2; }

# The server lies beside node_modules, where Node looks for packages.
cp "$here"/install/* "$1/"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund >"$log" 2>&1 </dev/null; then
    echo "$name/install.sh: npm ci failed:" >&2
    tail -n 15 "$log" >&2
    exit 1
fi

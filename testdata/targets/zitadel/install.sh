#!/usr/bin/env bash
#
# Builds what start.sh runs, at the versions and with the hashes of
# install/go.mod and install/go.sum.
#
#   install.sh FOLDER
#
# FOLDER must be empty.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
name=$(basename "$here")
[ $# = 1 ] || { echo "usage: $name/install.sh FOLDER" >&2; exit 2; }

folder=$(cd "$1" && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! GOWORK=off GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -C "$here/install" \
    -trimpath -ldflags '-s -w' -o "$folder/server" . >"$log" 2>&1 </dev/null; then
    echo "$name/install.sh: go build failed:" >&2
    tail -n 15 "$log" >&2
    exit 1
fi

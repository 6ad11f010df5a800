#!/usr/bin/env bash
#
# Installs what start.sh runs from npm, at the versions and with the hashes of
# install/package-lock.json. ../steps.sh says how it is called.
# shellcheck source=../steps.sh
source "$(dirname "${BASH_SOURCE[0]}")/../steps.sh"
need npm

# The server lies beside node_modules, where Node looks for packages.
cp "$source"/install/* .
step 'npm ci' npm ci --ignore-scripts --no-audit --no-fund

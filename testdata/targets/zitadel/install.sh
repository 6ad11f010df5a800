#!/usr/bin/env bash
#
# Builds what start.sh runs, at the versions and with the hashes of
# install/go.mod and install/go.sum. ../steps.sh says how it is called.
# shellcheck source=../steps.sh
source "$(dirname "${BASH_SOURCE[0]}")/../steps.sh"
need go

step 'go build' env GOWORK=off GOFLAGS=-mod=readonly CGO_ENABLED=0 \
    go build -C "$source/install" -trimpath -ldflags '-s -w' -o "$PWD/server" .

#!/usr/bin/env bash
#
# Runs better-auth as a throw-away OAuth provider on loopback. leash.sh says how
# to call this script.
#
# The codes last 600 seconds at PORT and 30 seconds at SHORT_PORT, which is a
# separate server with the same clients and end users.
source "$(dirname "$0")/../leash.sh"

server=$cache/better-auth/server.mjs
[ -f "$server" ] || fail "$server does not exist: run make setup"
need node curl

# instance PORT CODE_LIFETIME
instance() {
    child env "PORT=$1" "CODE_LIFETIME=$2" NODE_ENV=production node "$server"
    await "http://127.0.0.1:$1/api/auth/ok" 60
}
instance "$port" 600s
[ -z "$short_port" ] || instance "$short_port" 30s
serve

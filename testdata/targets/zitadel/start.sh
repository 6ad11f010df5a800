#!/usr/bin/env bash
#
# Runs the example provider of github.com/zitadel/oidc as a throw-away OpenID
# provider on loopback. leash.sh says how to call this script.
#
# At PORT it is the example as it is, with codes that last 300 seconds. They
# last 30 seconds at SHORT_PORT, which is a separate server with the same
# clients and end users.
source "$(dirname "$0")/../leash.sh"

server=$cache/zitadel/server
[ -x "$server" ] || fail "$server does not exist: run make setup"
need curl

# instance PORT CODE_LIFETIME
instance() {
    child env "PORT=$1" "CODE_LIFETIME=$2" "$server"
    await "http://127.0.0.1:$1/ready" 30
}
instance "$port" ''
[ -z "$short_port" ] || instance "$short_port" 30s
serve

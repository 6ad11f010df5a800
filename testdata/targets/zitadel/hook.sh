#!/usr/bin/env bash
#
# Decides about a user code at the example provider of zitadel/oidc, whose last
# buttons are scripts: a load run has no browser.
#
#   hook.sh USER_CODE USERNAME approve|deny VERIFICATION_URI
#
# The end user's password comes from DEVICEGRANT_PASSWORD. Exit status 0: the
# server has accepted the decision.
set -euo pipefail
[ $# = 4 ] || { echo 'usage: hook.sh USER_CODE USERNAME approve|deny VERIFICATION_URI' >&2; exit 2; }

base=${4%/device*}
action=allowed
[ "$3" = approve ] || action=denied
cookies=$(mktemp)
trap 'rm -f "$cookies"' EXIT

# The password is no argument of a program: any user of the machine can read those.
curl -sS --fail-with-body --max-time 20 -c "$cookies" -o /dev/null \
    --data-urlencode "user_code=$1" --data-urlencode "username=$2" \
    --data-urlencode password@<(printf %s "$DEVICEGRANT_PASSWORD") "$base/device/login"
curl -sS --fail-with-body --max-time 20 -b "$cookies" "$base/device/confirm?action=$action" |
    grep -q "^Device authorization $action"

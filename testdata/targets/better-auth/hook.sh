#!/usr/bin/env bash
#
# Decides about a user code at better-auth, which has no pages. In a profile:
#
#   verification:
#     drivers: [hook]
#     hook: {command: [hook.sh, "{user_code}", "{username}", "{decision}", "{verification_uri}"]}
#
# The end user's password comes from DEVICEGRANT_PASSWORD. Exit status 0: the
# server has accepted the decision.
set -euo pipefail
[ $# = 4 ] || { echo 'usage: hook.sh USER_CODE USERNAME approve|deny VERIFICATION_URI' >&2; exit 2; }

base=${4%/device*}
code=$(jq -rn --arg code "$1" '$code | @uri')
email=$2
[[ $email == *@* ]] || email+=@example.test
cookies=$(mktemp)
trap 'rm -f "$cookies"' EXIT

# request PATH [OPTION...]: the server refuses requests without an origin.
request() {
    curl -sS --fail-with-body --max-time 20 -b "$cookies" -c "$cookies" \
        -H "Origin: $base" "$base/api/auth/$1" "${@:2}"
}
# The password is no argument of a program: any user of the machine can read those.
jq -n --arg email "$email" '{email: $email, password: env.DEVICEGRANT_PASSWORD}' |
    request sign-in/email --json @- >/dev/null
# A session must look at the code before it can decide.
request "device?user_code=$code" >/dev/null
jq -n --arg code "$1" '{userCode: $code}' | request "device/$3" --json @-

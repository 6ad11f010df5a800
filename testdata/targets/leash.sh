# shellcheck shell=bash
#
# What the start scripts of the target servers have in common; they source it.
# A start script is called as
#
#   start.sh DIR PORT [SHORT_PORT]
#
# DIR must be missing or empty and is removed at the end. It listens on loopback
# only, prints "ready http://127.0.0.1:PORT" once everything is set up, and stays
# in the foreground; what the server says goes to standard error. With
# SHORT_PORT, servers that need a second instance for short-lived codes run it
# there. Two secrets come from the environment:
#
#   CLIENT_SECRET  of the confidential clients; unset, it is
#                  DEVICEGRANT_CLIENT_SECRET
#   USER_PASSWORD  of the end users; unset, it is DEVICEGRANT_PASSWORD
#
# CLIENT_KEY, a private JWK whose public half some servers register, is
# DEVICEGRANT_CLIENT_KEY where it is unset, and may be empty.
#
# RESERVED_SECRET, of a client whose id and secret hold reserved characters, is
# made from the first. No secret is an argument of a program: any user of the
# machine can read those.
#
# It ends, with all that it started, on SIGTERM, SIGINT or SIGHUP, when one of
# its servers ends, and when a pipe on standard input closes: a test that was
# killed leaves nothing behind. Exit status 75 (try again): another program has
# the port.
#
# After sourcing: $dir, $port, $short_port, $base, $here (the script's folder),
# $cache (where setup.sh installs), fail, child, await, serve.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${DEVICEGRANT_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/devicegrant-tests}
program=$(basename "$here")/start.sh

fail() {
    echo "$program: $*" >&2
    exit 1
}

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
    echo "usage: $program DIR PORT [SHORT_PORT]" >&2
    exit 2
fi
dir=$1 port=$2 short_port=${3:-}
for number in "$port" "${short_port:-0}"; do
    [[ $number =~ ^[0-9]+$ ]] || fail "$number is not a whole number"
done
export CLIENT_SECRET=${CLIENT_SECRET:-${DEVICEGRANT_CLIENT_SECRET:-}}
export CLIENT_KEY=${CLIENT_KEY:-${DEVICEGRANT_CLIENT_KEY:-}}
export USER_PASSWORD=${USER_PASSWORD:-${DEVICEGRANT_PASSWORD:-}}
[ -n "$CLIENT_SECRET" ] || fail 'CLIENT_SECRET is not set'
[ -n "$USER_PASSWORD" ] || fail 'USER_PASSWORD is not set'
export RESERVED_SECRET="p%:w+d ~$CLIENT_SECRET"

base=http://127.0.0.1:$port
[ -z "$(ls -A "$dir" 2>/dev/null)" ] || fail "$dir is not empty"
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

# need PROGRAM...: ends the script where one is missing.
need() {
    local name
    for name in "$@"; do
        command -v "$name" >/dev/null || fail "$name is not installed: run make setup"
    done
}

children=() folders=("$dir") watcher=''

# Whoever reads our output may be killed: neither the server's last lines nor
# bash's own about a process that ended shall end us before the folders are gone.
trap '' PIPE

# stop ends the children, the last one first, and removes the folders.
stop() {
    trap '' TERM INT HUP
    set +e
    exec 2>/dev/null
    local index process
    [ -z "$watcher" ] || kill "$watcher"
    for ((index = ${#children[@]} - 1; index >= 0; index--)); do
        process=${children[index]}
        kill -TERM "$process"
        # Should it hang, it is killed.
        for _ in {1..100}; do
            kill -0 "$process" || break
            sleep 0.1
        done
        kill -KILL "$process"
        wait "$process"
    done
    # A process that ends just now may still write.
    for _ in {1..50}; do
        rm -rf "${folders[@]}" && break
        sleep 0.1
    done
}
# Two signals may come at once: the kernel's and the watcher's. The second must
# not find a trap that leaves stop before it is through.
quit() {
    trap '' TERM INT HUP
    exit "$1"
}
trap stop EXIT
trap 'quit 143' TERM
trap 'quit 130' INT
trap 'quit 129' HUP

# Should this script be killed outright, the kernel ends what it started.
leash=()
if setpriv --help 2>/dev/null | grep -q -e --pdeathsig; then
    leash=(setpriv --pdeathsig TERM)
fi

# Whoever started us may be killed without a chance to end us; its end of the
# pipe then closes. Anything but a pipe (a terminal, /dev/null) is not watched.
if [ -p /dev/stdin ]; then
    exec 3<&0
    # shellcheck disable=SC2016
    "${leash[@]}" bash -c 'while read -r _; do :; done <&3; kill -TERM "$1"' watcher $$ &
    watcher=$!
else
    exec 3</dev/null
fi

# Were it asked later, another server there would answer in place of ours.
for number in $port $short_port; do
    if (exec 4<>"/dev/tcp/127.0.0.1/$number") 2>/dev/null; then
        echo "$program: another server listens on port $number" >&2
        exit 75
    fi
done

# child COMMAND...: starts a server in the background; its output is ours.
child() {
    "${leash[@]}" "$@" >&2 3<&- </dev/null &
    children+=($!)
}

# await URL SECONDS: until the last child answers there with status 200.
await() {
    local process=${children[-1]} end=$((SECONDS + $2))
    while ((SECONDS <= end)); do
        if ! kill -0 "$process" 2>/dev/null; then
            echo "$program: the server ended at once; port $port may be taken" >&2
            exit 75
        fi
        [ "$(curl -s -o /dev/null --max-time 5 -w '%{http_code}' "$1")" = 200 ] && return
        sleep 0.2
    done
    fail "$1 did not answer within $2 seconds"
}

# serve: says that all is set up, and waits for the first of the servers to end.
serve() {
    echo "ready $base"
    local status=0
    wait -n "${children[@]}" || status=$?
    fail "a server ended by itself with status $status"
}

#!/usr/bin/env bash
#
# Installs what the tests use and this machine lacks. `make setup` runs it.
#
#   setup.sh [browser|all]
#
# browser  a browser for the verification pages: all that a conformance run
#          of the built-in server needs
# all      (the default) also a C compiler for the race detector, the two real
#          servers and the client that the tests talk to, the validators of the reports, and
#          the load generator that make bench compares with
#
# A second run finds nothing to do and takes a fraction of a second. Nothing
# here is required: what could not be installed is listed at the end with what
# is not tested for want of it, and the exit status is 0 all the same.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
oidc_provider=$here/targets/oidc-provider
strangers=$here/strangers
own_node=$here/targets/node

say() { echo "setup: $*"; }

# --- what is here ------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }

# The same places, in the same order, as the program itself looks in.
has_browser() {
    local name
    if [ -n "${DEVICEGRANT_BROWSER:-}" ]; then
        case $DEVICEGRANT_BROWSER in
            # A browser elsewhere, or none wanted: nothing to install.
            ws://* | wss://* | http://* | https://* | none) return 0 ;;
        esac
        has "$DEVICEGRANT_BROWSER" && return
        say "DEVICEGRANT_BROWSER names $DEVICEGRANT_BROWSER, which is no program"
        return 0 # a package would not mend that
    fi
    for name in "${CHROME_PATH:-}" "${CHROME_BIN:-}" \
        chromium-headless-shell chrome-headless-shell \
        headless-shell headless_shell chromium chromium-browser \
        google-chrome google-chrome-stable google-chrome-beta \
        google-chrome-unstable chrome /usr/local/bin/chrome /snap/bin/chromium \
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome' \
        /Applications/Chromium.app/Contents/MacOS/Chromium; do
        [ -n "$name" ] && has "$name" && return
    done
    return 1
}

# The race detector links with the C library, so a lone compiler is not enough.
has_compiler() {
    echo '#include <stdlib.h>
int main(void) { return 0; }' | "${CC:-cc}" -x c -o /dev/null - 2>/dev/null
}

is_here() { # THING of the catalogue below
    case $1 in
        browser) has_browser ;;
        compiler) has_compiler ;;
        node) has node ;;
        *) has "$1" ;;
    esac
}

# oidc-provider asks for Node 22 and uses URL.parse, which late releases of
# Node 20 have too. Debian 12 has Node 18.
is_recent() { "$1" -e 'process.exit(typeof URL.parse === "function" ? 0 : 1)' 2>/dev/null; }

# --- Debian packages ---------------------------------------------------------

# thing | packages, or after "or" other packages | what its absence means
catalogue='
browser  | chromium-headless-shell fonts-liberation or chromium fonts-liberation | the browser tests are skipped
compiler | gcc libc6-dev | go test -race does not work: run go test without it
glewlwyd | glewlwyd dbconfig-sqlite3 | GLEWLWYD
sqlite3  | sqlite3 | GLEWLWYD
jq       | jq | GLEWLWYD
curl     | curl | CURL
openssl  | openssl | GLEWLWYD
node     | nodejs | NODE
npm      | npm | NODE
xmllint  | libxml2-utils | the JUnit reports are not checked against their schema
wrk      | wrk | make bench compares with net/http only
'
# dbconfig-sqlite3: left to itself apt takes the first alternative, and with it
# a client of MySQL.

no_glewlwyd='the tests against Glewlwyd are skipped (in CI they fail)'
no_oidc_provider='the tests against oidc-provider are skipped (in CI they fail)'
no_curl="$no_glewlwyd, and so are the exchanges of the vendors' documents"
no_strangers='the tests with openid-client and with the validators of the reports are skipped'
catalogue=${catalogue//GLEWLWYD/$no_glewlwyd}
catalogue=${catalogue//CURL/$no_curl}
catalogue=${catalogue//NODE/$no_oidc_provider, $no_strangers}

failures=()
could_not() { # THING WHY CONSEQUENCE
    failures+=("could not install: $1 ($2) — consequence: $3")
}

field() { # LINE NUMBER: one field of the catalogue without outer blanks
    local parts
    IFS='|' read -r -a parts <<<"$1"
    [[ ${parts[$2]} =~ ^\ *(.*[^ ])\ *$ ]] && echo "${BASH_REMATCH[1]}"
}

as_root=(env) # or with sudo before it
apt() {
    "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get \
        -q -y -o DPkg::Lock::Timeout=120 "$@"
}

why=''
install_packages() { # PACKAGE...: on failure `why` holds apt's reason
    local log
    log=$(mktemp)
    say "installing $*"
    # --no-remove: a package of this machine never goes for one of ours.
    if apt install --no-install-recommends --no-remove "$@" >"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    why=$(grep '^E: ' "$log" | tail -n 1)
    why=${why#E: }
    [ -n "$why" ] || why="apt-get: $(tail -n 1 "$log")"
    rm -f "$log"
    return 1
}

# Debian's glewlwyd comes with a service that starts when it is installed and
# at every boot. The tests start their own; nobody asked for that one. Under
# systemd a mask in /run (gone at the next boot) holds it back during the
# installation, then it is disabled. Without systemd there is nothing to do:
# its init script names a configuration file that the package does not install.
hold_service() {
    [ -d /run/systemd/system ] || return 0
    "${as_root[@]}" systemctl -q mask --runtime glewlwyd.service || true
}
release_service() {
    [ -d /run/systemd/system ] || return 0
    "${as_root[@]}" systemctl -q unmask --runtime glewlwyd.service || true
    "${as_root[@]}" systemctl -q disable glewlwyd.service || true
}

install_missing() { # THING...
    local wanted=" $* " missing=() first=() line thing choice service=''
    while read -r line; do
        [ -n "$line" ] || continue
        thing=$(field "$line" 0)
        [[ $wanted == *" $thing "* ]] || continue
        is_here "$thing" && continue
        missing+=("$line")
        choice=$(field "$line" 1)
        read -r -a choice <<<"${choice%% or *}"
        first+=("${choice[@]}")
        if [ "$thing" = glewlwyd ]; then service=yes; fi
    done <<<"$catalogue"
    [ ${#missing[@]} -gt 0 ] || return 0

    local obstacle=''
    if ! has apt-get; then
        obstacle='no apt-get here'
    elif [ "$(id -u)" -ne 0 ]; then
        if sudo -n true 2>/dev/null; then
            as_root=(sudo -n env)
        else
            obstacle='neither root nor sudo without a password'
        fi
    fi
    if [ -n "$obstacle" ]; then
        say "$obstacle; on Debian, install these by hand:"
        echo "    apt-get install --no-install-recommends ${first[*]}"
        for line in "${missing[@]}"; do
            could_not "$(field "$line" 0)" "$obstacle" "$(field "$line" 2)"
        done
        return
    fi

    say 'apt-get update'
    apt update >/dev/null 2>&1 || say 'apt-get update failed; going on with the lists that are here'
    [ -z "$service" ] || hold_service
    # One transaction is the quick way. What it did not bring, because one
    # package is not to be had, is tried alone and with its alternatives.
    install_packages "${first[@]}"
    for line in "${missing[@]}"; do
        thing=$(field "$line" 0)
        install_one "$thing" "$(field "$line" 1)" ||
            could_not "$thing" "$why" "$(field "$line" 2)"
    done
    [ -z "$service" ] || release_service
}

install_one() { # THING CHOICES
    local rest="$2 or " choice
    while [ -n "$rest" ]; do
        is_here "$1" && return
        choice=${rest%% or *}
        rest=${rest#* or }
        read -r -a choice <<<"$choice"
        why='its package is installed and did not bring it'
        install_packages "${choice[@]}"
    done
    is_here "$1"
}

# --- packages of npm ---------------------------------------------------------

# install_npm DIR CONSEQUENCE: what the lock file says, unless it is there. A
# copy of the lock file in node_modules remembers; npm ci throws it away.
install_npm() {
    local lock=$1/package-lock.json done=$1/node_modules/.installed-lock.json log
    cmp -s "$lock" "$done" && return
    if ! has npm; then
        could_not "node_modules of ${1#"$here/"}" 'no npm here' "$2"
        return
    fi
    log=$(mktemp)
    say "npm ci in testdata/${1#"$here/"}"
    # None of these packages needs a script of its own to run.
    if (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1; then
        cp "$lock" "$done"
    else
        could_not "node_modules of ${1#"$here/"}" \
            "npm: $(grep -i -m 1 'error' "$log" || tail -n 1 "$log")" "$2"
    fi
    rm -f "$log"
}

# Where Node is too old, a recent one comes from npm into this repository (150
# MB); the Makefile and the tests put it first. The machine's own stays as it is.
install_node() {
    local consequence="$no_oidc_provider, $no_strangers" bin
    has node || return 0 # listed already
    is_recent node && return
    for bin in "$own_node"/node_modules/node-linux-*/bin; do
        [ -x "$bin/node" ] && is_recent "$bin/node" && return
    done
    say "node $(node --version) is too old: oidc-provider wants 22 or later (20.20 works)"
    install_npm "$own_node" "$consequence"
    for bin in "$own_node"/node_modules/node-linux-*/bin; do
        [ -x "$bin/node" ] && is_recent "$bin/node" && return
    done
    could_not 'a recent Node.js' "there is none for $(uname -sm) in npm" "$consequence; install Node 22 or later by hand"
}

# -----------------------------------------------------------------------------

case ${1:-all} in
    browser)
        install_missing browser
        ;;
    all)
        install_missing browser compiler glewlwyd sqlite3 jq curl openssl node npm xmllint wrk
        install_node
        install_npm "$oidc_provider" "$no_oidc_provider"
        if [ -f "$strangers/package.json" ]; then
            install_npm "$strangers" "$no_strangers"
        fi
        ;;
    *)
        echo 'usage: setup.sh [browser|all]' >&2
        exit 2
        ;;
esac

[ ${#failures[@]} -eq 0 ] || for failure in "${failures[@]}"; do
    say "$failure"
done
exit 0

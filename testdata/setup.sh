#!/usr/bin/env bash
#
# Installs what the tests use and this machine lacks. `make setup` runs it.
#
#   setup.sh [browser | all [SERVER...] | servers [SERVER...]]
#
# browser  a browser for the verification pages: all that a conformance run
#          of the built-in server needs
# all      (the default) also a C compiler for the race detector, the real
#          servers oidc-provider and glewlwyd, the client that the tests talk
#          to, the validators of the reports, and the load generator that make
#          bench compares with; and the servers that are named
# servers  a browser and the real servers that are named, or all of them: the
#          folders of testdata/targets
#
# A second run finds nothing to do and takes a fraction of a second. Nothing
# here is required: what could not be installed is listed at the end with what
# is not tested for want of it, and the exit status is 0 all the same.
#
# The larger servers go into $DEVICEGRANT_TEST_CACHE, by default
# devicegrant-tests in the user's cache folder, where all clones share them.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
oidc_provider=$here/targets/oidc-provider
strangers=$here/strangers
own_node=$here/targets/node
cache=${DEVICEGRANT_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/devicegrant-tests}

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
        java) has javac ;;
        maven) has mvn ;;
        python) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        postgresql) compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null ;;
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
java     | openjdk-17-jdk-headless or default-jdk-headless | JAVA
maven    | maven | JAVA
python   | python3 python3-venv | DJANGO
postgresql | postgresql | DJANGO
'
# dbconfig-sqlite3: left to itself apt takes the first alternative, and with it
# a client of MySQL.

no_glewlwyd='the tests against Glewlwyd are skipped (in CI they fail)'
no_oidc_provider='the tests against oidc-provider are skipped (in CI they fail)'
no_java='the tests against keycloak and spring are skipped (in CI they fail)'
no_django='the tests against django-allauth and django-oauth-toolkit are skipped (in CI they fail)'
no_curl="$no_glewlwyd, and so are the exchanges of the vendors' documents"
no_strangers='the tests with openid-client and with the validators of the reports are skipped'
catalogue=${catalogue//GLEWLWYD/$no_glewlwyd}
catalogue=${catalogue//CURL/$no_curl}
catalogue=${catalogue//JAVA/$no_java}
catalogue=${catalogue//DJANGO/$no_django}
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

# Likewise Debian's postgresql makes a database cluster and starts it. This file
# holds it back, for as long as the installation takes.
no_cluster=/etc/postgresql-common/createcluster.d/devicegrant-tests.conf
hold_cluster() {
    "${as_root[@]}" mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' | "${as_root[@]}" tee "$no_cluster" >/dev/null
}
release_cluster() {
    "${as_root[@]}" rm -f "$no_cluster"
}

install_missing() { # THING...
    local wanted=" $* " missing=() first=() line thing choice service='' cluster=''
    while read -r line; do
        [ -n "$line" ] || continue
        thing=$(field "$line" 0)
        [[ $wanted == *" $thing "* ]] || continue
        is_here "$thing" && continue
        missing+=("$line")
        choice=$(field "$line" 1)
        read -r -a choice <<<"${choice%% or *}"
        first+=("${choice[@]}")
        case $thing in
            glewlwyd) service=yes ;;
            postgresql) cluster=yes ;;
        esac
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
    [ -z "$cluster" ] || hold_cluster
    # One transaction is the quick way. What it did not bring, because one
    # package is not to be had, is tried alone and with its alternatives.
    install_packages "${first[@]}"
    for line in "${missing[@]}"; do
        thing=$(field "$line" 0)
        install_one "$thing" "$(field "$line" 1)" ||
            could_not "$thing" "$why" "$(field "$line" 2)"
    done
    [ -z "$service" ] || release_service
    [ -z "$cluster" ] || release_cluster
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

# --- the larger servers ------------------------------------------------------

# install_server NAME: what its install.sh brings, into the cache. A stamp of all
# that it is made from remembers; a half installation has none.
install_server() {
    local source=$here/targets/$1 folder=$cache/$1 script=install.sh stamp log status
    case $1 in django-*) script=../django-install.sh ;; esac
    [ -f "$source/$script" ] || return 0
    stamp=$(cd "$source" && find install "$script" ../steps.sh -type f -exec sha256sum {} + 2>/dev/null | LC_ALL=C sort)
    if [ -z "$stamp" ]; then
        could_not "$1" 'find or sha256sum is missing' "the tests against $1 are skipped (in CI they fail)"
        return
    fi
    mkdir -p "$cache"
    (
        # Another clone's setup may be at it.
        if has flock; then flock -w 900 9 || exit 1; fi
        [ "$stamp" = "$(cat "$folder/.installed" 2>/dev/null)" ] && exit 0
        say "installing $1 into $folder"
        rm -rf "$folder"
        mkdir -p "$folder"
        log=$cache/$1.log
        (cd "$source" && bash "$script" "$folder") >"$log" 2>&1 9<&- || exit 1
        echo "$stamp" >"$folder/.installed"
        rm -f "$log"
    ) 9>"$cache/$1.lock"
    status=$?
    [ $status -eq 0 ] || could_not "$1" "$(tail -n 1 "$cache/$1.log" 2>/dev/null)" \
        "the tests against $1 are skipped (in CI they fail); $cache/$1.log says more"
}

# install_servers NAME...: with what each needs from Debian.
install_servers() {
    local name things=(curl openssl)
    for name in "$@"; do
        if [ ! -f "$here/targets/$name/target.yaml" ]; then
            say "there is no server $name in testdata/targets"
            exit 2
        fi
        case $name in
            glewlwyd) things+=(glewlwyd sqlite3 jq) ;;
            oidc-provider) things+=(node npm) ;;
            better-auth) things+=(node npm jq) ;;
            keycloak | spring) things+=(java maven jq) ;;
            django-*) things+=(python postgresql) ;;
        esac
    done
    install_missing "${things[@]}"
    for name in "$@"; do
        case $name in
            oidc-provider)
                install_node
                install_npm "$oidc_provider" "$no_oidc_provider"
                ;;
            better-auth)
                install_node
                install_server "$name"
                ;;
            *) install_server "$name" ;;
        esac
    done
}

# all_servers: their names, one a line.
all_servers() {
    local file
    for file in "$here"/targets/*/target.yaml; do
        basename "$(dirname "$file")"
    done
}

# -----------------------------------------------------------------------------

what=${1:-all} everyone=()
[ $# -eq 0 ] || shift
case $what in
    browser)
        install_missing browser
        ;;
    all)
        install_missing browser compiler glewlwyd sqlite3 jq curl openssl node npm xmllint wrk
        install_node
        install_npm "$oidc_provider" "$no_oidc_provider"
        install_npm "$strangers" "$no_strangers"
        [ $# -eq 0 ] || install_servers "$@"
        ;;
    servers)
        [ $# -gt 0 ] || mapfile -t everyone < <(all_servers)
        install_missing browser
        install_servers "$@" "${everyone[@]}"
        ;;
    *)
        echo 'usage: setup.sh [browser | all [SERVER...] | servers [SERVER...]]' >&2
        exit 2
        ;;
esac

[ ${#failures[@]} -eq 0 ] || for failure in "${failures[@]}"; do
    say "$failure"
done
exit 0

#!/usr/bin/env bash
#
# Installs Keycloak from Maven Central and builds it for start.sh.
#
#   install.sh FOLDER
#
# FOLDER must be empty. The log is FOLDER/install.log; on failure its last lines
# go to standard error. The caller makes sure that only one install.sh runs.
set -euo pipefail

version=26.7.3
sha256=27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f
copy=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy

fail() {
    echo "keycloak/install.sh: $*" >&2
    exit 1
}
[ $# -eq 1 ] || { echo 'usage: keycloak/install.sh FOLDER' >&2; exit 2; }
for program in java jar mvn sha256sum; do
    command -v "$program" >/dev/null || fail "$program is not installed"
done
cd "$1"
log=$PWD/install.log

# step WHAT COMMAND...: runs a command that writes to the log only.
step() {
    local what=$1
    shift
    "$@" >>"$log" 2>&1 </dev/null || {
        tail -n 20 "$log" >&2
        fail "$what failed"
    }
}

zip=keycloak-quarkus-dist-$version.zip
step 'the download' mvn -B -ntp "$copy" \
    -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:zip" -DoutputDirectory="$PWD"
echo "$sha256  $zip" >checksum
step "the checksum of $zip" sha256sum -c checksum
step 'unpacking' jar xf "$zip"
mv "keycloak-$version"/* .
rm -r "$zip" checksum "keycloak-$version"

# The kind of database is fixed here: `start --optimized` cannot change it.
# jar does not restore the executable bit, so that bash runs the script.
step 'kc.sh build' bash bin/kc.sh build --db=dev-mem

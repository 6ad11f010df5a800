#!/usr/bin/env bash
#
# Builds the application in install/app, with libraries from Maven Central, for
# start.sh.
#
#   install.sh FOLDER
#
# FOLDER must be empty. The log is FOLDER/install.log; on failure its last lines
# go to standard error. The caller makes sure that only one install.sh runs.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

fail() {
    echo "spring/install.sh: $*" >&2
    exit 1
}
[ $# -eq 1 ] || { echo 'usage: spring/install.sh FOLDER' >&2; exit 2; }
for program in java javac mvn sha256sum; do
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

cp -r "$here/install/app" build
step 'mvn package' mvn -B -ntp --strict-checksums -DskipTests -f build/pom.xml package
step 'unpacking' java -Djarmode=tools -jar build/target/target.jar extract --destination app

# Each library must be the one that was tested, and there must be no other.
verify() {
    (cd app/lib && sha256sum --quiet -c -) <"$here/install/libraries.sha256" || return
    diff <(awk '{ print $2 }' "$here/install/libraries.sha256" | LC_ALL=C sort) \
        <(LC_ALL=C ls app/lib)
}
step 'the checksums of the libraries' verify

# An archive of the loaded classes halves the time to start. Java ignores it
# after an update of Java itself.
step 'the class archive' env CLIENT_SECRET=none RESERVED_SECRET=none USER_PASSWORD=none \
    java -Xlog:disable -XX:+UseSerialGC -XX:ArchiveClassesAtExit=app/target.jsa \
    -Djava.io.tmpdir="$PWD/build" -Dspring.context.exit=onRefresh -jar app/target.jar
rm -r build

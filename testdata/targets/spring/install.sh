#!/usr/bin/env bash
#
# Builds the application in install/app, with libraries from Maven Central, for
# start.sh. ../steps.sh says how it is called.
# shellcheck source=../steps.sh
source "$(dirname "${BASH_SOURCE[0]}")/../steps.sh"
need java javac mvn sha256sum

cp -r "$source/install/app" build
step 'mvn package' mvn -B -ntp --strict-checksums -DskipTests -f build/pom.xml package
step 'unpacking' java -Djarmode=tools -jar build/target/target.jar extract --destination app

# Each library must be the one that was tested, and there must be no other.
verify() {
    (cd app/lib && sha256sum --quiet -c -) <"$source/install/libraries.sha256" || return
    diff <(awk '{ print $2 }' "$source/install/libraries.sha256" | LC_ALL=C sort) \
        <(LC_ALL=C ls app/lib)
}
step 'the checksums of the libraries' verify

# An archive of the loaded classes halves the time to start. Java ignores it
# after an update of Java itself.
step 'the class archive' env CLIENT_SECRET=none RESERVED_SECRET=none USER_PASSWORD=none \
    java -Xlog:disable -XX:+UseSerialGC -XX:ArchiveClassesAtExit=app/target.jsa \
    -Djava.io.tmpdir="$PWD/build" -Dspring.context.exit=onRefresh -jar app/target.jar
rm -r build

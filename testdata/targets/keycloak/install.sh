#!/usr/bin/env bash
#
# Installs Keycloak from Maven Central and builds it for start.sh. ../steps.sh
# says how it is called.
# shellcheck source=../steps.sh
source "$(dirname "${BASH_SOURCE[0]}")/../steps.sh"
need java jar mvn sha256sum

version=26.7.3
sha256=27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f
copy=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy

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

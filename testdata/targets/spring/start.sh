#!/usr/bin/env bash
#
# Runs a small application around Spring Authorization Server. By default, its
# switches repair what a new application does badly. With SPRING_DEFAULTS=1 in
# the environment they are off.
#
# SHORT_PORT is ignored: short-lived codes need no second instance. Codes of the
# client short-lived expire after 20 seconds.
# shellcheck source=../leash.sh
. "$(dirname "$0")/../leash.sh"

need java curl
app=$cache/spring/app
[ -e "$app/target.jar" ] || fail 'the application is not installed: run make setup'

switches=()
if [ "${SPRING_DEFAULTS:-}" != 1 ]; then
    switches=(
        --target.jdbc-store=true
        --target.converter-ignores-basic=true
        --target.public-refresh=true
        --target.always-ask-consent=true
        --target.own-error-pages=true
    )
fi

umask 077
# In a process that lives for minutes, the second compiler does not pay off.
child java -Xms32m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
    -XX:+ExitOnOutOfMemoryError -XX:SharedArchiveFile="$app/target.jsa" -Xlog:disable \
    -Djava.io.tmpdir="$dir" -jar "$app/target.jar" --server.port="$port" \
    --spring.security.oauth2.authorizationserver.issuer="$base" "${switches[@]}"
await "$base/.well-known/openid-configuration" 120
serve

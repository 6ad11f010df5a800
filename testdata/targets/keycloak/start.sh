#!/usr/bin/env bash
#
# Runs Keycloak in production mode with two realms of default settings:
#
#   test   all clients; codes of the client short-lived expire after 20 seconds
#   other  a second tenant: device-public and the same end users
#
# SHORT_PORT is ignored: short-lived codes need no second instance. The
# administrator is admin, with CLIENT_SECRET as the password.
# shellcheck source=../leash.sh
. "$(dirname "$0")/../leash.sh"

need java curl jq
keycloak=$cache/keycloak
[ -e "$keycloak/lib/quarkus/quarkus-application.dat" ] ||
    fail 'Keycloak is not installed: run make setup'

umask 077
# Keycloak writes only to data, so that instances share all other folders.
for folder in conf lib providers themes; do
    ln -s "$keycloak/$folder" "$dir/$folder"
done
mkdir -p "$dir/data/import" "$dir/tmp"
for realm in test other; do
    jq -n --arg realm "$realm" -f "$here/realms.jq" >"$dir/data/import/$realm.json"
done

# Without an administrator, Keycloak lets anyone on this machine become it.
export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=$CLIENT_SECRET
unset CLIENT_SECRET CLIENT_KEY RESERVED_SECRET USER_PASSWORD

# The options of kc.sh. It runs Java as a child, which would survive a SIGKILL.
java=(
    java -Xms64m -Xmx384m -XX:+UseSerialGC -XX:-UsePerfData
    # In a process that lives for minutes, the second compiler does not pay off.
    -XX:TieredStopAtLevel=1
    -XX:+ExitOnOutOfMemoryError
    --add-opens=java.base/java.lang=ALL-UNNAMED
    --add-opens=java.base/java.security=ALL-UNNAMED
    --add-opens=java.base/java.util=ALL-UNNAMED
    --add-opens=java.base/java.util.concurrent=ALL-UNNAMED
    --enable-native-access=ALL-UNNAMED
    -Dfile.encoding=UTF-8 -Duser.language=en -Duser.country=US
    -Djava.io.tmpdir="$dir/tmp"
    -Djava.util.logging.manager=org.jboss.logmanager.LogManager
    -Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory
    -Dpicocli.disable.closures=true
    -Dkc.home.dir="$dir" -Djboss.server.config.dir="$dir/conf"
    -cp "$dir/lib/quarkus-run.jar" io.quarkus.bootstrap.runner.QuarkusEntryPoint
)
# --hostname: without it the Host header of a request appears in all URLs.
# --cache=local: otherwise Keycloak listens for cluster members on all interfaces.
child "${java[@]}" start --optimized --import-realm --cache=local \
    --hostname="$base" --http-enabled=true --http-host=127.0.0.1 --http-port="$port"
for realm in test other; do
    await "$base/realms/$realm/.well-known/openid-configuration" 120
done
serve

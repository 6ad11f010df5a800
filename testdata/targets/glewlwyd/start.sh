#!/usr/bin/env bash
#
# Runs glewlwyd (Debian package of that name) as a throw-away authorization
# server on loopback, set up the way the shipped profile `glewlwyd` expects it.
# leash.sh says how it is called. The lifetime of the codes and the polling
# interval come from the environment, in seconds: EXPIRES_IN (600) and INTERVAL
# (5).
# shellcheck source=../leash.sh
source "$(dirname "$0")/../leash.sh"
need glewlwyd sqlite3 openssl curl jq
expires_in=${EXPIRES_IN:-600} interval=${INTERVAL:-5}
for number in "$expires_in" "$interval"; do
    [[ $number =~ ^[0-9]+$ ]] || fail "$number is not a whole number"
done

# --- files -------------------------------------------------------------------

share=/usr/share/glewlwyd
schema=/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3
modules=/usr/lib/glewlwyd

# The pages read config.json. Debian makes it a link to the *directory* that
# holds the file, which the server does not serve, and every page stays blank:
# so a copy of the pages gets the file itself. The other links, to jQuery and
# Bootstrap, are relative: -L copies what they lead to.
cp -rL "$share/webapp" "$dir/webapp"
if [ -d "$share/webapp/config.json" ]; then
    rm -r "$dir/webapp/config.json"
    cp "$share/webapp/config.json/config.json" "$dir/webapp/config.json"
fi

sqlite3 "$dir/glewlwyd.db" <"$schema" >/dev/null ||
    fail "the database could not be made from $schema"

# Glewlwyd 2.7.5 leaks a file descriptor with each compressed static file, and
# stops answering at about forty visits of its pages: so nothing is compressed.
# No slash may end external_url: it would be doubled in the URLs made from it.
cat >"$dir/glewlwyd.conf" <<CONF
bind_address = "127.0.0.1"
port = $port
external_url = "$base"
api_prefix = "api"
login_url = "login.html"
cookie_secure = 0
hash_algorithm = "SHA512"
response_allowed_compression = "identity"
log_mode = "console"
log_level = "WARNING"
static_files_path = "$dir/webapp/"
static_files_mime_types = (
  { extension = ".html", mime_type = "text/html" },
  { extension = ".css", mime_type = "text/css" },
  { extension = ".js", mime_type = "application/javascript" },
  { extension = ".json", mime_type = "application/json" },
  { extension = ".png", mime_type = "image/png" },
  { extension = ".woff", mime_type = "font/woff" },
  { extension = ".woff2", mime_type = "font/woff2" },
  { extension = ".ico", mime_type = "image/x-icon" }
)
user_module_path = "$modules/user"
client_module_path = "$modules/client"
user_auth_scheme_module_path = "$modules/scheme"
plugin_module_path = "$modules/plugin"
database = { type = "sqlite3", path = "$dir/glewlwyd.db" }
CONF

openssl genrsa -out "$dir/key.pem" 2048 2>/dev/null
openssl rsa -in "$dir/key.pem" -pubout -out "$dir/public.pem" 2>/dev/null

# --- the server --------------------------------------------------------------

child env -u CLIENT_SECRET -u USER_PASSWORD -u RESERVED_SECRET \
    glewlwyd --config-file="$dir/glewlwyd.conf"
await "$base/config" 20

# --- what is in it: all by the server's own API --------------------------------

# request METHOD PATH: sends the JSON on standard input as the administrator,
# whose session is in the cookie jar. Secrets are never arguments of a program:
# any user of the machine can read those. Every one of these calls answers 200.
request() {
    local status
    status=$(curl -s --max-time 20 -o "$dir/answer" -w '%{http_code}' \
        -b "$dir/cookies" -c "$dir/cookies" -X "$1" "$base/api/$2" \
        -H 'Content-Type: application/json' --data-binary @-) ||
        fail "$1 $2: no answer"
    [ "$status" = 200 ] ||
        fail "$1 $2: status $status instead of 200: $(head -c 500 "$dir/answer")"
}

# The schema comes with this administrator.
jq -n '{username: "admin", password: "password"}' | request POST auth/

jq -n --rawfile key "$dir/key.pem" --rawfile public "$dir/public.pem" \
    --arg issuer "$base/api/oidc" \
    --argjson expires_in "$expires_in" --argjson interval "$interval" '{
      module: "oidc", name: "oidc", display_name: "OpenID Connect",
      order_rank: 0, readonly: false,
      parameters: {
        iss: $issuer,
        "jwt-type": "rsa", "jwt-key-size": "256", key: $key, cert: $public,
        "allow-non-oidc": true,
        "auth-type-device-enabled": true,
        "device-authorization-expiration": $expires_in,
        "device-authorization-interval": $interval,
        "oauth-dpop-allowed": true, "oauth-dpop-iat-duration": 600,
        "oauth-dpop-nonce-mandatory": true, "oauth-dpop-nonce-counter": 5,
        "auth-type-refresh-enabled": true, "refresh-token-rolling": true,
        "auth-type-client-enabled": true,
        "auth-type-code-enabled": true, "code-duration": 600,
        "access-token-duration": 3600, "refresh-token-duration": 86400
      }
    }' | request POST mod/plugin/

jq -n '{
  name: "demo", display_name: "demo",
  password_required: true, password_max_age: 0
}' | request POST scope/

for id in device-public device-other; do
    jq -n --arg id "$id" '{
      client_id: $id, name: $id, enabled: true, confidential: false, scope: [],
      authorization_type: ["device_authorization", "refresh_token"]
    }' | request POST client/
done

# confidential ID GRANTS SCOPES: the last two are JSON.
confidential() {
    jq -n --arg id "$1" --argjson grants "$2" --argjson scopes "$3" '{
      client_id: $id, name: $id, enabled: true, confidential: true,
      client_secret: env.CLIENT_SECRET,
      token_endpoint_auth_method: ["client_secret_basic", "client_secret_post"],
      authorization_type: $grants, scope: $scopes
    }' | request POST client/
}
confidential device-secret '["device_authorization", "refresh_token"]' '[]'
confidential no-device '["client_credentials"]' '["demo"]'

for name in alice bob; do
    jq -n --arg name "$name" '{
      username: $name, name: $name, email: "\($name)@example.test",
      password: env.USER_PASSWORD, enabled: true,
      scope: ["openid", "demo", "g_profile"]
    }' | request POST user/
done

serve

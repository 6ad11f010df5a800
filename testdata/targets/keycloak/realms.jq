# Makes one of Keycloak's import files:
#
#   jq -n --arg realm NAME -f realms.jq
#
# Secrets come from the environment. What is not set here has the value that
# Keycloak gives a new realm, client or user.

def client($id; $name): {
  clientId: $id, name: $name, enabled: true, protocol: "openid-connect",
  publicClient: true, standardFlowEnabled: false, directAccessGrantsEnabled: false,
  attributes: {"oauth2.device.authorization.grant.enabled": "true"}
};

def confidential($secret): . + {publicClient: false, secret: $secret};

# It has only the public half of the key.
def keyed($key): . + {
  publicClient: false, clientAuthenticatorType: "client-jwt",
  attributes: (.attributes + {
    "use.jwks.string": "true", "jwks.string": ({keys: [$key | fromjson | del(.d) + {use: "sig", alg: "ES256"}]} | tojson)
  })
};

# Without an email address and a full name, the user would have to add them at
# the first login.
def user($name; $first_name): {
  username: $name, enabled: true, emailVerified: true, email: "\($name)@example.test",
  firstName: $first_name, lastName: "Tester", realmRoles: ["default-roles-\($realm)"],
  credentials: [{type: "password", value: env.USER_PASSWORD, temporary: false}]
};

{
  realm: $realm,
  enabled: true,
  users: [user("alice"; "Alice"), user("bob"; "Bob"), user("carol"; "Carol")],
  clients: [
    client("device-public"; "Living room TV"),
    if $realm == "test" then
      client("device-second"; "Kitchen TV"),
      (client("device-confidential"; "Office TV") | confidential(env.CLIENT_SECRET)),
      (if (env.CLIENT_KEY // "") != "" then client("device-key"; "Hall TV") | keyed(env.CLIENT_KEY) else empty end),
      (client("res:erved 100%"; "Reserved TV") | confidential(env.RESERVED_SECRET)),
      (client("no-device"; "Web shop") | confidential(env.CLIENT_SECRET)
        | .standardFlowEnabled = true
        | .redirectUris = ["http://127.0.0.1/*"]
        | .attributes = {"oauth2.device.authorization.grant.enabled": "false"}),
      (client("short-lived"; "Hasty TV")
        | .attributes += {"oauth2.device.code.lifespan": "20"})
    else empty end
  ]
}

// Takes one device through the flow with openid-client, which knows nothing of
// this project.
//
// It prints one JSON object per line: first {"user_code": ...}, as a device
// would show it, and then either {"tokens": ..., "claims": ..., "userinfo": ...}
// or {"error": ...}, the OAuth error code that ended the polling. Anything else
// that goes wrong is on standard error, with exit status 1.
//
// Usage: node openid-client.mjs ISSUER CLIENT_ID SCOPE [CLIENT_SECRET]

import * as client from 'openid-client'

const [issuer, clientId, scope, secret] = process.argv.slice(2)
const print = (value) => console.log(JSON.stringify(value))

const config = await client.discovery(
  new URL(issuer),
  clientId,
  undefined,
  secret ? client.ClientSecretBasic(secret) : client.None(),
  { execute: [client.allowInsecureRequests] },
)
const authorization = await client.initiateDeviceAuthorization(config, { scope })
print({ user_code: authorization.user_code })

let tokens
try {
  tokens = await client.pollDeviceAuthorizationGrant(config, authorization)
} catch (e) {
  if (!(e instanceof client.ResponseBodyError)) throw e
  print({ error: e.error })
  process.exit(0)
}
const claims = tokens.claims()
const userinfo = claims && (await client.fetchUserInfo(config, tokens.access_token, claims.sub))
print({ tokens, claims, userinfo })

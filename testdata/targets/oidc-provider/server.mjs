// Serves the npm package oidc-provider on loopback, set up the way the shipped
// profile `oidc-provider` expects it. Everything is kept in memory.
//
//   PORT           0 or unset takes a free port
//   DEVICE_TTL     lifetime of the codes in seconds (600)
//   CODE_CHARSET   characters of the user code: base-20 (default) or digits
//   CODE_MASK      its shape (****-****)
//   CLIENT_KEY     private JWK of device-key, of which the public half is
//                  registered; unset, it is DEVICEGRANT_CLIENT_KEY, and without
//                  either there is no such client
//   CLIENT_SECRET  secret of device-secret and no-device; unset, it is read
//                  from DEVICEGRANT_CLIENT_SECRET, and without either nobody
//                  knows it
//
// Prints "ready http://127.0.0.1:PORT" once it listens. Ends on SIGTERM or
// SIGINT, and when a pipe on its standard input closes: a test that was killed
// leaves no server behind.
import { randomBytes } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { createServer } from 'node:http';
import process from 'node:process';

import Provider from 'oidc-provider';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const HOUR = 3600;

function number(name, fallback, least) {
  const text = process.env[name] || String(fallback);
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    console.error(`${name}=${text}: a whole number of at least ${least} is needed`);
    process.exit(2);
  }
  return value;
}

function configuration() {
  const secret = process.env.CLIENT_SECRET
    || process.env.DEVICEGRANT_CLIENT_SECRET
    || randomBytes(32).toString('base64url');
  const basic = { token_endpoint_auth_method: 'client_secret_basic', client_secret: secret };
  const open = { token_endpoint_auth_method: 'none' };
  // No browser comes back to these clients, so none has a redirect URI.
  const client = (id, grants, authentication) => ({
    client_id: id,
    grant_types: grants,
    redirect_uris: [],
    response_types: [],
    ...authentication,
  });
  const device = [GRANT, 'refresh_token'];
  const keyed = [];
  const key = process.env.CLIENT_KEY || process.env.DEVICEGRANT_CLIENT_KEY;
  if (key) {
    const { d, ...half } = JSON.parse(key);
    keyed.push(client('device-key', device, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [half] } }));
  }

  return {
    clients: [
      client('device-public', device, open),
      client('device-other', device, open),
      client('device-secret', device, basic),
      client('no-device', ['client_credentials'], basic),
      ...keyed,
    ],
    // One that is about access, beside the two that it knows.
    scopes: ['openid', 'offline_access', 'demo'],
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    features: {
      // Its development pages: any login, any password.
      devInteractions: { enabled: true },
      deviceFlow: {
        enabled: true,
        charset: process.env.CODE_CHARSET || 'base-20',
        mask: process.env.CODE_MASK || '****-****',
      },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
    },
    // Only the codes may run out during a test.
    ttl: {
      DeviceCode: number('DEVICE_TTL', 600, 1),
      AccessToken: HOUR,
      ClientCredentials: HOUR,
      Grant: HOUR,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: HOUR,
      Session: HOUR,
    },
  };
}

const server = createServer();
server.on('error', (error) => {
  console.error(`cannot listen: ${error.message}`);
  process.exit(1);
});
// The issuer holds the port, so the provider is made when the port is known.
server.listen(number('PORT', 0, 0), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration());
  provider.on('server_error', (ctx, error) => {
    console.error(`${ctx.method} ${ctx.path}:`, error);
  });
  server.on('request', provider.callback());
  console.log(`ready ${issuer}`);
});

const end = () => process.exit(0);
process.on('SIGTERM', end);
process.on('SIGINT', end);
// A shell's `server.mjs &` has /dev/null here, which is at its end at once and
// says nothing about who started us. A pipe (or Node's socket pair) does.
const input = fstatSync(0);
if (input.isFIFO() || input.isSocket()) {
  process.stdin.on('end', end).on('error', end).resume();
}

// Serves better-auth as an OAuth provider on loopback, with everything in
// memory. better-auth has no pages: ../hook.sh decides through its API, and
// /device only says so.
//
//   PORT           the port; the base URL is http://127.0.0.1:PORT
//   CODE_LIFETIME  lifetime of the codes, such as 30s
//   CLIENT_SECRET, RESERVED_SECRET, USER_PASSWORD  see ../../leash.sh
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import process from 'node:process';

import {
  oauthDeviceAuthorization,
  oauthProvider,
  oauthProviderAuthServerMetadata,
} from '@better-auth/oauth-provider';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { getAuthTables } from 'better-auth/db';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';

const { PORT, CODE_LIFETIME, CLIENT_SECRET, RESERVED_SECRET, USER_PASSWORD } = process.env;
const base = `http://127.0.0.1:${PORT}`;

// The id and the secret of the client that is created next.
let next = {};
const database = {};
const options = {
  baseURL: base,
  secret: randomBytes(32).toString('base64url'),
  database: memoryAdapter(database),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    jwt(),
    oauthProvider({
      loginPage: '/login',
      consentPage: '/consent',
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      generateClientId: () => next.id,
      generateClientSecret: () => next.secret,
      silenceWarnings: { oauthAuthServerConfig: true },
    }),
    oauthDeviceAuthorization({
      expiresIn: CODE_LIFETIME,
      interval: '5s',
      verificationUri: `${base}/device`,
    }),
  ],
};
// The memory adapter creates no tables.
for (const { modelName } of Object.values(getAuthTables(options))) database[modelName] = [];
const auth = betterAuth(options);

// signUp returns the cookies of the new user's session.
async function signUp(name, password) {
  const { headers } = await auth.api.signUpEmail({
    body: { email: `${name}@example.test`, name, password },
    returnHeaders: true,
  });
  return headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ');
}
for (const name of ['alice', 'bob', 'carol']) await signUp(name, USER_PASSWORD);

// Only a user with a session can create clients.
const operator = await signUp('operator', randomBytes(32).toString('base64url'));
async function client(id, name, grants, secret) {
  next = { id, secret };
  const code = grants.includes('authorization_code');
  await auth.api.adminCreateOAuthClient({
    headers: { cookie: operator },
    body: {
      client_name: name,
      grant_types: grants,
      response_types: code ? ['code'] : [],
      redirect_uris: code ? ['https://app.example.test/callback'] : undefined,
      application_type: secret || code ? 'web' : 'native',
      token_endpoint_auth_method: secret ? 'client_secret_basic' : 'none',
      scope: 'openid profile email offline_access',
    },
  });
}
const device = ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'];
await client('device-public', 'Living Room TV', device);
await client('device-second', 'Kitchen Radio', device);
await client('device-confidential', 'Set-top Box', device, CLIENT_SECRET);
await client('res:erved 100%', 'Smart Frame', device, RESERVED_SECRET);
await client('no-device', 'Web Shop', ['authorization_code'], CLIENT_SECRET);

// RFC 8414 puts the issuer's path behind the well-known part, out of reach of
// better-auth's own routes.
const metadata = toNodeHandler(oauthProviderAuthServerMetadata(auth));
const api = toNodeHandler(auth);
const server = createServer((request, response) => {
  // The page of verification_uri is the application's to write.
  if (request.url.split('?')[0] === '/device') {
    response.setHeader('Content-Type', 'text/plain');
    response.end('Decide through the API.\n');
    return;
  }
  const handle = request.url === '/.well-known/oauth-authorization-server/api/auth' ? metadata : api;
  handle(request, response);
});
server.on('error', (error) => {
  console.error(`cannot listen: ${error.message}`);
  process.exit(1);
});
server.listen(Number(PORT), '127.0.0.1');

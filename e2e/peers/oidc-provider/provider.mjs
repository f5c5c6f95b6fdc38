// A real foreign issuer for tests: node-oidc-provider with discovery, ES256 and RS256 JWT access tokens (RFC 9068), opaque
// ones, introspection, and keys that rotate when the test says so. One client, credentials grant only; in memory, loopback.
//
// Prints {"issuer": …, "control": …} on one line when it listens. Control: POST /rotate puts a new key first and keeps the
// old one published; POST /retire publishes the newest alone; GET /requests tells how often each path was asked for.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

const AUDIENCE = process.env.AUDIENCE ?? 'urn:postern:test';
const CLIENT = { id: 'shop', secret: process.env.CLIENT_SECRET ?? 'test-secret-of-the-peer-0123456789' };

const newKey = () => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  kid: randomUUID(),
  use: 'sig',
  alg: 'ES256',
});

const listening = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));

let keys = [newKey()];
let callback = (_, response) => response.writeHead(503).end();
const requests = {};
const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  requests[path] = (requests[path] ?? 0) + 1;
  callback(request, response);
});
const issuer = `http://127.0.0.1:${await listening(server)}`;

// The adapter is the library's own in-memory one, a new one each time: opaque tokens end with a rotation.
const provide = () => {
  const resource = (format) => ({
    scope: 'orders:read orders:write',
    audience: AUDIENCE,
    accessTokenFormat: format,
    accessTokenTTL: 600,
    ...(format === 'jwt' && { jwt: { sign: { alg: 'ES256' } } }),
  });
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
        token_endpoint_auth_method: 'client_secret_basic',
        introspection_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    scopes: ['orders:read', 'orders:write'],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, indicator) => resource(indicator.endsWith('opaque') ? 'opaque' : 'jwt'),
      },
    },
  });
  provider.on('server_error', (_, error) => console.error(error));
  callback = provider.callback();
};
provide();

const commands = {
  'POST /rotate': () => {
    keys = [newKey(), ...keys];
    provide();
    return { kid: keys[0].kid };
  },
  'POST /retire': () => {
    keys = keys.slice(0, 1);
    provide();
    return { kid: keys[0].kid };
  },
  'GET /requests': () => requests,
};
const control = createServer((request, response) => {
  const command = commands[`${request.method} ${request.url}`];
  response.writeHead(command ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(command ? command() : { error: 'no such command' }));
});
const controlUrl = `http://127.0.0.1:${await listening(control)}`;
console.log(JSON.stringify({ issuer, control: controlUrl, client_id: CLIENT.id, client_secret: CLIENT.secret, audience: AUDIENCE }));

// The test that started this process holds its standard input open: when the test ends, however it ends, so does this.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

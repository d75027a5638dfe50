import { createHmac, createPrivateKey, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { connect } from 'node:tls';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { basic, bearer, RegistryBench } from './registry-bench.fixture.js';

let bench: RegistryBench;
let shop: { id: string; owner: string; member: string; viewer: string };
let other: { id: string; owner: string };
const admin = 'bws_admin_of_the_tests_0123456789';
const secretLayer = { digest: '' };

const digestOf = (data: Buffer) => `sha256:${createHash('sha256').update(data).digest('hex')}`;

beforeAll(async () => {
  bench = await RegistryBench.start();
  const made = await bench.api.project('shop');
  const token = made.token;
  shop = {
    id: made.id,
    owner: await token('owner'),
    member: await token('member'),
    viewer: await token('viewer'),
  };
  const foreign = await bench.api.project('other');
  other = { id: foreign.id, owner: await foreign.token('owner') };
  const { layout, layer } = await bench.image();
  secretLayer.digest = layer;
  const pushed = await bench.push(layout, `${other.id}/secret:1`, other.owner);
  if (!pushed.ok) throw new Error(pushed.said);
}, 60_000);
afterAll(() => bench.close(), 30_000);

const scope = (name: string, actions = 'pull,push') => `repository:${name}:${actions}`;

/** Starts an upload and sends its bytes. @returns where it goes on. */
async function uploadTo(name: string, token: string, data: Buffer): Promise<string> {
  const started = await bench.say('POST', `/v2/${name}/blobs/uploads/`, bearer(token));
  expect(started.status).toBe(202);
  const { pathname, search } = new URL(started.headers.location!);
  const sent = await bench.say('PATCH', pathname + search, bearer(token), data);
  expect(sent.status).toBe(202);
  const next = new URL(sent.headers.location!);
  return next.pathname + next.search;
}

describe('who may what', () => {
  it('another project neither pulls nor pushes, nor sees tags, nor is a viewer let push', async () => {
    const { layout } = await bench.image();
    const denied = /denied|unauthorized|access to the resource/i;
    for (const [ran, why] of [
      [await bench.pull(`${other.id}/secret:1`, shop.owner), denied],
      [await bench.push(layout, `${other.id}/secret:2`, shop.owner), denied],
      [await bench.push(layout, `${shop.id}/app:1`, shop.viewer), denied],
      [await bench.push(layout, 'library/base:1', shop.owner), denied],
      [await bench.push(layout, `${shop.id}/app:1`, null), denied],
      [await bench.pull(`${other.id}/secret:1`, null), denied],
      [await bench.pull(`${other.id}/secret:1`, 'bws_wrong'), /valid token|unauthorized/],
    ] as const) {
      expect(ran).toMatchObject({ ok: false, said: expect.stringMatching(why) });
    }
    const token = await bench.token(shop.owner, scope(`${other.id}/secret`), 'registry:catalog:*');
    expect((await bench.say('GET', `/v2/${other.id}/secret/tags/list`, bearer(token))).status).toBe(401);
    expect((await bench.say('GET', '/v2/_catalog', bearer(token))).status).toBe(401);
  });

  it('admins push base images, and everybody pulls them, with no login at all', async () => {
    const { layout } = await bench.image();
    expect(await bench.push(layout, 'library/base:1', admin)).toMatchObject({ ok: true });
    expect(await bench.pull('library/base:1', null)).toMatchObject({ ok: true });
    expect(await bench.pull('library/base:1', shop.viewer)).toMatchObject({ ok: true });
  });

  it('a layer of another project is neither mounted nor had by its digest', async () => {
    const name = `${shop.id}/thief`;
    const token = await bench.token(shop.owner, scope(name), scope(`${other.id}/secret`, 'pull'));
    const mount = `/v2/${name}/blobs/uploads/?mount=${secretLayer.digest}&from=${other.id}/secret`;
    expect((await bench.say('POST', mount, bearer(token))).status).toBe(401);
    const nowhere = `/v2/${name}/blobs/uploads/?mount=${secretLayer.digest}`;
    expect((await bench.say('POST', nowhere, bearer(token))).status).toBe(202);
    expect((await bench.say('HEAD', `/v2/${name}/blobs/${secretLayer.digest}`, bearer(token))).status).toBe(
      404,
    );
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: {
        mediaType: 'application/vnd.docker.container.image.v1+json',
        size: 2,
        digest: secretLayer.digest,
      },
      layers: [],
    });
    const type = { 'content-type': 'application/vnd.docker.distribution.manifest.v2+json' };
    const put = await bench.say('PUT', `/v2/${name}/manifests/1`, { ...bearer(token), ...type }, manifest);
    expect([put.status, put.text]).toEqual([400, expect.stringContaining('BLOB_UNKNOWN')]);
  });

  it('a mount within what the token may works, and a base image is mounted too', async () => {
    const { layout, layer } = await bench.image();
    expect(await bench.push(layout, 'library/mounted:1', admin)).toMatchObject({ ok: true });
    const name = `${shop.id}/from-base`;
    const token = await bench.token(shop.member, scope(name), scope('library/mounted', 'pull'));
    const mount = `/v2/${name}/blobs/uploads/?mount=${layer}&from=library/mounted`;
    expect((await bench.say('POST', mount, bearer(token))).status).toBe(201);
    expect((await bench.say('HEAD', `/v2/${name}/blobs/${layer}`, bearer(token))).status).toBe(200);
  });

  it('an upload of another repository is not gone on with', async () => {
    const own = await bench.token(shop.member, scope(`${shop.id}/a`));
    const rest = await uploadTo(`${shop.id}/a`, own, Buffer.from('x'));
    const thief = await bench.token(other.owner, scope(`${other.id}/b`));
    const moved = rest.replace(`${shop.id}/a`, `${other.id}/b`);
    const put = await bench.say('PATCH', moved, bearer(thief), Buffer.from('y'));
    expect(put.status).toBeGreaterThanOrEqual(400);
  });
});

describe('tokens', () => {
  const claims = (more: object = {}) => ({
    ...{ iss: 'bellows', aud: 'bellows-registry', sub: 'tok-x', jti: 'x', limits: { [shop.id]: 1e12 } },
    ...{ iat: now() - 5, nbf: now() - 5, exp: now() + 300 },
    access: [{ type: 'repository', name: `${shop.id}/forged`, actions: ['pull', 'push'] }],
    ...more,
  });
  const now = () => Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const start = async (token: string) =>
    (await bench.say('POST', `/v2/${shop.id}/forged/blobs/uploads/`, bearer(token))).status;
  const list = async (token: string) =>
    (await bench.say('GET', `/v2/${shop.id}/forged/tags/list`, bearer(token))).status;
  const signed = (head: object, body: object, key: Parameters<ReturnType<typeof createSign>['sign']>[0]) => {
    const text = `${part(head)}.${part(body)}`;
    return `${text}.${createSign('sha256').update(text).sign(key).toString('base64url')}`;
  };
  const ours = async () => {
    const key = createPrivateKey(await readFile(join(bench.folder, 'registry/token-key.pem'), 'utf8'));
    return { key, dsaEncoding: 'ieee-p1363' as const };
  };
  const headOf = async () => {
    const token = await bench.token(shop.member, scope(`${shop.id}/forged`));
    return JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as Record<string, string>;
  };

  it('our own are taken', async () => {
    const token = signed(await headOf(), claims(), await ours());
    expect([await start(token), await list(token)]).toEqual([202, 404]);
  });

  it.each(['none', 'None', 'HS256', 'RS256', 'ES384'])('alg %s is not', async (alg) => {
    const head = { ...(await headOf()), alg };
    const text = `${part(head)}.${part(claims())}`;
    const pem = await readFile(join(bench.folder, 'registry/token.pem'));
    const mac = createHmac('sha256', pem).update(text).digest('base64url');
    for (const token of [`${text}.`, `${text}.${mac}`, `${text}.AAAA`]) {
      expect([await start(token), await list(token)]).toEqual([401, 401]);
    }
  });

  it('of another key, or with a key of its own in the head, is not', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' as const };
    const jwk = publicKey.export({ format: 'jwk' });
    for (const head of [await headOf(), { ...(await headOf()), jwk }, { typ: 'JWT', alg: 'ES256', jwk }]) {
      const token = signed(head, claims(), key);
      expect([await start(token), await list(token)]).toEqual([401, 401]);
    }
  });

  it.each([
    ['over', { exp: 1000 }],
    ['not yet', { nbf: 9999999999 }],
    ['of another issuer', { iss: 'docker.io' }],
    ['for another service', { aud: 'registry.docker.io' }],
    ['without rights', { access: [] }],
    ['with rights that are no list', { access: 'all' }],
  ])('%s is not', async (_why, more) => {
    const token = signed(await headOf(), claims(more), await ours());
    expect(await start(token)).toBe(401);
    expect(await list(token)).toBe(401);
  });

  it('changed by a byte is not', async () => {
    const token = await bench.token(shop.member, scope(`${shop.id}/forged`));
    const [head, body, signature] = token.split('.') as [string, string, string];
    const wider = JSON.parse(Buffer.from(body, 'base64url').toString()) as { limits: object };
    wider.limits = { [shop.id]: 1e15 };
    expect(await start(`${head}.${part(wider)}.${signature}`)).toBe(401);
    expect(await start(`${token}x`)).toBe(401);
  });

  it('a revoked token gets none any more, within seconds, and what it got is short-lived', async () => {
    const { body } = await bench.api.call('POST', '/v1/tokens', {
      projectId: shop.id,
      role: 'member',
      name: 'ci',
    });
    const secret = String(body['token']);
    const token = await bench.token(secret, scope(`${shop.id}/forged`));
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { exp: number };
    expect(exp - now()).toBeLessThanOrEqual(300);
    await bench.api.call('DELETE', `/v1/tokens/${String(body['id'])}`);
    const until = Date.now() + 5_000;
    let status = 200;
    while (status === 200 && Date.now() < until) {
      status = (await bench.say('GET', '/token', { authorization: basic(secret) })).status;
    }
    expect(status).toBe(401);
  });

  it('a login that is none says so, and never falls back to nobody', async () => {
    for (const authorization of ['Basic', 'Basic !!!', 'Bearer ', basic(''), basic('x y'), 'Digest a=b']) {
      const { status, text } = await bench.say('GET', '/token', { authorization });
      expect([authorization, status]).toEqual([authorization, 401]);
      expect(JSON.parse(text)).toMatchObject({ errors: [{ code: 'UNAUTHORIZED' }] });
    }
    expect((await bench.say('POST', '/token', {}, 'grant_type=password')).status).toBe(405);
  });
});

describe('requests that are none', () => {
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const line = connect({ host: '127.0.0.1', port: bench.running.port, rejectUnauthorized: false });
      let said = '';
      line
        .on('data', (part: Buffer) => (said += part.toString('latin1')))
        .on('close', () => resolve(said))
        .on('error', reject);
      line.write(text);
    });
  const get = (path: string, host = bench.host) =>
    raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

  it('paths that go elsewhere lead nowhere', async () => {
    for (const path of [
      `/v2/${shop.id}/../${other.id}/secret/tags/list`,
      `/v2/${shop.id}/..%2f${other.id}/secret/tags/list`,
      `/v2/${shop.id}%2fapp/tags/list`,
      `/v2//${other.id}/secret/tags/list`,
      `/v2/${other.id}/secret/manifests/../tags/list`,
      `/v2/${other.id}/secret/blobs/uploads/../../../x`,
      `/v2/${other.id}/secret/manifests/sha256:xyz`,
      `/v2/${shop.id}/a\\b/tags/list`,
      '/v2/shop/app/tags/list',
      '/v2/app/tags/list',
      '/debug/pprof',
      '/metrics',
      '/',
      'https://elsewhere/v2/',
      '*',
    ]) {
      expect([path, (await get(path)).slice(0, 12)]).toEqual([
        path,
        expect.stringMatching(/^HTTP\/1.1 4\d\d/),
      ]);
      expect((await get(path)).slice(0, 12)).not.toContain('401');
    }
  });

  it('a Host that is not ours never becomes the realm', async () => {
    for (const host of [
      'evil.example',
      `127.0.0.1:1`,
      `evil.example:${bench.running.port}`,
      `${bench.host}@evil`,
    ]) {
      const said = await get('/v2/', host);
      expect(said).toMatch(/^HTTP\/1.1 4(21|00)/);
      expect(said).not.toMatch(/evil|realm/);
    }
    const { port } = bench.running;
    const own = `LOCALHOST:${port}`;
    expect(await get('/v2/', own)).toContain(`realm="https://localhost:${port}/token"`);
    expect(await get('/v2/')).toContain(`realm="https://${bench.host}/token"`);
    const forwarded = await raw(
      `GET /v2/ HTTP/1.1\r\nHost: ${bench.host}\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\n` +
        'X-Forwarded-Proto: http\r\nConnection: close\r\n\r\n',
    );
    expect(forwarded).toContain(`realm="https://${bench.host}/token"`);
    expect(forwarded).not.toContain('evil');
  });

  it('a body that is said twice is refused', async () => {
    const both =
      `POST /v2/${shop.id}/a/blobs/uploads/ HTTP/1.1\r\nHost: ${bench.host}\r\nContent-Length: 4\r\n` +
      'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(await raw(both)).toMatch(/^HTTP\/1.1 400/);
  });

  it('a huge manifest is refused before it is sent, and one of unknown length too', async () => {
    const token = await bench.token(shop.member, scope(`${shop.id}/huge`));
    const path = `/v2/${shop.id}/huge/manifests/1`;
    const type = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
    const large = await bench.say(
      'PUT',
      path,
      { ...bearer(token), ...type },
      Buffer.alloc(5 * 1024 * 1024, '['),
    );
    expect([large.status, large.text]).toEqual([413, expect.stringContaining('SIZE_INVALID')]);
    const chunked = { ...bearer(token), ...type, 'transfer-encoding': 'chunked' };
    expect((await bench.say('PUT', path, chunked, '{}')).status).toBe(411);
  });

  it('methods that a resource does not know are refused', async () => {
    const token = await bench.token(admin, scope(`${shop.id}/app`, 'pull,push,delete'));
    for (const [method, path] of [
      ['DELETE', '/v2/_catalog'],
      ['PUT', '/v2/'],
      ['POST', `/v2/${shop.id}/app/manifests/1`],
      ['OPTIONS', '/v2/'],
      ['TRACE', '/v2/'],
    ] as const) {
      expect([method, (await bench.say(method, path, bearer(token))).status]).toEqual([method, 405]);
    }
  });
});

describe('uploads', () => {
  const data = randomBytes(3_000_000);

  it('an upload survives the end of the registry in its middle, and is gone on with', async () => {
    const name = `${shop.id}/resumed`;
    const token = await bench.token(shop.member, scope(name));
    const half = data.subarray(0, 1_500_000);
    const rest = await uploadTo(name, token, half);
    await bench.restart();
    const asked = await bench.say('GET', rest, bearer(token));
    expect([asked.status, asked.headers['range']]).toEqual([204, `0-${half.length - 1}`]);
    const next = new URL(asked.headers.location!);
    const end = `${next.pathname}${next.search}&digest=${digestOf(data)}`;
    const put = await bench.say('PUT', end, bearer(token), data.subarray(half.length));
    expect([put.status, put.headers['docker-content-digest']]).toEqual([201, digestOf(data)]);
    const got = await bench.say('HEAD', `/v2/${name}/blobs/${digestOf(data)}`, bearer(token));
    expect(got.headers['content-length']).toBe(String(data.length));
  });

  it('a wrong digest keeps nothing', async () => {
    const name = `${shop.id}/wrong`;
    const token = await bench.token(shop.member, scope(name));
    const rest = await uploadTo(name, token, data.subarray(0, 1000));
    const put = await bench.say('PUT', `${rest}&digest=${digestOf(data)}`, bearer(token));
    expect([put.status, put.text]).toEqual([400, expect.stringContaining('DIGEST_INVALID')]);
    const md5 = await bench.say('PUT', `${rest}&digest=md5:abc`, bearer(token));
    expect(md5.status).toBe(400);
  });

  it('a line that is cut in the middle leaves an upload that can be gone on with, and its lock is open', async () => {
    const name = `${shop.id}/cut`;
    const token = await bench.token(shop.member, scope(name));
    const rest = await uploadTo(name, token, Buffer.from('first'));
    await new Promise<void>((resolve) => {
      const line = connect({ host: '127.0.0.1', port: bench.running.port, rejectUnauthorized: false }, () => {
        line.write(
          `PATCH ${rest} HTTP/1.1\r\nHost: ${bench.host}\r\nAuthorization: Bearer ${token}\r\n` +
            'Content-Length: 1000000\r\n\r\nsecond',
        );
        setTimeout(() => line.destroy(), 300);
      });
      line.on('close', () => resolve()).on('error', () => undefined);
    });
    let asked = await bench.say('GET', rest, bearer(token));
    for (let tries = 0; tries < 50 && asked.headers['range'] !== '0-4'; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      asked = await bench.say('GET', rest, bearer(token));
    }
    expect([asked.status, asked.headers['range']]).toEqual([204, '0-4']);
    const next = new URL(asked.headers.location!);
    const whole = Buffer.from('first, and all the rest');
    const end = `${next.pathname}${next.search}&digest=${digestOf(whole)}`;
    expect((await bench.say('PUT', end, bearer(token), whole.subarray(5))).status).toBe(201);
  });
});

it('keys are for their owner alone', async () => {
  for (const name of ['ca-key.pem', 'token-key.pem', 'server-key.pem', 'upload-secret', 'config.yml']) {
    expect([name, (await stat(join(bench.folder, 'registry', name))).mode & 0o777]).toEqual([name, 0o600]);
  }
});

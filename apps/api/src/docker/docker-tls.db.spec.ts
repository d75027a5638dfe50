import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import type { InstanceId, TokenId } from '@bellows/domain/ids';
import { DockerAuthorities } from './authorities.js';
import { makeAuthority, signClient, signServer } from './certificates.js';
import { until } from './docker-bench.fixture.js';
import { TlsBench, type Certificate } from './docker-tls.fixture.js';

let tls: TlsBench;
let shown: Awaited<ReturnType<TlsBench['certificate']>>;
beforeAll(async () => {
  tls = await TlsBench.start();
  shown = await tls.certificate(tls.bench.tokens.member);
}, 60_000);
afterAll(() => tls.close(), 30_000);
beforeEach(() => {
  const { engine } = tls.bench;
  engine.forget();
  engine.serve = (_asked, answer) =>
    void answer
      .writeHead(200, { 'content-type': 'application/json', 'api-version': '1.45' })
      .end('{"Version":"26"}');
  engine.upgrade = (asked, socket) => {
    socket.write(`HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: ${asked.headers.upgrade}\r\n\r\n`);
    socket.on('data', (chunk: Buffer) => socket.write(`<${chunk.toString()}>`));
    socket.on('end', () => socket.end('bye'));
  };
});

const upgradeTo = (protocol: string) =>
  `POST /exec/1/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n` +
  `Content-Length: 2\r\n\r\n{}`;

const token = async (role = 'member', more: object = {}) => {
  const body = { projectId: tls.bench.projectId, role, name: 't', ...more };
  const issued = (await tls.bench.api.call('POST', '/v1/tokens', body)).body;
  return { id: String(issued['id']) as TokenId, secret: String(issued['token']) };
};

/** An engine that never stops talking. */
const talk = () => {
  tls.bench.engine.serve = (asked, answer) => {
    answer.writeHead(200, { 'content-type': 'application/vnd.docker.raw-stream' }).write('tick\n');
    const timer = setInterval(() => answer.write('tick\n'), 500);
    asked.socket.on('close', () => clearInterval(timer));
  };
};
const follow = async (by: Certificate) => {
  const socket = await tls.dial(by);
  const state = { text: '', closed: false, socket };
  socket.on('data', (chunk: Buffer) => (state.text += chunk.toString()));
  socket.on('close', () => (state.closed = true));
  socket.write('GET /containers/x/logs?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => state.text.includes('tick'));
  return state;
};

describe('the docker port', () => {
  it("carries a call to the certificate's instance, its path the engine's own", async () => {
    const answer = await tls.call(shown, 'GET', '/v1.45/version?x=%2F..%2F');
    expect(answer).toMatchObject({ status: 200, body: { Version: '26' } });
    expect(answer.headers).toMatchObject({
      'api-version': '1.45',
      'content-security-policy': expect.stringContaining('sandbox'),
    });
    const { seen, wires } = tls.bench.engine;
    expect(seen).toMatchObject([{ method: 'GET', url: '/v1.45/version?x=%2F..%2F' }]);
    expect(wires.join()).not.toMatch(/bellows|bws_|authorization|bearer/i);
  });

  it.each(['tcp', 'h2c'])('upgrades to %s; who has no more to say still hears', async (protocol) => {
    const socket = await tls.dial(shown);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.write(upgradeTo(protocol));
    await until(() => text.includes(`Upgrade: ${protocol}\r\n`));
    socket.end('ls');
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\n<ls>bye$/);
    await until(() => tls.bench.engine.sockets.size === 0);
  });

  it('takes uploads as they come, and several requests on one connection', async () => {
    let heard = 0;
    tls.bench.engine.serve = (asked, answer) => {
      asked.on('data', (chunk: Buffer) => (heard += chunk.length)).on('end', () => answer.end('{}'));
    };
    const answer = await tls.call(shown, 'POST', '/build', {}, 'x'.repeat(3_000_000));
    expect([answer.status, heard]).toEqual([200, 3_000_000]);
    const both = 'GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    expect((await tls.raw(shown, both)).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  });

  it('heeds the certificate and no header', async () => {
    const viewer = await tls.certificate(tls.bench.tokens.viewer);
    const headers = { authorization: `Bearer ${tls.bench.tokens.owner}`, cookie: 'a=b' };
    const look = await tls.call(viewer, 'GET', '/containers/json', headers);
    expect(look.status).toBe(200);
    expect(tls.bench.engine.wires.join()).not.toMatch(/bws_|authorization|cookie/i);
    const change = await tls.call(viewer, 'DELETE', '/containers/x', headers);
    expect(change).toMatchObject({ status: 403, body: { code: 'forbidden', message: expect.any(String) } });
    expect(await tls.raw(viewer, upgradeTo('tcp'))).toMatch(/^HTTP\/1\.1 403 /);
    expect(tls.bench.engine.seen).toHaveLength(1);
  });

  it('leads to one instance, whatever the path says', async () => {
    const other = await tls.bench.running('other');
    await tls.call(shown, 'GET', tls.bench.path('/info', other));
    expect(tls.bench.engine.seen.map(({ url }) => url)).toEqual([tls.bench.path('/info', other)]);
    const [{ text }] = [await tls.call(shown, 'GET', '/../v1/instances')];
    expect(text).toContain('"status":400');
  });
});

describe('nothing is heard', () => {
  /** Whatever the client is told by TLS: what counts is that no request is answered. */
  const heard = async (by: Certificate, options: object = {}): Promise<string> => {
    const socket = await tls.dial(by, options).catch(() => null);
    if (!socket) return '';
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    if (!socket.destroyed) socket.write('GET /info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await closed;
    return text;
  };

  it('is a test that can fail', async () => expect(await heard(shown)).toContain('200 OK'));

  const identity = () => ({
    instanceId: tls.bench.instance as InstanceId,
    tokenId: 'tok-0123456789abcdefghjk' as TokenId,
    expiresAt: Date.now() + 60_000,
  });
  const from = Date.now() - 120_000;

  it('without a certificate', async () => {
    expect(await heard({ ca: shown.ca })).toBe('');
    expect(await heard({ ca: shown.ca }, { maxVersion: 'TLSv1.2' })).toBe('');
    expect(tls.bench.engine.seen).toEqual([]);
  });

  it("with another authority's, one of its own name too", async () => {
    const { signer } = await tls.bench.api.app.get(DockerAuthorities).current();
    const name = new X509Certificate(signer.certificate).subject.replace(/^CN=/, '');
    const twin = await makeAuthority(name, { from, to: Date.now() + 60_000 });
    const forged = await signClient(twin, identity(), from);
    expect(await heard({ ca: shown.ca, ...forged })).toBe('');
    const late = await signClient(twin, { ...identity(), expiresAt: Date.now() - 60_000 }, from);
    expect(await heard({ ca: shown.ca, ...late })).toBe('');
    expect(tls.bench.engine.seen).toEqual([]);
  });

  it('with one that is not good yet', async () => {
    const { signer } = await tls.bench.api.app.get(DockerAuthorities).current();
    const early = await signClient(signer, identity(), Date.now() + 30_000);
    expect(await heard({ ca: shown.ca, ...early })).toBe('');
    expect(tls.bench.engine.seen).toEqual([]);
  });

  it("with the port's own kind of certificate", async () => {
    const { signer } = await tls.bench.api.app.get(DockerAuthorities).current();
    const server = await signServer(signer, ['localhost'], { from, to: Date.now() + 60_000 });
    expect(await heard({ ca: shown.ca, ...server })).toBe('');
  });

  it('with a protocol of long ago', async () => {
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    expect(await heard(shown, old)).toBe('');
  });

  it('where the client does not know the authority', async () => {
    await expect(tls.dial({ ca: '' })).rejects.toThrow(/self-signed|unable to verify|issuer/);
    const another = await makeAuthority('another', { from, to: Date.now() + 60_000 });
    await expect(tls.dial({ ...shown, ca: another.certificate })).rejects.toThrow();
  });
});

describe('a refusal is heard', () => {
  it('with a certificate that has expired: docker prints what to do', async () => {
    const authorities = tls.bench.api.app.get(DockerAuthorities);
    const { signer } = await authorities.current();
    const tokenId = (await token()).id;
    const instanceId = tls.bench.instance as InstanceId;
    const from = Date.now() - 120_000;
    const late = await signClient(signer, { instanceId, tokenId, expiresAt: from + 60_000 }, from);
    const answer = await tls.call({ ca: shown.ca, ...late }, 'GET', '/info');
    const message = expect.stringContaining('docker-env INSTANCE --tls');
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized', message } });
    expect(await tls.raw({ ca: shown.ca, ...late }, upgradeTo('tcp'))).toMatch(/^HTTP\/1\.1 401 /);
    expect(tls.bench.engine.seen).toEqual([]);
  });

  it('with a token that nobody has, or a certificate that names no instance', async () => {
    const authorities = tls.bench.api.app.get(DockerAuthorities);
    const expiresAt = Date.now() + 60_000;
    const instanceId = tls.bench.instance as InstanceId;
    const nobody = { instanceId, tokenId: 'tok-0123456789abcdefghjk' as TokenId, expiresAt };
    const none = { instanceId: 'x' as InstanceId, tokenId: 'y' as TokenId, expiresAt };
    for (const identity of [nobody, none]) {
      const answer = await tls.call(await authorities.mint(identity), 'GET', '/info');
      expect(answer).toMatchObject({
        status: 401,
        body: { code: 'unauthorized', message: expect.stringContaining('docker-env') },
      });
      expect(answer.headers).not.toHaveProperty('www-authenticate');
    }
  });

  it("with another project's token: there is nothing, and it is written down", async () => {
    const { tokens, strangersProjectId } = tls.bench;
    const page = await tls.bench.api.call('GET', `/v1/tokens?project=${strangersProjectId}`);
    const tokenId = page.body['items'][0].id as TokenId;
    const instanceId = tls.bench.instance as InstanceId;
    const authorities = tls.bench.api.app.get(DockerAuthorities);
    const forged = await authorities.mint({ instanceId, tokenId, expiresAt: Date.now() + 60_000 });
    expect(await tls.call(forged, 'GET', '/info')).toMatchObject({ status: 404 });
    const { body } = await tls.bench.api.call('GET', '/v1/audit?limit=500', undefined, {
      token: tokens.stranger,
    });
    expect(body['items']).toContainEqual(expect.objectContaining({ action: 'instance.docker.refused' }));
  });

  it('with a token whose role has changed: what it may is what it may now', async () => {
    const { id, secret } = await token();
    const its = await tls.certificate(secret);
    expect((await tls.call(its, 'POST', '/containers/create')).status).toBe(200);
    const database = new Client({ connectionString: tls.bench.api.databaseUrl });
    await database.connect();
    await database.query("UPDATE token SET role = 'viewer' WHERE id = $1", [id]);
    await database.end();
    await until(async () => (await tls.call(its, 'POST', '/containers/create')).status === 403);
    expect((await tls.call(its, 'GET', '/containers/json')).status).toBe(200);
  });

  it('with a deleted instance: 404; with a stopped one: 409', async () => {
    const instance = await tls.bench.running('brief');
    const its = await tls.certificate(tls.bench.tokens.member, instance);
    expect((await tls.call(its, 'GET', '/info')).status).toBe(200);
    const stop = await tls.bench.api.call('POST', `/v1/instances/${instance}/actions/stop`);
    await tls.bench.api.work(stop.body['operation'].id);
    await until(async () => (await tls.call(its, 'GET', '/info')).status === 409);
    const gone = await tls.bench.api.call('DELETE', `/v1/instances/${instance}`);
    await tls.bench.api.work(gone.body['operation'].id);
    expect(await tls.call(its, 'GET', '/info')).toMatchObject({ status: 404, body: { code: 'not-found' } });
  }, 60_000);
});

describe('what is open', () => {
  it('ends within five seconds when the token is revoked; new requests are nobody’s', async () => {
    talk();
    const { id, secret } = await token();
    const its = await tls.certificate(secret);
    const stream = await follow(its);
    const other = await follow(shown);
    const exec = await tls.dial(its);
    let closed = false;
    exec.on('close', () => (closed = true)).resume();
    exec.write(upgradeTo('tcp'));
    await until(() => tls.bench.engine.sockets.size === 3);
    await tls.bench.api.call('DELETE', `/v1/tokens/${id}`);
    expect(await until(() => stream.closed && closed, 5_000)).toBeLessThan(5_000);
    await until(async () => (await tls.raw(its, 'GET /info HTTP/1.1\r\nHost: x\r\n\r\n')).includes(' 401 '));
    expect(other.closed).toBe(false);
    other.socket.destroy();
    await until(() => tls.bench.engine.sockets.size === 0);
  }, 30_000);

  it('ends when the certificate expires, and a kept connection serves no more', async () => {
    const authorities = tls.bench.api.app.get(DockerAuthorities);
    const { id } = await token();
    const expiresAt = Math.floor(Date.now() / 1000) * 1000 + 3_000;
    const its = await authorities.mint({
      instanceId: tls.bench.instance as InstanceId,
      tokenId: id,
      expiresAt,
    });
    const kept = await tls.dial(its);
    let text = '';
    kept.on('data', (chunk: Buffer) => (text += chunk.toString()));
    kept.write('GET /info HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => text.includes(' 200 '));
    talk();
    const stream = await follow(its);
    await until(() => stream.closed, 8_000);
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt);
    kept.write('GET /info HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => text.includes(' 401 '));
    kept.destroy();
    await until(() => tls.bench.engine.sockets.size === 0);
  }, 30_000);
});

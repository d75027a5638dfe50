import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aHost, anInstance, TestApi } from '../api.fixture.js';
import { TlsBench } from './docker-tls.fixture.js';

let tls: TlsBench;
let shown: Awaited<ReturnType<TlsBench['certificate']>>;
beforeAll(async () => {
  tls = await TlsBench.start();
  shown = await tls.certificate(tls.bench.tokens.member);
}, 60_000);
afterAll(() => tls.close(), 30_000);

describe('a docker certificate', () => {
  it('names instance and token, holds no secret, and is written down', async () => {
    const { certificate, ca, key, endpoint, expiresAt } = shown;
    const read = new X509Certificate(certificate);
    expect(read.subjectAltName).toMatch(new RegExp(`^URI:urn:bellows:docker:${tls.bench.instance}:tok-`));
    expect(Date.parse(read.validTo)).toBe(Date.parse(expiresAt));
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(719 * 60_000);
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(720 * 60_000);
    expect(read.verify(new X509Certificate(ca).publicKey)).toBe(true);
    expect(Buffer.from(certificate + key).toString()).not.toContain('bws_');
    expect(endpoint).toBe(`tcp://127.0.0.1:${tls.port}`);
    const { body } = await tls.bench.api.call('GET', `/v1/audit?project=${tls.bench.projectId}&limit=500`);
    const entry = { action: 'instance.docker-certificate.create', resource: tls.bench.instance };
    expect(body['items']).toContainEqual(expect.objectContaining(entry));
  });

  it('lives as long as was asked, and no longer than its token', async () => {
    const short = await tls.certificate(tls.bench.tokens.member, undefined, 5);
    expect(Date.parse(short.expiresAt)).toBeLessThanOrEqual(Date.now() + 5 * 60_000);
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const body = { projectId: tls.bench.projectId, role: 'member', name: 'brief', expiresAt };
    const issued = await tls.bench.api.call('POST', '/v1/tokens', body);
    const brief = await tls.certificate(String(issued.body['token']));
    expect(Date.parse(brief.expiresAt)).toBeLessThanOrEqual(Date.parse(expiresAt));
    for (const ttlMinutes of [4, 1441, 0, 7.5, '60']) {
      const path = `/v1/instances/${tls.bench.instance}/docker-certificates`;
      const answer = await tls.bench.api.call('POST', path, { ttlMinutes });
      expect([ttlMinutes, answer.status]).toEqual([ttlMinutes, 400]);
    }
  });

  it('is for whoever may see the instance', async () => {
    const path = `/v1/instances/${tls.bench.instance}/docker-certificates`;
    const ask = (secret: string | null) => tls.bench.api.call('POST', path, undefined, { token: secret });
    expect(await ask(tls.bench.tokens.stranger)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect((await ask(null)).status).toBe(401);
    expect((await ask(tls.bench.tokens.viewer)).status).toBe(201);
  });

  it('is not made where nobody would look at it', async () => {
    const api = await TestApi.start();
    try {
      await api.call('POST', '/v1/hosts', aHost());
      const { token: of } = await api.project('p');
      const token = await of('owner');
      const made = await api.call('POST', '/v1/instances', anInstance(), { token });
      const path = `/v1/instances/${made.body['instance'].id}/docker-certificates`;
      expect(await api.call('POST', path, undefined, { token })).toMatchObject({
        status: 409,
        body: { code: 'wrong-state' },
      });
    } finally {
      await api.close();
    }
  }, 60_000);

  it('is the same for the same Idempotency-Key, and its key is kept for nobody else', async () => {
    const { api, instance, tokens, projectId } = tls.bench;
    const path = `/v1/instances/${instance}/docker-certificates`;
    const headers = { 'idempotency-key': 'once' };
    const ask = (secret: string) => api.call('POST', path, {}, { token: secret, headers });
    const [first, again] = [await ask(tokens.member), await ask(tokens.member)];
    expect([first.status, again.body]).toEqual([201, first.body]);
    expect(first.body['key']).toContain('PRIVATE KEY');
    expect(await ask(tokens.owner)).toMatchObject({ status: 422, body: { code: 'idempotency-mismatch' } });
    const kept = await api.cloud.store.keptAnswer(projectId, 'once');
    expect(JSON.stringify(kept)).not.toContain('PRIVATE KEY');
  });
});

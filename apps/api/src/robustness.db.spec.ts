import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { aHost, anInstance, TestApi, type CallOptions } from './api.fixture.js';

let api: TestApi;
let instance = '';
beforeAll(async () => {
  api = await TestApi.start();
  await api.call('POST', '/v1/hosts', aHost());
  const { body } = await api.call('POST', '/v1/instances', anInstance());
  instance = body['instance'].id;
}, 60_000);
afterAll(() => api.close(), 30_000);

/** Whatever was sent: an answer that is not a 5xx, and a problem where it is a refusal. */
async function survives(method: string, path: string, raw?: string, headers: CallOptions['headers'] = {}) {
  const answer = await api.call(method, path, undefined, { raw, headers });
  const what = `${method} ${path.slice(0, 120)} ${raw?.slice(0, 120)} → ${answer.status}`;
  expect([what, answer.status < 500]).toEqual([what, true]);
  if (answer.status >= 400 && method !== 'HEAD') {
    expect([what, answer.headers.get('content-type')]).toEqual([
      what,
      'application/problem+json; charset=utf-8',
    ]);
    expect([what, answer.body['status'], typeof answer.body['code']]).toEqual([
      what,
      answer.status,
      'string',
    ]);
  }
  return answer;
}

const bodies = (): [string, string, Record<string, unknown>][] => [
  ['POST', '/v1/instances', { ...anInstance(), zone: 'z', tags: {}, sshKeys: [], count: 1, userData: 'x' }],
  ['PATCH', `/v1/instances/${instance}`, { name: 'n', tags: {} }],
  [
    'POST',
    `/v1/instances/${instance}/resize`,
    { plan: 'p', vcpus: 1, resizePlanId: 'rsz-1', allow: ['live'] },
  ],
  ['POST', `/v1/instances/${instance}/resize-plans`, { plan: 'p', vcpus: 1, ramMib: 1024, diskGib: 20 }],
  ['POST', '/v1/hosts', { ...aHost('f'), uri: 'qemu:///system', zone: 'z', cpuOvercommit: 1 }],
  ['POST', '/v1/ip-pools', { cidr: '10.9.0.0/24', gateway: '10.9.0.1', kind: 'public', mode: 'routed' }],
  ['POST', '/v1/projects', { name: 'p' }],
  ['POST', '/v1/tokens', { projectId: 'prj-1', role: 'owner', name: 'n', expiresAt: 'never' }],
  ['PATCH', '/v1/quotas/prj-00000000000000000000', { vcpus: 1, ramMib: 1, diskGib: 1, instances: 1 }],
  ['PATCH', '/v1/plans/ecs-1c1g', { floor: { vcpus: 1, ramMib: 1024 }, pricePerHour: '1' }],
];

const hostile = [
  'null',
  '0',
  '-1',
  '1.5',
  '1e400',
  '9007199254740993',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\u202e\\ufeff"',
  '[]',
  '[null]',
  '{}',
  '{"constructor":1}',
  '{"__proto__":{"a":1}}',
  '{"a":"\\u0000"}',
  `"${'a'.repeat(100_000)}"`,
  `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
  `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
];

describe('no request gives a 5xx', () => {
  it('with a hostile value in any field', async () => {
    for (const [method, path, body] of bodies()) {
      for (const field of Object.keys(body)) {
        for (const value of hostile) {
          const raw = JSON.stringify({ ...body, [field]: '@@' }).replace('"@@"', () => value);
          await survives(method, path, raw);
        }
      }
    }
  }, 120_000);

  it('with what is no JSON object at all', async () => {
    const texts = ['', '{', 'nul', '"x"', '1', '[]', '{"a":', '{"a":1}}', '\u0000'];
    for (const [method, path] of bodies()) {
      for (const raw of texts) expect((await survives(method, path, raw)).status).toBeGreaterThanOrEqual(400);
    }
  }, 60_000);

  it('with another kind of body, or too large a one', async () => {
    const type = (value: string) =>
      survives('POST', '/v1/projects', '{"name":"x"}', { 'content-type': value });
    for (const odd of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'nonsense',
      '*/*',
    ]) {
      expect((await type(odd)).status).toBe(415);
    }
    expect((await survives('POST', '/v1/projects', `{"name":"${'x'.repeat(2_000_000)}"}`)).status).toBe(413);
  });

  it('with any JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 4 }), fc.nat(), async (raw, pick) => {
        const all = bodies();
        const [method, path] = all[pick % all.length]!;
        await survives(method, path, raw);
      }),
      { numRuns: 200 },
    );
  }, 60_000);

  it('with any path and query', async () => {
    const roots = [
      'instances',
      'hosts',
      'operations',
      'tokens',
      'ip-pools',
      'quotas',
      'usage',
      'audit',
      'zones',
    ];
    const odd = [
      '%',
      '%00',
      '%E0%A4%A',
      '%2e%2e',
      '..%2f',
      'a'.repeat(5_000),
      'i-0123456789abcdefghjk',
      '%F0%9F%92%A9',
    ];
    const queries = [
      'limit=1e9',
      'limit=1&limit=2',
      'cursor=x',
      'cursor=%00',
      `cursor=${Buffer.from('[1e300,"a"]').toString('base64url')}`,
      `cursor=${Buffer.from('[1,"\\u0000"]').toString('base64url')}`,
      'project=%00',
      'state=%00',
      'name=%00',
      'tag=%00%3D1',
      'tag=__proto__%3D1',
      'from=9999-12-31T23:59:59Z',
      'from=2026-02-31T00:00:00Z',
      '%',
      'a[b]=1',
      '__proto__=1',
      'constructor=1',
    ];
    for (const root of roots) {
      for (const part of odd) {
        for (const method of ['GET', 'DELETE', 'PUT', 'POST']) await survives(method, `/v1/${root}/${part}`);
      }
      for (const query of queries) await survives('GET', `/v1/${root}?${query}`);
    }
  }, 60_000);

  it('with odd headers', async () => {
    for (const header of ['7', '"x"', 'W/"1"', '"1", "2"', '"']) {
      await survives('PATCH', `/v1/instances/${instance}`, '{}', { 'if-match': header });
    }
    const bearer = (text: string) => survives('GET', '/v1/plans', undefined, { authorization: text });
    for (const text of ['Bearer', 'Basic x', `Bearer ${'x'.repeat(4_000)}`, 'bearer  x  y']) {
      expect((await bearer(text)).status).toBe(401);
    }
  });

  it('tells a method that a path does not know from a path that nobody knows', async () => {
    const known = await survives('PUT', '/v1/hosts');
    expect([known.status, known.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
    expect((await survives('PUT', '/v1/nothing')).status).toBe(404);
  });

  it('with bytes that are no HTTP', async () => {
    const { port } = new URL(api.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.end('nonsense\r\n\r\n'));
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text)).on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(answer).toContain('application/problem+json');
  });

  it('and all the while it works', async () => {
    expect((await api.call('GET', `/v1/instances/${instance}`)).status).toBe(200);
    expect((await api.call('GET', '/readyz')).status).toBe(200);
  });
});

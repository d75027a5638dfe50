import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { aHost, anInstance, TestApi, type Answer } from './api.fixture.js';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
  await api.call('POST', '/v1/hosts', aHost());
}, 60_000);
afterAll(() => api.close(), 30_000);

const keyed = (key: string, path: string, body?: object, method = 'POST'): Promise<Answer> =>
  api.call(method, path, body, { headers: { 'idempotency-key': key } });

const count = async (name: string): Promise<number> =>
  (await api.call('GET', `/v1/instances?limit=500&name=${name}`)).body['items'].length;

describe('an Idempotency-Key', () => {
  it('gives the same answer again, and makes one instance', async () => {
    const first = await keyed('k1', '/v1/instances', anInstance('once'));
    const again = await keyed('k1', '/v1/instances', anInstance('once'));
    expect([again.status, again.text]).toEqual([202, first.text]);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(await count('once')).toBe(1);
  });

  it('gives every one of many requests at once the same answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => keyed('k2', '/v1/instances', anInstance('race'))),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]!.status).toBe(202);
    expect(await count('race')).toBe(1);
  });

  it('does so where the loser meets what the winner did', async () => {
    const { body } = await api.call('POST', '/v1/instances', anInstance('resized'));
    await api.work(body['operation'].id);
    const path = `/v1/instances/${body['instance'].id}/resize`;
    for (const [key, race] of [
      ['k3', () => keyed('k3', path, { plan: 'ecs-2c2g' })],
      ['k4', () => keyed('k4', '/v1/hosts', aHost('raced'))],
      ['k5', () => keyed('k5', '/v1/plans', aPlan)],
      ['k6', () => keyed('k6', '/v1/ip-pools', aPool)],
    ] as const) {
      const answers = await Promise.all(Array.from({ length: 10 }, race));
      expect([key, ...new Set(answers.map(({ status, text }) => `${status} ${text}`))]).toHaveLength(2);
      expect(answers[0]!.status).toBeLessThan(300);
    }
  }, 20_000);

  it('belongs to one request: another body, path or method is a mismatch', async () => {
    await keyed('k7', '/v1/projects', { name: 'seven' });
    for (const other of [
      keyed('k7', '/v1/projects', { name: 'eight' }),
      keyed('k7', '/v1/instances', anInstance('seven')),
      keyed('k7', '/v1/quotas/prj-00000000000000000000', { vcpus: 1 }, 'PATCH'),
    ]) {
      expect(await other).toMatchObject({ status: 422, body: { code: 'idempotency-mismatch' } });
    }
  });

  it('is not poisoned by a failure', async () => {
    const refused = await keyed('k8', '/v1/instances', { ...anInstance('poison'), plan: 'none' });
    expect(refused.status).toBe(400);
    expect((await keyed('k8', '/v1/instances', anInstance('poison'))).status).toBe(202);
  });

  it('is of its project alone', async () => {
    const { token } = await api.project('other');
    const options = { token: await token('member'), headers: { 'idempotency-key': 'k1' } };
    const theirs = await api.call('POST', '/v1/instances', anInstance('once'), options);
    expect(theirs.status).toBe(202);
    expect(await count('once')).toBe(2);
  });

  it('works on every mutation', async () => {
    const project = await keyed('m1', '/v1/projects', { name: 'm' });
    const quota = `/v1/quotas/${project.body['id']}`;
    const host = await keyed('m2', '/v1/hosts', aHost('m'));
    const pool = await keyed('m3', '/v1/ip-pools', { ...aPool, cidr: '10.9.2.0/24', gateway: '10.9.2.1' });
    for (const [key, path, body, method] of [
      ['m4', `/v1/hosts/${host.body['id']}/actions/cordon`],
      ['m5', `/v1/hosts/${host.body['id']}`, undefined, 'DELETE'],
      ['m6', `/v1/ip-pools/${pool.body['id']}`, undefined, 'DELETE'],
      ['m7', quota, { instances: 7 }, 'PATCH'],
      ['m8', '/v1/plans/ecs-1c1g', { bandwidthMbps: 600 }, 'PATCH'],
    ] as const) {
      const first = await keyed(key, path, body, method);
      const again = await keyed(key, path, body, method);
      expect([path, again.status, again.text]).toEqual([path, first.status, first.text]);
      expect(first.status).toBeLessThan(300);
    }
  });

  it.each(['', 'x'.repeat(256)])('has 1 to 255 characters, not %p', async (key) => {
    expect((await keyed(key, '/v1/projects', { name: 'n' })).status).toBe(400);
  });

  it('gives a token again to whoever asked for it, and keeps no secret readable', async () => {
    const wanted = { projectId: 'prj-00000000000000000000', role: 'owner', name: 'again' };
    const first = await keyed('t1', '/v1/tokens', wanted);
    const again = await keyed('t1', '/v1/tokens', wanted);
    expect(again.body).toEqual(first.body);
    const secret = String(first.body['token']);
    expect((await api.call('GET', '/v1/plans', undefined, { token: secret })).status).toBe(200);
    const client = new pg.Client({ connectionString: api.databaseUrl });
    await client.connect();
    const { rows } = await client.query<{ table_name: string }>(
      `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`,
    );
    for (const { table_name: table } of rows) {
      const found = await client.query(`SELECT 1 FROM "${table}" t WHERE t::text LIKE $1`, [`%${secret}%`]);
      expect([table, found.rowCount]).toEqual([table, 0]);
    }
    await client.end();
  });
});

const aPlan = {
  id: 'ecs-raced',
  family: 'ecs',
  vcpus: 1,
  ramMib: 1024,
  diskGib: 20,
  bandwidthMbps: 100,
  floor: { vcpus: 1, ramMib: 1024 },
  ceiling: { vcpus: 4, ramMib: 4096 },
  pricePerHour: '0.01',
};
const aPool = { cidr: '10.9.1.0/24', gateway: '10.9.1.1', kind: 'private', mode: 'routed', zone: 'zone-9' };

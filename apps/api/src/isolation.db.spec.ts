import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aHost, anInstance, TestApi } from './api.fixture.js';

let api: TestApi;
/** Tokens: two projects, three roles in the first. */
const tokens: Record<'owner' | 'member' | 'viewer' | 'stranger', string> = {
  owner: '',
  member: '',
  viewer: '',
  stranger: '',
};
let shop = '';
let instance = '';
let operation = '';

beforeAll(async () => {
  api = await TestApi.start();
  await api.call('POST', '/v1/hosts', aHost());
  const ours = await api.project('shop');
  shop = ours.id;
  for (const role of ['owner', 'member', 'viewer'] as const) tokens[role] = await ours.token(role);
  tokens.stranger = await (await api.project('strangers')).token('owner');
  const made = await api.call('POST', '/v1/instances', anInstance(), { token: tokens.member });
  expect(made.status).toBe(202);
  [instance, operation] = [made.body['instance'].id, made.body['operation'].id];
  await api.work(operation);
}, 60_000);
afterAll(() => api.close(), 30_000);

describe('without a token', () => {
  it.each([null, 'bws_nobody', 'x'.repeat(512)])('answers 401 to %p', async (token) => {
    const answer = await api.call('GET', '/v1/instances', undefined, { token });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized', status: 401 } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });
});

describe("another project's resources", () => {
  const routes = (): [string, string, object?][] => [
    ['GET', `/v1/instances/${instance}`],
    ['PATCH', `/v1/instances/${instance}`, { name: 'mine' }],
    ['DELETE', `/v1/instances/${instance}`],
    ['POST', `/v1/instances/${instance}/actions/stop`],
    ['POST', `/v1/instances/${instance}/resize-plans`, { plan: 'ecs-2c2g' }],
    ['POST', `/v1/instances/${instance}/resize`, { plan: 'ecs-2c2g' }],
    ['POST', `/v1/instances/${instance}/docker-certificates`],
    ['GET', `/v1/operations/${operation}`],
    ['POST', `/v1/operations/${operation}/cancel`],
    ['GET', `/v1/projects/${shop}`],
    ['GET', `/v1/quotas/${shop}`],
    ['GET', `/v1/instances?project=${shop}`],
    ['GET', `/v1/operations?project=${shop}`],
    ['GET', `/v1/usage?project=${shop}`],
    ['GET', `/v1/audit?project=${shop}`],
    ['GET', `/v1/tokens?project=${shop}`],
    ['POST', '/v1/instances', { ...anInstance('theirs'), projectId: shop }],
    ['POST', '/v1/tokens', { projectId: shop, role: 'viewer', name: 'spy' }],
  ];

  it('do not exist for a stranger, whatever is asked of them', async () => {
    for (const [method, path, body] of routes()) {
      const answer = await api.call(method, path, body, { token: tokens.stranger });
      expect([method, path, answer.status, answer.body['code']]).toEqual([method, path, 404, 'not-found']);
    }
    expect((await api.call('GET', `/v1/instances/${instance}`)).body['name']).toBe('web');
  });

  it('are in no listing of a stranger', async () => {
    for (const path of ['/v1/instances', '/v1/operations', '/v1/usage']) {
      const { body } = await api.call('GET', path, undefined, { token: tokens.stranger });
      expect([path, body['items']]).toEqual([path, []]);
    }
    const { body } = await api.call('GET', '/v1/projects', undefined, { token: tokens.stranger });
    expect(body['items'].map(({ name }: { name: string }) => name)).toEqual(['strangers']);
  });
});

describe('roles', () => {
  const as = (role: keyof typeof tokens, method: string, path: string, body?: object) =>
    api.call(method, path, body, { token: tokens[role] }).then(({ status }) => status);

  it('let a viewer read and change nothing', async () => {
    expect(await as('viewer', 'GET', `/v1/instances/${instance}`)).toBe(200);
    expect(await as('viewer', 'POST', '/v1/instances', anInstance('v'))).toBe(403);
    expect(await as('viewer', 'PATCH', `/v1/instances/${instance}`, { name: 'v' })).toBe(403);
    expect(await as('viewer', 'DELETE', `/v1/instances/${instance}`)).toBe(403);
    expect(await as('viewer', 'POST', `/v1/instances/${instance}/actions/stop`)).toBe(403);
    expect(await as('viewer', 'POST', `/v1/instances/${instance}/resize`, { plan: 'ecs-2c2g' })).toBe(403);
  });

  it('keep tokens and the audit for owners, and the cloud for admins', async () => {
    const token = { role: 'viewer', name: 'x' };
    expect(await as('member', 'POST', '/v1/tokens', token)).toBe(403);
    expect(await as('member', 'GET', '/v1/tokens')).toBe(403);
    expect(await as('member', 'GET', '/v1/audit')).toBe(403);
    expect(await as('owner', 'POST', '/v1/tokens', token)).toBe(201);
    expect(await as('owner', 'GET', '/v1/audit')).toBe(200);
    for (const path of ['/v1/hosts', '/v1/ip-pools']) expect(await as('owner', 'GET', path)).toBe(403);
    expect(await as('owner', 'POST', '/v1/hosts', aHost('h'))).toBe(403);
    expect(await as('owner', 'POST', '/v1/projects', { name: 'p' })).toBe(403);
    expect(await as('owner', 'PATCH', `/v1/quotas/${shop}`, { vcpus: 1 })).toBe(403);
    expect(await as('owner', 'PATCH', '/v1/plans/ecs-1c1g', { diskGib: 1 })).toBe(403);
  });

  it('show hosts to admins only', async () => {
    const seen = (token?: string) =>
      api.call('GET', `/v1/instances/${instance}`, undefined, token === undefined ? {} : { token });
    expect((await seen()).body['hostId']).toMatch(/^h-/);
    expect((await seen(tokens.owner)).body).not.toHaveProperty('hostId');
    const dry = await api.call(
      'POST',
      '/v1/instances',
      { ...anInstance(), dryRun: true },
      { token: tokens.owner },
    );
    expect(dry.status).toBe(200);
    expect(dry.body).not.toHaveProperty('hostId');
  });

  it('let an admin act for a project', async () => {
    const made = await api.call('POST', `/v1/instances?project=${shop}`, anInstance('for-them'));
    expect(made).toMatchObject({ status: 202, body: { instance: { projectId: shop } } });
    const odd = await api.call(
      'POST',
      '/v1/instances?project=prj-0123456789abcdefghjk',
      anInstance('nowhere'),
    );
    expect(odd.status).toBe(404);
  });
});

describe('tokens', () => {
  it('are shown once, kept only as a hash, and refused soon after they are revoked', async () => {
    const issued = await api.call('POST', '/v1/tokens', { projectId: shop, role: 'member', name: 'short' });
    expect(issued.body['token']).toMatch(/^bws_[\w-]{43}$/);
    const { body: listed, text } = await api.call('GET', `/v1/tokens?project=${shop}`);
    expect(listed['items'].map(({ id }: { id: string }) => id)).toContain(issued.body['id']);
    expect(text).not.toContain('bws_');
    const use = () => api.call('GET', '/v1/plans', undefined, { token: issued.body['token'] });
    expect((await use()).status).toBe(200);
    expect((await api.call('DELETE', `/v1/tokens/${issued.body['id']}`)).status).toBe(204);
    const revokedAt = Date.now();
    while ((await use()).status === 200) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(Date.now() - revokedAt).toBeLessThan(5_000);
  }, 15_000);

  it('end when they say', async () => {
    const past = { projectId: shop, role: 'viewer', name: 'past', expiresAt: '2020-01-01T00:00:00Z' };
    expect(await api.call('POST', '/v1/tokens', past)).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/expiresAt' }] },
    });
    const expiresAt = new Date(Date.now() + 700).toISOString();
    const issued = await api.call('POST', '/v1/tokens', {
      projectId: shop,
      role: 'viewer',
      name: 'brief',
      expiresAt,
    });
    const use = () => api.call('GET', '/v1/plans', undefined, { token: issued.body['token'] });
    expect((await use()).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect((await use()).status).toBe(401);
  });
});

describe('quotas', () => {
  it('refuse what would pass them, and count what is there', async () => {
    const { id, token } = await api.project('small');
    expect(
      (await api.call('PATCH', `/v1/quotas/${id}`, { instances: 2, vcpus: 3 })).body['limit'],
    ).toMatchObject({
      instances: 2,
      vcpus: 3,
    });
    const member = await token('member');
    const make = (plan: string) =>
      api.call('POST', '/v1/instances', { ...anInstance('q'), plan }, { token: member });
    expect((await make('ecs-2c2g')).status).toBe(202);
    expect(await make('ecs-2c2g')).toMatchObject({ status: 403, body: { code: 'over-quota' } });
    expect((await make('ecs-1c1g')).status).toBe(202);
    expect(await make('ecs-1c1g')).toMatchObject({ status: 403, body: { code: 'over-quota' } });
    const { body } = await api.call('GET', `/v1/quotas/${id}`, undefined, { token: member });
    expect(body['used']).toMatchObject({ instances: 2, vcpus: 3, ramMib: 3072 });
  });
});

describe('the rate limit', () => {
  it('says what is left, and when to come back', async () => {
    const strict = await TestApi.start({ BELLOWS_RATE_LIMIT: '5' });
    try {
      const answers = await Promise.all(Array.from({ length: 20 }, () => strict.call('GET', '/v1/plans')));
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThanOrEqual(10);
      expect(refused[0]!.body).toMatchObject({ code: 'rate-limited', limit: 5 });
      expect(refused[0]!.headers.get('retry-after')).toBe('1');
      expect(answers[0]!.headers.get('ratelimit-limit')).toBe('5');
      expect((await strict.call('GET', '/healthz')).status).toBe(200);
    } finally {
      await strict.close();
    }
  }, 30_000);
});

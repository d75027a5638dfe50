import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aHost, anInstance, TestApi } from './api.fixture.js';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
  expect((await api.call('POST', '/v1/hosts', aHost())).status).toBe(201);
}, 60_000);
afterAll(() => api.close(), 30_000);

const ids = { operation: /^op-[0-9a-z]{20}$/, instance: /^i-[0-9a-z]{20}$/ };

async function running(name: string): Promise<{ id: string; etag: string }> {
  const { body } = await api.call('POST', '/v1/instances', anInstance(name));
  await api.work(body['operation'].id);
  const { headers } = await api.call('GET', `/v1/instances/${body['instance'].id}`);
  return { id: body['instance'].id, etag: headers.get('etag')! };
}

describe('long work', () => {
  it('is accepted at once, with an operation to follow until it has ended', async () => {
    const { status, headers, body } = await api.call('POST', '/v1/instances', anInstance('one'));
    expect(status).toBe(202);
    expect(body).toMatchObject({
      operation: { id: expect.stringMatching(ids.operation), kind: 'instance.create', state: 'pending' },
      instance: {
        id: expect.stringMatching(ids.instance),
        name: 'one',
        state: 'provisioning',
        plan: 'ecs-1c1g',
      },
    });
    const { operation, instance } = body as { operation: { id: string }; instance: { id: string } };
    expect(headers.get('location')).toBe(`/v1/operations/${operation.id}`);

    const ended = api.call('GET', `/v1/operations/${operation.id}?wait=30`);
    const started = Date.now();
    await api.work(operation.id);
    const { body: seen } = await ended;
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(seen).toMatchObject({
      id: operation.id,
      state: 'succeeded',
      resource: { kind: 'instance', id: instance.id },
      finishedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    expect(seen['steps'].every((step: { state: string }) => step.state === 'done')).toBe(true);

    const { body: shown } = await api.call('GET', `/v1/instances/${instance.id}`);
    const size = { vcpus: 1, ramMib: 1024, diskGib: 20 };
    expect(shown).toMatchObject({
      state: 'running',
      size: { desired: size, reserved: size, held: size, effective: size },
      docker: { state: 'starting', endpoint: `/v1/instances/${instance.id}/docker` },
      createdAt: expect.stringMatching(/Z$/),
    });
    expect(shown['addresses'].map(({ kind }: { kind: string }) => kind).sort()).toEqual([
      'private',
      'public',
    ]);
  }, 20_000);

  it('says what a resize would do and cost, does it, and refuses it to a fixed slice', async () => {
    const { id } = await running('grows');
    const plan = await api.call('POST', `/v1/instances/${id}/resize-plans`, { plan: 'ecs-2c2g' });
    expect(plan.status).toBe(200);
    expect(plan.body).toMatchObject({
      impact: 'live',
      from: { vcpus: 1, ramMib: 1024 },
      to: { vcpus: 2, ramMib: 2048 },
      price: { before: '0.0105', after: '0.0210', deltaPerHour: '0.0105' },
    });
    const resize = await api.call('POST', `/v1/instances/${id}/resize`, { resizePlanId: plan.body['id'] });
    expect(resize.status).toBe(202);
    const busy = await api.call('POST', `/v1/instances/${id}/actions/stop`);
    expect(busy).toMatchObject({
      status: 409,
      body: { code: 'busy', operationId: resize.body['operation'].id },
    });
    await api.work(resize.body['operation'].id);
    const { body } = await api.call('GET', `/v1/instances/${id}`);
    expect(body['size'].effective).toMatchObject({ vcpus: 2, ramMib: 2048 });

    const fixed = await api.call('POST', '/v1/instances', { ...anInstance('fixed'), plan: 'vps-1c1g' });
    await api.work(fixed.body['operation'].id);
    const refused = await api.call('POST', `/v1/instances/${fixed.body['instance'].id}/resize`, {
      plan: 'vps-2c4g',
    });
    expect(refused).toMatchObject({ status: 409, body: { code: 'not-elastic' } });
  }, 20_000);

  it('says what a create would cost without making it', async () => {
    const before = await api.call('GET', '/v1/instances');
    const dry = await api.call('POST', '/v1/instances', { ...anInstance('dry'), count: 2, dryRun: true });
    expect(dry).toMatchObject({ status: 200, body: { fits: true, count: 2, pricePerHour: '0.0210' } });
    const after = await api.call('GET', '/v1/instances');
    expect(after.body['items'].length).toBe(before.body['items'].length);
  });

  it('makes several at once, or none', async () => {
    const three = await api.call('POST', '/v1/instances', { ...anInstance('many'), count: 3 });
    expect(three.body['instances']).toHaveLength(3);
    const { body: before } = await api.call('GET', '/v1/quotas/prj-00000000000000000000');
    const much = { ...anInstance('huge'), plan: 'ecs-8c16g', count: 100 };
    expect(await api.call('POST', '/v1/instances', much)).toMatchObject({
      status: 409,
      body: { code: 'no-room', type: 'urn:bellows:problem:no-room' },
    });
    const { body: after } = await api.call('GET', '/v1/quotas/prj-00000000000000000000');
    expect(after['used']).toEqual(before['used']);
  });

  it('leaves nothing behind after a delete', async () => {
    const { id } = await running('gone');
    const { body: before } = await api.call('GET', '/v1/hosts');
    const { status, body } = await api.call('DELETE', `/v1/instances/${id}`);
    expect(status).toBe(202);
    await api.work(body['operation'].id);
    expect((await api.call('GET', `/v1/instances/${id}`)).status).toBe(404);
    const { body: after } = await api.call('GET', '/v1/hosts');
    const [was, is] = [before['items'][0], after['items'][0]];
    expect(is.instances).toBe(was.instances - 1);
    expect(is.reserved.ramMib).toBe(was.reserved.ramMib - 1024);
    expect(is.reserved.diskGib).toBe(was.reserved.diskGib - 20);
  }, 20_000);
});

describe('entity tags', () => {
  it('keep a change from being made to another version', async () => {
    const { id, etag } = await running('tagged');
    const change = (ifMatch: string, tags: object) =>
      api.call('PATCH', `/v1/instances/${id}`, { tags }, { headers: { 'if-match': ifMatch } });
    const first = await change(etag, { a: '1' });
    expect(first).toMatchObject({ status: 200, body: { tags: { a: '1' } } });
    expect(first.headers.get('etag')).not.toBe(etag);
    expect(await change(etag, { a: '2' })).toMatchObject({ status: 412, body: { code: 'precondition' } });
    expect((await change('*', { a: '3' })).status).toBe(200);
    const { body, headers } = await api.call('GET', `/v1/instances/${id}`);
    expect(body['tags']).toEqual({ a: '3' });
    expect(headers.get('etag')).toBe(`"${body['version']}"`);
  }, 20_000);
});

describe('lists', () => {
  it('come in pages that miss nothing and repeat nothing', async () => {
    const all = (await api.call('GET', '/v1/instances?limit=500')).body['items'].map(
      ({ id }: { id: string }) => id,
    );
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const more: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await api.call('GET', `/v1/instances?limit=2${more}`);
      seen.push(...body['items'].map(({ id }: { id: string }) => id));
      cursor = body['nextCursor'];
    } while (cursor !== null);
    expect(all.length).toBeGreaterThan(4);
    expect(seen).toEqual(all);
  });

  it('take filters, and no others', async () => {
    const named = await api.call('GET', '/v1/instances?name=one&state=running');
    expect(named.body['items'].map(({ name }: { name: string }) => name)).toEqual(['one']);
    expect(await api.call('GET', '/v1/instances?colour=red')).toMatchObject({
      status: 400,
      body: { code: 'invalid', errors: [{ pointer: '/colour' }] },
    });
  });
});

describe('hosts', () => {
  it('are known by one name, take no guests when cordoned, and leave when they have none', async () => {
    const made = await api.call('POST', '/v1/hosts', {
      ...aHost('rack-2'),
      cpuOvercommit: 2,
      zone: 'zone-2',
    });
    expect(made).toMatchObject({
      status: 201,
      body: {
        state: 'ready',
        capacity: { vcpus: 32, ramMib: 65_536, diskGib: 2048 },
        reserved: { vcpus: 0, ramMib: 0, diskGib: 0 },
        overcommit: { vcpus: 2, ramMib: 1, diskGib: 1 },
      },
    });
    const { id } = made.body as { id: string };
    expect(await api.call('POST', '/v1/hosts', aHost('rack-2'))).toMatchObject({
      status: 409,
      body: { code: 'conflict', hostId: id },
    });
    const cordoned = await api.call('POST', `/v1/hosts/${id}/actions/cordon`);
    expect(cordoned.body['state']).toBe('cordoned');
    const placed = await api.call('POST', '/v1/instances', { ...anInstance('two'), zone: 'zone-2' });
    expect(placed).toMatchObject({ status: 409, body: { code: 'no-room' } });
    expect((await api.call('POST', `/v1/hosts/${id}/actions/uncordon`)).body['state']).toBe('ready');
    expect((await api.call('DELETE', `/v1/hosts/${id}`)).status).toBe(204);
    expect((await api.call('GET', `/v1/hosts/${id}`)).status).toBe(404);
    expect((await api.call('POST', '/v1/hosts', aHost('rack-2'))).status).toBe(201);
  });

  it('stay while they have instances', async () => {
    const { body } = await api.call('GET', '/v1/hosts');
    const used = body['items'].find(({ instances }: { instances: number }) => instances > 0);
    expect(await api.call('DELETE', `/v1/hosts/${used.id}`)).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    });
    expect((await api.call('GET', `/v1/hosts/${used.id}`)).body['state']).toBe('ready');
  });

  it('of another controller are refused', async () => {
    const { drivers } = api.cloud;
    const ref = { id: 'h-00000000000000000000' as never, driver: 'sim', uri: 'sim:theirs' } as const;
    await api
      .call('POST', '/v1/hosts', aHost('theirs'))
      .then(({ body }) => api.call('DELETE', `/v1/hosts/${body['id']}`));
    await drivers.sim!.ensureEnrolled(ref, 'another-cloud');
    expect(await api.call('POST', '/v1/hosts', aHost('theirs'))).toMatchObject({
      status: 409,
      body: { code: 'conflict', reason: 'foreign-owner' },
    });
  });
});

describe('the rest of the contract', () => {
  it('sells the first catalogue', async () => {
    const { body } = await api.call('GET', '/v1/plans');
    expect(body['items'].map(({ id }: { id: string }) => id).sort()).toEqual(
      [
        'ecs-1c1g',
        'ecs-2c2g',
        'ecs-2c4g',
        'ecs-4c4g',
        'ecs-4c8g',
        'ecs-8c16g',
        'vps-1c1g',
        'vps-2c4g',
      ].sort(),
    );
    const images = await api.call('GET', '/v1/images');
    expect(images.body['items'].map(({ name }: { name: string }) => name).sort()).toEqual([
      'debian-12',
      'debian-12-micro',
    ]);
  });

  it('meters what is held, and writes down who did what', async () => {
    const usage = await api.call('GET', '/v1/usage?limit=500');
    expect(usage.body['items']).toContainEqual(
      expect.objectContaining({
        plan: 'ecs-1c1g',
        until: null,
        held: { vcpus: 1, ramMib: 1024, diskGib: 20 },
      }),
    );
    const audit = await api.call('GET', '/v1/audit?limit=500');
    const actions = new Set(audit.body['items'].map(({ action }: { action: string }) => action));
    for (const action of [
      'host.enrol',
      'host.cordon',
      'instance.create',
      'instance.resize',
      'instance.delete',
    ]) {
      expect(actions).toContain(action);
    }
  });

  it('has no route of a later issue', async () => {
    for (const path of ['/v1/volumes', '/v1/events', '/v1/invoices', '/v1/sim/faults', '/v1/fleet']) {
      expect((await api.call('GET', path)).status).toBe(404);
    }
  });

  it('is open about its health, and about nothing else', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs']) {
      expect((await api.call('GET', path, undefined, { token: null })).status).toBe(200);
    }
    const metrics = await api.call('GET', '/metrics', undefined, { token: null });
    expect(metrics.text).toContain(
      'bellows_http_request_duration_seconds_count{method="POST",route="/v1/instances"',
    );
    expect(metrics.text).toContain('bellows_refusals_total{code="no-room"}');
    expect(metrics.text).toContain('nodejs_eventloop_lag');
    const docs = await api.call('GET', '/docs', undefined, { token: null });
    expect(docs.headers.get('content-security-policy')).toContain("script-src 'self'");
  });

  it('hands the request id on, and makes one when there is none or a bad one', async () => {
    const given = await api.call('GET', '/v1/plans', undefined, { headers: { 'x-request-id': 'mine-1' } });
    expect(given.headers.get('x-request-id')).toBe('mine-1');
    const bad = await api.call('GET', '/v1/plans', undefined, { headers: { 'x-request-id': 'a b"c' } });
    expect(bad.headers.get('x-request-id')).toMatch(/^[\w-]{16}$/);
  });
});

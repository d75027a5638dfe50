import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Change } from '@bellows/operations/ports/store';
import { nothing } from '@bellows/domain/size';
import {
  aHost,
  aPool,
  aProject,
  aToken,
  anImage,
  newId,
  operationOn,
  planNamed,
  plenty,
  size,
  someTime,
} from '@bellows/testkit/rows';
import { finish, ok, testCloud } from '../cloud.fixture.js';
import type { TestCloud } from '../cloud.fixture.js';

const no = (why: string) => ({ ok: false, why });

describe('commit', () => {
  let cloud: TestCloud;
  beforeEach(async () => {
    cloud = await testCloud();
  });
  afterEach(() => cloud.close());
  const commit = (...changes: Change[]) => cloud.store.commit(changes);

  it('makes all changes or none', async () => {
    const token = aToken();
    expect(
      await commit(
        { change: 'insert-token', token, secretHash: 's' },
        { change: 'event', event: { type: 't', projectId: null, resource: 'r', data: 1, at: 1 } },
        { change: 'claim-host', hostId: cloud.host.id, delta: size(1, 1, 1) },
        {
          change: 'claim-quota',
          projectId: cloud.project.id,
          delta: { ...plenty, instances: plenty.instances + 1 },
        },
      ),
    ).toEqual(no('over-quota'));
    expect(await cloud.store.tokenBySecretHash('s')).toBeNull();
    expect(await cloud.sql('SELECT 1 FROM event')).toEqual([]);
    expect((await cloud.store.host(cloud.host.id))!.reserved).toEqual(nothing);
  });

  describe('instances', () => {
    it('are updated under expectations of state and version', async () => {
      const { instance } = await cloud.admitted();
      const update = (expect: { states?: ('running' | 'provisioning')[]; version?: number }): Change => ({
        change: 'update-instance',
        id: instance.id,
        expect,
        set: {
          state: 'running',
          held: instance.desired,
          floor: { vcpus: 2, ramMib: 2 },
          tags: { a: 'b' },
          conditions: [],
        },
      });
      expect(await commit(update({ states: ['running'] }))).toEqual(no('state'));
      expect(await commit(update({ version: 7 }))).toEqual(no('version'));
      expect(await commit(update({ states: ['provisioning', 'running'], version: 1 }))).toEqual(ok);
      const stored = (await cloud.store.instance(instance.id))!;
      expect(stored).toEqual({
        ...instance,
        state: 'running',
        held: instance.desired,
        floor: { vcpus: 2, ramMib: 2 },
        tags: { a: 'b' },
        version: 2,
        updatedAt: stored.updatedAt,
      });
      expect(Math.abs(stored.updatedAt - Date.now())).toBeLessThan(60_000);
      expect(await commit({ change: 'update-instance', id: newId('instance'), set: { name: 'x' } })).toEqual(
        no('not-found'),
      );
    });

    it('lose one of two updates made on the same version', async () => {
      const { instance } = await cloud.admitted();
      const rename = (name: string) =>
        commit({ change: 'update-instance', id: instance.id, expect: { version: 1 }, set: { name } });
      const results = await Promise.all([rename('a'), rename('b'), rename('c')]);
      expect(results.filter((r) => r.ok)).toHaveLength(1);
      expect(results.filter((r) => !r.ok && r.why === 'version')).toHaveLength(2);
    });
  });

  describe('operations', () => {
    it('are one live an instance; the refusal names the other', async () => {
      const { instance, operation } = await cloud.admitted();
      const resize = operationOn(instance);
      expect(await commit({ change: 'insert-operation', operation: resize })).toEqual({
        ...no('busy'),
        operationId: operation.id,
      });
      expect(await commit(finish(operation), { change: 'insert-operation', operation: resize })).toEqual(ok);
      expect(await cloud.store.liveOperation(instance.id)).toEqual(resize);
      expect(await commit(finish(resize), { change: 'insert-operation', operation: resize })).toEqual(
        no('exists'),
      );
    });

    it('of 20 that come at once, one is taken and 19 are told its id', async () => {
      const { instance, operation } = await cloud.admitted();
      await cloud.made([finish(operation)]);
      const all = Array.from({ length: 20 }, () => operationOn(instance));
      const results = await Promise.all(all.map((o) => commit({ change: 'insert-operation', operation: o })));
      const winner = all[results.findIndex((r) => r.ok)]!;
      expect(results.filter((r) => r.ok)).toHaveLength(1);
      expect(results.filter((r) => !r.ok)).toEqual(Array(19).fill({ ...no('busy'), operationId: winner.id }));
    });

    it('let one delete queue behind, and nothing behind a delete', async () => {
      const { instance } = await cloud.admitted();
      const gone = operationOn(instance, { kind: 'instance.delete' });
      expect(await commit({ change: 'insert-operation', operation: gone })).toEqual(ok);
      const busy = { ...no('busy'), operationId: gone.id };
      const second = operationOn(instance, { kind: 'instance.delete' });
      expect(await commit({ change: 'insert-operation', operation: second })).toEqual(busy);
      const { instance: other, operation } = await cloud.admitted();
      const deleting = operationOn(other, { kind: 'instance.delete' });
      await cloud.made([finish(operation), { change: 'insert-operation', operation: deleting }]);
      expect(await commit({ change: 'insert-operation', operation: operationOn(other) })).toEqual({
        ...no('busy'),
        operationId: deleting.id,
      });
    });

    it('end once, under the fence of their last lease', async () => {
      const { operation } = await cloud.admitted();
      const lease = await cloud.store.lease(operation.id, 'w', 60_000, { 'instance.create': [1] });
      expect(await commit(finish(operation, 0))).toEqual(no('fence'));
      expect(await commit(finish(operation, lease!.operation.fence))).toEqual(ok);
      expect(await commit(finish(operation, lease!.operation.fence))).toEqual(no('fence'));
      expect(await commit(finish({ ...operation, id: newId('operation') }))).toEqual(no('not-found'));
      expect(await cloud.store.operation(operation.id)).toMatchObject({
        state: 'succeeded',
        confirmedBy: 'guest',
      });
      expect(await commit({ change: 'request-cancel', id: operation.id, dueAt: 1 })).toEqual(no('state'));
    });

    it('are asked to cancel, and come due for it', async () => {
      const { operation } = await cloud.admitted();
      expect(await commit({ change: 'request-cancel', id: operation.id, dueAt: 5 })).toEqual(ok);
      expect(await cloud.store.operation(operation.id)).toMatchObject({ cancelRequested: true, dueAt: 5 });
      expect(await commit({ change: 'request-cancel', id: newId('operation'), dueAt: 5 })).toEqual(
        no('not-found'),
      );
    });
  });

  describe('claims', () => {
    const claim = (delta: ReturnType<typeof size>, instances?: number): Change => ({
      change: 'claim-host',
      hostId: cloud.host.id,
      delta,
      instances,
    });

    it('fit the capacity in every dimension, and may shrink on a host that is not ready', async () => {
      const { capacity } = cloud.host;
      expect(await commit(claim(capacity, 3))).toEqual(ok);
      for (const one of [size(1, 0, 0), size(0, 1, 0), size(0, 0, 1)])
        expect(await commit(claim(one))).toEqual(no('no-room'));
      expect(await commit(claim(size(-1, 1, 0)))).toEqual(no('no-room'));
      await cloud.made([{ change: 'update-host', id: cloud.host.id, set: { state: 'cordoned' } }]);
      expect(await commit(claim(size(-2, -2, 0), -1))).toEqual(ok);
      expect(await commit(claim(size(1, -1, 0)))).toEqual(no('no-room'));
      expect(await cloud.store.host(cloud.host.id)).toMatchObject({
        reserved: size(capacity.vcpus - 2, capacity.ramMib - 2, capacity.diskGib),
        instances: 2,
      });
    });

    it('below nothing are a broken promise: thrown, not made', async () => {
      await expect(commit(claim(size(-1, 0, 0)))).rejects.toMatchObject({ code: '23514' });
      await expect(commit(claim(nothing, -1))).rejects.toMatchObject({ code: '23514' });
      const delta = { instances: -1, vcpus: 0, ramMib: 0, diskGib: 0 };
      await expect(
        commit({ change: 'claim-quota', projectId: cloud.project.id, delta }),
      ).rejects.toMatchObject({ code: '23514' });
    });

    it('of two hosts at once, crosswise and many times, never deadlock for good', async () => {
      const other = aHost();
      await cloud.made([{ change: 'insert-host', host: other }]);
      const move = (from: string, to: string): Change[] =>
        [from, to].map((hostId) => ({
          change: 'claim-host',
          hostId: hostId as typeof other.id,
          delta: size(1, 1, 1),
          instances: 1,
        }));
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          commit(...(n % 2 ? move(cloud.host.id, other.id) : move(other.id, cloud.host.id))),
        ),
      );
      expect(results).toEqual(Array(40).fill(ok));
      expect(await cloud.store.host(other.id)).toMatchObject({ instances: 40, reserved: size(40, 40, 40) });
    });

    it('of one host named twice are added up', async () => {
      expect(await commit(claim(size(2, 2, 2), 1), claim(size(-1, 1, 0), 1))).toEqual(ok);
      expect(await cloud.store.host(cloud.host.id)).toMatchObject({ reserved: size(1, 3, 2), instances: 2 });
    });

    it('on what is not there are refused', async () => {
      expect(await commit({ change: 'claim-host', hostId: newId('host'), delta: size(1, 1, 1) })).toEqual(
        no('not-found'),
      );
      expect(await commit({ change: 'claim-quota', projectId: newId('project'), delta: plenty })).toEqual(
        no('not-found'),
      );
    });
  });

  it('cuts usage: closes and opens on a change of size or plan, and only then', async () => {
    const { instance } = await cloud.admitted();
    const cut = (at: number, held: ReturnType<typeof size> | null, planId = 'ecs-1c1g'): Change => ({
      change: 'cut-usage',
      ...{ instanceId: instance.id, projectId: cloud.project.id, planId, held, at },
    });
    for (const change of [
      cut(100, size(1, 1024, 20)),
      cut(150, size(1, 1024, 20)),
      cut(200, size(2, 2048, 20)),
      cut(300, size(2, 2048, 20), 'ecs-2c2g'),
      cut(250, size(1, 1024, 20)),
      cut(400, null),
      cut(500, null),
    ])
      await cloud.made([change]);
    const { items } = await cloud.store.usage({ limit: 9, cursor: null, instanceId: instance.id });
    expect(items.map((i) => [i.from, i.until, i.held.vcpus, i.planId])).toEqual([
      [100, 200, 1, 'ecs-1c1g'],
      [200, 300, 2, 'ecs-1c1g'],
      [300, 300, 2, 'ecs-2c2g'],
      [300, 400, 1, 'ecs-1c1g'],
    ]);
    const inside = await cloud.store.usage({
      limit: 9,
      cursor: null,
      projectId: cloud.project.id,
      from: 150,
      until: 300,
    });
    expect(inside.items.map((i) => i.from)).toEqual([100, 200]);
  });

  it('keeps one answer a key, whichever of many comes first', async () => {
    const keep = (n: number): Change => ({
      change: 'keep-answer',
      idempotency: { scope: 's', key: 'k', requestHash: `h${n}` },
      answer: { status: 202, body: { n } },
      at: someTime,
    });
    const results = await Promise.all(Array.from({ length: 10 }, (_, n) => commit(keep(n))));
    const winner = results.findIndex((r) => r.ok);
    expect(results.filter((r) => !r.ok)).toEqual(Array(9).fill(no('idempotency')));
    expect(await cloud.store.keptAnswer('s', 'k')).toEqual({
      requestHash: `h${winner}`,
      answer: { status: 202, body: { n: winner } },
    });
  });

  it('inserts projects and tokens once, sets quotas, revokes', async () => {
    const project = aProject();
    const insert: Change = { change: 'insert-project', project, quota: plenty };
    expect(await commit(insert)).toEqual(ok);
    expect(await commit({ ...insert, project: aProject({ name: project.name }) })).toEqual(no('exists'));
    expect(
      await commit({
        change: 'set-quota',
        projectId: project.id,
        limit: { ...plenty, vcpus: 3 },
        registryMib: 5,
      }),
    ).toEqual(ok);
    expect(
      await commit({ change: 'set-quota', projectId: newId('project'), limit: plenty, registryMib: 1 }),
    ).toEqual(no('not-found'));
    expect(await cloud.store.quota(project.id)).toEqual({
      projectId: project.id,
      limit: { ...plenty, vcpus: 3 },
      used: { instances: 0, ...nothing },
      registryLimitMib: 5,
    });
    const token = aToken({ projectId: project.id, role: 'member', expiresAt: 9 });
    expect(await commit({ change: 'insert-token', token, secretHash: 'hash' })).toEqual(ok);
    expect(await commit({ change: 'insert-token', token: aToken(), secretHash: 'hash' })).toEqual(
      no('exists'),
    );
    expect(
      await commit({
        change: 'insert-token',
        token: aToken({ projectId: newId('project') }),
        secretHash: 'x',
      }),
    ).toEqual(no('not-found'));
    expect(await cloud.store.tokenBySecretHash('hash')).toEqual(token);
    await cloud.made([{ change: 'revoke-token', id: token.id, at: 77 }]);
    await cloud.made([{ change: 'revoke-token', id: token.id, at: 99 }]);
    expect(await cloud.store.tokenBySecretHash('hash')).toEqual({ ...token, revokedAt: 77 });
    expect(await commit({ change: 'revoke-token', id: newId('token'), at: 1 })).toEqual(no('not-found'));
  });

  it('inserts, changes and deletes hosts; not one that has instances', async () => {
    const host = aHost({ overcommit: { vcpus: 1.5, ramMib: 1, diskGib: 1 } });
    expect(await commit({ change: 'insert-host', host })).toEqual(ok);
    expect(await cloud.store.host(host.id)).toEqual(host);
    expect(await commit({ change: 'insert-host', host: aHost({ name: host.name }) })).toEqual(no('exists'));
    expect(await commit({ change: 'insert-host', host: aHost({ uri: host.uri }) })).toEqual(no('exists'));
    const conditions = [{ type: 'unreachable', message: 'm', since: 1 }];
    await cloud.made([
      { change: 'update-host', id: host.id, set: { state: 'down', conditions, foreign: size(1, 2, 3) } },
    ]);
    expect(await cloud.store.host(host.id)).toEqual({
      ...host,
      state: 'down',
      conditions,
      foreign: size(1, 2, 3),
    });
    expect(await commit({ change: 'update-host', id: newId('host'), set: { state: 'down' } })).toEqual(
      no('not-found'),
    );
    expect(await commit({ change: 'delete-host', id: host.id })).toEqual(ok);
    expect(await commit({ change: 'delete-host', id: host.id })).toEqual(no('not-found'));
    await cloud.admitted();
    expect(await commit({ change: 'delete-host', id: cloud.host.id })).toEqual(no('in-use'));
  });

  it('keeps pools from overlapping, and from being deleted while in use', async () => {
    expect(
      await commit({ change: 'insert-ip-pool', pool: aPool({ cidr: '10.65.0.0/16', gateway: '10.65.0.1' }) }),
    ).toEqual(no('exists'));
    for (const cidr of ['10.0.0/8', 'fd00::/64', '192.0.2.1/24', 'x']) {
      expect(await commit({ change: 'insert-ip-pool', pool: aPool({ cidr, gateway: '192.0.2.1' }) })).toEqual(
        no('invalid'),
      );
    }
    const { instance } = await cloud.admitted({ privatePool: cloud.pool });
    expect(await commit({ change: 'delete-ip-pool', id: cloud.pool.id })).toEqual(no('in-use'));
    await cloud.made([{ change: 'release-addresses', instanceId: instance.id }]);
    expect(await commit({ change: 'delete-ip-pool', id: cloud.pool.id })).toEqual(ok);
    expect(await commit({ change: 'delete-ip-pool', id: cloud.pool.id })).toEqual(no('not-found'));
  });

  it('puts plans and images', async () => {
    const plan = planNamed('ecs-1c1g');
    expect(await commit({ change: 'put-plan', plan, mode: 'insert' })).toEqual(ok);
    expect(await commit({ change: 'put-plan', plan, mode: 'insert' })).toEqual(no('exists'));
    const dearer = { ...plan, pricePerHour: '0.0200' };
    expect(await commit({ change: 'put-plan', plan: dearer, mode: 'replace' })).toEqual(ok);
    expect(await cloud.store.plans()).toEqual([dearer]);
    const image = anImage();
    await cloud.made([{ change: 'put-image', image }]);
    await cloud.made([{ change: 'put-image', image: anImage({ name: image.name, diskFormat: 'raw' }) }]);
    expect(await cloud.store.images()).toEqual([{ ...image, diskFormat: 'raw' }]);
  });

  it('refuses text that no database keeps', async () => {
    const { instance } = await cloud.admitted();
    for (const set of [{ name: 'a\0b' }, { tags: { a: '\0' } }, { tags: { a: '\ud800' } }]) {
      expect(await commit({ change: 'update-instance', id: instance.id, set })).toEqual(no('invalid'));
    }
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BadCursorError } from '@bellows/operations/ports/store-errors';
import type { Page, PageAsk } from '@bellows/operations/ports/store';
import { aHost, aProject, newId, plenty, size, someTime } from '@bellows/testkit/rows';
import { anInstance, operationOn } from '@bellows/testkit/rows';
import { finish, testCloud } from './cloud.fixture.js';
import type { TestCloud } from './cloud.fixture.js';

async function all<Item>(read: (ask: PageAsk) => Promise<Page<Item>>, limit: number): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | null = null; ;) {
    const page: Page<Item> = await read({ limit, cursor });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    cursor = page.nextCursor;
  }
}

describe('reads', () => {
  let cloud: TestCloud;
  beforeEach(async () => {
    cloud = await testCloud();
  });
  afterEach(() => cloud.close());

  async function tenInstances() {
    const base = cloud.admission({ count: 10 });
    // Four share one moment: the id decides among them.
    const guests = base.guests.map((guest, n) => {
      const instance = { ...guest.instance, createdAt: someTime + (n < 4 ? 0 : n) };
      return { ...guest, instance, operation: { ...guest.operation, createdAt: instance.createdAt } };
    });
    const [result] = await cloud.store.admitCreates([{ ...base, guests }]);
    if (!result?.ok) throw new Error('refused');
    return result.guests;
  }

  it.each([[1], [3], [10], [500]])(
    'page through everything once and in order, %i at a time',
    async (limit) => {
      const guests = await tenInstances();
      const sorted = guests
        .map(({ instance }) => instance)
        .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
      expect(await all((ask) => cloud.store.instances(ask), limit)).toEqual(sorted);
      const operations = guests
        .map(({ operation }) => operation)
        .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
      expect(await all((ask) => cloud.store.operations(ask), limit)).toEqual(operations);
    },
  );

  it('keep their place while rows come and go', async () => {
    const guests = await tenInstances();
    const first = await cloud.store.instances({ limit: 5, cursor: null });
    await cloud.admitted();
    const gone = guests.map((g) => g.instance).find((i) => i.id === first.items[4]!.id)!;
    await cloud.made([{ change: 'update-instance', id: gone.id, set: { state: 'deleted', deletedAt: 1 } }]);
    const second = await cloud.store.instances({ limit: 100, cursor: first.nextCursor });
    const seen = [...first.items, ...second.items].map((i) => i.id);
    expect(new Set(seen).size).toBe(seen.length);
    // Newest first: what came after the first page was read is before it.
    expect(seen).toHaveLength(10);
  });

  it.each([
    ['x'],
    ['W10'],
    ['!!'],
    ['WzEsMl0'],
    ['W251bGwsImEiXQ'],
    ['WzEsImFcdTAwMDAiXQ'],
    [''],
    ['A'.repeat(500)],
  ])('refuse the cursor %p', async (cursor) => {
    await expect(cloud.store.instances({ limit: 5, cursor })).rejects.toThrow(BadCursorError);
  });

  it('filter instances, and leave deleted ones out unless asked', async () => {
    const [a, b] = (await tenInstances()).map((guest) => guest.instance);
    await cloud.made([
      {
        change: 'update-instance',
        id: a!.id,
        set: { tags: { env: 'prod', x: '1' }, state: 'running', name: 'web' },
      },
    ]);
    await cloud.made([{ change: 'update-instance', id: b!.id, set: { state: 'deleted', deletedAt: 5 } }]);
    const ids = async (ask: Partial<Parameters<TestCloud['store']['instances']>[0]>) =>
      (await cloud.store.instances({ limit: 100, cursor: null, ...ask })).items.map((i) => i.id);
    expect(await ids({ tag: { key: 'env', value: 'prod' } })).toEqual([a!.id]);
    expect(await ids({ tag: { key: 'env', value: 'test' } })).toEqual([]);
    expect(await ids({ name: 'web' })).toEqual([a!.id]);
    expect(await ids({ state: 'running' })).toEqual([a!.id]);
    expect(await ids({ state: 'deleted' })).toEqual([b!.id]);
    expect(
      await ids({ projectId: cloud.project.id, hostId: cloud.host.id, planId: 'ecs-1c1g' }),
    ).toHaveLength(9);
    expect(await ids({ projectId: newId('project') })).toEqual([]);
    expect(await cloud.store.instance(newId('instance'))).toBeNull();
    expect((await cloud.store.instance(b!.id))!.deletedAt).toBe(5);
  });

  it('know which hosts an anti-affinity group is on, and what a host holds', async () => {
    const ask = cloud.admission({ count: 2 });
    const instances = ask.guests.map(({ instance }) => ({ ...instance, antiAffinityGroup: 'g' }));
    const guests = ask.guests.map((guest, n) => ({ ...guest, instance: instances[n]! }));
    await cloud.store.admitCreates([{ ...ask, guests }]);
    expect(await cloud.store.groupHosts(cloud.project.id, 'g')).toEqual([cloud.host.id]);
    expect(await cloud.store.groupHosts(newId('project'), 'g')).toEqual([]);
    for (const { id } of instances)
      await cloud.made([{ change: 'update-instance', id, set: { held: size(2, 3, 4) } }]);
    expect(await cloud.store.heldOnHost(cloud.host.id)).toEqual(size(4, 6, 8));
    await cloud.made(instances.map(({ id }) => ({ change: 'update-instance', id, set: { deletedAt: 1 } })));
    expect(await cloud.store.groupHosts(cloud.project.id, 'g')).toEqual([]);
    expect(await cloud.store.heldOnHost(cloud.host.id)).toEqual(size(0, 0, 0));
  });

  it('filter operations, hosts, tokens and audit', async () => {
    const { instance, operation } = await cloud.admitted();
    await cloud.made([finish(operation), { change: 'insert-operation', operation: operationOn(instance) }]);
    const page = { limit: 10, cursor: null };
    const of = async (ask: object) => (await cloud.store.operations({ ...page, ...ask })).items.length;
    expect([
      await of({ instanceId: instance.id }),
      await of({ state: 'pending' }),
      await of({ kind: 'instance.create' }),
      await of({ projectId: newId('project') }),
    ]).toEqual([2, 1, 1, 0]);
    await cloud.made([{ change: 'insert-host', host: aHost({ zone: 'zone-2', state: 'down' }) }]);
    expect(await cloud.store.zones()).toEqual(['zone-1', 'zone-2']);
    expect((await cloud.store.hosts({ ...page, zone: 'zone-2' })).items).toHaveLength(1);
    expect((await cloud.store.hosts({ ...page, state: 'ready' })).items).toHaveLength(1);
    const entry = { actor: 'a', projectId: null, action: 'x', resource: 'r', requestId: 'q', at: 5 };
    await cloud.made([
      { change: 'audit', entry },
      { change: 'audit', entry: { ...entry, at: 4 } },
    ]);
    const audit = await all((ask) => cloud.store.audit(ask), 1);
    expect(audit.map((e) => e.at)).toEqual([someTime, 5, 4]);
    expect((await cloud.store.audit({ ...page, projectId: cloud.project.id })).items).toHaveLength(1);
  });

  it('know the cloud by one name that stays', async () => {
    const id = await cloud.store.controllerId();
    expect(id).toMatch(/^ctl-[0-9a-f]{32}$/);
    expect(await cloud.store.controllerId()).toBe(id);
    const other = await testCloud();
    expect(await other.store.controllerId()).not.toBe(id);
    await other.close();
  });

  it('an instance needs its project: the database says so', async () => {
    const stray = anInstance({ projectId: aProject().id, hostId: cloud.host.id });
    const ask = cloud.admission();
    const guests = [{ ...ask.guests[0]!, instance: stray, operation: operationOn(stray) }];
    expect(await cloud.store.admitCreates([{ ...ask, guests }])).toEqual([{ ok: false, why: 'not-found' }]);
    expect((await cloud.store.quota(cloud.project.id))!.limit).toEqual(plenty);
  });
});

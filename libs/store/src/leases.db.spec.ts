import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Operation } from '@bellows/operations/ports/rows';
import { newId, operationOn, someTime } from '@bellows/testkit/rows';
import { finish, testCloud } from './cloud.fixture.js';
import type { TestCloud } from './cloud.fixture.js';

const known = { 'instance.create': [1, 2], 'instance.delete': [1] };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('leases', () => {
  let cloud: TestCloud;
  let operation: Operation;
  beforeEach(async () => {
    cloud = await testCloud();
    ({ operation } = await cloud.admitted());
  });
  afterEach(() => cloud.close());
  const lease = (id = operation.id, ms = 60_000) => cloud.store.lease(id, 'worker', ms, known);

  it('are had by one of many workers at once', async () => {
    const leases = await Promise.all(Array.from({ length: 12 }, () => lease()));
    const [mine, ...more] = leases.filter((l) => l !== null);
    expect(more).toEqual([]);
    const { fence, startedAt } = mine!.operation;
    expect(mine!.operation).toEqual({ ...operation, state: 'running', attempt: 1, fence, startedAt });
    expect(fence).toBeGreaterThan(0);
    expect(mine!.leaseUntil - startedAt!).toBeGreaterThanOrEqual(60_000);
    expect(mine!.leaseUntil - startedAt!).toBeLessThan(61_000);
  });

  it('that ran out go to the next, with a higher fence; the first can then write nothing', async () => {
    const first = (await lease(operation.id, 40))!;
    expect(await lease()).toBeNull();
    await pause(60);
    const second = (await lease())!;
    expect(second.operation.fence).toBeGreaterThan(first.operation.fence);
    expect(second.operation).toMatchObject({ attempt: 2, startedAt: first.operation.startedAt });
    const [old, now] = [first.operation.fence, second.operation.fence];
    const steps = [{ name: 's', state: 'done', attempt: 1, startedAt: 1, finishedAt: 2 }] as const;

    expect(await cloud.store.renewLease(operation.id, old, 1000)).toBeNull();
    expect(await cloud.store.recordSteps(operation.id, old, steps)).toBe(false);
    expect(await cloud.store.commit([finish(operation, old)])).toEqual({ ok: false, why: 'fence' });
    await cloud.store.releaseLease(operation.id, old, 7);
    expect(await cloud.store.operation(operation.id)).toEqual(second.operation);

    expect(await cloud.store.recordSteps(operation.id, now, steps)).toBe(true);
    expect((await cloud.store.operation(operation.id))!.steps).toEqual(steps);
    const renewed = (await cloud.store.renewLease(operation.id, now, 120_000))!;
    expect(renewed.leaseUntil).toBeGreaterThan(second.leaseUntil);
    expect(renewed.cancelRequested).toBe(false);
    await cloud.made([{ change: 'request-cancel', id: operation.id, dueAt: 1 }]);
    expect((await cloud.store.renewLease(operation.id, now, 120_000))!.cancelRequested).toBe(true);
    await cloud.made([finish(operation, now)]);
    expect(await lease()).toBeNull();
  });

  it('are not given for versions the worker does not know, nor for what is not there', async () => {
    expect(await cloud.store.lease(operation.id, 'w', 1000, { 'instance.create': [2] })).toBeNull();
    expect(await cloud.store.lease(operation.id, 'w', 1000, { 'instance.resize': [1] })).toBeNull();
    expect(await cloud.store.lease(newId('operation'), 'w', 1000, known)).toBeNull();
    expect(await cloud.store.operation(operation.id)).toEqual(operation);
  });

  it('make a delete wait for the operation before it', async () => {
    const instance = (await cloud.store.instance(operation.instanceId))!;
    const gone = operationOn(instance, { kind: 'instance.delete', dueAt: someTime });
    await cloud.made([{ change: 'insert-operation', operation: gone }]);
    expect((await cloud.store.liveOperation(instance.id))!.id).toBe(operation.id);
    expect(await lease(gone.id)).toBeNull();
    expect(await cloud.store.overdue(Date.now(), 9)).toEqual([operation.id]);
    await cloud.made([finish(operation)]);
    expect(await cloud.store.overdue(Date.now(), 9)).toEqual([gone.id]);
    expect((await lease(gone.id))!.operation.id).toBe(gone.id);
  });

  it('show the sweeper what is due and nobody holds', async () => {
    expect(await cloud.store.overdue(operation.dueAt - 1, 9)).toEqual([]);
    expect(await cloud.store.overdue(operation.dueAt, 9)).toEqual([operation.id]);
    const mine = (await lease(operation.id, 50))!;
    expect(await cloud.store.overdue(operation.dueAt, 9)).toEqual([]);
    await pause(70);
    expect(await cloud.store.overdue(operation.dueAt, 9)).toEqual([operation.id]);
    await cloud.store.releaseLease(operation.id, mine.operation.fence, operation.dueAt + 500);
    expect(await cloud.store.overdue(operation.dueAt, 9)).toEqual([]);
    expect(await cloud.store.overdue(operation.dueAt + 500, 9)).toEqual([operation.id]);
    expect((await lease())!.operation.attempt).toBe(2);
  });

  it('leave alone what is settled, at work or not running, when asked what is unsettled', async () => {
    const { instance, operation: second } = await cloud.admitted();
    const bigger = { ...instance.desired, ramMib: instance.desired.ramMib + 128 };
    await cloud.made([
      { change: 'update-instance', id: instance.id, set: { state: 'running', effective: bigger } },
    ]);
    expect(await cloud.store.unsettled(9)).toEqual([]);
    await cloud.made([finish(second)]);
    expect((await cloud.store.unsettled(9)).map((i) => i.id)).toEqual([instance.id]);
    await cloud.made([{ change: 'update-instance', id: instance.id, set: { effective: instance.desired } }]);
    expect(await cloud.store.unsettled(9)).toEqual([]);
    const conditions = [{ type: 'partial', message: 'm', since: 1 }];
    await cloud.made([{ change: 'update-instance', id: instance.id, set: { conditions } }]);
    expect((await cloud.store.unsettled(9)).map((i) => i.id)).toEqual([instance.id]);
    await cloud.made([{ change: 'update-instance', id: instance.id, set: { state: 'stopped' } }]);
    expect(await cloud.store.unsettled(9)).toEqual([]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Engine } from '@bellows/operations/ports/engine';
import type { InstanceId } from '@bellows/domain/ids';
import { testCloud } from './cloud.fixture.js';
import type { TestCloud } from './cloud.fixture.js';

const minute = 60_000;

describe('what is remembered of engines', () => {
  let cloud: TestCloud;
  let [id, changedAt] = ['' as InstanceId, 0];
  beforeEach(async () => {
    cloud = await testCloud();
    ({ id } = (await cloud.admitted()).instance);
    await cloud.made([{ change: 'update-instance', id, set: { state: 'running' } }]);
    changedAt = (await cloud.store.instance(id))!.updatedAt;
  });
  afterEach(() => cloud.close());

  const seen = (state: Engine['state'], seenAt: number): Engine => ({
    instanceId: id,
    state,
    version: state === 'ready' ? '26.1.5' : null,
    seenAt,
  });
  const dueAt = async (now: number) =>
    (await cloud.store.enginesDue(now, 10)).map(({ instance, engine }) => [
      instance.id,
      engine?.state ?? null,
    ]);

  it('is nothing at first, and asked for at once', async () => {
    expect(await cloud.store.engines([id])).toEqual([]);
    expect(await dueAt(changedAt)).toEqual([[id, null]]);
  });

  it('is asked again soon while it starts, and now and then when it is ready', async () => {
    await cloud.store.recordEngines([seen('starting', changedAt)]);
    expect(await dueAt(changedAt + 1_000)).toEqual([]);
    expect(await dueAt(changedAt + 4_000)).toEqual([[id, 'starting']]);
    await cloud.store.recordEngines([seen('ready', changedAt)]);
    expect(await cloud.store.engines([id])).toEqual([seen('ready', changedAt)]);
    expect(await dueAt(changedAt + 4_000)).toEqual([]);
    expect(await dueAt(changedAt + 2 * minute)).toEqual([[id, 'ready']]);
  });

  it('is asked again when the instance has changed, and forgotten when it stops', async () => {
    await cloud.store.recordEngines([seen('ready', changedAt - 1)]);
    expect(await dueAt(changedAt)).toEqual([[id, 'ready']]);
    await cloud.made([{ change: 'update-instance', id, set: { state: 'stopped' } }]);
    expect(await dueAt(changedAt + 2 * minute)).toEqual([]);
    expect(await cloud.store.engines([id])).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { InstanceId } from '@bellows/domain/ids';
import { isRefusal } from '@bellows/domain/refusal';
import { actOnInstance, deleteInstance } from '../instance/act.js';
import type { Accepted } from '../instance/create.js';
import { askAsSystem } from '../reconcile/system.js';
import { resizeInstance } from '../instance/resize.js';
import type { Instance, Operation } from '../ports/rows.js';
import { mortal, type Death } from './mortal.fixture.js';
import { noFaults } from '@bellows/hypervisor/sim/faults';
import { cancelOperation } from '../operation/cancel.js';
import { admin, asIs, world, type World } from './world.fixture.js';

jest.setTimeout(120_000);

const accepted = (answer: unknown): Operation => {
  if (isRefusal(answer)) throw new Error(JSON.stringify(answer));
  return (answer as { body: Accepted }).body.operations[0]!;
};

interface Scenario {
  /** The state it starts from. */
  readonly from: 'new' | 'running' | 'stopped';
  ask(world: World, id: InstanceId): Promise<Operation>;
  /** How the guest is on the host, and the instance in the books, when it has succeeded. */
  readonly ends: {
    readonly power: 'running' | 'stopped' | 'absent';
    readonly vcpus: number;
    readonly ramMib: number;
  };
  /** How it is when the host refused and everything was taken back; absent when it only goes forward. */
  readonly undone?: {
    readonly power: 'running' | 'stopped' | 'absent';
    readonly vcpus: number;
    readonly ramMib: number;
  };
}

const resize = (size: object) => async (world: World, id: InstanceId) =>
  accepted(await resizeInstance(world.cloud, admin, id, { ...size, allow: ['live', 'restart'] }, null, asIs));
const power = (action: 'start' | 'stop' | 'reboot') => async (world: World, id: InstanceId) =>
  accepted(await actOnInstance(world.cloud, admin, id, action, null, asIs));
const twoByTwo = { vcpus: 2, ramMib: 2048 };
const up = { power: 'running', ...twoByTwo } as const;
const off = { power: 'stopped', vcpus: 0, ramMib: 0 } as const;
const gone = { power: 'absent', vcpus: 0, ramMib: 0 } as const;

const scenarios: Record<string, Scenario> = {
  create: {
    from: 'new',
    ask: () => Promise.reject(new Error('made by the fixture')),
    ends: up,
    undone: gone,
  },
  grow: {
    from: 'running',
    ask: resize({ vcpus: 4, ramMib: 4096 }),
    ends: { ...up, vcpus: 4, ramMib: 4096 },
    undone: up,
  },
  shrink: {
    from: 'running',
    ask: resize({ plan: 'ecs-1c1g' }),
    ends: { ...up, vcpus: 1, ramMib: 1024 },
    undone: up,
  },
  mixed: {
    from: 'running',
    ask: resize({ vcpus: 4, ramMib: 1024 }),
    ends: { ...up, vcpus: 4, ramMib: 1024 },
    undone: up,
  },
  'change of class': {
    from: 'running',
    ask: resize({ plan: 'ecs-4c8g' }),
    ends: { ...up, vcpus: 4, ramMib: 8192 },
    undone: up,
  },
  'disk growth': { from: 'running', ask: resize({ diskGib: 30 }), ends: up },
  stop: { from: 'running', ask: power('stop'), ends: off },
  start: { from: 'stopped', ask: power('start'), ends: up, undone: off },
  reboot: { from: 'running', ask: power('reboot'), ends: up },
  delete: {
    from: 'running',
    ask: async (world, id) => accepted(await deleteInstance(world.cloud, admin, id, null, asIs)),
    ends: gone,
  },
};

describe('whatever dies at whatever moment', () => {
  let here: World;
  beforeAll(async () => {
    here = await world();
  });
  afterAll(() => here.close());

  async function prepared({ from, ask }: Scenario): Promise<{ instance: Instance; operation: Operation }> {
    const made = await here.admit();
    if (from === 'new') return made;
    expect((await here.finish(made.operation)).state).toBe('succeeded');
    const { id } = made.instance;
    await here.engineIsReady(id);
    if (from === 'stopped') await here.finish(await power('stop')(here, id));
    const operation = await ask(here, id);
    return { instance: (await here.store.instance(id))!, operation };
  }

  /** A worker starts the operation and dies (or the host refuses); others finish it. */
  async function through(scenario: Scenario, death: Death | null, refuseAt: number | null) {
    const { instance, operation } = await prepared(scenario);
    const worker = mortal(here.store, here.driver, death, refuseAt);
    const runner = here.runner('the mortal one', here.cloudWith({ sim: worker.driver }, worker.store));
    const ran = runner.run(operation.id).then(() => 'ended' as const);
    const fate = await Promise.race([ran, worker.died.then(() => 'died' as const)]);
    const ended = await here.finish(operation);
    return { instance: instance.id, ended, fate, effects: worker.effects() };
  }

  async function standsAt(id: InstanceId, expected: Scenario['ends']): Promise<void> {
    const seen = await here.look(id);
    expect(seen.power).toBe(expected.power);
    const row = (await here.store.instance(id))!;
    const size = { vcpus: expected.vcpus, ramMib: expected.ramMib };
    expect(row.reserved).toMatchObject(size);
    expect(row.held).toMatchObject(size);
    if (expected.power !== 'running') return;
    expect(seen.held).toMatchObject(size);
    expect(seen.plugged.ramMib).toBe(size.ramMib);
    expect(row.desired).toMatchObject(size);
    expect(row.state).toBe('running');
  }

  async function booksBalance(): Promise<void> {
    const books = await here.books();
    expect(books.hostReserved).toEqual(books.claims);
    expect(books.hostInstances).toBe(books.instances);
    expect(books.quotaUsed).toEqual(books.desired);
  }

  it.each(Object.entries(scenarios))(
    '%s: a death at any effect is finished by another worker',
    async (_name, scenario) => {
      const { effects } = await through(scenario, null, null);
      expect(effects).toBeGreaterThan(0);
      const deaths = Array.from({ length: effects }, (_, atEffect) => [
        { atEffect, when: 'before' as const },
        { atEffect, when: 'after' as const },
      ]).flat();
      const results = await Promise.all(deaths.map((death) => through(scenario, death, null)));
      for (const { instance, ended, fate } of results) {
        expect(fate).toBe('died');
        expect(ended.state).toBe('succeeded');
        if (ended.steps.some(({ name }) => name === 'confirm-engine'))
          expect(ended.confirmedBy).toBe('engine');
        await standsAt(instance, scenario.ends);
      }
      await booksBalance();
    },
  );

  const undoable = Object.entries(scenarios).filter(([, scenario]) => scenario.undone);

  it.each(undoable)(
    '%s: a refusal at any effect is undone, even by workers that die undoing it',
    async (_name, scenario) => {
      const { effects } = await through(scenario, null, null);
      const refusals = Array.from({ length: effects }, (_, refuseAt) => refuseAt);
      const results = await Promise.all(
        refusals.flatMap((refuseAt) => [
          through(scenario, null, refuseAt),
          through(scenario, { atEffect: refuseAt + 1, when: 'before' }, refuseAt),
          through(scenario, { atEffect: refuseAt + 1, when: 'after' }, refuseAt),
        ]),
      );
      for (const { instance, ended } of results) {
        expect(ended).toMatchObject({ state: 'rolled-back', error: { code: 'rolled-back' } });
        await standsAt(instance, scenario.undone!);
      }
      await booksBalance();
    },
  );

  it('a create that waits for its guest can be cancelled, and leaves nothing', async () => {
    const { instance, operation } = await here.admit();
    here.fleet.setFaults(
      { ...noFaults, guests: { [instance.id]: { agent: 'silent' } } },
      here.cloud.clock.now(),
    );
    const ran = here.runner('patient').run(operation.id);
    await here.cloud.clock.sleep(150);
    await cancelOperation(here.cloud, admin, operation.id, (changed) => ({ status: 200, body: changed }));
    await ran;
    expect(await here.store.operation(operation.id)).toMatchObject({ state: 'cancelled' });
    await standsAt(instance.id, gone);
    await booksBalance();
  });

  it("a request waits for the cloud's own settling instead of being refused", async () => {
    const { instance, operation } = await here.admit();
    await here.finish(operation);
    const { id } = instance;
    expect(await askAsSystem(here.cloud, (await here.store.instance(id))!, 'instance.settle')).toBe(true);
    const settling = (await here.store.liveOperation(id))!;
    const asked = resize({ vcpus: 4 })(here, id);
    await here.cloud.clock.sleep(300);
    expect((await here.finish(settling)).state).toBe('succeeded');
    expect((await here.finish(await asked)).state).toBe('succeeded');
  });
});

import { claimOf } from '@bellows/domain/host';
import type { HostId, InstanceId } from '@bellows/domain/ids';
import { plus, nothing, type Size } from '@bellows/domain/size';
import { inProcessFleet } from '@bellows/hypervisor/sim/in-process-driver';
import { aHost, newId } from '@bellows/testkit/rows';
import { testStore } from '@bellows/testkit/test-store';
import { ensureFirstCatalogue } from '../catalogue/seed.js';
import type { Ask, Cloud } from '../cloud.js';
import { Admission, type Accepted } from '../instance/create.js';
import type { CreateAsk } from '../instance/new-instance.js';
import { defaultProjectId } from '../project/default.js';
import type { Clock } from '../ports/clock.js';
import type { EngineQuestions } from '../ports/engine.js';
import type { HostDriver } from '../ports/host-driver.js';
import type { OperationQueue } from '../ports/queue.js';
import type { Instance, Operation } from '../ports/rows.js';
import type { Store } from '../ports/store.js';
import { sagas } from '../sagas.js';
import { OperationRunner } from './run.js';

export const realClock: Clock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason as Error)));
      if (signal?.aborted) reject(signal.reason as Error);
    }),
};

/** A queue that loses every ring: what is durable must not depend on it. */
const deafQueue: OperationQueue = {
  ring: async () => undefined,
  depth: async () => 0,
  close: async () => undefined,
};

/** Engines that count what the model gives their guests. */
const enginesOf = (driver: HostDriver): EngineQuestions => ({
  async machine(host, instanceId) {
    const { guest } = await driver.observeGuest(host, instanceId, { askGuest: true });
    return guest && { cpus: guest.vcpus, memTotalMib: guest.ramMib, cgroups: 2, container: null };
  },
  containers: async () => [],
});

export const admin: Ask = {
  principal: { actor: 'test', role: 'admin', projectId: null },
  requestId: null,
  idempotency: null,
};
export const asIs = (accepted: Accepted) => ({ status: 202, body: accepted });

/** A real store, a modelled fleet of one server in this process, and workers to be killed. */
export async function world(leaseMs = 450) {
  const { store, close } = await testStore();
  const { fleet, driver } = inProcessFleet(realClock, { latencyScale: 0 });
  const controllerId = 'test-controller';
  const host = aHost({ uri: 'sim:one', zone: 'a', guestOverheadMib: 128 });
  fleet.registerHost({ name: 'one', vcpus: 64, ramMib: 262_144, diskGib: 4_000 });
  const ref = { id: host.id, driver: host.driver, uri: host.uri };
  await driver.ensureEnrolled(ref, controllerId);
  await store.commit([{ change: 'insert-host', host }]);
  const cloudWith = (drivers: { sim: HostDriver }, over: Store = store): Cloud => ({
    store: over,
    queue: deafQueue,
    clock: realClock,
    newId,
    drivers,
    controllerId,
    engines: enginesOf(drivers.sim),
  });
  const cloud = cloudWith({ sim: driver });
  await ensureFirstCatalogue(cloud);
  const admission = new Admission(cloud);
  await admission.start();
  const runner = (workerId: string, on: Cloud = cloud) =>
    new OperationRunner(on, { workerId, leaseMs, sagas, log: () => undefined });

  return {
    store,
    fleet,
    driver,
    cloud,
    ref,
    hostId: host.id as HostId,
    cloudWith,
    runner,
    /** Admits one instance; its create is pending. */
    async admit(body: Partial<CreateAsk> = {}): Promise<{ instance: Instance; operation: Operation }> {
      const ask: CreateAsk = { name: 'web', plan: 'ecs-2c2g', image: 'debian-12-micro', ...body };
      const answer = await admission.create(admin, ask, defaultProjectId, asIs);
      if (!('body' in answer)) throw new Error(JSON.stringify(answer));
      const { instances, operations } = answer.body as Accepted;
      return { instance: instances[0]!, operation: operations[0]! };
    },
    /** Runs it with workers that nothing happens to, until it has ended. */
    async finish(operation: Operation): Promise<Operation> {
      for (let i = 0; i < 200; i++) {
        await runner(`finisher-${i}`).run(operation.id);
        const now = await store.operation(operation.id);
        if (now && !['pending', 'running'].includes(now.state)) return now;
        await realClock.sleep(60);
      }
      throw new Error(`${operation.kind} ${operation.id} did not end`);
    },
    /** From here on its engine is known: a live resize asks it. */
    engineIsReady: (instanceId: InstanceId) =>
      store.recordEngines([{ instanceId, state: 'ready', version: '26', seenAt: realClock.now() }]),
    look: (id: InstanceId) => driver.observeGuest(ref, id, { askGuest: true }),
    /** The books: what the host and the quota have claimed, and what the instances add up to. */
    async books() {
      const { items } = await store.instances({ limit: 500, cursor: null });
      const row = (await store.host(host.id))!;
      const quota = (await store.quota(defaultProjectId))!;
      const sum = (sizes: Size[]) => sizes.reduce(plus, nothing);
      return {
        hostReserved: row.reserved,
        claims: sum(items.map(({ reserved }) => claimOf(reserved, host.guestOverheadMib))),
        hostInstances: row.instances,
        instances: items.length,
        quotaUsed: { vcpus: quota.used.vcpus, ramMib: quota.used.ramMib, diskGib: quota.used.diskGib },
        desired: sum(items.map(({ desired }) => desired)),
      };
    },
    async close() {
      admission.stop();
      await close();
    },
  };
}

export type World = Awaited<ReturnType<typeof world>>;

import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { CloudRegistryOptions } from '@bellows/engine/sim/registry/cloud-registry';
import { folderShelf } from '@bellows/engine/sim/snapshot/folder-shelf';
import { SimulatedEngines } from '@bellows/engine/sim/simulated-engines';
import { memoryAt, runAt, valueAt } from '@bellows/hypervisor/sim/model-guest';
import type { DurableFleet } from './durable-fleet.js';
import { realClock } from './real-clock.js';

/** What an engine is told before its guest has ever been seen. */
const smallest = { vcpus: 1, ramMib: 512 };
const sweepMs = 60_000;

export interface GuestEnginesOptions {
  readonly seed: string;
  /** Where their states are kept. */
  readonly folder: string;
  /** The cloud's own. */
  readonly registry?: CloudRegistryOptions;
}

/** The container engines of the modelled guests: they start, stop and go with them, and have their size. */
export class GuestEngines {
  private readonly engines: SimulatedEngines;
  /** Instance → the host it was last found on. */
  private readonly hosts = new Map<string, string>();
  private readonly sizes = new Map<string, typeof smallest>();
  private readonly unwatch: () => void;
  private readonly sweep: NodeJS.Timeout;

  constructor(
    private readonly durable: DurableFleet,
    { seed, folder, registry }: GuestEnginesOptions,
  ) {
    const sizeOf = (instanceId: string) => this.sizeOf(instanceId);
    const hostnameOf = (instanceId: string) => this.guest(instanceId)?.hostname ?? instanceId;
    this.engines = new SimulatedEngines({
      seed,
      clock: realClock,
      sizeOf,
      hostnameOf,
      shelf: folderShelf(join(folder, 'engines')),
      ...(registry && { registry }),
    });
    this.unwatch = durable.watch((host, { instanceId, kind }) => this.follow(host, instanceId, kind));
    this.sweep = setInterval(() => this.forgetGone(), sweepMs).unref();
  }

  /** For the route of guest streams. */
  readonly accept = (instanceId: string, stream: Duplex): void => this.engines.accept(instanceId, stream);

  async close(): Promise<void> {
    clearInterval(this.sweep);
    this.unwatch();
    await this.engines.close();
  }

  private follow(host: string, instanceId: string, kind: string): void {
    // A guest that has moved may still be heard of from where it was.
    const known = this.hosts.get(instanceId);
    if (known !== undefined && known !== host && this.guest(instanceId)) return;
    if (kind === 'stopped' || kind === 'reset') this.engines.stopped(instanceId);
    else if (kind === 'agent-connected') this.engines.started(instanceId);
  }

  private forgetGone(): void {
    for (const instanceId of [...this.hosts.keys()]) {
      if (this.guest(instanceId)) continue;
      void this.engines.removed(instanceId);
      this.hosts.delete(instanceId);
      this.sizes.delete(instanceId);
    }
  }

  private guest(instanceId: string) {
    const { fleet } = this.durable;
    const known = this.hosts.get(instanceId);
    const here = known === undefined ? null : fleet.guest(known, instanceId);
    if (here) return here;
    for (const change of fleet.everything()) {
      if (change.kind !== 'guest' || change.id !== instanceId || !change.guest) continue;
      this.hosts.set(instanceId, change.host);
      return change.guest;
    }
    return null;
  }

  /** What its agent would say; what it said last while it does not run. */
  private sizeOf(instanceId: string): typeof smallest {
    const now = this.durable.now();
    const guest = this.guest(instanceId);
    const run = guest && runAt(guest, now);
    if (run)
      this.sizes.set(instanceId, { vcpus: valueAt(run.onlineVcpus, now), ramMib: memoryAt(run.memory, now) });
    return this.sizes.get(instanceId) ?? smallest;
  }
}

import type { Duplex } from 'node:stream';
import type { Clock } from '@bellows/operations/ports/clock';
import { Engine } from './engine.js';
import { EngineServer } from './http/engine-server.js';
import { ModelRegistry } from './images/registry.js';
import { limits } from './limits.js';
import { CloudRegistry, type CloudRegistryOptions } from './registry/cloud-registry.js';
import { Pace } from './shell/pace.js';
import { Keeper, type EngineShelf } from './snapshot/keeper.js';
import { parseSnapshot, restore } from './snapshot/restore.js';
import { snapshotOf, type Snapshot } from './snapshot/snapshot.js';
import { powerOff, powerOn } from './system/power.js';
import { Ids, type EngineSize } from './world.js';

export interface SimulatedEnginesOptions {
  /** Same seed, same requests in the same order: same ids. */
  readonly seed: string;
  readonly clock: Clock;
  /** The size an instance's guest sees now; asked at each look. */
  sizeOf(instanceId: string): EngineSize;
  hostnameOf?(instanceId: string): string;
  /** Instances of one realm share what they push; each is alone when this is left out. */
  realmOf?(instanceId: string): string;
  /** The cloud's own registry; without it, all registries are modelled. */
  readonly registry?: CloudRegistryOptions;
  /** Without it, engines are forgotten with the process. */
  readonly shelf?: EngineShelf;
}

/** Turns of twenty steps, for all engines together: 10,000 steps a second. */
const turnMs = 2;

interface Kept {
  readonly engine: Engine;
  readonly ids: Ids;
}

/** A Docker Engine for each modelled instance, made when it is first spoken to. */
export class SimulatedEngines {
  private readonly engines = new Map<string, Kept>();
  private readonly registries = new Map<string, ModelRegistry>();
  private readonly streams = new Map<Duplex, string>();
  private readonly server = new EngineServer((stream) => this.engineBehind(stream));
  private readonly keeper: Keeper | null;
  private readonly cloud: CloudRegistry | null;
  private readonly pace = new Pace(turnMs);

  constructor(private readonly options: SimulatedEnginesOptions) {
    const { shelf, clock, registry } = options;
    this.cloud = registry ? new CloudRegistry(registry) : null;
    this.keeper = shelf ? new Keeper(shelf, clock, (instanceId) => this.textOf(instanceId)) : null;
  }

  /** Speaks the Docker Engine API on a stream; the stream is its own from here on. */
  accept(instanceId: string, stream: Duplex): void {
    const open = [...this.streams.values()].filter((id) => id === instanceId).length;
    if (open >= limits.streamsPerEngine) return void stream.destroy();
    this.streams.set(stream, instanceId);
    stream.on('close', () => this.streams.delete(stream));
    const { engine } = this.ensure(instanceId);
    if (engine.closed) powerOn(engine);
    this.server.accept(stream);
  }

  /** The guest is up: containers with a restart policy come back, also those of another life of the process. */
  started(instanceId: string): void {
    const known = this.engines.has(instanceId) || (this.options.shelf?.load(instanceId) ?? null) !== null;
    const engine = known ? this.ensure(instanceId).engine : null;
    if (engine?.closed) powerOn(engine);
  }

  /** The guest is off: its streams end, its containers have exited. */
  stopped(instanceId: string): void {
    const engine = this.engines.get(instanceId)?.engine;
    if (engine && !engine.closed) powerOff(engine);
    for (const [stream, id] of this.streams) if (id === instanceId) stream.destroy();
  }

  /** The instance is gone, and all that its engine held. */
  async removed(instanceId: string): Promise<void> {
    this.stopped(instanceId);
    this.engines.delete(instanceId);
    if (!this.options.realmOf) this.registries.delete(instanceId);
    await this.keeper?.forget(instanceId);
  }

  /** Keeps every engine's state as it is, running containers as running, and ends them all. */
  async close(): Promise<void> {
    const ids = [...this.engines.keys()];
    for (const id of ids) await this.keeper?.save(id);
    for (const id of ids) {
      this.engines.get(id)!.engine.onChange = () => undefined;
      this.stopped(id);
    }
  }

  private engineBehind(stream: Duplex): Engine | null {
    const id = this.streams.get(stream);
    return id === undefined ? null : (this.engines.get(id)?.engine ?? null);
  }

  private textOf(instanceId: string): string | null {
    const kept = this.engines.get(instanceId);
    return kept ? JSON.stringify(snapshotOf(kept.engine, kept.ids.drawn)) : null;
  }

  private ensure(instanceId: string): Kept {
    const known = this.engines.get(instanceId);
    if (known) return known;
    const text = this.options.shelf?.load(instanceId) ?? null;
    const made = this.make(instanceId, text === null ? null : parseSnapshot(text));
    this.engines.set(instanceId, made);
    return made;
  }

  private make(instanceId: string, snapshot: Snapshot | null): Kept {
    const { seed, clock, sizeOf, hostnameOf, realmOf } = this.options;
    const ids = new Ids(`${seed}|${instanceId}`, snapshot?.idsDrawn);
    const world = {
      clock,
      pace: this.pace,
      hostname: hostnameOf?.(instanceId) ?? instanceId,
      size: () => sizeOf(instanceId),
      id: () => ids.next(),
    };
    const modelled = this.registry(realmOf?.(instanceId) ?? instanceId);
    const engine = new Engine(world, modelled, snapshot?.id, this.cloud);
    engine.onChange = () => this.keeper?.changed(instanceId);
    if (snapshot) restore(engine, snapshot);
    else engine.networks.addPredefined();
    // What was running is to be looked at once, as after a boot.
    engine.closed = snapshot !== null;
    return { engine, ids };
  }

  private registry(realm: string): ModelRegistry {
    let registry = this.registries.get(realm);
    if (!registry) {
      registry = new ModelRegistry();
      this.registries.set(realm, registry);
    }
    return registry;
  }
}

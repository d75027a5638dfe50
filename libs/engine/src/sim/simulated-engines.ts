import type { Duplex } from 'node:stream';
import type { Clock } from '@bellows/operations/ports/clock';
import { Engine } from './engine.js';
import { EngineServer } from './http/engine-server.js';
import { ModelRegistry } from './images/registry.js';
import { limits } from './limits.js';
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
}

/** A Docker Engine for each modelled instance, made when it is first spoken to. */
export class SimulatedEngines {
  private readonly engines = new Map<string, Engine>();
  private readonly ids = new Map<string, Ids>();
  private readonly registries = new Map<string, ModelRegistry>();
  private readonly streams = new Map<Duplex, string>();
  private readonly server = new EngineServer((stream) => this.engineBehind(stream));

  constructor(private readonly options: SimulatedEnginesOptions) {}

  /** Speaks the Docker Engine API on a stream; the stream is its own from here on. */
  accept(instanceId: string, stream: Duplex): void {
    const open = [...this.streams.values()].filter((id) => id === instanceId).length;
    if (open >= limits.streamsPerEngine) return void stream.destroy();
    this.streams.set(stream, instanceId);
    stream.on('close', () => this.streams.delete(stream));
    this.engine(instanceId);
    this.server.accept(stream);
  }

  /** The guest is up again: containers with a restart policy come back. */
  started(instanceId: string): void {
    const engine = this.engines.get(instanceId);
    if (engine?.closed) powerOn(engine);
  }

  /** The guest is off: its streams end, its containers have exited. */
  stopped(instanceId: string): void {
    const engine = this.engines.get(instanceId);
    if (engine && !engine.closed) powerOff(engine);
    this.cut(instanceId);
  }

  /** The instance is gone, and all that its engine held. */
  removed(instanceId: string): void {
    this.stopped(instanceId);
    this.engines.delete(instanceId);
    this.ids.delete(instanceId);
  }

  close(): void {
    for (const id of [...this.engines.keys()]) this.stopped(id);
  }

  private cut(instanceId: string): void {
    for (const [stream, id] of this.streams) if (id === instanceId) stream.destroy();
  }

  private engineBehind(stream: Duplex): Engine | null {
    const id = this.streams.get(stream);
    return id === undefined ? null : this.engine(id);
  }

  private engine(instanceId: string): Engine {
    let engine = this.engines.get(instanceId);
    if (!engine) {
      const { seed, clock, sizeOf, hostnameOf, realmOf } = this.options;
      const ids = new Ids(`${seed}|${instanceId}`);
      const world = {
        clock,
        hostname: hostnameOf?.(instanceId) ?? instanceId,
        size: () => sizeOf(instanceId),
        id: () => ids.next(),
      };
      engine = new Engine(world, this.registry(realmOf?.(instanceId) ?? instanceId));
      engine.networks.addPredefined();
      this.engines.set(instanceId, engine);
      this.ids.set(instanceId, ids);
    }
    if (engine.closed) powerOn(engine);
    return engine;
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

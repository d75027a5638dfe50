import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceId } from '@bellows/domain/ids';
import type { EngineEvent } from '@bellows/operations/ports/engine-jobs';
import type { HostRef } from '@bellows/operations/ports/host-driver';

/** Events come a little later than answers, and one docker command is followed by another. */
const lingerMs = 15_000;
const [firstPauseMs, longestPauseMs] = [1_000, 30_000];
/** Asked for from before the call that they are of: clocks differ, and a repeated one is known. */
const marginMs = 1_000;
const mostKnown = 512;

/** Reads an engine's events until the signal or the engine ends it; rejects when it cannot. */
export type ReadEvents = (
  host: HostRef,
  instanceId: InstanceId,
  since: number,
  event: (event: EngineEvent) => void,
  signal: AbortSignal,
) => Promise<void>;

interface Watch {
  holders: number;
  since: number;
  readonly over: AbortController;
  readonly known: Set<string>;
  linger: NodeJS.Timeout | null;
}

/** One reading of an engine's events for each instance that somebody holds, and a little beyond. */
export class EngineWatchers {
  readonly #watches = new Map<InstanceId, Watch>();
  #listener: (instanceId: InstanceId, event: EngineEvent) => void = () => undefined;

  /** @param hostOf null while the instance cannot be reached. @param read null: events are not read. */
  constructor(
    private readonly hostOf: (id: InstanceId) => Promise<HostRef | null>,
    private readonly read: ReadEvents | null,
    private readonly now: () => number,
  ) {}

  get size(): number {
    return this.#watches.size;
  }

  onEvent(listener: (instanceId: InstanceId, event: EngineEvent) => void): void {
    this.#listener = listener;
  }

  /** @returns lets go; to be called once. */
  hold(id: InstanceId): () => void {
    const { read } = this;
    if (!read) return () => undefined;
    const watch = this.#watches.get(id) ?? this.#begin(id, read);
    watch.holders += 1;
    if (watch.linger) clearTimeout(watch.linger);
    watch.linger = null;
    return () => {
      watch.holders -= 1;
      if (watch.holders > 0) return;
      watch.linger = setTimeout(() => this.#end(id, watch), lingerMs).unref();
    };
  }

  stop(): void {
    for (const [id, watch] of this.#watches) this.#end(id, watch);
  }

  #begin(id: InstanceId, read: ReadEvents): Watch {
    const watch: Watch = {
      holders: 0,
      since: this.now() - marginMs,
      over: new AbortController(),
      known: new Set(),
      linger: null,
    };
    this.#watches.set(id, watch);
    void this.#run(id, watch, read);
    return watch;
  }

  #end(id: InstanceId, watch: Watch): void {
    watch.over.abort();
    if (this.#watches.get(id) === watch) this.#watches.delete(id);
  }

  async #run(id: InstanceId, watch: Watch, read: ReadEvents): Promise<void> {
    const { signal } = watch.over;
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      const began = this.now();
      // A guest without an engine, one that stops, a gateway that restarts: all of it is said where it matters.
      const host = await this.hostOf(id).catch(() => null);
      const event = (one: EngineEvent) => this.#heard(id, watch, one);
      if (host) await read(host, id, watch.since, event, signal).catch(() => undefined);
      pauseMs = this.now() - began > longestPauseMs ? firstPauseMs : pauseMs;
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
  }

  #heard(id: InstanceId, watch: Watch, event: EngineEvent): void {
    const key = `${event.type} ${event.action} ${event.id} ${event.execId} ${event.guestAt}`;
    if (watch.known.has(key)) return;
    if (watch.known.size >= mostKnown) watch.known.delete(watch.known.values().next().value!);
    watch.known.add(key);
    watch.since = Math.max(watch.since, event.at - marginMs);
    this.#listener(id, event);
  }
}

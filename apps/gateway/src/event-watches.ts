import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { InstanceId } from '@bellows/domain/ids';
import { EventLines } from '@bellows/engine/jobs/event-lines';
import { askOn, cut } from '@bellows/engine/proxy/ask';
import { Nonsense } from '@bellows/engine/questions/records';
import type { EngineEvent } from '@bellows/operations/ports/engine-jobs';

/** What of an engine's events is read: as much as an engine at work says, not as much as a hostile one can. */
const [bytesPerMs, burstBytes] = [128, 512 * 1024];
/** Kept for whoever joins a watch a moment after what it waits for. */
const keptEvents = 64;
/** Of events that a listener has not taken yet. */
const mostUnreadBytes = 256 * 1024;

/** Until the engine has begun to answer. */
const answersWithinMs = 15_000;

export type OpenGuest = (signal: AbortSignal) => Promise<Duplex>;

/** One reading of one engine's `GET /events`, however many listen. */
class Watch {
  readonly ready: Promise<void>;
  readonly #lines = new EventLines(() => Date.now());
  readonly #listeners = new Set<ServerResponse>();
  readonly #kept: EngineEvent[] = [];
  readonly #over = new AbortController();
  #left = burstBytes;
  #readAt = performance.now();
  #told = 0;

  constructor(
    open: OpenGuest,
    since: number,
    private readonly ended: () => void,
  ) {
    this.ready = this.#begin(open, since).catch((error: unknown) => {
      this.#end();
      throw error;
    });
    // Whoever listens hears of it as well.
    this.ready.catch(() => undefined);
  }

  /** @param since ms: kept events from then on come first. */
  join(listener: ServerResponse, since: number): void {
    this.#listeners.add(listener);
    for (const event of this.#kept) if (event.at >= since) send(listener, { event });
    if (this.#over.signal.aborted) listener.end();
  }

  leave(listener: ServerResponse): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#end();
  }

  async #begin(open: OpenGuest, since: number): Promise<void> {
    const over = this.#over.signal;
    const late = AbortSignal.timeout(answersWithinMs);
    const far = await open(AbortSignal.any([over, late]));
    const end = () => cut(far);
    over.addEventListener('abort', end);
    late.addEventListener('abort', end);
    if (over.aborted || late.aborted) end();
    const answer = await ask(far, since);
    late.removeEventListener('abort', end);
    answer.on('data', (chunk: Buffer) => this.#read(answer, chunk));
    for (const event of ['end', 'error', 'close']) answer.on(event, () => this.#end());
  }

  #read(answer: IncomingMessage, chunk: Buffer): void {
    for (const event of this.#lines.feed(chunk)) {
      this.#kept.push(event);
      if (this.#kept.length > keptEvents) this.#kept.shift();
      for (const listener of this.#listeners) send(listener, { event });
    }
    const { dropped } = this.#lines;
    // Once a chunk at most, and chunks come at a pace.
    if (dropped > this.#told) for (const listener of this.#listeners) send(listener, { dropped });
    this.#told = dropped;
    const now = performance.now();
    this.#left = Math.min(burstBytes, this.#left + (now - this.#readAt) * bytesPerMs) - chunk.length;
    this.#readAt = now;
    if (this.#left >= 0) return;
    answer.pause();
    setTimeout(() => answer.resume(), -this.#left / bytesPerMs).unref();
  }

  #end(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    for (const listener of this.#listeners) if (listener.headersSent) listener.end();
    this.ended();
  }
}

/** Reads the events of engines for the API: one reading a guest, and only clean, small records go on. */
export class EventWatches {
  readonly #watches = new Map<InstanceId, Watch>();

  get size(): number {
    return this.#watches.size;
  }

  /**
   * Answers with the events of an engine, a line of JSON each, until `gone` or until the engine ends it. Rejects
   * when the engine cannot be reached or has no events.
   * @param since ms since the epoch: events from then on, as far as the engine still knows them.
   */
  async serve(
    instanceId: InstanceId,
    since: number,
    open: OpenGuest,
    outgoing: ServerResponse,
    gone: AbortSignal,
  ): Promise<void> {
    const watch = this.#watches.get(instanceId) ?? this.#begin(instanceId, since, open);
    outgoing.setHeader('Content-Type', 'application/x-ndjson');
    try {
      watch.join(outgoing, since);
      await watch.ready;
      outgoing.flushHeaders();
      if (gone.aborted) return;
      await new Promise<void>((resolve) => {
        gone.addEventListener('abort', () => resolve(), { once: true });
        outgoing.once('finish', () => resolve());
      });
    } finally {
      watch.leave(outgoing);
    }
  }

  #begin(instanceId: InstanceId, since: number, open: OpenGuest): Watch {
    const watch: Watch = new Watch(open, since, () => {
      if (this.#watches.get(instanceId) === watch) this.#watches.delete(instanceId);
    });
    this.#watches.set(instanceId, watch);
    return watch;
  }
}

function ask(far: Duplex, since: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const path = `/events?since=${(since / 1000).toFixed(3)}`;
    const headers = [
      ['Host', 'docker'],
      ['Connection', 'close'],
    ] as const;
    const asked = askOn(far, { method: 'GET', path, headers, upgrade: null, bodyBytes: 0 });
    const fail = () => reject(new Nonsense('no events'));
    far.on('error', fail).on('close', fail);
    asked.on('error', fail).on('upgrade', fail);
    asked.on('response', (answer: IncomingMessage) => {
      if (answer.statusCode === 200) return resolve(answer);
      fail();
      cut(far);
    });
    asked.end();
  });
}

function send(listener: ServerResponse, record: { event: EngineEvent } | { dropped: number }): void {
  if (listener.destroyed || listener.writableLength > mostUnreadBytes) return;
  listener.write(`${JSON.stringify(record)}\n`);
}

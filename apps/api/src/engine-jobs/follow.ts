import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { InstanceId } from '@bellows/domain/ids';
import type { EngineJob } from '@bellows/operations/ports/engine-jobs';
import { changesAtOnce, type EngineJobFeed } from './feed.js';

const heartbeatMs = 15_000;
const reconnectAfterMs = 2_000;
/** Somebody who does not read for so long has gone, whatever the line says. */
const readsWithinMs = 60_000;

export interface Beginning {
  /** The number of the last change that was seen. */
  readonly after: number;
  /** What was removed up to there, the reader knows of or never asked for. */
  readonly complete: number;
  /** Whether the first thing to say is that something may be missing. */
  readonly gap: boolean;
}

export interface Following extends Beginning {
  readonly instanceId: InstanceId;
  readonly shows: (job: EngineJob) => boolean;
  readonly view: (job: EngineJob) => object;
}

/**
 * Where a reader begins.
 * @param lastEventId of the stream that was cut; null: the newest `limit` jobs come first, and there is no gap.
 */
export async function beginning(
  feed: EngineJobFeed,
  behind: (limit: number) => Promise<number>,
  instanceId: InstanceId,
  lastEventId: string | null,
  limit: number,
): Promise<Beginning> {
  const { lastSeq, trimmedSeq } = await feed.marks(instanceId);
  const seen = lastEventId === null ? null : /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : Infinity;
  if (seen !== null && seen <= lastSeq) return { after: seen, complete: seen, gap: false };
  // A number that was never given is of another cloud, or of a database that was put back.
  return { after: await behind(limit), complete: trimmedSeq, gap: seen !== null };
}

/** Tells changes as server-sent events (WHATWG HTML, 9.2) until the reader has gone. */
export class Teller {
  #after: number;
  #complete: number;

  constructor(
    private readonly feed: EngineJobFeed,
    private readonly out: ServerResponse,
    private readonly following: Following,
    private readonly gone: AbortSignal,
  ) {
    this.#after = following.after;
    this.#complete = following.complete;
  }

  async run(): Promise<void> {
    const { feed, gone } = this;
    const { instanceId, gap } = this.following;
    // Numbered, so that a line cut before the first job is taken up from here.
    await this.#write(`retry: ${reconnectAfterMs}\nid: ${this.#after}\n\n`);
    if (gap) await this.#resync();
    let beatAt = performance.now() + heartbeatMs;
    while (!gone.aborted) {
      if (await this.#tell()) continue;
      await feed.changed(instanceId, this.#after, Math.max(1, beatAt - performance.now()), gone);
      if (performance.now() < beatAt || gone.aborted) continue;
      await this.#write(`: heartbeat\nid: ${this.#after}\n\n`);
      beatAt = performance.now() + heartbeatMs;
    }
  }

  /** @returns whether there may be more at once. */
  async #tell(): Promise<boolean> {
    const { instanceId, shows, view } = this.following;
    const { changes, trimmedSeq } = await this.feed.read(instanceId, this.#after);
    const last = changes.at(-1)?.seq;
    // Without changes nothing new can be missing: what is gone was gone when it was said the last time.
    if (last === undefined) return false;
    if (trimmedSeq > Math.max(this.#after, this.#complete)) await this.#resync();
    this.#complete = trimmedSeq;
    let text = '';
    for (const { seq, job } of changes) {
      if (shows(job)) text += `id: ${seq}\nevent: engine-job\ndata: ${JSON.stringify(view(job))}\n\n`;
    }
    this.#after = last;
    if (text !== '') await this.#write(text);
    return changes.length === changesAtOnce;
  }

  /** Something between the last event and the next is gone: whoever keeps a list should read it anew. */
  #resync(): Promise<void> {
    return this.#write(`event: resync\ndata: {"after":${this.#after}}\n\n`);
  }

  async #write(text: string): Promise<void> {
    const { out, gone } = this;
    if (gone.aborted || out.destroyed || out.write(text)) return;
    const signal = AbortSignal.any([gone, AbortSignal.timeout(readsWithinMs)]);
    await once(out, 'drain', { signal }).catch(() => out.destroy());
  }
}

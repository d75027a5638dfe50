import type { EngineEvent } from '@bellows/operations/ports/engine-jobs';
import { reduceEvent } from './reduce.js';

export interface EventLimits {
  /** A container's labels are in every event of it. */
  readonly lineBytes: number;
  readonly depth: number;
  /** Lines that are looked at: at once after a rest, and in the long run. */
  readonly burst: number;
  readonly perSecond: number;
}

export const eventLimits: EventLimits = { lineBytes: 64 * 1024, depth: 6, burst: 200, perSecond: 50 };

const [newline, quote, backslash] = [10, 34, 92];
const opening = new Set([...'{['].map((c) => c.charCodeAt(0)));
const closing = new Set([...'}]'].map((c) => c.charCodeAt(0)));

/**
 * Reads an engine's `GET /events`: JSON values, a line each, as a hostile engine may send them. What is too long,
 * too deep, too much or no event is counted and left out; what is kept in between is at most one line.
 */
export class EventLines {
  /** Lines left out so far. */
  dropped = 0;
  #parts: Buffer[] = [];
  #bytes = 0;
  /** Of the line that is being read: it is too long, or comes too soon after the others. */
  #left = false;
  #tokens: number;
  #at: number;

  constructor(
    private readonly nowMs: () => number,
    private readonly limits: EventLimits = eventLimits,
  ) {
    this.#tokens = limits.burst;
    this.#at = nowMs();
  }

  /** @returns the events whose lines ended in this chunk. */
  feed(chunk: Buffer): EngineEvent[] {
    const found: EngineEvent[] = [];
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      this.#take(chunk, from, end);
      from = end + 1;
      const event = this.#finish();
      if (event) found.push(event);
    }
    this.#take(chunk, from, chunk.length);
    return found;
  }

  #take(chunk: Buffer, from: number, end: number): void {
    if (from === end) return;
    // Counted before it is read: looking at nonsense costs as much as looking at events.
    if (this.#bytes === 0) this.#left = !this.#allowed();
    this.#bytes += end - from;
    this.#left ||= this.#bytes > this.limits.lineBytes;
    if (this.#left) this.#parts.length = 0;
    // A copy: a slice would hold the whole chunk it was read in.
    else this.#parts.push(Buffer.from(chunk.subarray(from, end)));
  }

  #finish(): EngineEvent | null {
    if (this.#bytes === 0) return null;
    const event = this.#left ? null : this.#parsed(Buffer.concat(this.#parts));
    if (!event) this.dropped += 1;
    this.#parts.length = 0;
    this.#bytes = 0;
    this.#left = false;
    return event;
  }

  #allowed(): boolean {
    const now = this.nowMs();
    const { burst, perSecond } = this.limits;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) * perSecond) / 1000);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #parsed(line: Buffer): EngineEvent | null {
    if (depthOf(line) > this.limits.depth) return null;
    try {
      return reduceEvent(JSON.parse(line.toString('utf8')), this.nowMs());
    } catch {
      return null;
    }
  }
}

/** How deep brackets nest outside of strings; said before anything is parsed. */
function depthOf(line: Buffer): number {
  let [depth, deepest, inText] = [0, 0, false];
  for (let at = 0; at < line.length; at++) {
    const byte = line[at]!;
    if (inText) {
      if (byte === backslash) at += 1;
      else if (byte === quote) inText = false;
    } else if (byte === quote) inText = true;
    else if (opening.has(byte)) deepest = Math.max(deepest, (depth += 1));
    else if (closing.has(byte)) depth -= 1;
  }
  return deepest;
}

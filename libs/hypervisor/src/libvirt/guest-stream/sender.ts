import type { Writable } from 'node:stream';
import type { Slice, Turns } from './turns.js';

/** Something that has frames to send, now and then. */
export interface Source {
  /**
   * Its next frames, of about `allowance` bytes at most, each whole.
   * @param put takes bytes that may be kept
   * @returns whether there is more that could be sent at once
   */
  produce(put: (bytes: Buffer) => void, allowance: number): boolean;
}

/** What one source may send before the next has its turn. */
const perSourceBytes = 32 * 1024;
const batchBytes = 64 * 1024;
/** What may wait in the transport: more would only make everything else wait longer. */
const inFlightMostBytes = 128 * 1024;

/** Sends what the sources have, each in its turn, no faster than the transport takes it. Keeps no queue of its own. */
export class Sender {
  private readonly ready = new Set<Source>();
  private inFlightBytes = 0;

  constructor(
    private readonly transport: Writable,
    private readonly turns: Turns,
  ) {}

  /** The source has something. Its place in the row is the one it had. */
  add(source: Source): void {
    this.ready.add(source);
    if (this.inFlightBytes < inFlightMostBytes) this.turns.ask(this.slice);
  }

  remove(source: Source): void {
    this.ready.delete(source);
  }

  stop(): void {
    this.ready.clear();
    this.turns.forget(this.slice);
  }

  private readonly slice: Slice = (allowance) => {
    let done = 0;
    while (done < allowance && this.ready.size > 0 && this.inFlightBytes < inFlightMostBytes) {
      done += this.sendBatch();
    }
    return { done, more: this.ready.size > 0 && this.inFlightBytes < inFlightMostBytes };
  };

  /** Many small frames are one write: each write is a packet of libvirt's, and an interrupt of the guest. */
  private sendBatch(): number {
    const parts: Buffer[] = [];
    let bytes = 0;
    const put = (part: Buffer): void => {
      parts.push(part);
      bytes += part.length;
    };
    for (const source of this.ready) {
      this.ready.delete(source);
      if (source.produce(put, perSourceBytes)) this.ready.add(source);
      if (bytes >= batchBytes) break;
    }
    if (bytes === 0) return 0;
    this.inFlightBytes += bytes;
    this.transport.write(Buffer.concat(parts, bytes), () => {
      this.inFlightBytes -= bytes;
      if (this.ready.size > 0) this.turns.ask(this.slice);
    });
    return bytes;
  }
}

import type { Readable, Writable } from 'node:stream';

/**
 * How many bytes a process carries in a while, all streams together: whoever floods gets what is left of it and no
 * more, so that the process has time for others. Who waits is served in turn.
 */
export class Pace {
  #left: number;
  #at: number;
  #timer: NodeJS.Timeout | null = null;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly bytesPerMs: number,
    /** As many at once after a rest. */
    private readonly burstBytes: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#left = burstBytes;
    this.#at = nowMs();
  }

  /** Counts bytes that have been carried; true when more may follow at once. */
  took(bytes: number): boolean {
    const now = this.nowMs();
    this.#left = Math.min(this.burstBytes, this.#left + (now - this.#at) * this.bytesPerMs) - bytes;
    this.#at = now;
    return this.#left > 0 && this.#waiting.length === 0;
  }

  /** Calls back when it is the caller's turn to carry a piece. */
  wait(turn: () => void): void {
    this.#waiting.push(turn);
    this.#timer ??= setTimeout(() => this.#serve(), 1);
  }

  #serve(): void {
    this.#timer = null;
    // Each that goes on counts its own piece, which comes later: one for every millisecond's worth.
    let worth = (this.took(0), this.#left);
    while (worth > 0 && this.#waiting.length > 0) {
      this.#waiting.shift()!();
      worth -= pieceBytes;
    }
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#serve(), 1);
  }
}

/** What one read of a socket brings at most. */
const pieceBytes = 64 * 1024;

/** Like `pipe`, at a pace. */
export function pump(source: Readable, sink: Writable, pace: Pace | undefined): void {
  if (!pace) return void source.pipe(sink);
  source.on('data', (chunk: Buffer) => {
    const room = sink.write(chunk);
    const time = pace.took(chunk.length);
    if (room && time) return;
    source.pause();
    let reasons = Number(!room) + Number(!time);
    const settled = (): void => {
      if (--reasons === 0) source.resume();
    };
    if (!room) sink.once('drain', settled);
    if (!time) pace.wait(settled);
  });
  source.once('end', () => sink.end());
}

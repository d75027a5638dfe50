import { limits } from '../limits.js';

export type StreamId = 1 | 2;

export interface LogEntry {
  /** Milliseconds. */
  readonly at: number;
  readonly stream: StreamId;
  /** One line with its newline, or a piece of one that was too long. */
  readonly data: Buffer;
}

export interface LogQuery {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Milliseconds; inclusive. */
  readonly since: number;
  readonly until: number;
  readonly tail: number;
}

const longestLine = 16 * 1024;
/** An entry costs more than its bytes. */
const overhead = 256;

/** A container's log: the newest lines within a bound, and who waits for more. */
export class LogBuffer {
  private entries: LogEntry[] = [];
  /** Where the kept ones begin. */
  private first = 0;
  private bytes = 0;
  private dropped = 0;
  private readonly partial: Record<StreamId, Buffer> = { 1: Buffer.alloc(0), 2: Buffer.alloc(0) };
  private waiting: (() => void)[] = [];

  write(stream: StreamId, data: Buffer, now: number): void {
    let rest = this.partial[stream].length > 0 ? Buffer.concat([this.partial[stream], data]) : data;
    for (let end = rest.indexOf(0x0a); end >= 0 || rest.length >= longestLine; end = rest.indexOf(0x0a)) {
      const cut = end < 0 || end >= longestLine ? longestLine : end + 1;
      this.push(stream, rest.subarray(0, cut), now);
      rest = rest.subarray(cut);
    }
    this.partial[stream] = Buffer.from(rest);
  }

  /** The process is gone: what has no newline is a line now. */
  flush(now: number): void {
    for (const stream of [1, 2] as const) {
      if (this.partial[stream].length > 0)
        this.push(stream, Buffer.concat([this.partial[stream], Buffer.from('\n')]), now);
      this.partial[stream] = Buffer.alloc(0);
    }
    this.wake();
  }

  /** What is there now, and from where to read on. */
  read(query: LogQuery): { entries: LogEntry[]; next: number } {
    const chosen = this.all().filter((entry) => wanted(entry, query));
    const entries = Number.isFinite(query.tail)
      ? chosen.slice(chosen.length - Math.min(query.tail, chosen.length))
      : chosen;
    return { entries, next: this.dropped + this.entries.length - this.first };
  }

  /** What came after; a reader that is too slow misses what was dropped meanwhile. */
  readOn(from: number, query: LogQuery): { entries: LogEntry[]; next: number } {
    const start = this.first + Math.max(0, from - this.dropped);
    const entries = this.entries.slice(start).filter((entry) => wanted(entry, query));
    return { entries, next: this.dropped + this.entries.length - this.first };
  }

  change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  all(): readonly LogEntry[] {
    return this.entries.slice(this.first);
  }

  restore(entries: readonly LogEntry[]): void {
    for (const { stream, data, at } of entries) this.push(stream, data, at);
  }

  private push(stream: StreamId, data: Buffer, at: number): void {
    this.entries.push({ at, stream, data: Buffer.from(data) });
    this.bytes += data.length + overhead;
    while (this.bytes > limits.logBytesPerContainer && this.first < this.entries.length - 1) {
      this.bytes -= this.entries[this.first]!.data.length + overhead;
      this.first++;
      this.dropped++;
    }
    // Moving the rest up is only worth it now and then.
    if (this.first > 1000 && this.first * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.first);
      this.first = 0;
    }
    this.wake();
  }
}

const wanted = ({ stream, at }: LogEntry, { stdout, stderr, since, until }: LogQuery): boolean =>
  (stream === 1 ? stdout : stderr) && at >= since && at <= until;

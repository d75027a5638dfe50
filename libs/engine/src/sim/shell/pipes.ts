/** Thrown by a write nobody will read. */
export class BrokenPipe extends Error {
  override readonly name = 'BrokenPipe';
}

export interface Output {
  /** Resolves when there is room for more. @throws BrokenPipe */
  write(data: Buffer): Promise<void>;
}

/** Bytes with an end; what was read too far can be given back. */
export abstract class Input {
  private given: Buffer[] = [];

  /** The next bytes, null at the end. */
  async read(): Promise<Buffer | null> {
    return this.given.pop() ?? (await this.pull());
  }

  unread(data: Buffer): void {
    if (data.length > 0) this.given.push(data);
  }

  /** With its newline; the last line may have none. Null at the end. */
  async readLine(): Promise<string | null> {
    const parts: Buffer[] = [];
    let length = 0;
    for (;;) {
      const data = await this.read();
      if (data === null) break;
      const end = data.indexOf(0x0a);
      if (end >= 0) {
        parts.push(data.subarray(0, end + 1));
        this.unread(data.subarray(end + 1));
        break;
      }
      parts.push(data);
      length += data.length;
      if (length > 1024 * 1024) break;
    }
    return parts.length === 0 ? null : Buffer.concat(parts).toString();
  }

  async readAll(most = 1024 * 1024): Promise<Buffer> {
    const parts: Buffer[] = [];
    let length = 0;
    for (let data = await this.read(); data !== null && length < most; data = await this.read()) {
      parts.push(data);
      length += data.length;
    }
    return Buffer.concat(parts);
  }

  protected abstract pull(): Promise<Buffer | null>;
}

const pipeBytes = 64 * 1024;

/** An in-memory pipe that holds as much as a kernel's does; further writes wait. */
export class Pipe extends Input implements Output {
  private readonly queue: Buffer[] = [];
  private bytes = 0;
  private ended = false;
  private broken = false;
  private waiting: (() => void)[] = [];

  async write(data: Buffer): Promise<void> {
    if (this.broken) throw new BrokenPipe();
    if (data.length === 0 || this.ended) return;
    this.queue.push(data);
    this.bytes += data.length;
    this.wake();
    while (this.bytes > pipeBytes && !this.broken) await this.change();
    if (this.broken) throw new BrokenPipe();
  }

  /** The writer is done. */
  end(): void {
    this.ended = true;
    this.wake();
  }

  /** The reader is done. */
  close(): void {
    this.broken = true;
    this.queue.length = 0;
    this.bytes = 0;
    this.wake();
  }

  protected async pull(): Promise<Buffer | null> {
    for (;;) {
      const data = this.queue.shift();
      if (data) {
        this.bytes -= data.length;
        this.wake();
        return data;
      }
      if (this.ended || this.broken) return null;
      await this.change();
    }
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

export class Bytes extends Input {
  private left: Buffer | null;

  constructor(data: Buffer | string) {
    super();
    this.left = typeof data === 'string' ? Buffer.from(data) : data;
  }

  protected pull(): Promise<Buffer | null> {
    const data = this.left;
    this.left = null;
    return Promise.resolve(data && data.length > 0 ? data : null);
  }
}

/** Keeps what is written, up to a bound, and drops the rest. */
export class Capture implements Output {
  private readonly parts: Buffer[] = [];
  private bytes = 0;

  constructor(private readonly most = 256 * 1024) {}

  write(data: Buffer): Promise<void> {
    if (this.bytes < this.most) this.parts.push(data);
    this.bytes += data.length;
    return Promise.resolve();
  }

  text(): string {
    return Buffer.concat(this.parts).toString();
  }
}

export const nowhere: Output = { write: () => Promise.resolve() };

export interface Io {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The terminal these are, if they are one. */
  readonly tty: { readonly columns: number; readonly rows: number } | null;
}

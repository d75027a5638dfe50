import { Duplex } from 'node:stream';

/** A guest's end of the multiplexer, written from the protocol's text alone, for the host's end to be tested against. */
export class FakeGuest {
  private bytes = Buffer.alloc(0);
  private readonly streams = new Map<number, FakeStream>();
  /** Frames that came, by type. */
  readonly counts = new Map<number, number>();
  /** What the host has granted it on each stream, beside what every stream begins with. */
  readonly granted = new Map<number, number>();
  /** Answers neither HELLO nor PING while false. */
  answers = true;

  /** @param port both ends of it are the guest's: it is read and written */
  constructor(
    readonly port: Duplex,
    private readonly accept: (stream: Duplex) => void,
  ) {
    port.setMaxListeners(0).on('data', (chunk: Buffer) => this.receive(chunk));
    port.on('error', () => undefined);
    port.on('close', () => this.dropAll());
  }

  get streamCount(): number {
    return this.streams.size;
  }

  send(type: number, stream: number, payload: Buffer | string = ''): boolean {
    const body = Buffer.from(payload);
    const frame = Buffer.alloc(8 + body.length);
    frame.writeUInt8(type, 0);
    frame.writeUInt16BE(body.length, 2);
    frame.writeUInt32BE(stream, 4);
    body.copy(frame, 8);
    return this.port.write(frame);
  }

  grant(stream: number, bytes: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(bytes);
    this.send(4, stream, payload);
  }

  forget(stream: number): void {
    this.streams.delete(stream);
  }

  /** As when its process dies and is started again: it knows nothing, and says nothing. */
  dropAll(): void {
    const all = [...this.streams.values()];
    this.streams.clear();
    for (const stream of all) stream.lose();
  }

  private receive(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    for (;;) {
      if (this.bytes.length < 8) return;
      const length = this.bytes.readUInt16BE(2);
      if (this.bytes.length < 8 + length) return;
      const payload = Buffer.from(this.bytes.subarray(8, 8 + length));
      const [type, id] = [this.bytes.readUInt8(0), this.bytes.readUInt32BE(4)];
      this.bytes = this.bytes.subarray(8 + length);
      this.counts.set(type, (this.counts.get(type) ?? 0) + 1);
      this.obey(type, id, payload);
    }
  }

  private obey(type: number, id: number, payload: Buffer): void {
    const stream = this.streams.get(id);
    if (type === 1) {
      this.dropAll();
      if (this.answers) this.send(1, 0, payload);
    } else if (type === 7) {
      if (this.answers) this.send(8, 0, payload);
    } else if (type === 2) this.open(id, payload.toString());
    else if (type === 3) stream?.arrived(payload);
    else if (type === 4) {
      const bytes = payload.readUInt32BE();
      this.granted.set(id, (this.granted.get(id) ?? 0) + bytes);
      stream?.granted(bytes);
    } else if (type === 5) stream?.arrived(null);
    else if (type === 6) {
      this.streams.delete(id);
      stream?.lose();
    } else throw new Error(`the host sent a frame of type ${type}`);
  }

  private open(id: number, target: string): void {
    if (this.streams.has(id) || id % 2 === 0) throw new Error(`the host opened stream ${id}`);
    if (target !== 'docker') return void this.send(6, id);
    const stream = new FakeStream(id, this);
    this.streams.set(id, stream);
    this.accept(stream);
  }
}

class FakeStream extends Duplex {
  private readonly queue: (Buffer | null)[] = [];
  private hungry = false;
  private mayReceive = 131_072;
  private maySend = 131_072;
  private waiting: { chunk: Buffer; done: (error?: Error | null) => void } | null = null;
  private lost = false;

  constructor(
    private readonly id: number,
    private readonly guest: FakeGuest,
  ) {
    super({ allowHalfOpen: true });
  }

  arrived(payload: Buffer | null): void {
    this.mayReceive -= payload?.length ?? 0;
    if (this.mayReceive < 0) throw new Error('the host sent more than it was granted');
    this.queue.push(payload);
    if (this.hungry) this.feed();
  }

  granted(bytes: number): void {
    this.maySend += bytes;
    this.flush();
  }

  lose(): void {
    this.lost = true;
    this.destroy(new Error('the stream is lost'));
  }

  override _read(): void {
    this.hungry = true;
    this.feed();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.waiting = { chunk, done };
    this.flush();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.guest.send(5, this.id);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.guest.forget(this.id);
    const ended = this.readableEnded && this.writableFinished;
    if (!this.lost && !ended) this.guest.send(6, this.id);
    done(error);
  }

  private feed(): void {
    while (this.hungry && this.queue.length > 0) {
      const payload = this.queue.shift() as Buffer | null;
      this.hungry = this.push(payload);
      if (!payload) continue;
      this.mayReceive += payload.length;
      this.guest.grant(this.id, payload.length);
    }
  }

  private flush(): void {
    const { waiting } = this;
    // Sent whole, it may yet wait for the port to take it.
    if (!waiting || waiting.chunk.length === 0 || this.maySend === 0 || this.lost) return;
    const part = waiting.chunk.subarray(0, Math.min(this.maySend, 30_000));
    waiting.chunk = waiting.chunk.subarray(part.length);
    this.maySend -= part.length;
    const room = this.guest.send(3, this.id, part);
    const on = (): void => {
      if (this.waiting !== waiting) return;
      if (waiting.chunk.length > 0) return this.flush();
      this.waiting = null;
      waiting.done();
    };
    if (room) on();
    else this.guest.port.once('drain', on);
  }
}

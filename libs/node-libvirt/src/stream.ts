import { Duplex, type DuplexOptions } from 'node:stream';
import { LibvirtStreamOverflowError, LibvirtTimeoutError, type LibvirtError } from './errors.js';
import { Limits } from './protocol/limits.js';
import { MessageStatus } from './protocol/message.js';

/** What a stream needs of the session it belongs to. */
export interface StreamPort {
  /** Queues one packet; `accepted` runs when the socket can take the next. */
  send(status: number, data: Uint8Array, accepted?: (error?: Error | null) => void): void;
  /** Its serial may be used again; packets that still come are dropped. */
  forget(): void;
  /** Stops reading the connection, for as long as any of its streams wants that. */
  hold(): void;
  release(): void;
}

/**
 * What becomes of a stream that holds all it may and is not read: it is aborted, or the connection is not read until
 * it has been. The socket is shared, so `hold` is for a connection that has nothing else to do.
 */
export type StreamOverflow = 'abort' | 'hold';

export interface StreamSettings {
  procedure: string;
  direction: 'read' | 'write' | 'both';
  /** How much may lie unread. */
  bufferBytes: number;
  overflow: StreamOverflow;
  /** How long the other side may take to confirm a finish. */
  finishTimeoutMs: number;
}

const EMPTY = Buffer.alloc(0);
/** Small packets are gathered up to this size, so that a byte at a time cannot cost a hundred times its weight. */
const GATHER_BYTES = 16_384;

/**
 * One libvirt stream as a Duplex. `end()` finishes it: libvirt closes both directions, and 'finish' means it
 * confirmed. `destroy()` aborts it. The protocol cannot hold one stream back, for the socket is shared: what nobody
 * reads is kept up to `bufferBytes`, then the stream ends in {@link LibvirtStreamOverflowError}, or holds them all.
 */
export class LibvirtStream extends Duplex {
  private state: 'open' | 'finishing' | 'aborting' | 'over' = 'open';
  private unread: Buffer[] = [];
  private unreadBytes = 0;
  private tailUsed = 0;
  private wanted = false;
  private finalCallback: ((error?: Error | null) => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly port: StreamPort,
    private readonly settings: StreamSettings,
  ) {
    super({
      allowHalfOpen: false,
      readableHighWaterMark: GATHER_BYTES,
      writableHighWaterMark: Limits.streamPacketBytes,
      // Node has these options; its types do not.
      ...({
        readable: settings.direction !== 'write',
        writable: settings.direction !== 'read',
      } as DuplexOptions),
    });
  }

  /** The method that opened it. */
  get procedure(): string {
    return this.settings.procedure;
  }

  /** A packet for this stream. Called by the session. */
  receive(status: number, data: Buffer): void {
    if (status === MessageStatus.OK) return this.confirmed();
    if (this.state === 'aborting' || this.state === 'over') return;
    if (data.length === 0) return this.finish();
    this.keep(data);
    const { bufferBytes, overflow, procedure } = this.settings;
    if (overflow === 'abort' && this.unreadBytes + this.readableLength > bufferBytes) {
      this.destroy(new LibvirtStreamOverflowError(procedure, bufferBytes));
      return;
    }
    if (this.wanted) this.flush();
    if (this.unreadBytes > bufferBytes) this.port.hold();
  }

  /** The other side gave up on the stream, or the connection is gone. Called by the session. */
  failed(error: LibvirtError | Error): void {
    const wasAborting = this.state === 'aborting';
    this.leave();
    if (!wasAborting) this.destroy(error);
  }

  /** Nobody waits for the opening any more, and it may yet succeed: then call {@link abortLate}. */
  abandon(): void {
    this.state = 'aborting';
    this.destroy();
  }

  abortLate(): void {
    this.sendAbort();
  }

  override _read(): void {
    this.wanted = true;
    this.flush();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.state !== 'open')
      return callback(new Error(`${this.settings.procedure}: the stream is finished`));
    const packet = chunk.subarray(0, Limits.streamPacketBytes);
    const rest = chunk.subarray(packet.length);
    this.port.send(MessageStatus.CONTINUE, packet, (error) => {
      if (error || rest.length === 0) callback(error);
      else this._write(rest, 'binary' as BufferEncoding, callback);
    });
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.state === 'over') return callback();
    this.finalCallback = callback;
    this.finish();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.unread = [];
    this.unreadBytes = 0;
    this.port.release();
    if (this.state === 'open') this.sendAbort();
    callback(error);
    const final = this.finalCallback;
    this.finalCallback = undefined;
    if (error) final?.(error);
  }

  private sendAbort(): void {
    this.state = 'aborting';
    this.port.send(MessageStatus.ERROR, EMPTY);
    // A peer that never confirms must not keep the serial for ever.
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.leave(), this.settings.finishTimeoutMs);
    this.timer.unref();
  }

  private finish(): void {
    if (this.state !== 'open') return;
    this.state = 'finishing';
    this.port.send(MessageStatus.OK, EMPTY);
    const { procedure, finishTimeoutMs } = this.settings;
    this.timer = setTimeout(
      () => this.failed(new LibvirtTimeoutError(procedure, finishTimeoutMs)),
      finishTimeoutMs,
    );
  }

  private confirmed(): void {
    const wasAborting = this.state === 'aborting';
    this.leave();
    if (wasAborting) return;
    if (this.wanted) this.flush();
    const final = this.finalCallback;
    this.finalCallback = undefined;
    final?.();
  }

  private leave(): void {
    clearTimeout(this.timer);
    if (this.state === 'over') return;
    this.state = 'over';
    this.port.forget();
  }

  /** Copies, so that a few bytes do not hold on to the whole chunk they came in. */
  private keep(data: Buffer): void {
    this.unreadBytes += data.length;
    const tail = this.unread.at(-1);
    if (tail && tail.length - this.tailUsed >= data.length) {
      data.copy(tail, this.tailUsed);
      this.tailUsed += data.length;
      return;
    }
    this.sealTail();
    const block = Buffer.allocUnsafe(
      this.unread.length === 0 ? data.length : Math.max(data.length, GATHER_BYTES),
    );
    data.copy(block);
    this.unread.push(block);
    this.tailUsed = data.length;
  }

  private sealTail(): void {
    const tail = this.unread.pop();
    if (tail) this.unread.push(tail.subarray(0, this.tailUsed));
  }

  private flush(): void {
    this.sealTail();
    while (this.wanted && this.unread.length > 0) {
      const block = this.unread.shift() as Buffer;
      this.unreadBytes -= block.length;
      this.wanted = this.push(block);
    }
    this.tailUsed = this.unread.at(-1)?.length ?? 0;
    // Not counting what Node holds: it is counted until the reader has it, and then nobody calls again.
    if (this.unreadBytes <= this.settings.bufferBytes / 2) this.port.release();
    if (this.wanted && this.state === 'over' && this.unread.length === 0) {
      this.wanted = false;
      this.push(null);
    }
  }
}

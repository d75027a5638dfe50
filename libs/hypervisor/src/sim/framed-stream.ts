import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

const end = Buffer.of(0, 0);
const mostPayloadBytes = 65_535;

/**
 * A half-closable stream over one socket, in frames of u16 length (big endian) and payload; length 0 is the sender's
 * end. Over a bare socket a process that is gone, or gave up, could not be told from one that has said everything.
 */
export class FramedStream extends Duplex {
  private readonly header = Buffer.alloc(2);
  private headerHas = 0;
  private lacking = 0;
  private ended = false;
  private cut = false;

  /** @param head what was read of the socket already */
  constructor(
    private readonly socket: Socket,
    head: Buffer,
  ) {
    super({ allowHalfOpen: true, readableHighWaterMark: mostPayloadBytes });
    if (head.length > 0) socket.unshift(head);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error) => this.lost(error));
    socket.on('end', () => this.lost());
    socket.on('close', () => this.lost());
    socket.pause();
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    if (this.cut) return written();
    const parts: Buffer[] = [];
    for (let at = 0; at < chunk.length; at += mostPayloadBytes) {
      const payload = chunk.subarray(at, at + mostPayloadBytes);
      const header = Buffer.alloc(2);
      header.writeUInt16BE(payload.length);
      parts.push(header, payload);
    }
    this.send(parts, written);
  }

  override _final(finished: (error?: Error | null) => void): void {
    if (this.cut) return finished();
    this.send([end], finished);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Only what has been said to the end both ways is worth waiting for.
    if (this.ended && this.writableFinished) this.socket.destroySoon();
    else this.socket.destroy();
    callback(error);
  }

  private send(parts: Buffer[], sent: (error?: Error | null) => void): void {
    this.socket.cork();
    for (const part of parts) this.socket.write(part);
    this.socket.uncork();
    if (!this.socket.writableNeedDrain) return sent();
    this.socket.once('drain', sent);
  }

  private receive(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.ended) {
      if (this.lacking > 0) {
        const payload = rest.subarray(0, this.lacking);
        rest = rest.subarray(payload.length);
        this.lacking -= payload.length;
        if (!this.push(payload)) this.socket.pause();
        continue;
      }
      const taken = rest.copy(this.header, this.headerHas, 0, 2 - this.headerHas);
      rest = rest.subarray(taken);
      this.headerHas = (this.headerHas + taken) % 2;
      if (this.headerHas > 0) return;
      this.lacking = this.header.readUInt16BE();
      if (this.lacking === 0) this.finish();
    }
  }

  private finish(): void {
    this.ended = true;
    this.push(null);
    // Now the only news can be that the other side is gone.
    this.socket.resume();
  }

  /** The socket is gone. What was said to the end is still read to the end. */
  private lost(cause?: Error): void {
    if (this.cut || this.destroyed) return;
    this.cut = true;
    if (!this.ended) {
      this.destroy(cause ?? Object.assign(new Error('the far end is gone'), { code: 'ECONNRESET' }));
    } else if (this.readableEnded) this.destroy();
    else this.once('end', () => this.destroy());
  }
}

import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import { Duplex } from 'node:stream';
import { BreachError, encodeCredit, encodeFrame, FrameType, initialCreditBytes } from './frame.js';
import type { Share } from './allowance.js';
import { ReceiveQueue } from './receive-queue.js';
import type { Source } from './sender.js';

/** What a stream needs of the link it belongs to. */
export interface StreamPort {
  /** It has frames to send. */
  ready(stream: MuxStream): void;
  /** It is over. @param strayBytes what the guest may yet have sent on it; null when it never knew of it */
  over(stream: MuxStream, strayBytes: number | null): void;
}

/** Credit is given back in pieces of this size, so that reading a byte at a time does not send a frame each. */
const creditPieceBytes = initialCreditBytes / 4;
/** A guest gives back what it was sent, and may widen what it takes. One that grants more has lost count. */
const creditMostBytes = 2 * 1024 * 1024;
/** Beyond twice the first credit, a guest that grants less at once wants us busy counting. */
const wideningLeastBytes = 4 * 1024;
const writableHighWaterMark = 256 * 1024;

/**
 * One stream of a link: half-closable, with credit both ways. What is received and unread never exceeds what was
 * granted; a reader that is slow holds back this stream and no other.
 */
export class MuxStream extends Duplex implements Source {
  private sendCredit = initialCreditBytes;
  private writing: { chunk: Buffer; written: (error?: Error | null) => void } | null = null;
  private finishing: ((error?: Error | null) => void) | null = null;
  private opened = false;
  private eofSent = false;
  private resetDue = false;

  private readonly received = new ReceiveQueue();
  /** What the guest may still send. */
  private window = initialCreditBytes;
  private creditDue = 0;
  private wanted = false;
  private eofReceived = false;
  private heard = false;
  private left = false;
  private quiet = false;

  constructor(
    readonly id: number,
    private readonly target: string,
    private readonly port: StreamPort,
    private readonly share: Share,
  ) {
    // A mark of 1: what Node itself buffers is at most a block or two, all else lies in our own queue.
    super({ allowHalfOpen: true, readableHighWaterMark: 1, writableHighWaterMark });
    port.ready(this);
  }

  // --- what the guest sent; called by the link ---

  /** @throws BreachError */
  data(payload: Buffer): void {
    if (payload.length > this.window || this.eofReceived) {
      throw new BreachError(
        `${payload.length} bytes on stream ${this.id}, which may have ${this.eofReceived ? 0 : this.window}`,
      );
    }
    this.heard = true;
    this.window -= payload.length;
    if (!this.wanted || this.received.length > 0) this.received.push(payload);
    else this.deliver(Buffer.from(payload));
    this.flush();
  }

  /** @throws BreachError */
  credit(bytes: number): void {
    const credit = this.sendCredit + bytes;
    const petty = credit > 2 * initialCreditBytes && bytes < wideningLeastBytes;
    if (bytes === 0 || petty || credit > creditMostBytes) {
      throw new BreachError(`${bytes} bytes of credit on stream ${this.id}, which has ${this.sendCredit}`);
    }
    this.heard = true;
    this.sendCredit = credit;
    if (this.writing) this.port.ready(this);
  }

  /** @throws BreachError */
  eof(): void {
    if (this.eofReceived) throw new BreachError(`a second end of stream ${this.id}`);
    this.heard = true;
    this.eofReceived = true;
    if (this.wanted) this.flush();
  }

  /** What the guest had said to the end is still read to the end; it is only not listening any more. */
  reset(): void {
    if (this.eofReceived && !this.readableEnded) {
      this.leave();
      this.once('end', () => this.destroy());
      return;
    }
    const error = this.heard
      ? Object.assign(new Error('the guest reset the stream'), { code: 'ECONNRESET' })
      : new GuestUnreachableError('refused', `nothing answers at ${this.target} in the guest`);
    this.fail(error);
  }

  /** Over without a word to the guest. */
  fail(error: Error): void {
    this.quiet = true;
    this.destroy(error);
  }

  // --- what goes to the guest; called by the sender ---

  produce(put: (bytes: Buffer) => void, allowance: number): boolean {
    if (this.resetDue) {
      this.resetDue = false;
      put(encodeFrame(FrameType.RESET, this.id));
      return false;
    }
    if (this.left) return false;
    if (!this.opened) put(encodeFrame(FrameType.OPEN, this.id, Buffer.from(this.target, 'ascii')));
    this.opened = true;
    if (this.creditDue >= creditPieceBytes && !this.eofReceived) put(this.grant());
    const more = this.produceData(put, allowance);
    if (this.finishing && !this.writing && !this.eofSent) {
      put(encodeFrame(FrameType.EOF, this.id));
      this.eofSent = true;
      this.finishing();
    }
    return more;
  }

  /** What was read, and as much again when the reader has all that came: its next round trip brings more. */
  private grant(): Buffer {
    const bytes = this.creditDue + (this.received.length > 0 ? 0 : this.share.take(this.creditDue));
    this.window += bytes;
    this.creditDue = 0;
    return encodeCredit(this.id, bytes);
  }

  private produceData(put: (bytes: Buffer) => void, allowance: number): boolean {
    const { writing } = this;
    if (!writing || this.sendCredit === 0) return false;
    const payload = writing.chunk.subarray(0, Math.min(allowance, this.sendCredit));
    writing.chunk = writing.chunk.subarray(payload.length);
    this.sendCredit -= payload.length;
    put(encodeFrame(FrameType.DATA, this.id, payload));
    if (writing.chunk.length > 0) return this.sendCredit > 0;
    this.writing = null;
    writing.written();
    // Being told, the writer may have brought the next chunk at once.
    return this.writing !== null && this.sendCredit > 0;
  }

  // --- what the holder does; called by Node ---

  override _read(): void {
    this.wanted = true;
    this.flush();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    if (chunk.length === 0 || this.left) return written();
    this.writing = { chunk, written };
    if (this.sendCredit > 0) this.port.ready(this);
  }

  /** What a writer gave at once goes in one frame: else its reader in the guest is woken for a few bytes each. */
  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    written: (error?: Error | null) => void,
  ): void {
    const bytes = chunks.length === 1 ? chunks[0]!.chunk : Buffer.concat(chunks.map(({ chunk }) => chunk));
    this._write(bytes, 'binary', written);
  }

  override _final(finished: (error?: Error | null) => void): void {
    if (this.left) return finished();
    this.finishing = finished;
    this.port.ready(this);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const unknown = this.left || this.quiet || !this.opened;
    this.received.clear();
    this.leave();
    if (!unknown && !(this.eofSent && this.eofReceived)) {
      this.resetDue = true;
      this.port.ready(this);
    }
    callback(error);
  }

  /** The link knows it no more. What is yet to be written goes nowhere. */
  private leave(): void {
    if (this.left) return;
    this.left = true;
    this.share.giveBack();
    this.port.over(this, this.opened ? this.window : null);
    const { writing, finishing } = this;
    this.writing = null;
    if (this.destroyed) return;
    writing?.written();
    if (!this.eofSent) finishing?.();
  }

  private deliver(bytes: Buffer): void {
    this.creditDue += bytes.length;
    this.wanted = this.push(bytes);
  }

  private flush(): void {
    while (this.wanted) {
      const bytes = this.received.shift();
      if (!bytes) break;
      this.deliver(bytes);
    }
    if (this.creditDue >= creditPieceBytes && !this.left) this.port.ready(this);
    if (this.wanted && this.eofReceived && !this.destroyed && this.received.length === 0) {
      this.wanted = false;
      this.push(null);
    }
  }
}

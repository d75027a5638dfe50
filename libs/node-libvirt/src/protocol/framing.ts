import { XdrError } from '../xdr/reader.js';
import { Limits } from './limits.js';

/**
 * Cuts a byte stream into frames, however it was chunked. Holds at most twice the bytes it was given:
 * a length that is only claimed is never allocated.
 */
export class FrameCutter {
  private held: Buffer = Buffer.alloc(0);
  private heldBytes = 0;

  /** @param maxFrameBytes a longer frame is refused as soon as its length is read */
  constructor(private readonly maxFrameBytes: number = Limits.messageBytes) {}

  /** The frames that `chunk` completes. Throws XdrError at a length that cannot be. */
  *cut(chunk: Buffer): Generator<Buffer> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.heldBytes > 0) {
        rest = rest.subarray(this.topUp(rest));
        const frame = this.takeHeld();
        if (frame) yield frame;
        continue;
      }
      const frameBytes = rest.length >= 4 ? this.checkLength(rest.readUInt32BE(0)) : Infinity;
      if (frameBytes > rest.length) {
        this.hold(rest);
        return;
      }
      yield rest.subarray(0, frameBytes);
      rest = rest.subarray(frameBytes);
    }
  }

  /** Takes only what the held frame still lacks; answers how many bytes that was. */
  private topUp(rest: Buffer): number {
    let taken = 0;
    if (this.heldBytes < 4) {
      taken = Math.min(4 - this.heldBytes, rest.length);
      this.hold(rest.subarray(0, taken));
    }
    if (this.heldBytes < 4) return taken;
    const lacking = this.checkLength(this.held.readUInt32BE(0)) - this.heldBytes;
    const more = rest.subarray(taken, taken + lacking);
    this.hold(more);
    return taken + more.length;
  }

  private takeHeld(): Buffer | undefined {
    if (this.heldBytes < 4 || this.heldBytes < this.held.readUInt32BE(0)) return undefined;
    const frame = this.held.subarray(0, this.heldBytes);
    this.held = Buffer.alloc(0);
    this.heldBytes = 0;
    return frame;
  }

  private hold(bytes: Buffer): void {
    const needed = this.heldBytes + bytes.length;
    if (needed > this.held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.held.length * 2));
      this.held.copy(larger, 0, 0, this.heldBytes);
      this.held = larger;
    }
    bytes.copy(this.held, this.heldBytes);
    this.heldBytes = needed;
  }

  private checkLength(frameBytes: number): number {
    if (frameBytes < Limits.headerBytes || frameBytes > this.maxFrameBytes) {
      throw new XdrError(
        `a frame of ${frameBytes} bytes is outside ${Limits.headerBytes}..${this.maxFrameBytes}`,
      );
    }
    return frameBytes;
  }
}

import { encodeFrame, FrameType } from './frame.js';

const magic = Buffer.from('BELLOWS-STREAMS1', 'ascii');
export const nonceBytes = 16;

/** What the host says first, and the guest says back. */
export function encodeHello(nonce: Uint8Array): Buffer {
  if (nonce.length !== nonceBytes) throw new RangeError(`a nonce of ${nonce.length} bytes`);
  return encodeFrame(FrameType.HELLO, 0, Buffer.concat([magic, nonce]));
}

/**
 * Throws bytes away until it has seen the answer to one HELLO. What lay in the port from an earlier session, and
 * answers to earlier ones, are passed over.
 */
export class HelloScan {
  private kept = Buffer.alloc(0);

  /** @param hello as it was sent; the nonce in it must never have been used before */
  constructor(private readonly hello: Buffer) {}

  /** What follows the answer; null when it has not come yet. Holds less than one HELLO. */
  push(chunk: Buffer): Buffer | null {
    const { hello } = this;
    // The answer may begin in what was kept and end in this chunk.
    const seam = Buffer.concat([this.kept, chunk.subarray(0, hello.length - 1)]);
    const inSeam = seam.indexOf(hello);
    if (inSeam >= 0) return chunk.subarray(inSeam + hello.length - this.kept.length);
    const at = chunk.indexOf(hello);
    if (at >= 0) return chunk.subarray(at + hello.length);
    const tail = chunk.length >= hello.length ? chunk : seam;
    this.kept = Buffer.from(tail.subarray(Math.max(0, tail.length - hello.length + 1)));
    return null;
  }
}

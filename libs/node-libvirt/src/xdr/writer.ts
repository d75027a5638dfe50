import { XdrError } from './reader.js';

/** Writes XDR (RFC 4506) values. Throws {@link XdrError} for a value the type cannot hold. */
export class XdrWriter {
  private bytes: Buffer;
  private used: number;

  /** @param reservedBytes left free at the start, for a header written later */
  constructor(private readonly reservedBytes = 0) {
    this.bytes = Buffer.allocUnsafe(256 + reservedBytes);
    this.used = reservedBytes;
  }

  int32(value: number): void {
    assertInteger(value, -0x8000_0000, 0x7fff_ffff);
    const at = this.grow(4);
    this.bytes.writeInt32BE(value, at);
  }

  uint32(value: number): void {
    assertInteger(value, 0, 0xffff_ffff);
    const at = this.grow(4);
    this.bytes.writeUInt32BE(value, at);
  }

  int64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw new XdrError(`${value} is not a 64-bit integer`);
    const at = this.grow(8);
    this.bytes.writeBigInt64BE(value, at);
  }

  uint64(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) throw new XdrError(`${value} is not an unsigned 64-bit integer`);
    const at = this.grow(8);
    this.bytes.writeBigUInt64BE(value, at);
  }

  double(value: number): void {
    const at = this.grow(8);
    this.bytes.writeDoubleBE(value, at);
  }

  fixedOpaque(value: Uint8Array): void {
    const padding = (4 - (value.length % 4)) % 4;
    const start = this.grow(value.length + padding);
    this.bytes.set(value, start);
    this.bytes.fill(0, start + value.length, start + value.length + padding);
  }

  opaque(value: Uint8Array, maxBytes: number): void {
    if (value.length > maxBytes)
      throw new XdrError(`${value.length} bytes are over the limit of ${maxBytes}`);
    this.uint32(value.length);
    this.fixedOpaque(value);
  }

  string(value: string, maxBytes: number): void {
    // The other side holds C strings: what follows a NUL would silently be dropped.
    if (value.includes('\0')) throw new XdrError('a string must not contain NUL');
    this.opaque(Buffer.from(value, 'utf8'), maxBytes);
  }

  /** What was written, after the reserved space. The writer is spent. */
  body(): Buffer {
    return this.bytes.subarray(this.reservedBytes, this.used);
  }

  /** All bytes, the reserved space included. The writer is spent. */
  whole(): Buffer {
    return this.bytes.subarray(0, this.used);
  }

  /** Makes room, which may replace `bytes`: call it before touching them. */
  private grow(lengthBytes: number): number {
    const start = this.used;
    this.used += lengthBytes;
    if (this.used > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.used, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, start);
      this.bytes = larger;
    }
    return start;
  }
}

const assertInteger = (value: number, min: number, max: number): void => {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new XdrError(`${value} is not an integer between ${min} and ${max}`);
  }
};

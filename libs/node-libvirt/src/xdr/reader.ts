/** The bytes do not spell what the type promised: too short, over a limit, or not a member of an enum. */
export class XdrError extends Error {
  override readonly name = 'XdrError';
}

/** Reads XDR (RFC 4506) values from one message body. Every read is checked against what is left. */
export class XdrReader {
  private offset = 0;

  constructor(private readonly bytes: Buffer) {}

  get remainingBytes(): number {
    return this.bytes.length - this.offset;
  }

  int32(): number {
    return this.bytes.readInt32BE(this.take(4));
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.take(4));
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.take(8));
  }

  uint64(): bigint {
    return this.bytes.readBigUInt64BE(this.take(8));
  }

  double(): number {
    return this.bytes.readDoubleBE(this.take(8));
  }

  /** A view of the message, not a copy. */
  fixedOpaque(lengthBytes: number): Buffer {
    const start = this.take(lengthBytes);
    this.take((4 - (lengthBytes % 4)) % 4);
    return this.bytes.subarray(start, start + lengthBytes);
  }

  opaque(maxBytes: number): Buffer {
    const length = this.uint32();
    if (length > maxBytes) throw new XdrError(`length ${length} is over the limit of ${maxBytes} bytes`);
    return this.fixedOpaque(length);
  }

  string(maxBytes: number): string {
    return this.opaque(maxBytes).toString('utf8');
  }

  /** The element count of an array, refused when the message cannot hold that many. */
  count(max: number, minElementBytes: number): number {
    const count = this.uint32();
    if (count > max) throw new XdrError(`array of ${count} is over the limit of ${max}`);
    if (count * minElementBytes > this.remainingBytes) {
      throw new XdrError(`array of ${count} does not fit in the ${this.remainingBytes} bytes left`);
    }
    return count;
  }

  private take(lengthBytes: number): number {
    if (lengthBytes > this.remainingBytes) {
      throw new XdrError(`${lengthBytes} bytes wanted, ${this.remainingBytes} left`);
    }
    const start = this.offset;
    this.offset += lengthBytes;
    return start;
  }
}

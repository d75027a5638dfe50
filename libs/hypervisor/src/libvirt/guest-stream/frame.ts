/**
 * The multiplexer's frames, version 1, big endian: u8 type, u8 0, u16 length of the payload, u32 stream, payload.
 * Either side may be hostile; see `link.ts` for what is a breach.
 */
export const FrameType = {
  /** Stream 0; payload: the magic and a nonce. Both sides forget every stream. */
  HELLO: 1,
  /** A new stream; payload: the name of the target in ASCII. */
  OPEN: 2,
  DATA: 3,
  /** Payload u32: that many more bytes may be sent on the stream. */
  CREDIT: 4,
  /** The sender will send no more on the stream. */
  EOF: 5,
  /** The stream is over at once, both ways. */
  RESET: 6,
  /** Stream 0, 8 bytes of payload that a PONG gives back. */
  PING: 7,
  PONG: 8,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const headerBytes = 8;
export const maxPayloadBytes = 65_535;
/** What each side may send on a new stream before it has been granted more. */
export const initialCreditBytes = 131_072;
export const maxStreams = 512;

export interface Frame {
  readonly type: FrameType;
  readonly stream: number;
  /** Part of what was received: valid until the next frame is asked for. */
  readonly payload: Buffer;
}

/** The other side sent what the protocol does not allow. */
export class BreachError extends Error {
  override readonly name = 'BreachError';
}

const none = Buffer.alloc(0);

export function encodeFrame(type: FrameType, stream: number, payload: Uint8Array = none): Buffer {
  if (payload.length > maxPayloadBytes) throw new RangeError(`a payload of ${payload.length} bytes`);
  const frame = Buffer.allocUnsafe(headerBytes + payload.length);
  frame[0] = type;
  frame[1] = 0;
  frame.writeUInt16BE(payload.length, 2);
  frame.writeUInt32BE(stream, 4);
  frame.set(payload, headerBytes);
  return frame;
}

export function encodeCredit(stream: number, bytes: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(bytes, 0);
  return encodeFrame(FrameType.CREDIT, stream, payload);
}

/** The length of a payload that a frame of this type may have: least and most. */
const payloadLengths: Readonly<Record<number, readonly [least: number, most: number]>> = {
  [FrameType.HELLO]: [32, 32],
  [FrameType.OPEN]: [1, 64],
  [FrameType.DATA]: [1, maxPayloadBytes],
  [FrameType.CREDIT]: [4, 4],
  [FrameType.EOF]: [0, 0],
  [FrameType.RESET]: [0, 0],
  [FrameType.PING]: [8, 8],
  [FrameType.PONG]: [8, 8],
};
const onLink: ReadonlySet<number> = new Set([FrameType.HELLO, FrameType.PING, FrameType.PONG]);

/**
 * Cuts bytes into frames, however they come. It holds the chunk it was given last and at most one frame that is not
 * whole yet, so a length that is only claimed costs no more than 64 KiB; a header that cannot be is refused at once.
 */
export class FrameDecoder {
  private readonly header = Buffer.alloc(headerBytes);
  private headerHas = 0;
  private payload: Buffer | null = null;
  private payloadHas = 0;
  private chunk: Buffer = none;

  /** More bytes. Call it only when {@link next} has answered null. */
  push(chunk: Buffer): void {
    if (this.chunk.length > 0) throw new Error('the chunk before has not been read to its end');
    this.chunk = chunk;
  }

  /** The next whole frame; null when more bytes are needed. @throws BreachError */
  next(): Frame | null {
    if (this.headerHas < headerBytes && !this.readHeader()) return null;
    const payload = this.readPayload(this.header.readUInt16BE(2));
    if (!payload) return null;
    this.headerHas = 0;
    return { type: this.header[0] as FrameType, stream: this.header.readUInt32BE(4), payload };
  }

  private readHeader(): boolean {
    const taken = this.chunk.copy(this.header, this.headerHas, 0, headerBytes - this.headerHas);
    this.headerHas += taken;
    this.chunk = this.chunk.subarray(taken);
    if (this.headerHas < headerBytes) return false;
    this.checkHeader();
    return true;
  }

  private checkHeader(): void {
    const [type, zero] = this.header as unknown as [number, number];
    const length = this.header.readUInt16BE(2);
    const [least, most] = payloadLengths[type] ?? [1, 0];
    const isOnLink = this.header.readUInt32BE(4) === 0;
    if (zero !== 0 || length < least || length > most || isOnLink !== onLink.has(type)) {
      throw new BreachError(`a frame that cannot be: ${this.header.toString('hex')}`);
    }
  }

  /** A payload that lies whole in the chunk is not copied. */
  private readPayload(length: number): Buffer | null {
    if (!this.payload && this.chunk.length >= length) {
      const whole = this.chunk.subarray(0, length);
      this.chunk = this.chunk.subarray(length);
      return whole;
    }
    this.payload ??= Buffer.allocUnsafe(length);
    const taken = this.chunk.copy(this.payload, this.payloadHas, 0, length - this.payloadHas);
    this.payloadHas += taken;
    this.chunk = this.chunk.subarray(taken);
    if (this.payloadHas < length) return null;
    const whole = this.payload;
    this.payload = null;
    this.payloadHas = 0;
    return whole;
  }
}

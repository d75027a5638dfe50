import { XdrError } from '../xdr/reader.js';
import { XdrWriter } from '../xdr/writer.js';
import { Limits } from './limits.js';

export const Program = { REMOTE: 0x2000_8086, QEMU: 0x2000_8087, KEEPALIVE: 0x6b65_6570 } as const;

/** All three programs are at version 1. */
export const PROGRAM_VERSION = 1;

export const MessageType = {
  CALL: 0,
  REPLY: 1,
  MESSAGE: 2,
  STREAM: 3,
  CALL_WITH_FDS: 4,
  REPLY_WITH_FDS: 5,
  STREAM_HOLE: 6,
} as const;

export const MessageStatus = { OK: 0, ERROR: 1, CONTINUE: 2 } as const;

/** What precedes every body: six words after the length (src/rpc/virnetprotocol.x). */
export interface MessageHeader {
  program: number;
  version: number;
  procedure: number;
  type: number;
  serial: number;
  status: number;
}

export interface Message {
  header: MessageHeader;
  body: Buffer;
}

/** @param frame one whole frame, length word included */
export const parseMessage = (frame: Buffer): Message => {
  if (frame.length < Limits.headerBytes) throw new XdrError(`a frame of ${frame.length} bytes has no header`);
  return {
    header: {
      program: frame.readUInt32BE(4),
      version: frame.readUInt32BE(8),
      procedure: frame.readInt32BE(12),
      type: frame.readUInt32BE(16),
      serial: frame.readUInt32BE(20),
      status: frame.readUInt32BE(24),
    },
    body: frame.subarray(Limits.headerBytes),
  };
};

/** A frame whose body is written by `writeBody`. Throws XdrError when it would be over the limit. */
export const encodeMessage = (header: MessageHeader, writeBody: (writer: XdrWriter) => void): Buffer => {
  const writer = new XdrWriter(Limits.headerBytes);
  writeBody(writer);
  const frame = writer.whole();
  if (frame.length > Limits.messageBytes) {
    throw new XdrError(`a message of ${frame.length} bytes is over the limit of ${Limits.messageBytes}`);
  }
  writeHeader(frame, header);
  return frame;
};

/** A frame whose body is raw bytes, as stream packets carry. */
export const encodeRawMessage = (header: MessageHeader, body: Uint8Array): Buffer => {
  const frame = Buffer.allocUnsafe(Limits.headerBytes + body.length);
  frame.set(body, Limits.headerBytes);
  writeHeader(frame, header);
  return frame;
};

const writeHeader = (frame: Buffer, header: MessageHeader): void => {
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(header.program, 4);
  frame.writeUInt32BE(header.version, 8);
  frame.writeInt32BE(header.procedure, 12);
  frame.writeUInt32BE(header.type, 16);
  frame.writeUInt32BE(header.serial, 20);
  frame.writeUInt32BE(header.status, 24);
};

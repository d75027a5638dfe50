import type { Duplex, Writable } from 'node:stream';
import type { StreamId } from '../containers/log-buffer.js';
import { Pipe } from '../shell/pipes.js';
import { writeTo, type Exchange } from './exchange.js';

/** A frame of the multiplexed stream: its stream, three zeros, its length, big endian. */
export function stdcopy(stream: StreamId, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(data.length, 4);
  return Buffer.concat([head, data]);
}

export const streamType = (tty: boolean, version: number): string =>
  tty || version < 1.42 ? 'application/vnd.docker.raw-stream' : 'application/vnd.docker.multiplexed-stream';

/** A connection taken over: bytes both ways until one side has had enough. */
export interface Hijacked {
  readonly sink: Writable;
  readonly source: Duplex | null;
  end(): void;
}

/** Answers 101 to who asked for an upgrade, 200 without a length to who did not. */
export function hijack(exchange: Exchange, type: string): Hijacked {
  const { response, socket, request } = exchange;
  if (response === null) {
    socket.write(
      `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
    );
    return { sink: socket, source: socket, end: () => socket.end() };
  }
  response.shouldKeepAlive = false;
  response.useChunkedEncodingByDefault = false;
  response.writeHead(200, { 'Content-Type': type });
  response.flushHeaders();
  return { sink: response, source: request as unknown as Duplex, end: () => response.end() };
}

const detachKeys = [0x10, 0x11];

/** Brings what the client sends into a pipe, with backpressure. Resolves at its end, or at ctrl-p ctrl-q of a terminal. */
export function pump(source: Duplex, into: Pipe, tty: boolean): Promise<'end' | 'detached'> {
  return new Promise((resolve) => {
    let held = false;
    const finish = (how: 'end' | 'detached') => {
      source.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onEnd);
      resolve(how);
    };
    const onEnd = () => finish('end');
    const onData = (data: Buffer) => {
      let part = data;
      if (tty) {
        const keys = detachAt(part, held);
        if (keys === 'now') return finish('detached');
        held = part.at(-1) === detachKeys[0];
        if (held) part = part.subarray(0, -1);
      }
      source.pause();
      into.write(part).then(
        () => source.resume(),
        // Nobody reads any more; what comes is thrown away.
        () => source.resume(),
      );
    };
    source.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onEnd);
    source.resume();
  });
}

function detachAt(data: Buffer, held: boolean): 'now' | null {
  if (held && data[0] === detachKeys[1]) return 'now';
  return data.includes(Buffer.from(detachKeys)) ? 'now' : null;
}

/** One standard stream of a process, to a client. */
export const clientOutput = (sink: Writable, stream: StreamId, framed: boolean) => ({
  write: (data: Buffer): Promise<void> => writeTo(sink, framed ? stdcopy(stream, data) : data),
});

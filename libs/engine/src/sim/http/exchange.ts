import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';
import { badRequest, failure } from '../docker-error.js';
import { isRecord, type Json } from '../containers/config.js';
import type { Engine } from '../engine.js';
import { limits } from '../limits.js';

/** One request and its answer, whether it is an ordinary one or one that takes the connection over. */
export interface Exchange {
  readonly engine: Engine;
  readonly request: IncomingMessage;
  /** Null when the client asked for an upgrade: the connection is answered by hand. */
  readonly response: ServerResponse | null;
  readonly socket: Duplex;
  readonly method: string;
  /** Without the version. */
  readonly path: string;
  /** Parts of the path that the route names, decoded. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  /** `1.45` of `/v1.45/…`; the newest when the path has none. */
  readonly version: number;
  /** What of an upgrading client's body came with its head. */
  readonly head: Buffer;
}

export const truthy = (query: URLSearchParams, name: string): boolean => {
  const value = query.get(name)?.toLowerCase().trim() ?? '';
  return !['', '0', 'no', 'false', 'none'].includes(value);
};

/** The whole body. @throws DockerError 400 when it is larger than that */
export function readBody(
  { engine, request, response, socket, head }: Exchange,
  most: number,
): Promise<Buffer> {
  const length = request.headers['content-length'];
  if (length !== undefined && Number(length) > most) throw badRequest('http: request body too large');
  if (response !== null) return collect(engine, request, most);
  // After an upgrade Node has stopped parsing: the body is the next bytes of the connection.
  // Only small JSON comes this way.
  const wanted = Number(length ?? 0);
  return takeBytes(socket, head, wanted);
}

async function collect(engine: Engine, from: Readable, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of from) {
      size += (part as Buffer).length;
      engine.uploading += (part as Buffer).length;
      if (size > most) throw badRequest('http: request body too large');
      if (engine.uploading > limits.uploadBytes) throw failure('too many uploads at once for the simulator');
      parts.push(part as Buffer);
    }
    return Buffer.concat(parts);
  } finally {
    engine.uploading -= size;
  }
}

function takeBytes(socket: Duplex, head: Buffer, wanted: number): Promise<Buffer> {
  if (head.length > 0) socket.unshift(head);
  if (wanted === 0) return Promise.resolve(Buffer.alloc(0));
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const onData = (data: Buffer) => {
      parts.push(data);
      size += data.length;
      if (size < wanted) return;
      stop();
      const all = Buffer.concat(parts);
      if (size > wanted) socket.unshift(all.subarray(wanted));
      resolve(all.subarray(0, wanted));
    };
    const onEnd = () => {
      stop();
      reject(badRequest('unexpected EOF'));
    };
    const stop = () => {
      socket.pause();
      socket.off('data', onData).off('end', onEnd).off('close', onEnd);
    };
    socket.on('data', onData).on('end', onEnd).on('close', onEnd);
  });
}

/** @throws DockerError 400 for what is no JSON object */
export async function readJson(exchange: Exchange): Promise<Json> {
  const body = await readBody(exchange, limits.bodyBytes);
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (error) {
    throw badRequest(`invalid JSON: ${(error as Error).message}`);
  }
  if (value === null) return {};
  if (!isRecord(value)) throw badRequest('invalid JSON: an object is needed');
  return value;
}

export function sendJson({ response, socket }: Exchange, status: number, value: unknown): void {
  const text = value === undefined ? '' : `${JSON.stringify(value)}\n`;
  if (response) {
    const type = value === undefined ? {} : { 'Content-Type': 'application/json' };
    const length = status === 204 || status === 304 ? {} : { 'Content-Length': Buffer.byteLength(text) };
    response.writeHead(status, { ...type, ...length }).end(text);
    return;
  }
  const head = `HTTP/1.1 ${status} ${status === 404 ? 'Not Found' : 'Error'}\r\nContent-Type: application/json\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`);
}

/** Writes with backpressure: resolves when there is room again, or when the other side has gone. */
export function writeTo(sink: Writable, data: Buffer | string): Promise<void> {
  if (sink.destroyed || sink.writableEnded) return Promise.resolve();
  if (sink.write(data) || sink.writableLength < limits.unreadBytes) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      sink.off('drain', done).off('close', done).off('error', done);
      resolve();
    };
    sink.on('drain', done).on('close', done).on('error', done);
  });
}

/** Aborts when the client has gone. */
export function goneSignal({ response, socket }: Exchange): AbortSignal {
  const gone = new AbortController();
  const abort = () => gone.abort();
  (response ?? socket).once('close', abort);
  return gone.signal;
}

/** An answer that goes on: its head is sent at once. */
export function openStream({ response }: Exchange, type: string): ServerResponse {
  response!.writeHead(200, { 'Content-Type': type });
  response!.flushHeaders();
  return response!;
}

/** A JSON object a line, as progress is told; an error after the head is one more line. */
export class ProgressStream {
  private readonly sink: ServerResponse;

  constructor(exchange: Exchange) {
    this.sink = openStream(exchange, 'application/json');
  }

  async send(line: object): Promise<void> {
    await writeTo(this.sink, `${JSON.stringify(line)}\r\n`);
  }

  async fail(message: string, code?: number): Promise<void> {
    await this.send({ errorDetail: { ...(code === undefined ? {} : { code }), message }, error: message });
  }

  end(): void {
    this.sink.end();
  }
}

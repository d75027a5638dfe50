import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, createServer as createListener, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { GuestStreams } from '@bellows/operations/ports/guest-stream';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
}

interface Wire {
  text: string;
  requests: number;
}

export type Serve = (request: IncomingMessage, response: ServerResponse) => void;
export type Upgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/**
 * Stands for the engine in a guest: remembers every byte and every request that comes. It reads as kindly as any
 * careless server would, so that a request hidden in another one is found.
 */
export class RecordingEngine implements GuestStreams {
  readonly seen: Seen[] = [];
  /** The connections over which something came since the last `forget`, from their first byte on. */
  readonly #wires = new Set<Wire>();
  /** Those that the other side has not closed. */
  readonly sockets = new Set<Socket>();
  serve: Serve = (_request, response) => void response.end('{"ok":true}');
  upgrade: Upgrade = (_request, socket) =>
    void socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
  /** When set, answers in bytes of its own instead of HTTP. */
  raw: ((socket: Socket) => void) | null = null;
  readonly #http: Server;
  readonly #all = new Map<Socket, Wire>();
  readonly #server = createListener({ allowHalfOpen: true, noDelay: true }, (socket) => this.#tap(socket));

  private constructor() {
    this.#http = createServer({ insecureHTTPParser: true, requestTimeout: 0 }, (request, response) => {
      this.#note(request);
      this.serve(request, response);
    });
    this.#http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      this.#note(request);
      socket.on('error', () => socket.destroy());
      this.upgrade(request, socket, head);
    });
  }

  static async start(): Promise<RecordingEngine> {
    const engine = new RecordingEngine();
    engine.#server.listen(0, '127.0.0.1');
    await once(engine.#server, 'listening');
    return engine;
  }

  async open(): Promise<Duplex> {
    const { port } = this.#server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return socket;
  }

  /** What came over each connection, up to a mebibyte, in Latin-1. */
  get wires(): string[] {
    return [...this.#wires].map(({ text }) => text);
  }

  /** The most requests that one connection carried. */
  get mostOnOneWire(): number {
    return Math.max(0, ...[...this.#wires].map(({ requests }) => requests));
  }

  forget(): void {
    this.seen.length = 0;
    this.#wires.clear();
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#all.keys()) socket.destroy();
    await closed;
  }

  #note({ method = '', url = '', rawHeaders, socket }: IncomingMessage): void {
    const wire = this.#all.get(socket);
    if (wire) wire.requests += 1;
    this.seen.push({ method, url, rawHeaders });
  }

  #tap(socket: Socket): void {
    this.sockets.add(socket);
    const wire: Wire = { text: '', requests: 0 };
    this.#all.set(socket, wire);
    socket.on('close', () => this.#all.delete(socket));
    // The far end never closes half of it by itself, but where a test says so.
    const gone = (): void => void this.sockets.delete(socket);
    socket
      .on('close', gone)
      .on('end', gone)
      .on('error', () => undefined);
    if (this.raw) return this.raw(socket);
    this.#http.emit('connection', socket);
    // After the server has taken it: what was listening before would be bypassed.
    socket.on('data', (chunk: Buffer) => {
      this.#wires.add(wire);
      if (wire.text.length < 1024 * 1024) wire.text += chunk.toString('latin1');
    });
  }
}

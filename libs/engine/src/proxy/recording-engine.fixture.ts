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

export type Serve = (request: IncomingMessage, response: ServerResponse) => void;
export type Upgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/**
 * Stands for the engine in a guest: remembers every byte and every request that comes. It reads as kindly as any
 * careless server would, so that a request hidden in another one is found.
 */
export class RecordingEngine implements GuestStreams {
  readonly seen: Seen[] = [];
  /** What came over each connection, up to a mebibyte, in Latin-1. */
  readonly wires: string[] = [];
  /** Those that the other side has not closed. */
  readonly sockets = new Set<Socket>();
  serve: Serve = (_request, response) => void response.end('{"ok":true}');
  upgrade: Upgrade = (_request, socket) =>
    void socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
  /** When set, answers in bytes of its own instead of HTTP. */
  raw: ((socket: Socket) => void) | null = null;
  readonly #http: Server;
  readonly #all = new Set<Socket>();
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

  forget(): void {
    this.seen.length = 0;
    this.wires.length = 0;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#all) socket.destroy();
    await closed;
  }

  #note({ method = '', url = '', rawHeaders }: IncomingMessage): void {
    this.seen.push({ method, url, rawHeaders });
  }

  #tap(socket: Socket): void {
    this.sockets.add(socket);
    this.#all.add(socket);
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
    const at = this.wires.push('') - 1;
    socket.on('data', (chunk: Buffer) => {
      const text = this.wires[at];
      if (text !== undefined && text.length < 1024 * 1024) this.wires[at] = text + chunk.toString('latin1');
    });
  }
}

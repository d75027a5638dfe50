import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { carry } from './carry.js';
import type { Caller, Ended } from './exchange.js';
import { RecordingEngine } from './recording-engine.fixture.js';
import { cleanRequest, isUnfit } from './request.js';

/** A server that carries what it is asked to a recording engine, as the gateway does, without its rules. */
export class CarryBench {
  readonly ended: Ended[] = [];
  private constructor(
    readonly engine: RecordingEngine,
    readonly port: number,
    private readonly server: Server,
  ) {}

  static async start(): Promise<CarryBench> {
    const engine = await RecordingEngine.start();
    let bench: CarryBench | null = null;
    const run = async (caller: Caller) => {
      const { method = '', url = '', rawHeaders } = caller.incoming;
      const request = cleanRequest({ method, path: url, rawHeaders });
      if (isUnfit(request)) throw new Error(request.unfit);
      bench!.ended.push(await carry({ request, caller }, await engine.open()));
    };
    const server = createServer({ requestTimeout: 0 }, (incoming, outgoing) => {
      void run({ kind: 'call', incoming, outgoing });
    });
    server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
      void run({ kind: 'upgrade', incoming, socket, head });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    bench = new CarryBench(engine, (server.address() as AddressInfo).port, server);
    return bench;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async dial(): Promise<Line> {
    const socket = connect({ port: this.port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return new Line(socket);
  }

  /** Waits until that many exchanges are over. */
  async over(count: number): Promise<Ended> {
    while (this.ended.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    return this.ended[count - 1]!;
  }

  async close(): Promise<void> {
    await this.engine.close();
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

/** One connection, spoken to in bytes. */
export class Line {
  text = '';
  ended = false;
  closed = false;
  constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => (this.text += chunk.toString('latin1')));
    socket.on('end', () => (this.ended = true));
    socket.on('close', () => (this.closed = true)).on('error', () => undefined);
  }

  async until(what: string | (() => boolean), ms = 5_000): Promise<void> {
    const end = Date.now() + ms;
    const there = typeof what === 'string' ? () => this.text.includes(what) : what;
    while (!there()) {
      if (Date.now() > end)
        throw new Error(`waited in vain for ${String(what)}; there is: ${this.text.slice(0, 500)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

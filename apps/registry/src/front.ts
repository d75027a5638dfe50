import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { KeyPair } from './certificates.js';
import { originOf } from './own-hosts.js';
import type { Passports } from './passport.js';
import { refusal, Refused, sendRefusal } from './refusal.js';
import { methodsOf, routeOf, writes, type Route } from './route.js';
import type { TokenWindow } from './token-window.js';
import { carry, type Exchange } from './upstream.js';
import type { Writing } from './writing.js';

export interface FrontOptions {
  readonly hosts: readonly string[];
  readonly tls: KeyPair;
  readonly socketPath: () => string;
  readonly passports: Passports;
  readonly writing: Writing;
  readonly tokens: TokenWindow;
  readonly log: (message: string, detail?: unknown) => void;
}

const mostConnections = 2_048;
/** Of one address that is not this machine's own: a guest must not keep all lines for itself. */
const mostOfOne = 128;
/** Of a line on which nothing moves: longer than a large layer takes to be checked. */
const idleMs = 600_000;
const bodyIdleMs = 60_000;

const notHere = refusal(421, 'UNSUPPORTED', 'This registry does not go by that name.');
const unknown = refusal(404, 'NAME_UNKNOWN', 'Repositories are PROJECT-ID/NAME or library/NAME.');
const broken = refusal(500, 'UNAVAILABLE', 'Something broke on our side.');

/** The one door of the registry: ends TLS, knows by which name the client came, and lets nothing through unread. */
export class Front {
  readonly #servers: Server[] = [];
  readonly #linesOf = new Map<string, number>();
  #port = 0;

  constructor(private readonly options: FrontOptions) {}

  get port(): number {
    return this.#port;
  }

  /** On every address, at one port. Rejects as `listen` does (`EADDRINUSE`), and then listens nowhere. */
  async listen(bind: readonly string[], port: number): Promise<number> {
    this.#port = port;
    try {
      for (const host of bind) await this.#open(host);
    } catch (error) {
      await this.close();
      throw error;
    }
    return this.#port;
  }

  renew(tls: KeyPair): void {
    for (const server of this.#servers) server.setSecureContext({ key: tls.key, cert: tls.certificate });
  }

  async close(): Promise<void> {
    const servers = this.#servers.splice(0);
    await Promise.all(
      servers.map((server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  async #open(host: string): Promise<void> {
    const { key, certificate: cert } = this.options.tls;
    const times = { requestTimeout: 0, headersTimeout: 10_000, keepAliveTimeout: 75_000 };
    const server = createServer({ key, cert, minVersion: 'TLSv1.2', ...times, maxHeaderSize: 32 * 1024 });
    server.maxConnections = mostConnections;
    server.setTimeout(idleMs);
    server.on('connection', (socket: Socket) => this.#count(socket));
    server.on('request', (incoming, outgoing) => void this.#handle(incoming, outgoing));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port: this.#port }, resolve);
    });
    this.#servers.push(server);
    this.#port = (server.address() as AddressInfo).port;
  }

  #count(socket: Socket): void {
    const { remoteAddress: from = '' } = socket;
    const lines = (this.#linesOf.get(from) ?? 0) + 1;
    if (lines > mostOfOne && !/^(::ffff:)?127\.|^::1$/.test(from)) return void socket.destroy();
    this.#linesOf.set(from, lines);
    socket.once('close', () => {
      const left = this.#linesOf.get(from)! - 1;
      if (left > 0) this.#linesOf.set(from, left);
      else this.#linesOf.delete(from);
    });
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    incoming.on('error', () => undefined);
    outgoing.on('error', () => undefined);
    try {
      const origin = originOf(incoming.headers.host, this.options.hosts, this.#port);
      if (origin === null) throw new Refused(notHere);
      hurry(incoming);
      await this.#serve({ incoming, outgoing, origin });
    } catch (error) {
      if (!(error instanceof Refused) && !outgoing.destroyed) this.options.log('a request failed', error);
      sendRefusal(incoming, outgoing, error instanceof Refused ? error.refusal : broken);
    }
  }

  async #serve(exchange: Exchange): Promise<void> {
    const { method = '', url = '', headers } = exchange.incoming;
    const path = url.split('?', 1)[0]!;
    if (path === '/token') return this.options.tokens.serve(exchange);
    const route = routeOf(path);
    if (!route) throw new Refused(unknown);
    if (!methodsOf(route).includes(method)) throw new Refused(notAllowed(route));
    const ofUpload = route.kind === 'upload';
    if (!writes(method) && !ofUpload) return void (await carry(exchange, this.options.socketPath(), null));
    const passport = this.options.passports.read(headers.authorization);
    if (!('repository' in route)) throw new Refused(notAllowed(route));
    await this.options.writing.serve(exchange, route, passport);
  }
}

const notAllowed = (route: Route) =>
  refusal(405, 'UNSUPPORTED', 'The resource does not know this method.', {
    allow: methodsOf(route).join(', '),
  });

/** A body may take as long as it takes, but something of it has to come. */
function hurry(incoming: IncomingMessage): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = incoming.headers;
  if (length === '0' && encoding === undefined) return;
  const { socket } = incoming;
  let heard = socket.bytesRead;
  const look = setInterval(() => {
    if (incoming.complete) return clearInterval(look);
    if (socket.bytesRead === heard && !incoming.isPaused() && !incoming.readableLength) socket.destroy();
    heard = socket.bytesRead;
  }, bodyIdleMs);
  look.unref();
  incoming.once('close', () => clearInterval(look));
}

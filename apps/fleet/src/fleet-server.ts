import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { unlink } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { codeOf, type WatchLine } from '@bellows/hypervisor/sim/fleet-protocol';
import type { DurableFleet } from './durable-fleet.js';
import { GuestStreamRoute, type GuestStreamListener } from './guest-stream-route.js';
import { InvalidRequestError, readBody } from './request-body.js';
import { lateReads, removedHost, routes, type Reply } from './routes.js';
import type { ListenAt } from './settings.js';

const heartbeatMs = 5_000;
/** A watcher that does not read is cut off rather than remembered for. */
const mostUnreadBytes = 4 * 1024 * 1024;

/** The fleet's protocol (`fleet-protocol.ts`) over HTTP. */
export class FleetServer {
  private readonly http: Server;
  private readonly watchers = new Set<ServerResponse>();
  private readonly heartbeat: NodeJS.Timeout;
  private readonly expected: Buffer;
  private readonly guestStreams: GuestStreamRoute;
  private unwatch: (() => void) | null = null;

  constructor(
    private readonly durable: DurableFleet,
    secret: string,
    onGuestStream: GuestStreamListener,
  ) {
    this.expected = digest(`Bearer ${secret}`);
    this.http = createServer({ keepAlive: true, keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
      this.handle(incoming, outgoing).catch((error: unknown) => refuse(outgoing, error));
    });
    this.guestStreams = new GuestStreamRoute(durable, onGuestStream, (given) => this.knows(given));
    this.http.on('upgrade', (incoming, socket, head) => {
      void this.guestStreams.upgrade(incoming, socket, head);
    });
    this.heartbeat = setInterval(() => this.tellAll('\n'), heartbeatMs).unref();
  }

  /** @returns where it listens: `http://HOST:PORT` or `unix:PATH`. */
  async listen(at: ListenAt): Promise<string> {
    if (at.kind === 'unix') await removeDeadSocket(at.path);
    await new Promise<void>((resolve, reject) => {
      this.http.once('error', reject);
      const listening = () => resolve();
      if (at.kind === 'unix') this.http.listen({ path: at.path }, listening);
      else this.http.listen({ host: at.host, port: at.port, backlog: 1024 }, listening);
    });
    if (at.kind === 'unix') return `unix:${at.path}`;
    const { port } = this.http.address() as AddressInfo;
    return `http://${at.host.includes(':') ? `[${at.host}]` : at.host}:${port}`;
  }

  /** Answers what has been asked, takes nothing more. */
  async close(graceMs: number): Promise<void> {
    clearInterval(this.heartbeat);
    this.unwatch?.();
    this.guestStreams.close();
    for (const watcher of this.watchers) watcher.end();
    const closed = new Promise<void>((resolve) => this.http.close(() => resolve()));
    this.http.closeIdleConnections();
    const late = setTimeout(() => this.http.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(late);
  }

  private async handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const method = incoming.method ?? 'GET';
    const path = incoming.url ?? '/';
    if (path === '/healthz') return send(outgoing, 200, { ok: true });
    if (!this.knows(incoming.headers.authorization))
      return fail(outgoing, 401, 'unauthorized', 'a bearer is needed');
    if (method === 'GET' && path === '/v1/watch') return this.watch(outgoing);
    const body = await readBody(incoming);
    if (this.hangs(body['host'])) return;
    const reply = await this.answer(method, path, body);
    if (reply === null) return fail(outgoing, 404, 'not-found', `there is no ${method} ${path}`);
    if (path === '/v1/faults') this.guestStreams.cutDeadHosts();
    const durable = this.durable.durable();
    if (durable) await durable;
    await until(reply.answerAt);
    send(outgoing, reply.value === undefined ? 204 : 200, reply.value);
  }

  private async answer(
    method: string,
    path: string,
    body: Readonly<Record<string, unknown>>,
  ): Promise<Reply | null> {
    const { fleet } = this.durable;
    const late = lateReads[`${method} ${path}`]?.(body);
    if (late) {
      await until(this.durable.now() + fleet.observationMs(late.askGuest));
      return { value: late.read(fleet, this.durable.now()) };
    }
    const host = removedHost(method, path);
    if (host !== null) {
      fleet.removeHost(host, this.durable.now());
      return {};
    }
    return routes[`${method} ${path}`]?.(fleet, body, this.durable.now()) ?? null;
  }

  private hangs(host: unknown): boolean {
    return typeof host === 'string' && this.durable.fleet.faults.hosts[host] === 'hangs';
  }

  private knows(authorization: string | undefined): boolean {
    return authorization !== undefined && timingSafeEqual(digest(authorization), this.expected);
  }

  private watch(outgoing: ServerResponse): void {
    outgoing.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    outgoing.write('\n');
    this.watchers.add(outgoing);
    outgoing.on('close', () => this.watchers.delete(outgoing));
    this.unwatch ??= this.durable.watch((host, { instanceId, kind }) => {
      const line: WatchLine = { host, instanceId, kind };
      this.tellAll(`${JSON.stringify(line)}\n`);
    });
  }

  private tellAll(line: string): void {
    for (const watcher of this.watchers) {
      if (watcher.writableLength > mostUnreadBytes) watcher.destroy();
      else watcher.write(line);
    }
  }
}

/** Timers are whole milliseconds; less than one is not worth a timer. */
async function until(at: number | undefined): Promise<void> {
  const wait = (at ?? 0) - Date.now();
  if (wait >= 0.5) await new Promise((resolve) => setTimeout(resolve, Math.ceil(wait)));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function send(outgoing: ServerResponse, status: number, value: unknown): void {
  if (value === undefined) {
    outgoing.writeHead(status).end();
    return;
  }
  const text = JSON.stringify(value);
  outgoing
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text);
}

const fail = (outgoing: ServerResponse, status: number, code: string, message: string): void =>
  send(outgoing, status, { error: { code, message } });

function refuse(outgoing: ServerResponse, error: unknown): void {
  if (outgoing.headersSent) return void outgoing.destroy();
  if (error instanceof InvalidRequestError) return fail(outgoing, 400, 'invalid', error.message);
  const { code, status, message } = codeOf(error);
  fail(outgoing, status, code, message);
}

/** A socket file outlives a killed process; one that nobody answers on is in the way. */
function removeDeadSocket(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      reject(new Error(`${path}: another process listens there`));
    });
    probe.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') unlink(path).then(resolve, reject);
      else resolve();
    });
  });
}

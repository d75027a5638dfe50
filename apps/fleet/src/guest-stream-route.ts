import type { Duplex } from 'node:stream';
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { InstanceId } from '@bellows/domain/ids';
import { FramedStream } from '@bellows/hypervisor/sim/framed-stream';
import { guestStreamGate } from '@bellows/hypervisor/sim/guest-stream-gate';
import { streamPath, streamRefusal, streamUpgrade } from '@bellows/hypervisor/sim/guest-stream-protocol';
import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import type { DurableFleet } from './durable-fleet.js';
import { InvalidRequestError } from './request-body.js';

/** Takes a stream to a modelled guest's container engine. It is destroyed when the guest stops or its host dies. */
export type GuestStreamListener = (instanceId: InstanceId, stream: Duplex) => void;

/** For a fleet whose guests have no engine. */
export const noEngine: GuestStreamListener = (_instanceId, stream) => void stream.destroy();

/** As many as a real guest carries. */
const mostStreamsOfAGuest = 512;

interface Asked {
  readonly host: string;
  readonly instanceId: InstanceId;
}

/** `GET /v1/guest-stream`: streams into modelled guests, as long as the model lets them be. */
export class GuestStreamRoute {
  private readonly open = new Map<FramedStream, Asked>();
  /** Of the HTTP server they are no more. */
  private readonly sockets = new Set<Duplex>();
  private readonly unwatch: () => void;

  constructor(
    private readonly durable: DurableFleet,
    private readonly listener: GuestStreamListener,
    private readonly knows: (authorization: string | undefined) => boolean,
  ) {
    this.unwatch = durable.watch((host, { instanceId, kind }) => {
      if (kind === 'stopped' || kind === 'reset') {
        this.cut((asked) => asked.host === host && asked.instanceId === instanceId);
      }
    });
  }

  /** For `upgrade` of the HTTP server. */
  async upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => this.sockets.delete(socket));
    try {
      const asked = this.read(incoming);
      if (this.durable.fleet.faults.hosts[asked.host] === 'hangs') return;
      await this.admit(asked);
      if (socket.destroyed) return;
      this.start(asked, socket as Socket, head);
    } catch (error) {
      answer(socket, error);
    }
  }

  /** A host that has been struck dead takes the streams to its guests along. */
  cutDeadHosts(): void {
    this.cut(({ host }) => this.durable.fleet.faults.hosts[host] === 'dead');
  }

  close(): void {
    this.unwatch();
    for (const socket of this.sockets) socket.destroy();
  }

  private read({ method, url = '/', headers }: IncomingMessage): Asked {
    if (!this.knows(headers.authorization)) throw new UnauthorizedError();
    const { pathname, searchParams } = new URL(url, 'http://fleet');
    const known = method === 'GET' && pathname === streamPath;
    if (!known || headers.upgrade?.toLowerCase() !== streamUpgrade) {
      throw new InvalidRequestError(`there is no upgrade of ${method} ${pathname} to ${headers.upgrade}`);
    }
    const [host, instanceId, target] = ['host', 'instance', 'target'].map((name) => searchParams.get(name));
    if (!host || !instanceId) throw new InvalidRequestError('host and instance are needed');
    if (target !== 'docker') throw new GuestUnreachableError('refused', `nothing answers at ${target}`);
    return { host, instanceId: instanceId as InstanceId };
  }

  /** Waits for a guest that is about to have booted. */
  private async admit({ host, instanceId }: Asked): Promise<void> {
    const now = this.durable.now();
    const wait = guestStreamGate(this.durable.fleet, host, instanceId, now) - now;
    if (wait > 0) {
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(wait)));
      guestStreamGate(this.durable.fleet, host, instanceId, this.durable.now());
    }
    const streams = [...this.open.values()].filter((other) => other.instanceId === instanceId).length;
    if (streams < mostStreamsOfAGuest) return;
    throw new GuestUnreachableError('too-many', `the guest has ${mostStreamsOfAGuest} streams already`);
  }

  private start(asked: Asked, socket: Socket, head: Buffer): void {
    socket.setNoDelay(true);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${streamUpgrade}\r\n\r\n`,
    );
    const stream = new FramedStream(socket, head);
    this.open.set(stream, asked);
    stream.on('error', () => undefined).once('close', () => this.open.delete(stream));
    this.listener(asked.instanceId, stream);
  }

  private cut(hit: (asked: Asked) => boolean): void {
    for (const [stream, asked] of this.open) {
      if (hit(asked)) stream.destroy(new Error(`the way to ${asked.instanceId} is gone`));
    }
  }
}

class UnauthorizedError extends Error {}

function answer(socket: Duplex, error: unknown): void {
  if (socket.destroyed) return;
  const { status, body } = refusalOf(error);
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

function refusalOf(error: unknown): ReturnType<typeof streamRefusal> {
  const told = (status: number, code: string, message: string) => ({
    status,
    body: { error: { code, message } },
  });
  if (error instanceof UnauthorizedError) return told(401, 'unauthorized', 'a bearer is needed');
  if (error instanceof InvalidRequestError) return told(400, 'invalid', error.message);
  return streamRefusal(error);
}

import type { InstanceId } from '@bellows/domain/ids';
import { HostUnreachableError } from '@bellows/operations/ports/driver-errors';
import type { GuestStreams, GuestTarget } from '@bellows/operations/ports/guest-stream';
import type { HostRef } from '@bellows/operations/ports/host-driver';
import { request, type IncomingMessage } from 'node:http';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { targetOf, type FleetAddress } from './fleet-client.js';
import { FramedStream } from './framed-stream.js';
import { streamErrorOf, streamPath, streamUpgrade } from './guest-stream-protocol.js';
import { hostName } from './host-uri.js';

/** The fleet itself waits for a guest that boots; a host that hangs never answers. */
const patienceMs = 10_000;
const mostRefusalBytes = 64 * 1024;

/** Streams into modelled guests: each a connection of its own to the fleet process. */
export class SimGuestStreams implements GuestStreams {
  private readonly streams = new Set<Duplex>();
  private readonly openings = new Set<(error: Error) => void>();
  private closed: Error | null = null;

  constructor(private readonly address: FleetAddress) {}

  async open(
    host: HostRef,
    instanceId: InstanceId,
    target: GuestTarget,
    signal?: AbortSignal,
  ): Promise<Duplex> {
    signal?.throwIfAborted();
    if (this.closed) throw this.closed;
    const query = new URLSearchParams({ host: hostName(host), instance: instanceId, target });
    const { socket, head } = await this.upgrade(`${streamPath}?${query}`, signal);
    const stream = new FramedStream(socket, head);
    this.streams.add(stream);
    stream.once('close', () => this.streams.delete(stream));
    return stream;
  }

  async close(): Promise<void> {
    const reason = (this.closed ??= new HostUnreachableError('the streams into guests were closed'));
    for (const giveUp of this.openings) giveUp(reason);
    for (const stream of this.streams) stream.destroy(reason);
  }

  private upgrade(path: string, signal?: AbortSignal): Promise<{ socket: Socket; head: Buffer }> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        ...targetOf(this.address.url),
        path,
        headers: {
          authorization: `Bearer ${this.address.secret}`,
          connection: 'Upgrade',
          upgrade: streamUpgrade,
        },
        // A connection that is upgraded is of no use to any agent, and each side ends its own.
        createConnection: (options) =>
          connect({ ...(options as NetConnectOpts), allowHalfOpen: true, noDelay: true }),
      });
      const giveUp = (error: Error): void => void outgoing.destroy(error);
      const late = setTimeout(
        () => giveUp(new HostUnreachableError(`${streamPath}: no answer in ${patienceMs} ms`)),
        patienceMs,
      );
      const onAbort = (): void => giveUp(signal?.reason as Error);
      this.openings.add(giveUp);
      signal?.addEventListener('abort', onAbort);
      outgoing.on('upgrade', (_, socket, head) => resolve({ socket: socket as Socket, head }));
      outgoing.on('response', (answer) => readRefusal(answer).then(reject, reject));
      outgoing.on('error', (error) => reject(signal?.aborted ? (signal.reason as Error) : reachable(error)));
      outgoing.on('close', () => {
        clearTimeout(late);
        this.openings.delete(giveUp);
        signal?.removeEventListener('abort', onAbort);
      });
      outgoing.end();
    });
  }
}

async function readRefusal(answer: IncomingMessage): Promise<Error> {
  let text = '';
  for await (const part of answer.setEncoding('utf8')) {
    text += part as string;
    if (text.length > mostRefusalBytes) break;
  }
  return streamErrorOf(answer.statusCode ?? 0, text);
}

const reachable = (error: Error): Error =>
  error instanceof HostUnreachableError
    ? error
    : new HostUnreachableError(`the fleet process cannot be reached (${error.message || 'lost'})`, {
        cause: error,
      });

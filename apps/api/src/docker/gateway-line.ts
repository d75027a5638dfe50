import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface GatewayAddress {
  /** `http://HOST:PORT` */
  readonly url: string;
  readonly secret: string;
}

const connectWithinMs = 5_000;

/** A connection of its own for every exchange: none is shared between two who ask. Rejects when nobody listens. */
export async function gatewayLine({ url }: GatewayAddress): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const signal = AbortSignal.timeout(connectWithinMs);
  const host = hostname.replace(/^\[|\]$/g, '');
  const line = connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true });
  try {
    await once(line, 'connect', { signal });
    return line;
  } catch (error) {
    line.on('error', () => undefined).destroy();
    throw error;
  }
}

import { networkInterfaces } from 'node:os';
import { isIP } from 'node:net';

const anyAddress = new Set(['0.0.0.0', '::']);

/** Every host by which this registry can be meant: what it listens on, loopback by name, and the names it was given. */
export function hostsOf(bind: readonly string[], names: readonly string[]): string[] {
  const hosts = new Set<string>();
  for (const address of bind) {
    if (!anyAddress.has(address)) hosts.add(address);
    else for (const own of Object.values(networkInterfaces()).flat()) if (own) hosts.add(own.address);
  }
  if ([...hosts].some((host) => host.startsWith('127.') || host === '::1')) hosts.add('localhost');
  for (const name of names) hosts.add(name.toLowerCase());
  return [...hosts];
}

/**
 * The origin a request came to, made from our own list and never from what the client wrote.
 * @param header of the request: Host.
 * @returns `https://HOST:PORT`; null when the header names somebody else.
 */
export function originOf(header: string | undefined, hosts: readonly string[], port: number): string | null {
  const named = header?.toLowerCase();
  for (const host of hosts) {
    const written = isIP(host) === 6 ? `[${host}]` : host;
    if (named === `${written}:${port}` || (port === 443 && named === written)) {
      return `https://${written}:${port}`;
    }
  }
  return null;
}

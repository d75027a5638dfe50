import { connect, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions as TlsConnectOptions } from 'node:tls';
import { LibvirtAuthError, LibvirtConnectionError } from './errors.js';
import type { DialTarget } from './uri.js';

/** Node's own TLS options, of which libvirt needs `ca`, `cert` and `key` (PEM). */
export type TlsOptions = Pick<
  TlsConnectOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'servername' | 'rejectUnauthorized'
>;

/** Opens the transport; resolves when bytes can be written, rejects when the signal fires first. */
export type Dialer = (target: DialTarget, signal: AbortSignal) => Promise<Duplex>;

export const dialer =
  (tls: TlsOptions = {}): Dialer =>
  (target, signal) => {
    switch (target.transport) {
      case 'unix':
        return ready(connect({ path: target.path }), 'connect', describe(target), signal);
      case 'tcp':
        return ready(
          connect({ host: target.host, port: target.port, noDelay: true }),
          'connect',
          describe(target),
          signal,
        );
      case 'tls':
        return dialTls(target, tls, signal);
    }
  };

const dialTls = async (
  target: DialTarget & { transport: 'tls' },
  tls: TlsOptions,
  signal: AbortSignal,
): Promise<Duplex> => {
  const { host, port } = target;
  const servername = tls.servername ?? (isIP(host) ? undefined : host);
  const socket = connectTls({ ...tls, host, port, servername, minVersion: 'TLSv1.2' });
  socket.setNoDelay(true);
  await ready(socket, 'secureConnect', describe(target), signal);
  await serversConsent(socket, signal);
  return socket;
};

/** After the handshake libvirtd checks our certificate against its list and says yes with one byte of 1. */
const serversConsent = (socket: Duplex, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      socket.off('readable', onReadable).off('end', onEnd).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      if (!error) return resolve();
      socket.destroy();
      reject(error);
    };
    const onReadable = (): void => {
      const byte = socket.read(1) as Buffer | null;
      if (byte)
        settle(byte[0] === 1 ? undefined : new LibvirtAuthError('the server refused our certificate'));
    };
    const onEnd = (): void => settle(new LibvirtAuthError('the server hung up on our certificate'));
    const onError = (cause: Error): void =>
      settle(new LibvirtAuthError(`the server refused us: ${cause.message}`, false, { cause }));
    const onAbort = (): void => settle(signal.reason as Error);
    socket.on('readable', onReadable).on('end', onEnd).on('error', onError);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else onReadable();
  });

const ready = <S extends Duplex>(socket: S, event: string, where: string, signal: AbortSignal): Promise<S> =>
  new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      socket.off(event, onReady).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      if (!error) return resolve(socket);
      socket.on('error', () => undefined).destroy();
      reject(error);
    };
    const onReady = (): void => settle();
    const onError = (cause: Error): void =>
      settle(new LibvirtConnectionError(`cannot reach ${where}: ${cause.message}`, false, { cause }));
    const onAbort = (): void => settle(signal.reason as Error);
    socket.on(event, onReady).on('error', onError);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });

const describe = (target: DialTarget): string =>
  target.transport === 'unix' ? target.path : `${target.transport}://${target.host}:${target.port}`;

import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { isIP, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import type { DockerPortSettings } from '@bellows/config/settings';
import { answerNoHttp } from '../http/no-http.js';
import type { DockerAuthorities } from './authorities.js';
import { serveLogged, type Serve } from './docker.routes.js';
import { isAny, namesOf } from './port-names.js';
import { PortCertificate } from './port-certificate.js';

/** A client of a slow link needs three round trips; whoever takes longer is not one. */
const handshakeMs = 10_000;
const headMs = 20_000;
const keepAliveMs = 72_000;
const lookEveryMs = 30_000;

export interface DockerPortOptions extends DockerPortSettings {
  /** An address. */
  readonly bind: string;
  /** For tests. */
  readonly handshakeMs?: number;
}

/**
 * The second way in to the container engines: TLS, where the client's certificate says which instance and on whose
 * behalf, and the path is the engine's own. For clients that keep neither a path nor a header, such as buildx.
 */
export class DockerPort implements BeforeApplicationShutdown {
  #server: Server | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Those in the middle of their handshake, too. */
  readonly #sockets = new Set<Socket>();
  readonly #certificate: PortCertificate;

  constructor(
    private readonly options: DockerPortOptions | null,
    authorities: DockerAuthorities,
    private readonly serve: Serve,
    private readonly logger: Logger,
  ) {
    this.#certificate = new PortCertificate(authorities, () => (options ? namesOf(options) : []));
  }

  /** Null while nobody listens. */
  get port(): number | null {
    return (this.#server?.address() as AddressInfo | null | undefined)?.port ?? null;
  }

  /** @returns the port; null when it is switched off. */
  async open(): Promise<number | null> {
    const { options } = this;
    if (!options) return null;
    const server = this.#listener((await this.#certificate.renewed(Date.now()))!, options);
    await this.#listen(server, options);
    this.#server = server;
    this.#timer = setInterval(() => void this.#renew(server), lookEveryMs).unref();
    return this.port;
  }

  /**
   * What clients set DOCKER_HOST to. @param calledAs the host name that our caller knows this machine by.
   * @returns null while nobody listens.
   */
  endpoint(calledAs: string): string | null {
    const { port, options } = this;
    if (port === null || !options) return null;
    const { host, bind } = options;
    const names = namesOf(options);
    const called = calledAs.replace(/^\[|\]$/g, '');
    const name = host ?? (!isAny(bind) ? bind : names.includes(called) ? called : names[0]!);
    return `tcp://${isIP(name) === 6 ? `[${name}]` : name}:${port}`;
  }

  beforeApplicationShutdown(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#server = null;
  }

  #listener(context: { key: string; cert: string; ca: string }, options: DockerPortOptions): Server {
    const server = createServer({
      ...context,
      requestCert: true,
      // Decided in `speaksTo`: an expired certificate gets to hear that it is.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      // Without tickets every connection shows its certificate anew: an expired one cannot be resumed.
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
      handshakeTimeout: options.handshakeMs ?? handshakeMs,
      headersTimeout: headMs,
      keepAliveTimeout: keepAliveMs,
      requestTimeout: 0,
      // A client that has no more to say (`docker exec -i < file`) still listens.
      allowHalfOpen: true,
      noDelay: true,
    });
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    const [toHttp] = server.listeners('secureConnection') as ((socket: TLSSocket) => void)[];
    server.removeAllListeners('secureConnection');
    server.on('secureConnection', (socket: TLSSocket) => {
      if (this.#speaksTo(socket)) toHttp!.call(server, socket);
      else socket.destroy();
    });
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) =>
      serveLogged(this.serve, { kind: 'call', incoming, outgoing }, this.logger),
    );
    server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
      serveLogged(this.serve, { kind: 'upgrade', incoming, socket, head }, this.logger),
    );
    server.on('clientError', answerNoHttp);
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      this.logger.debug({ code: error.code, from: socket.remoteAddress }, 'no handshake on the docker port');
      socket.destroy();
    });
    return server;
  }

  /** To those whose certificate one of our authorities has signed, and to nobody else. */
  #speaksTo(socket: TLSSocket): boolean {
    if (socket.authorized) return true;
    const why = String(socket.authorizationError);
    this.logger.debug({ code: why, from: socket.remoteAddress }, 'no certificate of ours on the docker port');
    if (why !== 'CERT_HAS_EXPIRED') return false;
    const shown = socket.getPeerX509Certificate();
    return shown !== undefined && this.#certificate.signers.some(({ publicKey }) => shown.verify(publicKey));
  }

  async #listen(server: Server, { port, bind, byDefault }: DockerPortOptions): Promise<void> {
    try {
      server.listen(port, bind);
      await once(server, 'listening');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'EADDRINUSE' || !byDefault) {
        throw new Error(`the docker port cannot be opened (BELLOWS_DOCKER_PORT, off for none): ${message}`);
      }
      this.logger.warn({ port }, 'the usual docker port is taken; another one is used');
      server.listen(0, bind);
      await once(server, 'listening');
    }
  }

  /** Connections that are open keep what they were opened with. */
  async #renew(server: Server): Promise<void> {
    try {
      const context = await this.#certificate.renewed(Date.now());
      if (context) server.setSecureContext({ ...context, minVersion: 'TLSv1.2' });
    } catch (error) {
      this.logger.warn({ err: error }, 'the certificate of the docker port was not looked after');
    }
  }
}

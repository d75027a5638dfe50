import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { listenForDocker } from '../boot.js';
import { DockerBench, said } from './docker-bench.fixture.js';

/** What a docker client has in its DOCKER_CERT_PATH; without a certificate it shows none. */
export interface Certificate {
  readonly ca: string;
  readonly certificate?: string;
  readonly key?: string;
}

export interface TlsAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly body: Record<string, any>;
}

/** The docker port of a bench, and clients of it. */
export class TlsBench {
  private constructor(
    readonly bench: DockerBench,
    readonly port: number,
  ) {}

  static async start(): Promise<TlsBench> {
    const bench = await DockerBench.start(undefined, { BELLOWS_DOCKER_PORT: '0' });
    return new TlsBench(bench, (await listenForDocker(bench.api.app))!);
  }

  async certificate(token: string, instance = this.bench.instance, ttlMinutes?: number) {
    const path = `/v1/instances/${instance}/docker-certificates`;
    const { status, body } = await this.bench.api.call('POST', path, { ttlMinutes }, { token });
    if (status !== 201) throw new Error(`no certificate: ${status} ${JSON.stringify(body)}`);
    return body as Required<Certificate> & { endpoint: string; expiresAt: string };
  }

  /** Rejects when the handshake does; with TLS 1.3 a refusal comes only after it. */
  async dial({ ca, certificate, key }: Certificate, options: object = {}): Promise<TLSSocket> {
    const { port } = this;
    const socket = connect({ port, host: '127.0.0.1', ca, cert: certificate, key, ...options });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket;
  }

  /** As `said`, over a connection of its own. */
  async raw(shown: Certificate, bytes: string, waitMs = 400): Promise<string> {
    return said(await this.dial(shown), bytes, waitMs);
  }

  /** The whole answer; rejects when there is none. */
  async call(
    shown: Certificate,
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body = '',
  ): Promise<TlsAnswer> {
    const socket = await this.dial(shown);
    const asked = request({ createConnection: () => socket, method, path, headers });
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    socket.destroy();
    let parsed: Record<string, any> = {};
    try {
      parsed = JSON.parse(text) as Record<string, any>;
    } catch {
      // not JSON: `text` says what it was
    }
    return { status: answer.statusCode!, headers: answer.headers, text, body: parsed };
  }

  close(): Promise<void> {
    return this.bench.close();
  }
}

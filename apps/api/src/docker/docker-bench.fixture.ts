import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { RecordingEngine } from '@bellows/engine/proxy/recording-engine.fixture';
import { Gateway } from '@bellows/gateway/gateway';
import type { SlotLimits } from '@bellows/gateway/slots';
import { aHost, anInstance, TestApi } from '../api.fixture.js';

const secret = 'gateway-secret-of-the-tests';

/** An API, a gateway, and one engine that stands for those in all guests; with a running instance of a project. */
export class DockerBench {
  readonly tokens = { owner: '', member: '', viewer: '', stranger: '' };
  instance = '';
  projectId = '';
  strangersProjectId = '';

  private constructor(
    readonly api: TestApi,
    readonly gateway: Gateway,
    readonly engine: RecordingEngine,
  ) {}

  /** @param variables for the API. */
  static async start(limits?: SlotLimits, variables: Record<string, string> = {}): Promise<DockerBench> {
    const engine = await RecordingEngine.start();
    const gateway = new Gateway({ secret, streams: engine, limits });
    const url = await gateway.listen('127.0.0.1', 0);
    const api = await TestApi.start({
      BELLOWS_GATEWAY_URL: url,
      BELLOWS_GATEWAY_SECRET: secret,
      // What tests count is what callers have asked.
      BELLOWS_ENGINE_EVENTS: 'off',
      ...variables,
    });
    const bench = new DockerBench(api, gateway, engine);
    await bench.#furnish();
    return bench;
  }

  async #furnish(): Promise<void> {
    await this.api.call('POST', '/v1/hosts', aHost());
    const ours = await this.api.project('shop');
    this.projectId = ours.id;
    for (const role of ['owner', 'member', 'viewer'] as const) this.tokens[role] = await ours.token(role);
    const theirs = await this.api.project('strangers');
    this.strangersProjectId = theirs.id;
    this.tokens.stranger = await theirs.token('owner');
    this.instance = await this.running('web');
  }

  async running(name: string): Promise<string> {
    const made = await this.api.call('POST', '/v1/instances', anInstance(name), {
      token: this.tokens.member,
    });
    await this.api.work(made.body['operation'].id);
    return String(made.body['instance'].id);
  }

  get port(): number {
    return Number(new URL(this.api.url).port);
  }

  path(rest: string, instance = this.instance): string {
    return `/v1/instances/${instance}/docker${rest}`;
  }

  call(method: string, rest: string, token = this.tokens.member, headers: Record<string, string> = {}) {
    return this.api.call(method, this.path(rest), undefined, { token, headers });
  }

  /** As `said`, over a connection of its own. */
  async raw(bytes: string, waitMs = 400): Promise<string> {
    return said(await this.dial(), bytes, waitMs);
  }

  async dial(): Promise<Socket> {
    const socket = connect({ port: this.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  async close(): Promise<void> {
    await this.api.close();
    await this.gateway.close();
    await this.engine.close();
  }
}

export const until = async (what: () => boolean | Promise<boolean>, ms = 5_000): Promise<number> => {
  const began = Date.now();
  while (!(await what())) {
    if (Date.now() - began > ms) throw new Error(`waited in vain for ${String(what)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Date.now() - began;
};

/** Sends bytes as they are; resolves with what came back until the connection closed, or the time was over. */
export async function said(socket: Socket, bytes: string, waitMs: number): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(bytes, 'latin1');
  const late = setTimeout(() => socket.destroy(), waitMs);
  await closed;
  clearTimeout(late);
  return text;
}

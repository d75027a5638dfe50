import { request, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { OperationId } from '@bellows/domain/ids';
import type { Socket } from 'node:net';
import { RecordingEngine } from '@bellows/engine/proxy/recording-engine.fixture';
import { Gateway } from '@bellows/gateway/gateway';
import { SimGuestStreams } from '@bellows/hypervisor/sim/guest-stream';
import { GuestUnreachableError, type GuestStreams } from '@bellows/operations/ports/guest-stream';
import { askEngines } from '@bellows/operations/reconcile/engines';
import { askThrough } from '@bellows/worker/ask-engine';
import { aHost, TestApi } from '../api.fixture.js';
import type { ApiSettings } from '../api-settings.js';
import { SETTINGS } from '../provider-names.js';

const secret = 'gateway-secret-of-the-tests';

/** Who answers where the engine of a guest should: the simulated one, nobody, or one that a test plays. */
class Engines implements GuestStreams {
  behind: GuestStreams | 'nobody' = 'nobody';
  opened = 0;

  async open(...args: Parameters<GuestStreams['open']>): Promise<Duplex> {
    this.opened += 1;
    if (this.behind === 'nobody') throw new GuestUnreachableError('refused', 'There is no engine.');
    return this.behind.open(...args);
  }

  async close(): Promise<void> {
    if (this.behind !== 'nobody') await this.behind.close();
  }
}

/** An API with a worker's work, a gateway, and modelled guests with simulated engines. */
export class LimitsBench {
  id = '';
  simulated!: SimGuestStreams;

  private constructor(
    readonly api: TestApi,
    readonly engines: Engines,
    readonly played: RecordingEngine,
    private readonly gateway: Gateway,
    private readonly url: string,
  ) {}

  static async start(): Promise<LimitsBench> {
    const engines = new Engines();
    const gateway = new Gateway({ secret, streams: engines });
    const url = await gateway.listen('127.0.0.1', 0);
    const api = await TestApi.start({ BELLOWS_GATEWAY_URL: url, BELLOWS_GATEWAY_SECRET: secret });
    const bench = new LimitsBench(api, engines, await RecordingEngine.start(), gateway, url);
    bench.simulated = new SimGuestStreams(api.app.get<ApiSettings>(SETTINGS).fleet!);
    engines.behind = bench.simulated;
    await api.call('POST', '/v1/hosts', aHost());
    return bench;
  }

  /** A new instance; its engine has spoken once unless it was never there. */
  async instance(name: string, plan = 'ecs-2c2g'): Promise<void> {
    const asked = { name, plan, image: 'debian-12-micro' };
    const { body } = await this.api.call('POST', '/v1/instances', asked);
    await this.api.work(body['operation'].id);
    this.id = String(body['instance'].id);
  }

  /** What a worker does every few seconds. */
  async hearEngines(): Promise<string> {
    await askEngines(this.api.cloud, askThrough({ url: this.url, secret }));
    const { body } = await this.api.call('GET', `/v1/instances/${this.id}`);
    return body['docker'].state as string;
  }

  plan(size: object) {
    return this.api.call('POST', `/v1/instances/${this.id}/resize-plans`, size);
  }

  ask(size: object) {
    return this.api.call('POST', `/v1/instances/${this.id}/resize`, size);
  }

  /** @returns the operation when it has ended, and how long the worker took. */
  async resize(size: object) {
    const { status, body } = await this.ask(size);
    if (status !== 202) throw new Error(JSON.stringify(body));
    const began = Date.now();
    await this.api.work(body['operation'].id as OperationId);
    const tookMs = Date.now() - began;
    const { body: ended } = await this.api.call('GET', `/v1/operations/${body['operation'].id}`);
    return { ...(ended as any), tookMs };
  }

  /** Speaks to the simulated engine as a client in the guest would. */
  async docker(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; text: string; json: any }> {
    const { items } = (await this.api.call('GET', '/v1/hosts')).body;
    const host = { id: items[0].id, driver: 'sim' as const, uri: `sim:${items[0].name}` };
    const far = await this.simulated.open(host, this.id as never, 'docker');
    const data = body === undefined ? '' : JSON.stringify(body);
    const headers = { host: 'docker', 'content-type': 'application/json', 'content-length': data.length };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ createConnection: () => far as Socket, method, path, headers }, resolve)
        .on('error', reject)
        .end(data);
    });
    let text = '';
    for await (const part of answer) text += String(part);
    far.destroy();
    return {
      status: answer.statusCode!,
      text,
      json: text.startsWith('{') ? JSON.parse(text.split('\n')[0]!) : null,
    };
  }

  async container(name: string, HostConfig: object = {}): Promise<string> {
    await this.docker('POST', '/images/create?fromImage=busybox&tag=latest');
    const config = { Image: 'busybox', Cmd: ['sleep', '100000'], HostConfig };
    const { json } = await this.docker('POST', `/containers/create?name=${name}`, config);
    const { status } = await this.docker('POST', `/containers/${json.Id}/start`);
    if (status !== 204) throw new Error(`container ${name} does not start: ${status}`);
    return json.Id as string;
  }

  async nproc(container: string): Promise<string> {
    const config = { AttachStdout: true, Tty: true, Cmd: ['nproc'] };
    const { json } = await this.docker('POST', `/containers/${container}/exec`, config);
    return (await this.docker('POST', `/exec/${json.Id}/start`, { Tty: true })).text.trim();
  }

  async close(): Promise<void> {
    await this.api.close();
    await this.gateway.close();
    await this.simulated.close();
    await this.played.close();
  }
}

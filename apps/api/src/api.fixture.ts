import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { readSettings } from '@bellows/config/settings';
import { runFleet } from '@bellows/fleet/fleet-process';
import type { OperationId } from '@bellows/domain/ids';
import type { Cloud } from '@bellows/operations/cloud';
import { OperationRunner } from '@bellows/operations/saga/run';
import { sagas } from '@bellows/operations/sagas';
import { testDatabase } from '@bellows/testkit/test-database';
import { boot, listen } from './boot.js';
import { makeLogger } from './http/logger.js';
import { CLOUD } from './provider-names.js';

export const adminToken = 'bws_admin_of_the_tests_0123456789';
const fleetSecret = 'fleet-secret-of-the-tests';

export interface Answer<Body = Record<string, any>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
  readonly text: string;
}

export interface CallOptions {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, instead of a body as JSON. */
  readonly raw?: string;
}

/** A whole API on a database and a modelled fleet of its own, spoken to over HTTP. */
export class TestApi {
  private constructor(
    readonly url: string,
    readonly databaseUrl: string,
    readonly app: NestFastifyApplication,
    private readonly closers: readonly (() => Promise<unknown>)[],
  ) {}

  /** @param route puts something between the API and its database. */
  static async start(
    variables: Record<string, string> = {},
    route: (database: URL) => Promise<URL> = (url) => Promise.resolve(url),
  ): Promise<TestApi> {
    const home = await mkdtemp(join(tmpdir(), 'bellows-api-'));
    const database = await testDatabase();
    const fleet = await runFleet(
      {
        listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
        folder: join(home, 'fleet'),
        latencyScale: 0,
        seed: 'tests',
        secret: fleetSecret,
        sync: false,
      },
      (error) => {
        throw error;
      },
    );
    const settings = readSettings(
      {
        BELLOWS_HOME: home,
        BELLOWS_PORT: '0',
        BELLOWS_ADMIN_TOKEN: adminToken,
        BELLOWS_RATE_LIMIT: '0',
        BELLOWS_FLEET_URL: fleet.listen,
        BELLOWS_FLEET_SECRET: fleetSecret,
        ...variables,
      },
      join(home, 'no.env'),
    );
    const ready = { ...settings, databaseUrl: (await route(new URL(database.url))).href };
    const app = await boot(ready, makeLogger('silent'));
    const port = await listen(app, ready);
    return new TestApi(`http://127.0.0.1:${port}`, database.url, app, [
      () => app.close(),
      () => fleet.stop(),
      () => database.drop(),
      () => rm(home, { recursive: true, force: true }),
    ]);
  }

  async close(): Promise<void> {
    // The queue opens in its own time; its database must not be dropped meanwhile.
    await this.cloud.queue.depth().catch(() => null);
    for (const close of this.closers) await close();
  }

  get cloud(): Cloud {
    return this.app.get<Cloud>(CLOUD);
  }

  async call(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    const { token = adminToken, headers = {}, raw } = options;
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(sent !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: sent,
    });
    const text = await response.text();
    let parsed: Record<string, any> = {};
    try {
      parsed = JSON.parse(text) as Record<string, any>;
    } catch {
      // not JSON: `text` says what it was
    }
    return { status: response.status, headers: response.headers, body: parsed, text };
  }

  /** Does a worker's work for one operation. */
  async work(id: string): Promise<void> {
    const options = { workerId: 'test', leaseMs: 30_000, sagas, log: () => undefined };
    const runner = new OperationRunner(this.cloud, options);
    for (let tries = 0; tries < 200; tries++) {
      if ((await runner.run(id as OperationId)) === 'done') return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`operation ${id} does not end`);
  }

  async project(name: string): Promise<{ id: string; token: (role: string) => Promise<string> }> {
    const { body } = await this.call('POST', '/v1/projects', { name });
    const id = String(body['id']);
    const token = async (role: string) => {
      const issued = await this.call('POST', '/v1/tokens', { projectId: id, role, name: role });
      return String(issued.body['token']);
    };
    return { id, token };
  }
}

export const aHost = (name = 'rack-1') => ({
  name,
  driver: 'sim',
  vcpus: 16,
  ramMib: 64 * 1024,
  diskGib: 2048,
});

export const anInstance = (name = 'web') => ({ name, plan: 'ecs-1c1g', image: 'debian-12' });

import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect } from 'node:net';
import { once } from 'node:events';
import { StoreUnavailableError } from '@bellows/operations/ports/store-errors';
import { migrate } from './migrate.js';
import { PostgresStore } from './postgres-store.js';
import { claimsAgainstInstances, ok, testCloud } from './cloud.fixture.js';
import type { TestCloud } from './cloud.fixture.js';
import { anAdmission } from '@bellows/testkit/rows';

/** A way to the database that can be cut and mended. */
class Wire {
  private readonly sockets = new Set<Socket>();
  cut = false;
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async to(databaseUrl: string): Promise<Wire> {
    const { hostname, port } = new URL(databaseUrl);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(databaseUrl);
    url.port = String((server.address() as AddressInfo).port);
    const wire = new Wire(server, url.href);
    server.on('connection', (near) => wire.join(near, connect(Number(port), hostname)));
    return wire;
  }

  private join(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
    }
    if (this.cut) return void [near, far].forEach((socket) => socket.destroy());
    near.pipe(far).pipe(near);
  }

  break(): void {
    this.cut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.break();
    this.server.close();
    await once(this.server, 'close');
  }
}

describe('a database that is down', () => {
  let cloud: TestCloud | null = null;
  afterEach(async () => {
    await cloud?.close();
    cloud = null;
  });

  it('makes opening and migrating fail with a typed error', async () => {
    const url = 'postgresql://nobody:x@127.0.0.1:1/none';
    await expect(PostgresStore.open({ url })).rejects.toThrow(StoreUnavailableError);
    await expect(migrate(url)).rejects.toThrow(StoreUnavailableError);
  });

  it('makes every call fail typed, leaves nothing half written, and serves again when it is back', async () => {
    cloud = await testCloud();
    const wire = await Wire.to(cloud.database.url);
    const store = await PostgresStore.open({ url: wire.url, poolSize: 4 });
    const admissions = () =>
      Array.from({ length: 40 }, () => store.admitCreates([anAdmission(cloud!.host, cloud!.project.id)]));
    try {
      const cut = Promise.allSettled(admissions());
      await new Promise((resolve) => setTimeout(resolve, 20));
      wire.break();
      const failures = (await cut).filter((outcome) => outcome.status === 'rejected');
      expect(failures.length).toBeGreaterThan(0);
      for (const failure of failures) expect(failure.reason).toBeInstanceOf(StoreUnavailableError);
      for (const call of [
        () => store.commit([{ change: 'request-cancel', id: 'op-x' as never, dueAt: 1 }]),
        () => store.plans(),
        () => store.placementRows(),
        () => store.lease('op-x' as never, 'w', 1, {}),
        () => store.sequenceEvents(1),
      ]) {
        await expect(call()).rejects.toThrow(StoreUnavailableError);
      }
      const { claimed, summed } = await claimsAgainstInstances(cloud);
      expect(claimed).toEqual(summed);

      wire.cut = false;
      expect(await store.commit([])).toEqual(ok);
      expect((await Promise.all(admissions())).flat().every((result) => result.ok)).toBe(true);
    } finally {
      await store.close();
      await wire.close();
    }
  });

  it('counts as down when a statement takes longer than allowed', async () => {
    cloud = await testCloud();
    const store = await PostgresStore.open({ url: cloud.database.url, statementTimeoutMs: 150 });
    try {
      const blocked = cloud.sql(`BEGIN; LOCK TABLE project; SELECT pg_sleep(1); COMMIT`);
      await new Promise((resolve) => setTimeout(resolve, 60));
      await expect(store.project(cloud.project.id)).rejects.toThrow(StoreUnavailableError);
      await blocked;
      expect(await store.project(cloud.project.id)).toEqual(cloud.project);
    } finally {
      await store.close();
    }
  });
});

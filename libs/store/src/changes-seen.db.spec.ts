import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PostgresStore } from './postgres-store.js';
import { aHost, size } from '@bellows/testkit/rows';
import type { CloudEvent } from '@bellows/operations/ports/store';
import pg from 'pg';
import { finish, testCloud } from './cloud.fixture.js';
import type { TestCloud } from './cloud.fixture.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let n = 0; n < 400; n++) {
    if (await condition()) return;
    await pause(25);
  }
  throw new Error('it did not happen within 10 s');
}

/**
 * What changed is told at least once, and an event is numbered when nothing older can still commit. PostgreSQL
 * counts transactions of all databases there: another test's may delay the one and repeat the other.
 */
async function settled(cloud: TestCloud, since: string): Promise<void> {
  let mark = since;
  await until(async () => {
    const seen = await cloud.store.placementChanges(mark);
    mark = seen.mark;
    return seen.rows.length === 0 && seen.removed.length === 0;
  });
}

/** Numbers events, `limit` a call, until `count` have their number or more. */
async function numberEvents(cloud: TestCloud, limit: number, count: number): Promise<number> {
  let given = 0;
  await until(async () => (given += await cloud.store.sequenceEvents(limit)) >= count);
  return given;
}

/** A session of our own, in which a transaction can be kept open. */
async function sessionOn(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

describe('what one process sees of the others', () => {
  let cloud: TestCloud;
  beforeEach(async () => {
    cloud = await testCloud({ hosts: [aHost(), aHost()] });
  });
  afterEach(() => cloud.close());

  it('placement: every host at first, then what changed', async () => {
    const [a, b] = cloud.hosts;
    const first = await cloud.store.placementRows();
    expect(first.rows.map((row) => row.id).sort()).toEqual([a!.id, b!.id].sort());
    const { id, zone, state, capacity, reserved, guestOverheadMib, driver } = a!;
    expect(first.rows).toContainEqual({ id, zone, state, capacity, reserved, guestOverheadMib, driver });

    await cloud.made([{ change: 'claim-host', hostId: a!.id, delta: size(1, 2, 3) }]);
    const second = await cloud.store.placementChanges(first.mark);
    expect(second.rows).toContainEqual({
      id,
      zone,
      state,
      capacity,
      reserved: size(1, 2, 3),
      guestOverheadMib,
      driver,
    });
    expect(second.removed).toEqual([]);

    const c = aHost();
    await cloud.made([
      { change: 'delete-host', id: b!.id },
      { change: 'insert-host', host: c },
    ]);
    const third = await cloud.store.placementChanges(second.mark);
    expect(third.removed).toEqual([b!.id]);
    expect(third.rows.map((row) => row.id)).toContain(c.id);
    await settled(cloud, third.mark);
  });

  it('placement: misses nothing of a transaction that stays open over many polls', async () => {
    const [a, b] = cloud.hosts;
    const slow = await sessionOn(cloud.database.url);
    await slow.query('BEGIN');
    await slow.query(
      `UPDATE host SET reserved_vcpus = 7, changed_in = pg_current_xact_id()::text::bigint WHERE id = $1`,
      [a!.id],
    );
    let { mark } = await cloud.store.placementRows();
    for (let n = 0; n < 5; n++) {
      await cloud.made([{ change: 'claim-host', hostId: b!.id, delta: size(1, 0, 0) }]);
      const seen = await cloud.store.placementChanges(mark);
      expect(seen.rows.find((row) => row.id === b!.id)?.reserved.vcpus).toBe(n + 1);
      mark = seen.mark;
    }
    await slow.query('COMMIT');
    await slow.end();
    const seen = await cloud.store.placementChanges(mark);
    expect(seen.rows.find((row) => row.id === a!.id)?.reserved.vcpus).toBe(7);
    await settled(cloud, seen.mark);
  });

  const event = (n: number): CloudEvent => ({
    type: `t${n}`,
    projectId: null,
    resource: 'r',
    data: null,
    at: n,
  });
  const numbered = () =>
    cloud.sql<{ type: string; seq: string }>(
      'SELECT type, seq FROM event WHERE seq IS NOT NULL ORDER BY seq',
    );

  it('events: one that commits late gets a later number than all that were seen before', async () => {
    const slow = await sessionOn(cloud.database.url);
    await slow.query('BEGIN');
    await slow.query(`INSERT INTO event (type, resource, data, at) VALUES ('late', 'r', 'null', 1)`);
    await cloud.made([
      { change: 'event', event: event(1) },
      { change: 'event', event: event(2) },
    ]);
    expect(await numberEvents(cloud, 100, 2)).toBe(2);
    await slow.query('COMMIT');
    await slow.end();
    await cloud.made([{ change: 'event', event: event(3) }]);
    expect(await numberEvents(cloud, 1, 1)).toBe(1);
    expect(await numberEvents(cloud, 100, 1)).toBe(1);
    expect(await cloud.store.sequenceEvents(100)).toBe(0);
    expect((await numbered()).map((row) => [row.type, Number(row.seq)])).toEqual([
      ['t1', 1],
      ['t2', 2],
      ['late', 3],
      ['t3', 4],
    ]);
  });

  it('events: many sequencers at once number each event once; pruning does not reset the count', async () => {
    for (let n = 0; n < 5; n++)
      await cloud.made(Array.from({ length: 20 }, (_, i) => ({ change: 'event', event: event(n * 20 + i) })));
    let given = 0;
    while (given < 100) {
      const counts = await Promise.all(Array.from({ length: 4 }, () => cloud.store.sequenceEvents(7)));
      given += counts.reduce((a, b) => a + b, 0);
    }
    expect((await numbered()).map((row) => Number(row.seq))).toEqual(
      Array.from({ length: 100 }, (_, n) => n + 1),
    );
    await cloud.made([{ change: 'event', event: event(10) }]);
    await cloud.store.prune({ answers: 0, events: 1000 });
    expect(await cloud.sql('SELECT type FROM event')).toEqual([{ type: 't10' }]);
    await numberEvents(cloud, 9, 1);
    expect(await numbered()).toEqual([{ type: 't10', seq: '101' }]);
  });

  it('prunes kept answers older than asked, and only those', async () => {
    for (const at of [10, 20]) {
      const idempotency = { scope: 's', key: `k${at}`, requestHash: 'h' };
      await cloud.made([{ change: 'keep-answer', idempotency, answer: { status: 200, body: null }, at }]);
    }
    await cloud.store.prune({ answers: 20, events: 0 });
    expect(await cloud.store.keptAnswer('s', 'k10')).toBeNull();
    expect(await cloud.store.keptAnswer('s', 'k20')).toEqual({
      requestHash: 'h',
      answer: { status: 200, body: null },
    });
  });

  it('ended operations: another process is told, also after its connection was cut', async () => {
    const other = await PostgresStore.open({ url: cloud.database.url, poolSize: 2 });
    try {
      const heard: string[] = [];
      const off = other.onOperationEnded((id) => heard.push(id));
      const listening = async () =>
        (
          await cloud.sql(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'bellows-listen'
                           AND datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'`)
        ).length === 1;
      await until(listening);
      const first = await cloud.admitted();
      await cloud.made([finish(first.operation)]);
      await until(() => heard.includes(first.operation.id));

      await cloud.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE application_name = 'bellows-listen' AND datname = current_database()`);
      await until(async () => !(await listening()));
      await until(listening);
      const second = await cloud.admitted();
      await cloud.made([finish(second.operation)]);
      await until(() => heard.includes(second.operation.id));
      off();
      expect(heard).toEqual([first.operation.id, second.operation.id]);
    } finally {
      await other.close();
    }
  });
});

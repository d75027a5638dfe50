import { afterEach, describe, expect, it } from '@jest/globals';
import type { AdmissionResult } from '@bellows/operations/ports/store';
import { aHost, aPool, aProject, anAdmission, plenty, size, someTime } from '@bellows/testkit/rows';
import { claimsAgainstInstances, ok, testCloud } from './cloud.fixture.js';
import type { TestCloud } from './cloud.fixture.js';

const why = (result: AdmissionResult | undefined): string => (result?.ok ? 'ok' : (result?.why ?? 'none'));
const tally = (results: readonly AdmissionResult[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const result of results) counts[why(result)] = (counts[why(result)] ?? 0) + 1;
  return counts;
};

describe('admission of creates', () => {
  let cloud: TestCloud;
  afterEach(() => cloud.close());

  /** Room for 25 guests of 1 vCPU, 1024 + 256 MiB, 20 GiB. */
  const roomFor25 = () => aHost({ capacity: size(1000, 25 * 1280, 5000) });

  it.each(Array.from({ length: 10 }, (_, n) => [n + 1]))(
    'gives room for 100 to exactly 100 of 200 that come at once (run %i)',
    async (run) => {
      cloud = await testCloud({ hosts: Array.from({ length: 4 }, roomFor25) });
      // Odd runs come one by one, even ones in batches of mixed hosts.
      const batchSize = run % 2 === 0 ? 8 : 1;
      const asks = Array.from({ length: 200 }, (_, n) =>
        anAdmission(cloud.hosts[n % 4]!, cloud.project.id, { privatePool: cloud.pool }),
      );
      const batches = [];
      for (let n = 0; n < asks.length; n += batchSize) batches.push(asks.slice(n, n + batchSize));
      const results = (await Promise.all(batches.map((batch) => cloud.store.admitCreates(batch)))).flat();

      expect(tally(results)).toEqual({ ok: 100, 'no-room': 100 });
      const { claimed, summed } = await claimsAgainstInstances(cloud);
      expect(claimed).toEqual(summed);
      expect(summed).toEqual({ vcpus: 100, ram: 100 * 1280, disk: 2000, n: 100 });
      expect(
        await cloud.sql(
          'SELECT count(DISTINCT address)::integer AS n, count(*)::integer AS all FROM ip_claim',
        ),
      ).toEqual([{ n: 100, all: 100 }]);
      expect(await cloud.store.quota(cloud.project.id)).toMatchObject({
        used: { instances: 100, vcpus: 100 },
      });
    },
    60_000,
  );

  it('stores instance and operation as asked, with the address, and audit, event and answer beside them', async () => {
    cloud = await testCloud();
    const outer = aPool({ cidr: '203.0.113.0/29', gateway: '203.0.113.1', kind: 'public' });
    await cloud.made([{ change: 'insert-ip-pool', pool: outer }]);
    const idempotency = { scope: cloud.project.id, key: 'k', requestHash: 'h' };
    const ask = cloud.admission({
      privatePool: cloud.pool,
      publicPool: outer,
      idempotency,
      events: [
        {
          type: 'instance.created',
          projectId: cloud.project.id,
          resource: 'r',
          data: { b: 1, a: 2 },
          at: someTime,
        },
      ],
      answer: ([guest]) => ({
        status: 202,
        body: { z: guest!.instance.publicAddress, a: 1 },
        headers: { location: '/x' },
      }),
    });
    const [result] = await cloud.store.admitCreates([ask]);
    if (!result?.ok) throw new Error(why(result));
    const { instance, operation } = result.guests[0]!;
    expect(instance).toEqual({
      ...ask.guests[0]!.instance,
      privateAddress: '10.64.0.2',
      privatePrefixLength: 10,
      privateGateway: '10.64.0.1',
      publicAddress: '203.0.113.2',
    });
    expect(await cloud.store.instance(instance.id)).toEqual(instance);
    expect(await cloud.store.operation(operation.id)).toEqual(operation);
    const kept = await cloud.store.keptAnswer(cloud.project.id, 'k');
    expect(JSON.stringify(kept)).toBe(
      '{"requestHash":"h","answer":{"status":202,"body":{"z":"203.0.113.2","a":1},"headers":{"location":"/x"}}}',
    );
    expect((await cloud.store.audit({ limit: 9, cursor: null })).items).toMatchObject([ask.audit]);
    expect(await cloud.sql('SELECT type, data FROM event')).toEqual([
      { type: 'instance.created', data: { b: 1, a: 2 } },
    ]);
    expect(await cloud.store.host(cloud.host.id)).toMatchObject({
      instances: 1,
      reserved: size(1, 1280, 20),
    });
  });

  it('takes all guests of one request or none', async () => {
    cloud = await testCloud({ hosts: [roomFor25()] });
    const [a, b] = await cloud.store.admitCreates([
      cloud.admission({ count: 20 }),
      cloud.admission({ count: 6 }),
    ]);
    expect([why(a), why(b)]).toEqual(['ok', 'no-room']);
    expect(await cloud.sql('SELECT count(*)::integer AS n FROM instance')).toEqual([{ n: 20 }]);
  });

  it('answers each member of a batch for itself', async () => {
    cloud = await testCloud({ hosts: [aHost(), aHost({ state: 'cordoned' })] });
    const poor = aProject();
    const tiny = aPool({ cidr: '192.0.2.0/30', gateway: '192.0.2.1' });
    await cloud.made([
      { change: 'insert-project', project: poor, quota: { ...plenty, vcpus: 1 } },
      { change: 'insert-ip-pool', pool: tiny },
    ]);
    const [good, closed] = cloud.hosts;
    const nameless = cloud.admission();
    const results = await cloud.store.admitCreates([
      anAdmission(good!, cloud.project.id),
      anAdmission(closed!, cloud.project.id),
      anAdmission(good!, poor.id),
      anAdmission(good!, poor.id),
      anAdmission(good!, cloud.project.id, { privatePool: tiny }),
      anAdmission(good!, cloud.project.id, { privatePool: tiny }),
      anAdmission(good!, aProject().id),
      {
        ...nameless,
        guests: [{ ...nameless.guests[0]!, instance: { ...nameless.guests[0]!.instance, name: 'a\0b' } }],
      },
      anAdmission(aHost(), cloud.project.id),
      anAdmission(good!, cloud.project.id),
    ]);
    expect(results.map(why)).toEqual([
      ...['ok', 'no-room', 'ok', 'over-quota', 'ok', 'no-address', 'not-found', 'invalid', 'not-found', 'ok'],
    ]);
    expect(await cloud.store.host(good!.id)).toMatchObject({ instances: 4 });
    const { claimed, summed } = await claimsAgainstInstances(cloud);
    expect(claimed).toEqual(summed);
  });

  it('admits one of many with the same key, in one batch and in many', async () => {
    cloud = await testCloud();
    const idempotency = { scope: 'p', key: 'same', requestHash: 'h' };
    const asks = Array.from({ length: 12 }, () => cloud.admission({ idempotency }));
    const batches = [asks.slice(0, 4), ...asks.slice(4).map((ask) => [ask])];
    const results = (await Promise.all(batches.map((batch) => cloud.store.admitCreates(batch)))).flat();
    expect(tally(results)).toEqual({ ok: 1, idempotency: 11 });
    expect(await cloud.sql('SELECT count(*)::integer AS n FROM instance')).toEqual([{ n: 1 }]);
  });

  it('leaves the key free when the admission fails', async () => {
    cloud = await testCloud({ quota: { ...plenty, instances: 0 } });
    const idempotency = { scope: 'p', key: 'k', requestHash: 'h' };
    expect(tally(await cloud.store.admitCreates([cloud.admission({ idempotency })]))).toEqual({
      'over-quota': 1,
    });
    expect(await cloud.store.keptAnswer('p', 'k')).toBeNull();
  });

  it('hands out each address of a pool once, and those given back oldest first', async () => {
    cloud = await testCloud({ pool: { cidr: '192.0.2.0/29', gateway: '192.0.2.3' } });
    const asks = Array.from({ length: 8 }, () => cloud.admission({ privatePool: cloud.pool }));
    const results = await Promise.all(asks.map(async (ask) => (await cloud.store.admitCreates([ask]))[0]!));
    expect(tally(results)).toEqual({ ok: 5, 'no-address': 3 });
    const guests = results.flatMap((result) => (result.ok ? result.guests : []));
    const addresses = guests.map(({ instance }) => instance.privateAddress!);
    expect([...addresses].sort()).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.4', '192.0.2.5', '192.0.2.6']);

    await cloud.made([{ change: 'release-addresses', instanceId: guests[3]!.instance.id }]);
    await cloud.made([{ change: 'release-addresses', instanceId: guests[1]!.instance.id }]);
    await cloud.made([{ change: 'release-addresses', instanceId: guests[1]!.instance.id }]);
    expect(await cloud.store.ipPools()).toMatchObject([{ size: 5, used: 3 }]);
    expect((await cloud.store.instance(guests[1]!.instance.id))!.privateAddress).toBeNull();
    const again = [
      await cloud.admitted({ privatePool: cloud.pool }),
      await cloud.admitted({ privatePool: cloud.pool }),
    ];
    expect(again.map(({ instance }) => instance.privateAddress)).toEqual([addresses[3], addresses[1]]);
  });

  it('never passes a quota, however many come at once', async () => {
    cloud = await testCloud({ quota: { ...plenty, ramMib: 7 * 1024 } });
    const asks = Array.from({ length: 30 }, () => cloud.admission());
    const results = await Promise.all(asks.map(async (ask) => (await cloud.store.admitCreates([ask]))[0]!));
    expect(tally(results)).toEqual({ ok: 7, 'over-quota': 23 });
    expect(await cloud.store.commit([])).toEqual(ok);
  });
});

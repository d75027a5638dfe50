import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SimDriver } from '@bellows/hypervisor/sim/sim-driver';
import { LimitsBench } from './limits.fixture.js';

let bench: LimitsBench;
beforeAll(async () => void (bench = await LimitsBench.start()), 60_000);
afterAll(() => bench.close(), 30_000);

const size = async () => (await bench.api.call('GET', `/v1/instances/${bench.id}`)).body['size'];
const [small, large] = [
  { vcpus: 2, ramMib: 2048 },
  { vcpus: 4, ramMib: 4096 },
];
const succeededBy = (confirmedBy: string | null) => ({ state: 'succeeded', confirmedBy });
const stepNames = (operation: { steps: { name: string }[] }) => operation.steps.map(({ name }) => name);

describe('limits follow the size', () => {
  beforeAll(async () => {
    bench.engines.behind = bench.simulated;
    await bench.instance('follows');
    expect(await bench.hearEngines()).toBe('ready');
  });

  it('in docker info, in statistics and in a running container, or the resize has not succeeded', async () => {
    const free = await bench.container('free');
    for (const next of [large, { vcpus: 4, ramMib: 2048 }, { vcpus: 1, ramMib: 4096 }, small]) {
      const operation = await bench.resize(next);
      expect(operation).toMatchObject({ ...succeededBy('engine'), warnings: [] });
      expect(stepNames(operation).at(-1)).toBe('confirm-engine');
      const { json: info } = await bench.docker('GET', '/info');
      expect([info.NCPU, info.MemTotal / 2 ** 20]).toEqual([next.vcpus, next.ramMib]);
      const { json: stats } = await bench.docker(
        'GET',
        `/containers/${free}/stats?stream=false&one-shot=true`,
      );
      expect(stats.cpu_stats.online_cpus).toBe(next.vcpus);
      expect(stats.memory_stats.limit / 2 ** 20).toBe(next.ramMib);
      expect(await bench.nproc(free)).toBe(String(next.vcpus));
    }
  });

  it('is a step of the plan, and comes before a disk that grows', async () => {
    const { body } = await bench.plan({ vcpus: 3, diskGib: 40 });
    expect(body['steps']).toEqual([
      'raise-limits',
      'grow-vcpus',
      'confirm-growth',
      'confirm-engine',
      'grow-disk',
    ]);
    expect((await bench.plan({ diskGib: 40 })).body['steps']).toEqual(['grow-disk']);
  });
});

describe('a shrink below what running containers were promised', () => {
  beforeAll(async () => {
    bench.engines.behind = bench.simulated;
    await bench.instance('promises', 'ecs-4c4g');
    await bench.hearEngines();
    await bench.container('db', { Memory: 3000 * 2 ** 20 });
    await bench.container('web', { NanoCpus: 15e8 });
    await bench.container('idle');
  });

  it('is planned with their names', async () => {
    const { body } = await bench.plan({ vcpus: 1, ramMib: 2048 });
    expect(body['impact']).toBe('live');
    const found = body['limits'].containers.sort((a: any, b: any) => a.name.localeCompare(b.name));
    expect(found).toEqual([
      expect.objectContaining({ name: 'db', ramMib: 3000, cpus: null, blocks: true }),
      expect.objectContaining({ name: 'web', ramMib: null, cpus: 1.5, blocks: true }),
    ]);
    expect(body['warnings']).toHaveLength(2);
    expect((await bench.plan({ vcpus: 2, ramMib: 4096 })).body).toMatchObject({
      limits: { containers: [] },
      warnings: [],
    });
  });

  it('is refused, by a resize plan too, unless the request allows it', async () => {
    const refusal = { status: 409, body: { code: 'containers-promised' } };
    const refused = await bench.ask({ ramMib: 2048 });
    expect(refused).toMatchObject(refusal);
    expect(refused.body['detail']).toContain('db');
    expect(refused.body['containers']).toEqual([expect.objectContaining({ name: 'db', blocks: true })]);
    const { body: plan } = await bench.plan({ ramMib: 2048 });
    expect(await bench.ask({ resizePlanId: plan['id'] })).toMatchObject(refusal);
    const operation = await bench.resize({ resizePlanId: plan['id'], allowContainers: true });
    expect(operation).toMatchObject(succeededBy('engine'));
    expect(operation.warnings).toEqual([expect.stringMatching(/^Container db: it may use 3000 MiB/)]);
    expect((await bench.ask({ vcpus: 3, allowContainers: 'yes' })).status).toBe(400);
  });

  it('says where it could not ask, in time, and goes on', async () => {
    bench.engines.behind = bench.played;
    bench.played.serve = () => undefined;
    const began = Date.now();
    const { body } = await bench.plan({ vcpus: 1 });
    expect(Date.now() - began).toBeLessThan(4_000);
    expect(body['limits'].containers).toBeNull();
    expect(body['warnings']).toEqual([expect.stringContaining('could not be asked')]);
    bench.engines.behind = bench.simulated;
  });
});

describe('an engine that is not as it should be', () => {
  let name = 0;
  beforeEach(async () => {
    bench.engines.behind = bench.simulated;
    await bench.instance(`odd-${(name += 1)}`);
    expect(await bench.hearEngines()).toBe('ready');
    bench.engines.behind = bench.played;
  });

  it('and lies ends the resize as partial, at the price of what is held', async () => {
    bench.played.serve = (asked, answer) =>
      void answer.end(asked.url === '/info' ? '{"NCPU":64,"MemTotal":2147483648}' : '[]');
    const operation = await bench.resize(large);
    expect(operation).toMatchObject({ state: 'partial', confirmedBy: 'guest' });
    expect(operation.warnings).toEqual([expect.stringContaining('counts 64 CPU and 2048 MiB')]);
    expect(await size()).toMatchObject({ desired: large, reserved: large, held: large });
  });

  it.each([
    ['is removed', () => void (bench.engines.behind = 'nobody')],
    ['is silent', () => void (bench.played.serve = () => undefined)],
    [
      'floods',
      () => void (bench.played.serve = (_asked, answer) => void answer.end(Buffer.alloc(4_000_000, 0x5b))),
    ],
  ])('and %s is not waited for longer than it may take', async (_how, happens) => {
    happens();
    const operation = await bench.resize(large);
    expect(operation).toMatchObject(succeededBy('hypervisor'));
    expect(operation.warnings).toEqual([expect.stringContaining('does not answer')]);
    expect(operation.tookMs).toBeLessThan(20_000);
    expect(await size()).toMatchObject({ held: large });
  });

  it('and disagrees where the agent is gone is not held against the owner', async () => {
    const sim = bench.api.cloud.drivers.sim as SimDriver;
    await sim.setFaults({ guests: { [bench.id]: { agent: 'silent' } } });
    bench.played.serve = (asked, answer) =>
      void answer.end(asked.url === '/info' ? '{"NCPU":2,"MemTotal":2147483648}' : '[]');
    const operation = await bench.resize({ vcpus: 1 });
    await sim.setFaults({});
    expect(operation).toMatchObject(succeededBy('hypervisor'));
    expect(operation.warnings).toEqual([expect.stringContaining('counts 2 CPU and 2048 MiB')]);
    expect(await size()).toMatchObject({ reserved: { vcpus: 1 }, held: { vcpus: 1 } });
  });

  it('and comes back with the right size while it is waited for is heard', async () => {
    bench.engines.behind = 'nobody';
    setTimeout(() => (bench.engines.behind = bench.simulated), 1_500);
    expect(await bench.resize(large)).toMatchObject({ ...succeededBy('engine'), warnings: [] });
  });
});

describe('an engine that was never heard of', () => {
  it('is not asked, and nobody waits for it', async () => {
    bench.engines.behind = 'nobody';
    await bench.instance('bare');
    const before = bench.engines.opened;
    const operation = await bench.resize(large);
    expect(operation).toMatchObject({ ...succeededBy('guest'), warnings: [] });
    expect(stepNames(operation)).not.toContain('confirm-engine');
    expect((await bench.plan(small)).body).toMatchObject({ limits: { containers: [] }, warnings: [] });
    expect(await bench.resize(small)).toMatchObject(succeededBy(null));
    expect(bench.engines.opened).toBe(before);
  });
});

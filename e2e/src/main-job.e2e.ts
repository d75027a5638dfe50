import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCloud, type TestCloud } from './support/cloud.js';
import { hostsAndInstances, reservedAgree } from './support/books.js';
import { workerOf } from './support/processes.js';

/** The main job of the product on modelled servers: the same requests as on real ones. */
describe('the main job over REST', () => {
  let cloud: TestCloud;
  let id: string;
  const instance = async () => (await cloud.call('GET', `/v1/instances/${id}`)).body;

  beforeAll(async () => {
    cloud = await startCloud({ hosts: 'sim:2', env: { BELLOWS_SIM_LATENCY: '0.1' } });
  }, 150_000);
  afterAll(() => cloud?.stop(), 90_000);

  it('creates an instance on one of the servers', async () => {
    const answer = await cloud.call('POST', '/v1/instances', {
      name: 'web-1',
      plan: 'ecs-1c1g',
      image: 'debian-12',
    });
    id = answer.body.instance?.id;
    expect(answer.headers.get('location')).toBe(`/v1/operations/${answer.body.operation?.id}`);
    expect(await cloud.ended(answer)).toMatchObject({ state: 'succeeded', confirmedBy: 'guest' });
    expect(await instance()).toMatchObject({
      state: 'running',
      size: { held: { vcpus: 1, ramMib: 1024 }, effective: { vcpus: 1, ramMib: 1024 } },
    });
  }, 60_000);

  it('plans a resize, then grows and shrinks the instance while it runs', async () => {
    const plan = (await cloud.call('POST', `/v1/instances/${id}/resize-plans`, { plan: 'ecs-2c2g' })).body;
    expect(plan).toMatchObject({ impact: 'live', to: { vcpus: 2, ramMib: 2048 } });
    for (const [body, vcpus, ramMib] of [
      [{ resizePlanId: plan.id }, 2, 2048],
      [{ plan: 'ecs-1c1g' }, 1, 1024],
    ] as const) {
      const operation = await cloud.ended(await cloud.call('POST', `/v1/instances/${id}/resize`, body));
      expect(operation).toMatchObject({ kind: 'instance.resize', state: 'succeeded' });
      const size = { vcpus, ramMib };
      expect((await instance()).size).toMatchObject({ reserved: size, held: size, effective: size });
      expect(reservedAgree(await hostsAndInstances(cloud))).toEqual([]);
    }
  }, 60_000);

  it('deletes it, and nothing is claimed any more', async () => {
    expect(await cloud.ended(await cloud.call('DELETE', `/v1/instances/${id}`))).toMatchObject({
      state: 'succeeded',
    });
    expect((await cloud.call('GET', `/v1/instances/${id}`)).status).toBe(404);
    const { hosts } = await hostsAndInstances(cloud);
    for (const { reserved } of hosts) expect(reserved).toMatchObject({ vcpus: 0, ramMib: 0, diskGib: 0 });
  }, 60_000);
});

describe('a worker that dies by SIGKILL', () => {
  let cloud: TestCloud;
  beforeAll(async () => {
    cloud = await startCloud({
      hosts: 'sim:4',
      env: { BELLOWS_SIM_LATENCY: '0.5', BELLOWS_WORKER_LEASE_MS: '3000' },
    });
  }, 150_000);
  afterAll(() => cloud?.stop(), 90_000);

  /** Kills the worker once the operation is under way, `laterMs` into it. */
  async function killWorkerDuring(operationId: string, laterMs: number) {
    for (const until = Date.now() + 20_000; ; await sleep(20)) {
      const { body } = await cloud.call('GET', `/v1/operations/${operationId}`);
      if (body.state === 'running') break;
      if (Date.now() > until) throw new Error(`did not start: ${JSON.stringify(body)}`);
    }
    await sleep(laterMs);
    process.kill(workerOf(cloud.supervisor.pid!).pid, 'SIGKILL');
    const { body } = await cloud.call('GET', `/v1/operations/${operationId}`);
    expect(body.state).toBe('running');
  }

  it('in mid-create: another finishes or undoes it', async () => {
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        cloud.call('POST', '/v1/instances', { name: `crash-${n}`, plan: 'ecs-1c1g', image: 'debian-12' }),
      ),
    );
    await killWorkerDuring(answers[0]!.body.operation.id, 500);
    for (const answer of answers)
      expect(['succeeded', 'rolled-back']).toContain((await cloud.ended(answer, 60_000)).state);
    const books = await hostsAndInstances(cloud);
    expect(reservedAgree(books)).toEqual([]);
    const running = books.instances.filter(({ state }) => state === 'running');
    const succeeded = await Promise.all(answers.map((answer) => cloud.ended(answer)));
    expect(running).toHaveLength(succeeded.filter(({ state }) => state === 'succeeded').length);
  }, 120_000);

  it('in mid-resize: another finishes or undoes it', async () => {
    const { instances } = await hostsAndInstances(cloud);
    const running = instances.filter(({ state }) => state === 'running');
    expect(running.length).toBeGreaterThan(0);
    const answers = await Promise.all(
      running.map(({ id }) => cloud.call('POST', `/v1/instances/${id}/resize`, { plan: 'ecs-4c4g' })),
    );
    await killWorkerDuring(answers[0]!.body.operation.id, 50);
    for (const answer of answers) {
      const operation = await cloud.ended(answer, 60_000);
      expect(['succeeded', 'rolled-back']).toContain(operation.state);
      const { size, state } = (await cloud.call('GET', `/v1/instances/${operation.resource.id}`)).body;
      const vcpus = operation.state === 'succeeded' ? 4 : 1;
      expect({ state, ...size }).toMatchObject({
        state: 'running',
        reserved: { vcpus },
        held: { vcpus },
        effective: { vcpus },
      });
    }
    expect(reservedAgree(await hostsAndInstances(cloud))).toEqual([]);
  }, 120_000);
});

describe('two hundred creates at once', () => {
  let cloud: TestCloud;
  beforeAll(async () => {
    // vCPUs are sold four times over, and decide: 5 servers × 5 CPUs × 4 = room for 100 of one vCPU.
    cloud = await startCloud({
      hosts: 'sim:5x5c64g',
      env: { BELLOWS_SIM_LATENCY: '0', BELLOWS_RATE_LIMIT: '0' },
    });
  }, 150_000);
  afterAll(() => cloud?.stop(), 90_000);

  it('fill a fleet with room for a hundred to the last slice, and not beyond', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        cloud.call('POST', '/v1/instances', { name: `race-${n}`, plan: 'ecs-1c1g', image: 'debian-12' }),
      ),
    );
    const accepted = answers.filter(({ status }) => status === 202);
    const refused = answers.filter(({ status, body }) => status === 409 && body.code === 'no-room');
    expect({ accepted: accepted.length, refused: refused.length }).toEqual({ accepted: 100, refused: 100 });
    for (const answer of accepted)
      expect(await cloud.ended(answer, 60_000)).toMatchObject({ state: 'succeeded' });
    const books = await hostsAndInstances(cloud);
    expect(books.instances.filter(({ state }) => state === 'running')).toHaveLength(100);
    expect(reservedAgree(books)).toEqual([]);
    for (const { reserved, capacity } of books.hosts) expect(reserved.vcpus).toBe(capacity.vcpus);
  }, 180_000);
});

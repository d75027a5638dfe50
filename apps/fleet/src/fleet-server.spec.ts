import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HostUnreachableError, HypervisorRefusedError } from '@bellows/operations/ports/driver-errors';
import type { Fence, GuestEvent } from '@bellows/operations/ports/host-driver';
import { hostOf, serverOf, specOf } from '@bellows/hypervisor/sim/guest-spec.fixture';
import { SimDriver } from '@bellows/hypervisor/sim/sim-driver';
import { secret, temporaryHome } from './fleet.fixture.js';
import { runFleet, type RunningFleet } from './fleet-process.js';
import type { FleetSettings } from './settings.js';

const host = hostOf('alpha');
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const fenceOf = (instanceId: Fence['instanceId'], ms = 5_000): Fence => ({
  controllerId: 'controller-one',
  instanceId,
  token: 1,
  deadline: Date.now() + ms,
});

let home: Awaited<ReturnType<typeof temporaryHome>>;
let settings: FleetSettings;
let fleet: RunningFleet;
let driver: SimDriver;

const run = () =>
  runFleet(settings, (error) => {
    throw error;
  });

beforeAll(async () => {
  home = await temporaryHome();
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  settings = { listen, folder: `${home.path}/fleet`, latencyScale: 0, seed: 'server', secret, sync: true };
  fleet = await run();
  settings = { ...settings, listen: { ...listen, port: Number(new URL(fleet.listen).port) } };
  driver = new SimDriver({ url: fleet.listen, secret });
  await driver.registerHost(serverOf('alpha'));
});

afterAll(async () => {
  await driver.close();
  await fleet.stop();
  await home.remove();
});

const ask = (method: string, path: string, body?: string, authorization = `Bearer ${secret}`) =>
  fetch(`${fleet.listen}${path}`, { method, body, headers: { authorization } });

describe('the protocol', () => {
  it('is closed to who does not know the secret, but for its health', async () => {
    expect((await ask('GET', '/v1/hosts', undefined, 'Bearer something-else-altogether')).status).toBe(401);
    expect((await ask('GET', '/healthz', undefined, 'nothing')).status).toBe(200);
    const stranger = new SimDriver({ url: fleet.listen, secret: 'something-else-altogether' });
    await expect(stranger.observeHost(host)).rejects.toMatchObject({ retryable: false });
    await stranger.close();
  });

  it.each([
    ['GET', '/v1/nothing', undefined, 404],
    ['POST', '/v1/perform', '{"host":', 400],
    ['POST', '/v1/perform', '[]', 400],
    ['POST', '/v1/perform', '{"host":"alpha","fence":{},"verb":{}}', 400],
    [
      'POST',
      '/v1/perform',
      '{"host":"alpha","fence":{"controllerId":"c","instanceId":"i","token":1,"deadline":9},"verb":{"verb":"ensureWealth"}}',
      400,
    ],
    ['POST', '/v1/observe-many', '{"host":"alpha","instanceIds":7}', 400],
    ['PUT', '/v1/hosts', '{"name":"../etc","vcpus":1,"ramMib":1,"diskGib":1}', 400],
    ['PUT', '/v1/hosts', '{"name":"beta","vcpus":0,"ramMib":1,"diskGib":1}', 400],
    ['PUT', '/v1/faults', '{"errorRate":{"*":7}}', 400],
    ['POST', '/v1/perform', ' '.repeat(5 * 1024 * 1024), 400],
  ])('%s %s %.40s → %i', async (method, path, body, status) => {
    const answer = await ask(method, path, body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: { message: expect.any(String) } });
  });
});

describe('hosts', () => {
  it('are registered again without losing their mark, and are removed only when empty', async () => {
    const beta = hostOf('beta');
    expect(await driver.registerHost(serverOf('beta'))).toBe('sim:beta');
    await driver.ensureEnrolled(beta, 'controller-one');
    await driver.registerHost({ ...serverOf('beta'), vcpus: 128 });
    expect(await driver.observeHost(beta)).toMatchObject({
      owner: 'controller-one',
      physical: { vcpus: 128 },
    });
    const spec = specOf();
    await driver.ensureVolumes(beta, fenceOf(spec.instanceId), spec);
    await expect(driver.removeHost('beta')).rejects.toThrow(HypervisorRefusedError);
    await driver.ensureAbsent(beta, fenceOf(spec.instanceId));
    await driver.removeHost('beta');
    expect((await driver.inventory()).map(({ name }) => name)).toEqual(['alpha']);
  });
});

describe('a host that hangs', () => {
  it('costs its callers their deadline, and nobody else anything', async () => {
    await driver.registerHost(serverOf('gamma'));
    await driver.setFaults({ hosts: { gamma: 'hangs' } });
    const spec = specOf();
    const from = Date.now();
    const hanging = driver.ensureVolumes(hostOf('gamma'), fenceOf(spec.instanceId, 200), spec);
    await driver.observeHost(host);
    expect(Date.now() - from).toBeLessThan(1_000);
    await expect(hanging).rejects.toThrow(HostUnreachableError);
    expect(Date.now() - from).toBeLessThan(3_000);
    await driver.setFaults({});
  });
});

describe('a restart', () => {
  it('is not noticed by verbs that come after it, nor by watchers for long', async () => {
    const events: GuestEvent[] = [];
    const watch = driver.watch(host, (event) => events.push(event));
    const spec = specOf();
    await driver.ensureVolumes(host, fenceOf(spec.instanceId), spec);
    await fleet.stop();
    await expect(driver.observeHost(host)).rejects.toThrow(HostUnreachableError);
    fleet = await run();
    await wait(1_200);
    await driver.ensureStarted(host, fenceOf(spec.instanceId), spec);
    for (let i = 0; i < 100 && events.length < 2; i++) await wait(20);
    expect(events.map(({ kind }) => kind)).toEqual(['started', 'agent-connected']);
    watch.close();
  });
});

describe('many observations at once', () => {
  it('are one request', async () => {
    const specs = [specOf(), specOf()];
    for (const spec of specs) await driver.ensureVolumes(host, fenceOf(spec.instanceId), spec);
    await driver.ensureStarted(host, fenceOf(specs[0]!.instanceId), specs[0]!);
    const seen = await driver.observeGuests(
      host,
      specs.map(({ instanceId }) => instanceId),
      true,
    );
    expect([...seen.values()].map(({ power, guest }) => ({ power, vcpus: guest?.vcpus }))).toEqual([
      { power: 'running', vcpus: 1 },
      { power: 'absent', vcpus: undefined },
    ]);
  });
});

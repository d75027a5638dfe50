import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request } from 'node:http';
import { HostUnreachableError } from '@bellows/operations/ports/driver-errors';
import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import type { Fence } from '@bellows/operations/ports/host-driver';
import { describeGuestStreams } from '@bellows/hypervisor/guest-stream.contract';
import { hostOf, serverOf, specOf } from '@bellows/hypervisor/sim/guest-spec.fixture';
import { SimDriver } from '@bellows/hypervisor/sim/sim-driver';
import { SimGuestStreams } from '@bellows/hypervisor/sim/guest-stream';
import { secret, spawnFleet, temporaryHome, type SpawnedFleet } from './fleet.fixture.js';

const host = hostOf('alpha');
const fenceOf = (instanceId: Fence['instanceId']): Fence => ({
  controllerId: 'controller-one',
  instanceId,
  token: 1,
  deadline: Date.now() + 10_000,
});

async function startGuest(driver: SimDriver): Promise<Fence['instanceId']> {
  const spec = specOf();
  await driver.ensureVolumes(host, fenceOf(spec.instanceId), spec);
  await driver.ensureStarted(host, fenceOf(spec.instanceId), spec);
  return spec.instanceId;
}

for (const at of ['tcp', 'a unix socket']) {
  describeGuestStreams(
    `SimGuestStreams and a fleet process at ${at}`,
    async () => {
      const home = await temporaryHome();
      const listen = at === 'tcp' ? '127.0.0.1:0' : `unix:${home.path}/fleet.sock`;
      const fleet = await spawnFleet(home.path, { BELLOWS_FLEET_LISTEN: listen }, 'probe-fleet.fixture.ts');
      const address = { url: fleet.url, secret };
      const driver = new SimDriver(address);
      await driver.registerHost(serverOf('alpha'));
      const [running, stopped] = [await startGuest(driver), await startGuest(driver)];
      await driver.ensureStopped(host, fenceOf(stopped), 0);
      const streams = new SimGuestStreams(address);
      return {
        streams,
        another: () => new SimGuestStreams(address),
        host,
        running,
        stopped,
        absent: specOf().instanceId,
        stopGuest: () => driver.ensureStopped(host, fenceOf(running), 0),
        close: async () => {
          await streams.close();
          await driver.close();
          await fleet.stop();
          await home.remove();
        },
      };
    },
    { testMs: 30_000, fixtureMs: 30_000 },
  );
}

describe('streams into modelled guests', () => {
  let home: Awaited<ReturnType<typeof temporaryHome>>;
  let fleet: SpawnedFleet;
  let driver: SimDriver;
  let streams: SimGuestStreams;
  let running: Fence['instanceId'];

  beforeAll(async () => {
    home = await temporaryHome();
    fleet = await spawnFleet(home.path, {}, 'probe-fleet.fixture.ts');
    driver = new SimDriver({ url: fleet.url, secret });
    streams = new SimGuestStreams({ url: fleet.url, secret });
    await driver.registerHost(serverOf('alpha'));
    running = await startGuest(driver);
  }, 30_000);
  afterAll(async () => {
    await streams.close();
    await driver.close();
    await fleet.stop();
    await home.remove();
  });

  const hold = async () => {
    const stream = await streams.open(host, running, 'docker');
    stream.resume().write('hold it\n');
    return { stream, failed: once(stream, 'error') };
  };

  it('end with a host that dies, and are refused while it is dead', async () => {
    const { failed } = await hold();
    await driver.setFaults({ hosts: { alpha: 'dead' } });
    expect((await failed)[0]).toBeInstanceOf(Error);
    await expect(streams.open(host, running, 'docker')).rejects.toThrow(HostUnreachableError);
    await driver.setFaults({});
  });

  it('are not answered by a host that hangs: a caller gives up when it likes', async () => {
    await driver.setFaults({ hosts: { alpha: 'hangs' } });
    const opening = streams.open(host, running, 'docker', AbortSignal.timeout(200));
    await expect(opening).rejects.toMatchObject({ name: 'TimeoutError' });
    await driver.setFaults({});
  });

  it('end with a guest that is reset', async () => {
    const { failed } = await hold();
    await driver.resetGuest(host, running);
    expect((await failed)[0]).toBeInstanceOf(Error);
  });

  it('are refused by a guest that never boots', async () => {
    await driver.setFaults({ guests: { '*': { neverBoots: true } } });
    const stuck = await startGuest(driver);
    await expect(streams.open(host, stuck, 'docker')).rejects.toMatchObject({ reason: 'silent' });
    await driver.setFaults({});
  });

  it('have one target', async () => {
    const opening = streams.open(host, running, 'ssh' as 'docker');
    await expect(opening).rejects.toMatchObject({ reason: 'refused' });
  });

  it('are 512 at most of one guest', async () => {
    const guest = await startGuest(driver);
    const all = await Promise.all(Array.from({ length: 512 }, () => streams.open(host, guest, 'docker')));
    await expect(streams.open(host, guest, 'docker')).rejects.toMatchObject({ reason: 'too-many' });
    for (const stream of all) stream.destroy();
  });

  const upgrade = (path: string, headers: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      request(new URL(path, fleet.url), { headers: { connection: 'Upgrade', ...headers } })
        .on('response', ({ statusCode }) => resolve(statusCode!))
        .on('upgrade', (_, socket) => void resolve((socket.destroy(), 101)))
        .on('error', reject)
        .end();
    });
  const path = (): string => `/v1/guest-stream?host=alpha&instance=${running}&target=docker`;
  const authorization = `Bearer ${secret}`;

  it('are only for those who know the secret, and ask for what there is', async () => {
    const to = 'bellows-stream';
    expect(await upgrade(path(), { authorization, upgrade: to })).toBe(101);
    expect(await upgrade(path(), { upgrade: to })).toBe(401);
    expect(await upgrade(path(), { authorization: 'Bearer wrong', upgrade: to })).toBe(401);
    expect(await upgrade(path(), { authorization, upgrade: 'tcp' })).toBe(400);
    expect(await upgrade('/v1/hosts', { authorization, upgrade: to })).toBe(400);
    expect(await upgrade('/v1/guest-stream?target=docker', { authorization, upgrade: to })).toBe(400);
  });

  it('end when the fleet is stopped, and it stops', async () => {
    const { failed } = await hold();
    expect(await fleet.stop()).toBe(0);
    expect((await failed)[0]).toBeInstanceOf(Error);
    const opening = streams.open(host, running, 'docker');
    await expect(opening).rejects.toThrow(HostUnreachableError);
    await expect(opening).rejects.not.toThrow(GuestUnreachableError);
  });
});

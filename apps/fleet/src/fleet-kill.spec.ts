import { describe, expect, it } from '@jest/globals';
import type { Fence } from '@bellows/operations/ports/host-driver';
import { HostUnreachableError } from '@bellows/operations/ports/driver-errors';
import { hostOf, serverOf, specOf } from '@bellows/hypervisor/sim/guest-spec.fixture';
import { SimDriver } from '@bellows/hypervisor/sim/sim-driver';
import { secret, spawnFleet, temporaryHome } from './fleet.fixture.js';

const controllerId = 'controller-one';
const fenceOf = (instanceId: Fence['instanceId'], token: number): Fence => ({
  controllerId,
  instanceId,
  token,
  deadline: Date.now() + 5_000,
});

/** Starts guests and grows them until the fleet is gone; remembers what was acknowledged. */
async function traffic(
  driver: SimDriver,
  acknowledged: Map<Fence['instanceId'], { token: number; ramMib: number }>,
) {
  const host = hostOf('alpha');
  try {
    for (;;) {
      const spec = specOf();
      await driver.ensureVolumes(host, fenceOf(spec.instanceId, 1), spec);
      await driver.ensureStarted(host, fenceOf(spec.instanceId, 1), spec);
      acknowledged.set(spec.instanceId, { token: 1, ramMib: spec.size.ramMib });
      for (let token = 2; token < 6; token++) {
        const ramMib = spec.size.ramMib + token * 2;
        await driver.ensureMemory(host, fenceOf(spec.instanceId, token), ramMib);
        acknowledged.set(spec.instanceId, { token, ramMib });
      }
    }
  } catch (error) {
    expect(error).toBeInstanceOf(HostUnreachableError);
  }
}

describe('the fleet process, killed in the middle of traffic', () => {
  it('has all that it acknowledged when it is started again, three times over', async () => {
    const home = await temporaryHome();
    const acknowledged = new Map<Fence['instanceId'], { token: number; ramMib: number }>();
    for (let round = 0; round < 3; round++) {
      const fleet = await spawnFleet(home.path);
      const driver = new SimDriver({ url: fleet.url, secret });
      await driver.registerHost(serverOf('alpha'));
      await driver.ensureEnrolled(hostOf('alpha'), controllerId);
      const before = acknowledged.size;
      const clients = Array.from({ length: 20 }, () => traffic(driver, acknowledged));
      // In the middle of it, however slow the machine: when some more than one round of all clients was acknowledged.
      const deadline = Date.now() + 10_000;
      do await new Promise((resolve) => setTimeout(resolve, 200));
      while (acknowledged.size <= before + 20 && Date.now() < deadline);
      await fleet.kill();
      await Promise.all(clients);
      await driver.close();
      expect(acknowledged.size).toBeGreaterThan(before + 20);
    }
    const fleet = await spawnFleet(home.path);
    const driver = new SimDriver({ url: fleet.url, secret });
    const seen = await driver.observeGuests(hostOf('alpha'), [...acknowledged.keys()]);
    for (const [id, { token, ramMib }] of acknowledged) {
      const guest = seen.get(id)!;
      expect({ id, power: guest.power }).toEqual({ id, power: 'running' });
      // What was sent and not answered may have happened too.
      expect(guest.fence === token || guest.fence === token + 1).toBe(true);
      expect(guest.requestedRamMib).toBeGreaterThanOrEqual(ramMib);
    }
    expect((await driver.observeHost(hostOf('alpha'))).owner).toBe(controllerId);
    await driver.close();
    expect(await fleet.stop()).toBe(0);
    await home.remove();
  }, 60_000);

  it('carries on in time where it was: a boot goes on while the process is away', async () => {
    const home = await temporaryHome();
    const env = { BELLOWS_SIM_LATENCY: '0.2' };
    const first = await spawnFleet(home.path, env);
    const driver = new SimDriver({ url: first.url, secret });
    await driver.registerHost(serverOf('alpha'));
    const spec = specOf();
    await driver.ensureVolumes(hostOf('alpha'), fenceOf(spec.instanceId, 1), spec);
    await driver.ensureStarted(hostOf('alpha'), fenceOf(spec.instanceId, 1), spec);
    const started = Date.now();
    expect(
      (await driver.observeGuest(hostOf('alpha'), spec.instanceId, { askGuest: true })).guest,
    ).toBeNull();
    await first.kill();
    await driver.close();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, started + 900 - Date.now())));
    const second = await spawnFleet(home.path, env);
    const again = new SimDriver({ url: second.url, secret });
    const seen = await again.observeGuest(hostOf('alpha'), spec.instanceId, { askGuest: true });
    expect(seen.guest).toEqual({ vcpus: 1, ramMib: 1024 });
    await again.close();
    await second.stop();
    await home.remove();
  }, 30_000);

  it('refuses a second process on the same folder', async () => {
    const home = await temporaryHome();
    const fleet = await spawnFleet(home.path);
    await expect(spawnFleet(home.path)).rejects.toThrow('another fleet process works in');
    await fleet.stop();
    await home.remove();
  }, 30_000);

  it('says what is wrong with its settings', async () => {
    const wrong = (env: Record<string, string>) => spawnFleet('/nowhere', env);
    await expect(wrong({ BELLOWS_FLEET_SECRET: 'short' })).rejects.toThrow(
      'BELLOWS_FLEET_SECRET must be set: 16 or more',
    );
    await expect(wrong({ BELLOWS_SIM_LATENCY: '-1' })).rejects.toThrow(
      'BELLOWS_SIM_LATENCY must be a number from 0',
    );
    await expect(wrong({ BELLOWS_FLEET_LISTEN: 'here' })).rejects.toThrow(
      'BELLOWS_FLEET_LISTEN must be HOST:PORT',
    );
  }, 30_000);
});

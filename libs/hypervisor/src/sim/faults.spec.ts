import { beforeEach, describe, expect, it } from '@jest/globals';
import { HostUnreachableError } from '@bellows/operations/ports/driver-errors';
import type { Fence, GuestEvent, GuestSpec, HostDriver } from '@bellows/operations/ports/host-driver';
import { noFaults, parseFaults, type Faults, type GuestFaults } from './faults.js';
import { hostOf, serverOf, specOf } from './guest-spec.fixture.js';
import { inProcessFleet } from './in-process-driver.js';
import type { SimFleet } from './sim-fleet.js';
import { VirtualClock } from './virtual-clock.fixture.js';

const host = hostOf('alpha');
let clock: VirtualClock;
let fleet: SimFleet;
let driver: HostDriver;

beforeEach(() => {
  clock = new VirtualClock();
  ({ fleet, driver } = inProcessFleet(clock, { latencyScale: 1 }));
  fleet.registerHost(serverOf('alpha'));
});

const fenceOf = ({ instanceId }: GuestSpec, token = 1): Fence => ({
  controllerId: 'controller-one',
  instanceId,
  token,
  deadline: clock.now() + 60_000,
});

const setFaults = (faults: Partial<Faults>) => fleet.setFaults({ ...noFaults, ...faults }, clock.now());
const afflict = (spec: GuestSpec, faults: GuestFaults) =>
  setFaults({ guests: { [spec.instanceId]: faults } });

async function start(spec: GuestSpec): Promise<GuestSpec> {
  await driver.ensureVolumes(host, fenceOf(spec), spec);
  await driver.ensureStarted(host, fenceOf(spec), spec);
  return spec;
}

async function booted(): Promise<GuestSpec> {
  const spec = await start(specOf({ size: { vcpus: 2, ramMib: 2048, diskGib: 10 } }));
  await clock.sleep(5_000);
  return spec;
}

const see = ({ instanceId }: GuestSpec) => driver.observeGuest(host, instanceId, { askGuest: true });

describe('a guest that refuses to give memory back', () => {
  it('gives its share, keeps the rest however often it is asked, and lets go after its time', async () => {
    const spec = await booted();
    afflict(spec, { givesBack: 0.5, letsGoAfterMs: 30_000 });
    for (let ask = 0; ask < 3; ask++) {
      await driver.ensureMemory(host, fenceOf(spec), 1024);
      await clock.sleep(5_000);
      expect(await see(spec)).toMatchObject({ requestedRamMib: 1024, plugged: { ramMib: 1536 } });
    }
    await clock.sleep(30_000);
    expect(await see(spec)).toMatchObject({ plugged: { ramMib: 1024 }, guest: { ramMib: 1024 } });
  });

  it('never lets go by itself, but does when the fault is lifted', async () => {
    const spec = await booted();
    afflict(spec, { givesBack: 0, letsGoAfterMs: null });
    await driver.ensureMemory(host, fenceOf(spec), 1024);
    await clock.sleep(3_600_000);
    expect((await see(spec)).plugged.ramMib).toBe(2048);
    setFaults({});
    await clock.sleep(5_000);
    expect((await see(spec)).plugged.ramMib).toBe(1024);
  });

  it('still grows', async () => {
    const spec = await booted();
    afflict(spec, { givesBack: 0 });
    await driver.ensureMemory(host, fenceOf(spec), 4096);
    await clock.sleep(1_100);
    expect((await see(spec)).guest?.ramMib).toBe(4096);
  });
});

describe('an agent', () => {
  it('that is silent says nothing; growth happens all the same, offlining does not', async () => {
    const spec = await booted();
    afflict(spec, { agent: 'silent' });
    await driver.ensureVcpus(host, fenceOf(spec), 1);
    await driver.ensureMemory(host, fenceOf(spec), 4096);
    await clock.sleep(5_000);
    expect(await see(spec)).toMatchObject({ guest: null, plugged: { vcpus: 2, ramMib: 4096 } });
    setFaults({});
    expect((await see(spec)).guest).toEqual({ vcpus: 2, ramMib: 4096 });
  });

  it('that lies is believed to say so when it could be true, and is as good as silent when it could not', async () => {
    const spec = await booted();
    afflict(spec, { agent: { vcpus: 64, ramMib: 1024 } });
    expect(await see(spec)).toMatchObject({
      guest: { vcpus: 64, ramMib: 1024 },
      plugged: { vcpus: 2, ramMib: 2048 },
    });
    afflict(spec, { agent: { vcpus: -1, ramMib: 1e300 } });
    expect((await see(spec)).guest).toBeNull();
  });
});

describe('a boot', () => {
  it('that never finishes runs, but no agent comes and no memory is plugged', async () => {
    const spec = specOf({ size: { vcpus: 2, ramMib: 2048, diskGib: 10 } });
    afflict(spec, { neverBoots: true });
    await start(spec);
    await clock.sleep(3_600_000);
    expect(await see(spec)).toMatchObject({
      power: 'running',
      guest: null,
      plugged: { vcpus: 2, ramMib: 1024 },
    });
    await driver.ensureStopped(host, fenceOf(spec), 1_000);
    expect((await see(spec)).power).toBe('stopped');
  });

  it('takes 3-4 s for the micro image and 18-21 s for Debian, after the create call', async () => {
    for (const [image, least, most] of [
      ['debian-12-micro', 3_000, 4_000],
      ['debian-12', 18_000, 21_000],
    ] as const) {
      const spec = await start(specOf({ image }));
      const from = clock.now();
      while ((await see(spec)).guest === null) await clock.sleep(10);
      expect(clock.now() - from).toBeGreaterThanOrEqual(least);
      expect(clock.now() - from).toBeLessThanOrEqual(most + 50);
    }
  });
});

describe('a stop', () => {
  it('pulls the plug after its grace when the power button does nothing', async () => {
    const spec = await booted();
    afflict(spec, { ignoresAcpi: true });
    const from = clock.now();
    await driver.ensureStopped(host, fenceOf(spec), 10_000);
    expect(clock.now() - from).toBeGreaterThanOrEqual(11_400);
    expect(clock.now() - from).toBeLessThanOrEqual(11_600);
  });

  it('cuts its grace short so as to be over by the deadline', async () => {
    const spec = await booted();
    afflict(spec, { ignoresAcpi: true });
    const deadline = clock.now() + 5_000;
    await driver.ensureStopped(host, { ...fenceOf(spec), deadline }, 60_000);
    expect(clock.now()).toBeLessThanOrEqual(deadline);
    expect((await see(spec)).power).toBe('stopped');
  });
});

describe('a host', () => {
  it('that is dead answers nothing, and has its guests when it is back', async () => {
    const spec = await booted();
    setFaults({ hosts: { alpha: 'dead' } });
    await expect(driver.observeHost(host)).rejects.toThrow(HostUnreachableError);
    await expect(see(spec)).rejects.toThrow(HostUnreachableError);
    await expect(driver.ensureAbsent(host, fenceOf(spec))).rejects.toThrow(HostUnreachableError);
    setFaults({});
    expect((await see(spec)).power).toBe('running');
  });

  it('that is not there cannot be reached', async () => {
    await expect(driver.observeHost(hostOf('nowhere'))).rejects.toThrow(HostUnreachableError);
  });
});

describe('errors at a rate', () => {
  const failures = async (seed: string) => {
    const own = inProcessFleet(new VirtualClock(), { seed, latencyScale: 0 });
    own.fleet.registerHost(serverOf('alpha'));
    own.fleet.setFaults({ ...noFaults, errorRate: { observeHost: 0.3 } }, 0);
    const outcomes: boolean[] = [];
    for (let call = 0; call < 400; call++) {
      outcomes.push(
        await own.driver.observeHost(host).then(
          () => false,
          () => true,
        ),
      );
    }
    return outcomes;
  };

  it('hit their share of the calls, the same ones for the same seed', async () => {
    const one = await failures('one');
    const share = one.filter(Boolean).length / one.length;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.4);
    expect(await failures('one')).toEqual(one);
    expect(await failures('two')).not.toEqual(one);
  });

  it('lose the answer, not the effect, when that is asked for', async () => {
    const spec = specOf();
    await driver.ensureVolumes(host, fenceOf(spec), spec);
    setFaults({ lostAnswerRate: { ensureStarted: 1 } });
    await expect(driver.ensureStarted(host, fenceOf(spec), spec)).rejects.toThrow(
      'the answer of ensureStarted was lost',
    );
    setFaults({});
    await clock.sleep(1_000);
    expect((await see(spec)).power).toBe('running');
  });

  it('afflict their share of the guests', async () => {
    setFaults({ guests: { '*': { rate: 0.25, agent: 'silent' } } });
    const silent = Array.from({ length: 400 }, () => fleet.agentIsSilent(specOf().instanceId)).filter(
      Boolean,
    ).length;
    expect(silent / 400).toBeGreaterThan(0.15);
    expect(silent / 400).toBeLessThan(0.35);
  });
});

describe('a reboot from within', () => {
  it('starts memory over, brings back offlined CPUs, and is told', async () => {
    const spec = await booted();
    const events: GuestEvent[] = [];
    const watch = driver.watch(host, (event) => events.push(event));
    await driver.ensureVcpus(host, fenceOf(spec), 1);
    await clock.sleep(500);
    expect((await see(spec)).guest?.vcpus).toBe(1);
    fleet.resetGuest('alpha', spec.instanceId, clock.now());
    expect(await see(spec)).toMatchObject({ guest: null, plugged: { ramMib: 1024 }, requestedRamMib: 2048 });
    await clock.sleep(5_000);
    expect((await see(spec)).guest).toEqual({ vcpus: 2, ramMib: 2048 });
    expect(events.map(({ kind }) => kind).sort()).toEqual(['agent-connected', 'memory-changed', 'reset']);
    watch.close();
  });
});

describe('events', () => {
  it('that are called off are not told', async () => {
    const events: GuestEvent[] = [];
    const watch = driver.watch(host, (event) => events.push(event));
    const spec = await start(specOf());
    await driver.ensureStopped(host, fenceOf(spec), 0);
    await clock.sleep(10_000);
    expect(events.map(({ kind }) => kind)).toEqual(['started', 'stopped']);
    watch.close();
  });
});

describe('the faults as told from outside', () => {
  it.each([
    [{ errorRate: { observeHost: 2 } }, 'errorRate.observeHost must be at most 1'],
    [{ hosts: { alpha: 'ill' } }, 'hosts.alpha must be "dead" or "hangs"'],
    [{ guests: { 'i-1': { givesBack: -1 } } }, 'guests.i-1.givesBack must be a number, 0 or more'],
    [{ guests: { 'i-1': { mood: 'bad' } } }, 'guests.i-1.mood is not known'],
    [{ guest: {} }, 'faults.guest is not known'],
    [[], 'faults must be an object'],
  ])('%j is refused: %s', (given, message) => {
    expect(() => parseFaults(given)).toThrow(message);
  });

  it('may leave out what is not wanted', () => {
    expect(parseFaults({})).toEqual(noFaults);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  DeadlineError,
  ForeignOwnerError,
  HypervisorRefusedError,
  StaleFenceError,
} from '@bellows/operations/ports/driver-errors';
import type {
  Fence,
  GuestEvent,
  GuestObservation,
  GuestSpec,
  HostDriver,
  HostRef,
} from '@bellows/operations/ports/host-driver';

/** What a driver brings to the contract. */
export interface HostDriverFixture {
  readonly driver: HostDriver;
  readonly host: HostRef;
  readonly controllerId: string;
  /** A spec of a guest that is not there yet: its own ids and addresses, `size` at the floor, ceiling above it. */
  spec(): GuestSpec;
  /** The driver's time, in ms since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Puts a guest that Bellows did not make on the host, or one of another controller. Says whether it still runs. */
  addForeignGuest?(): Promise<{ stillRuns(): Promise<boolean>; remove(): Promise<void> }>;
  close(): Promise<void>;
}

/** How long a driver may take, in real ms: a real guest boots, and gives memory back, in its own time. */
export interface HostDriverLimits {
  /** One verb, the stop with its grace included. */
  readonly verbMs: number;
  /** From start to the agent's first answer. */
  readonly bootMs: number;
  /** From the hypervisor's yes to the guest having it. */
  readonly settleMs: number;
}

type Verbs = Record<string, (fence: Fence) => Promise<void>>;

/**
 * What every driver of a physical server must do. One guest lives through it in order, as a boot is what costs;
 * a test that fails may take those after it along.
 */
export function describeHostDriver(
  name: string,
  makeFixture: () => Promise<HostDriverFixture>,
  limits: HostDriverLimits,
): void {
  describe(name, () => {
    const story = new Story(makeFixture, limits);
    const patience = limits.bootMs + limits.settleMs * 4 + limits.verbMs * 8 + 5_000;
    const test = (what: string, run: () => Promise<void>) => it(what, run, patience);

    beforeAll(() => story.begin(), patience);
    afterAll(() => story.end(), patience);

    describe('a host', () => hostTests(story, test));
    describe('volumes', () => volumeTests(story, test));
    describe('a running guest', () => {
      startTests(story, test);
      refusalTests(story, test);
    });
    describe('a resize of a running guest', () => resizeTests(story, test));
    describe('stop and start', () => stopTests(story, test));
    describe('the end of a guest', () => absentTests(story, test));
    describe('release of the host', () => releaseTests(story, test));
  });
}

type Test = (what: string, run: () => Promise<void>) => void;

class Story {
  fixture!: HostDriverFixture;
  spec!: GuestSpec;
  readonly events: GuestEvent[] = [];
  private token = 0;
  private watch: { close(): void } | null = null;

  constructor(
    private readonly makeFixture: () => Promise<HostDriverFixture>,
    readonly limits: HostDriverLimits,
  ) {}

  async begin(): Promise<void> {
    this.fixture = await this.makeFixture();
    this.spec = this.fixture.spec();
    await this.driver.ensureEnrolled(this.host, this.fixture.controllerId);
    this.watch = this.driver.watch(this.host, (event) => this.events.push(event));
    // A listener that is connected a moment late may miss events, and that is allowed.
    await this.fixture.sleep(500);
  }

  async end(): Promise<void> {
    this.watch?.close();
    if (this.spec) await this.driver.ensureAbsent(this.host, this.fence()).catch(() => undefined);
    await this.fixture?.close();
  }

  get driver(): HostDriver {
    return this.fixture.driver;
  }

  get host(): HostRef {
    return this.fixture.host;
  }

  /** A lease of its own, as every operation has. */
  fence(changes: Partial<Fence> = {}): Fence {
    return {
      controllerId: this.fixture.controllerId,
      instanceId: this.spec.instanceId,
      token: ++this.token,
      deadline: this.fixture.now() + this.limits.verbMs,
      ...changes,
    };
  }

  get lastToken(): number {
    return this.token;
  }

  /** Half way between floor and ceiling, in whole 128 MiB. */
  get grown(): { vcpus: number; ramMib: number } {
    const { floor, ceiling } = this.spec;
    const halfMib = Math.floor((ceiling.ramMib - floor.ramMib) / 2 / 128) * 128;
    return { vcpus: floor.vcpus + 1, ramMib: floor.ramMib + halfMib };
  }

  observe(askGuest = false): Promise<GuestObservation> {
    const deadline = this.fixture.now() + this.limits.verbMs;
    return this.driver.observeGuest(this.host, this.spec.instanceId, { askGuest, deadline });
  }

  /** All verbs, each asking for what would change the guest. */
  verbs(): Verbs {
    const { driver, host, spec, grown } = this;
    const bigger = { ...spec, size: { ...spec.size, ...grown } };
    return {
      ensureVolumes: (fence) => driver.ensureVolumes(host, fence, bigger),
      ensureStarted: (fence) => driver.ensureStarted(host, fence, bigger),
      ensureStopped: (fence) => driver.ensureStopped(host, fence, 0),
      ensureAbsent: (fence) => driver.ensureAbsent(host, fence),
      ensureLimits: (fence) => driver.ensureLimits(host, fence, grown),
      ensureMemory: (fence) => driver.ensureMemory(host, fence, grown.ramMib),
      ensureVcpus: (fence) => driver.ensureVcpus(host, fence, grown.vcpus),
      ensureDiskGib: (fence) => driver.ensureDiskGib(host, fence, spec.size.diskGib + 1),
    };
  }

  /** Each verb twice under one fence: what was done once is there, and stays. */
  async twice(verb: (fence: Fence) => Promise<void>): Promise<void> {
    const fence = this.fence();
    await verb(fence);
    await verb({ ...fence, deadline: this.fixture.now() + this.limits.verbMs });
  }

  async eventually<Value>(
    read: () => Promise<Value>,
    holds: (value: Value) => boolean,
    withinMs: number,
  ): Promise<Value> {
    const until = this.fixture.now() + withinMs;
    for (;;) {
      const value = await read();
      if (holds(value)) return value;
      if (this.fixture.now() > until) throw new Error(`not in ${withinMs} ms: ${JSON.stringify(value)}`);
      await this.fixture.sleep(100);
    }
  }

  sees(kind: GuestEvent['kind'], from: number): Promise<GuestEvent[]> {
    const seen = async () => this.events.slice(from).filter((e) => e.instanceId === this.spec.instanceId);
    return this.eventually(
      seen,
      (events) => events.some((event) => event.kind === kind),
      this.limits.settleMs,
    );
  }

  async listed() {
    const all = await this.driver.listGuests(this.host);
    return all.filter((guest) => guest.instanceId === this.spec.instanceId);
  }
}

function hostTests(story: Story, test: Test): void {
  test('shows what it is made of and who owns it', async () => {
    const seen = await story.driver.observeHost(story.host);
    expect(seen.owner).toBe(story.fixture.controllerId);
    expect(seen.images).toContain(story.spec.image);
    for (const value of Object.values(seen.physical)) expect(value).toBeGreaterThan(0);
    for (const value of [...Object.values(seen.foreign), seen.guestOverheadMib])
      expect(value).toBeGreaterThanOrEqual(0);
    expect(seen.version).not.toBe('');
  });

  test('is enrolled again by its owner, and by nobody else', async () => {
    const { driver, host, fixture } = story;
    await driver.ensureEnrolled(host, fixture.controllerId);
    await expect(driver.ensureEnrolled(host, 'another-controller')).rejects.toThrow(ForeignOwnerError);
    await expect(driver.ensureReleased(host, 'another-controller')).rejects.toThrow(ForeignOwnerError);
    expect((await driver.observeHost(host)).owner).toBe(fixture.controllerId);
  });
}

function volumeTests(story: Story, test: Test): void {
  test('an image that is not there is refused, and leaves nothing', async () => {
    const spec = { ...story.fixture.spec(), image: 'no-such-image' };
    const fence = { ...story.fence(), instanceId: spec.instanceId };
    await expect(story.driver.ensureVolumes(story.host, fence, spec)).rejects.toThrow(HypervisorRefusedError);
    expect((await story.driver.observeGuest(story.host, spec.instanceId)).power).toBe('absent');
  });

  test('are not made when the deadline has passed, so that a start finds none', async () => {
    const late = story.fence({ deadline: story.fixture.now() - 1 });
    await expect(story.driver.ensureVolumes(story.host, late, story.spec)).rejects.toThrow(DeadlineError);
    await expect(story.driver.ensureStarted(story.host, story.fence(), story.spec)).rejects.toThrow(
      HypervisorRefusedError,
    );
    expect((await story.observe()).power).toBe('absent');
  });

  test('are made, and kept when asked again; there is no guest yet', async () => {
    await story.twice((fence) => story.driver.ensureVolumes(story.host, fence, story.spec));
    const seen = await story.observe();
    expect(seen).toMatchObject({ power: 'absent', fence: null, guest: null });
    expect(await story.listed()).toEqual([]);
  });
}

function startTests(story: Story, test: Test): void {
  test('is started once, with its size enforced, and listed as ours', async () => {
    const from = story.events.length;
    await story.twice((fence) => story.driver.ensureStarted(story.host, fence, story.spec));
    const seen = await story.observe();
    expect(seen).toMatchObject({ power: 'running', fence: story.lastToken, held: story.spec.size });
    expect(await story.listed()).toEqual([
      { instanceId: story.spec.instanceId, controllerId: story.fixture.controllerId, power: 'running' },
    ]);
    await story.sees('started', from);
  });

  test('answers through its agent when it has booted, with the size it was given', async () => {
    const { vcpus, ramMib } = story.spec.size;
    const seen = await story.eventually(
      () => story.observe(true),
      has({ vcpus, ramMib }),
      story.limits.bootMs,
    );
    expect(seen.plugged).toEqual({ vcpus, ramMib });
    expect(seen.requestedRamMib).toBe(ramMib);
    await story.sees('agent-connected', 0);
  });

  test('is asked only when that is wanted', async () => {
    expect((await story.observe(false)).guest).toBeNull();
  });
}

const has =
  (size: { vcpus: number; ramMib: number }) =>
  ({ guest }: GuestObservation): boolean =>
    guest?.vcpus === size.vcpus && guest.ramMib === size.ramMib;

function refusalTests(story: Story, test: Test): void {
  const changesNothing = async (fence: () => Fence, error: new (message: string) => Error) => {
    const before = await story.observe();
    for (const [name, verb] of Object.entries(story.verbs())) {
      const refused = await verb(fence()).then(
        () => null,
        (reason: unknown) => reason,
      );
      expect({ name, refused: (refused as Error | null)?.constructor.name }).toEqual({
        name,
        refused: error.name,
      });
    }
    expect(await story.observe()).toEqual(before);
  };

  test('refuses every verb with a fence that is behind, unchanged', async () => {
    const behind = story.lastToken - 1;
    await changesNothing(() => ({ ...story.fence(), token: behind }), StaleFenceError);
  });

  test('refuses every verb of another controller, unchanged', async () => {
    await changesNothing(() => story.fence({ controllerId: 'another-controller' }), ForeignOwnerError);
  });

  test('takes no effect after the deadline, unchanged', async () => {
    await changesNothing(() => story.fence({ deadline: story.fixture.now() - 1 }), DeadlineError);
  });

  test('is not resized past its ceiling, unchanged', async () => {
    const before = await story.observe();
    const { driver, host, spec } = story;
    const { vcpus, ramMib } = spec.ceiling;
    await expect(driver.ensureMemory(host, story.fence(), ramMib + 128)).rejects.toThrow(
      HypervisorRefusedError,
    );
    await expect(driver.ensureVcpus(host, story.fence(), vcpus + 1)).rejects.toThrow(HypervisorRefusedError);
    const { held, plugged, requestedRamMib } = await story.observe();
    expect({ held, plugged, requestedRamMib }).toEqual({
      held: before.held,
      plugged: before.plugged,
      requestedRamMib: before.requestedRamMib,
    });
  });

  test('leaves a guest that Bellows did not make alone', async () => {
    const foreign = await story.fixture.addForeignGuest?.();
    if (!foreign) return;
    const strangers = (await story.driver.listGuests(story.host)).filter(
      (guest) => guest.controllerId !== story.fixture.controllerId,
    );
    expect(strangers.length).toBeGreaterThan(0);
    expect((await story.driver.observeHost(story.host)).foreign.ramMib).toBeGreaterThan(0);
    expect(await foreign.stillRuns()).toBe(true);
    await foreign.remove();
  });
}

function resizeTests(story: Story, test: Test): void {
  test('grows: limits first, then memory and vCPUs, and the guest has them', async () => {
    const { driver, host, grown } = story;
    const from = story.events.length;
    await story.twice((fence) => driver.ensureLimits(host, fence, grown));
    expect((await story.observe()).held).toMatchObject(grown);
    await story.twice((fence) => driver.ensureMemory(host, fence, grown.ramMib));
    expect((await story.observe()).requestedRamMib).toBe(grown.ramMib);
    await story.twice((fence) => driver.ensureVcpus(host, fence, grown.vcpus));
    const seen = await story.eventually(() => story.observe(true), has(grown), story.limits.settleMs);
    expect(seen.plugged).toEqual(grown);
    expect(seen.fence).toBe(story.lastToken);
    await story.sees('memory-changed', from);
  });

  test('shrinks: vCPUs and memory first, limits when the hypervisor has it back', async () => {
    const { driver, host, spec, grown } = story;
    const { vcpus, ramMib } = spec.floor;
    await story.twice((fence) => driver.ensureVcpus(host, fence, vcpus));
    await story.twice((fence) => driver.ensureMemory(host, fence, ramMib));
    // A driver may ask for no more than the guest can spare now: so it is asked until it is there.
    const given = await story.eventually(
      async () => {
        await story.fixture.sleep(1_500);
        await driver.ensureMemory(host, story.fence(), ramMib);
        return story.observe(true);
      },
      (seen) => seen.plugged.ramMib === ramMib && has({ vcpus, ramMib })(seen),
      story.limits.settleMs,
    );
    // What is held is not lowered by the guest's giving back, and vCPUs may stay plugged: the quota is the law.
    expect(given.held).toMatchObject(grown);
    expect(given.plugged.vcpus).toBeGreaterThanOrEqual(vcpus);
    await story.twice((fence) => driver.ensureLimits(host, fence, { vcpus, ramMib }));
    expect((await story.observe()).held).toMatchObject({ vcpus, ramMib });
  });

  test('and grows again, as far as before', async () => {
    const { driver, host, grown } = story;
    await driver.ensureLimits(host, story.fence(), grown);
    await driver.ensureMemory(host, story.fence(), grown.ramMib);
    await driver.ensureVcpus(host, story.fence(), grown.vcpus);
    await story.eventually(() => story.observe(true), has(grown), story.limits.settleMs);
  });

  test('grows the disk, and never shrinks it', async () => {
    const { driver, host, spec } = story;
    const diskGib = spec.size.diskGib + 1;
    await story.twice((fence) => driver.ensureDiskGib(host, fence, diskGib));
    await expect(driver.ensureDiskGib(host, story.fence(), diskGib - 1)).rejects.toThrow(
      HypervisorRefusedError,
    );
    expect((await story.observe()).held.diskGib).toBe(diskGib);
  });
}

function stopTests(story: Story, test: Test): void {
  const stoppedAs = (token: number) => ({
    power: 'stopped',
    fence: token,
    held: { vcpus: 0, ramMib: 0, diskGib: story.spec.size.diskGib + 1 },
    plugged: { vcpus: 0, ramMib: 0 },
    requestedRamMib: 0,
    guest: null,
  });

  test('pulls the plug: nothing is held but the disk', async () => {
    const from = story.events.length;
    await story.twice((fence) => story.driver.ensureStopped(story.host, fence, 0));
    expect(await story.observe(true)).toEqual(stoppedAs(story.lastToken));
    expect(await story.listed()).toMatchObject([{ power: 'stopped' }]);
    await story.sees('stopped', from);
  });

  test('grows the disk of a stopped guest', async () => {
    const { driver, host, spec } = story;
    await story.twice((fence) => driver.ensureDiskGib(host, fence, spec.size.diskGib + 1));
    expect((await story.observe()).held.diskGib).toBe(spec.size.diskGib + 1);
  });

  test('starts again with another size, on the same disk', async () => {
    const { driver, host, grown } = story;
    const spec = { ...story.spec, size: { ...story.spec.size, ...grown } };
    await driver.ensureVolumes(host, story.fence(), spec);
    await story.twice((fence) => driver.ensureStarted(host, fence, spec));
    const seen = await story.eventually(() => story.observe(true), has(grown), story.limits.bootMs);
    expect(seen.held).toEqual({ ...grown, diskGib: story.spec.size.diskGib + 1 });
  });

  test('asks politely, and is stopped within its grace', async () => {
    const graceMs = Math.floor(story.limits.verbMs / 3);
    await story.twice((fence) => story.driver.ensureStopped(story.host, fence, graceMs));
    expect(await story.observe()).toEqual(stoppedAs(story.lastToken));
  });
}

function absentTests(story: Story, test: Test): void {
  test('leaves nothing, also when it was running, and may be asked again', async () => {
    const { driver, host } = story;
    await driver.ensureStarted(host, story.fence(), story.spec);
    await story.twice((fence) => driver.ensureAbsent(host, fence));
    expect(await story.observe(true)).toEqual({
      power: 'absent',
      fence: null,
      held: { vcpus: 0, ramMib: 0, diskGib: 0 },
      plugged: { vcpus: 0, ramMib: 0 },
      requestedRamMib: 0,
      guest: null,
    });
    expect(await story.listed()).toEqual([]);
  });

  test('takes the disk along: without new volumes there is no start', async () => {
    const { driver, host, spec } = story;
    await expect(driver.ensureStarted(host, story.fence(), spec)).rejects.toThrow(HypervisorRefusedError);
    await driver.ensureStopped(host, story.fence(), 0);
    await expect(driver.ensureMemory(host, story.fence(), spec.size.ramMib)).rejects.toThrow(
      HypervisorRefusedError,
    );
  });
}

function releaseTests(story: Story, test: Test): void {
  test('lets another controller enrol it', async () => {
    const { driver, host, fixture } = story;
    await driver.ensureReleased(host, fixture.controllerId);
    await driver.ensureReleased(host, fixture.controllerId);
    expect((await driver.observeHost(host)).owner).toBeNull();
    await driver.ensureEnrolled(host, 'another-controller');
    await driver.ensureReleased(host, 'another-controller');
  });
}

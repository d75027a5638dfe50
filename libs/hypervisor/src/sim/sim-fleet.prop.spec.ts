import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { InstanceId } from '@bellows/domain/ids';
import { DriverError } from '@bellows/operations/ports/driver-errors';
import type { GuestSpec } from '@bellows/operations/ports/host-driver';
import { specOf } from './guest-spec.fixture.js';
import { serverOf } from './guest-spec.fixture.js';
import type { GuestVerb } from './guest-verbs.js';
import { SimFleet } from './sim-fleet.js';

const start = Date.UTC(2026, 0, 1);
const longMs = 10 * 60_000;
const controllerId = 'controller-one';
const ids = ['i-one', 'i-two'] as InstanceId[];
const specs = new Map<InstanceId, GuestSpec>(ids.map((id) => [id, specOf({ instanceId: id })]));

interface Step {
  readonly id: InstanceId;
  readonly verb: GuestVerb;
  readonly token: number;
  readonly waitMs: number;
  readonly timeMs: number;
}

const sizes = fc.record({
  vcpus: fc.integer({ min: 1, max: 5 }),
  ramMib: fc.integer({ min: 500, max: 2_100 }).map((half) => half * 2),
  diskGib: fc.integer({ min: 9, max: 14 }),
});

const verbOf = (id: InstanceId): fc.Arbitrary<GuestVerb> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<GuestVerb>({ verb: 'ensureVolumes', spec: specs.get(id)! }) },
    {
      weight: 4,
      arbitrary: sizes.map<GuestVerb>((size) => ({
        verb: 'ensureStarted',
        spec: { ...specs.get(id)!, size },
      })),
    },
    fc.constantFrom(0, 5_000).map<GuestVerb>((graceMs) => ({ verb: 'ensureStopped', graceMs })),
    fc.constant<GuestVerb>({ verb: 'ensureAbsent' }),
    sizes.map<GuestVerb>((limits) => ({ verb: 'ensureLimits', limits })),
    sizes.map<GuestVerb>(({ ramMib }) => ({ verb: 'ensureMemory', ramMib })),
    sizes.map<GuestVerb>(({ vcpus }) => ({ verb: 'ensureVcpus', vcpus })),
    sizes.map<GuestVerb>(({ diskGib }) => ({ verb: 'ensureDiskGib', diskGib })),
  );

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.constantFrom(...ids).chain((id) =>
    fc.record({
      id: fc.constant(id),
      verb: verbOf(id),
      token: fc.integer({ min: 1, max: 4 }),
      waitMs: fc.constantFrom(0, 1, 50, 900, 5_000, 60_000),
      timeMs: fc.constantFrom(-1, 2, 500, 60_000, 60_000),
    }),
  ),
  { minLength: 1, maxLength: 40 },
);

class Run {
  readonly fleet: SimFleet;
  now = start;
  /** By guest, when all that was accepted has taken effect. */
  effectAt = start;

  constructor(
    readonly latencyScale: number,
    seed = 'property',
  ) {
    this.fleet = new SimFleet({ seed, latencyScale });
    this.fleet.registerHost(serverOf('alpha'));
  }

  /** @returns whether it was accepted. */
  take({ id, verb, token, timeMs }: Step): boolean {
    const fence = { controllerId, instanceId: id, token, deadline: this.now + timeMs };
    try {
      const { answerAt } = this.fleet.perform('alpha', fence, verb, this.now);
      expect(answerAt).toBeLessThanOrEqual(fence.deadline);
      this.effectAt = Math.max(this.effectAt, answerAt);
      return true;
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      return false;
    }
  }

  see(id: InstanceId, now = this.now) {
    return this.fleet.observeGuest('alpha', id, true, now);
  }
}

const scales = fc.constantFrom(0, 1);

function holdsAtAllTimes(run: Run, id: InstanceId, at: number): void {
  const { floor, ceiling } = specs.get(id)!;
  const seen = run.see(id, at);
  if (seen.power !== 'running') {
    expect(seen).toMatchObject({ plugged: { vcpus: 0, ramMib: 0 }, requestedRamMib: 0, guest: null });
    expect(seen.held).toMatchObject({ vcpus: 0, ramMib: 0 });
    return;
  }
  for (const { vcpus, ramMib } of [
    seen.plugged,
    { vcpus: seen.plugged.vcpus, ramMib: seen.requestedRamMib },
  ]) {
    expect(vcpus).toBeGreaterThanOrEqual(floor.vcpus);
    expect(vcpus).toBeLessThanOrEqual(ceiling.vcpus);
    expect(ramMib).toBeGreaterThanOrEqual(floor.ramMib);
    expect(ramMib).toBeLessThanOrEqual(ceiling.ramMib);
  }
  expect(seen.plugged.ramMib % 2).toBe(0);
  if (!seen.guest) return;
  expect(seen.guest.vcpus).toBeLessThanOrEqual(seen.plugged.vcpus);
  expect(seen.guest.ramMib).toBeLessThanOrEqual(seen.plugged.ramMib);
}

describe('any sequence of verbs on a modelled host', () => {
  it('keeps every guest between its floor and its ceiling, now and later', () => {
    fc.assert(
      fc.property(scales, steps, (scale, sequence) => {
        const run = new Run(scale);
        for (const step of sequence) {
          run.take(step);
          for (const id of ids)
            for (const later of [0, 1, 300, longMs]) holdsAtAllTimes(run, id, run.now + later);
          run.now += step.waitMs;
        }
      }),
      { numRuns: 200 },
    );
  });

  it('settles where it was asked to: memory as requested, and never more', () => {
    fc.assert(
      fc.property(scales, steps, (scale, sequence) => {
        const run = new Run(scale);
        for (const step of sequence) {
          run.take(step);
          run.now += step.waitMs;
        }
        for (const id of ids) {
          const seen = run.see(id, run.now + longMs);
          if (seen.power !== 'running') continue;
          expect(seen.plugged.ramMib).toBe(seen.requestedRamMib);
          expect(seen.guest!.ramMib).toBe(seen.requestedRamMib);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('changes nothing when it refuses; otherwise the fence only grows and the disk only grows', () => {
    fc.assert(
      fc.property(scales, steps, (scale, sequence) => {
        const run = new Run(scale);
        for (const step of sequence) {
          const before = run.fleet.guest('alpha', step.id);
          const seenBefore = run.see(step.id);
          const accepted = run.take(step);
          if (!accepted) expect(run.fleet.guest('alpha', step.id)).toBe(before);
          const seen = run.see(step.id);
          if (seen.fence !== null && seenBefore.fence !== null) {
            expect(seen.fence).toBeGreaterThanOrEqual(seenBefore.fence);
            expect(seen.held.diskGib).toBeGreaterThanOrEqual(seenBefore.held.diskGib);
          }
          run.now += step.waitMs;
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is the same done twice', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const once = new Run(0);
        const twice = new Run(0);
        for (const step of sequence) {
          expect(twice.take(step)).toBe(once.take(step));
          if (step.timeMs > 0) twice.take(step);
          expect(twice.see(step.id)).toEqual(once.see(step.id));
          once.now = twice.now += step.waitMs;
        }
      }),
      { numRuns: 200 },
    );
  });

  it('leaves nothing of a guest that was made absent', () => {
    fc.assert(
      fc.property(scales, steps, (scale, sequence) => {
        const run = new Run(scale);
        for (const step of sequence) {
          run.take(step);
          run.now += step.waitMs;
        }
        run.now = run.effectAt + longMs;
        for (const id of ids)
          run.take({ id, verb: { verb: 'ensureAbsent' }, token: 9, waitMs: 0, timeMs: 60_000 });
        run.now = run.effectAt;
        expect(run.fleet.listGuests('alpha', run.now).value).toEqual([]);
        const none = { volumes: 0, guests: 0, running: 0, used: { vcpus: 0, ramMib: 0, diskGib: 0 } };
        expect(run.fleet.inventory(run.now)).toMatchObject([none]);
        run.fleet.prune(run.now);
        run.fleet.removeHost('alpha', run.now);
        expect([...run.fleet.everything()].filter((change) => change.kind !== 'faults')).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('is the same again for the same seed, and after a restart at any point', () => {
    fc.assert(
      fc.property(scales, steps, fc.nat(40), (scale, sequence, restartAfter) => {
        const run = new Run(scale);
        let again = new Run(scale);
        sequence.forEach((step, index) => {
          run.take(step);
          again.take(step);
          run.now = again.now += step.waitMs;
          if (index === restartAfter) again = restarted(again);
        });
        for (const id of ids)
          for (const later of [0, 700, longMs]) {
            expect(again.see(id, run.now + later)).toEqual(run.see(id, run.now + later));
          }
      }),
      { numRuns: 200 },
    );
  });

  it('has the same chances for one guest whatever the others do', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const together = new Run(1);
        const alone = new Run(1);
        for (const step of sequence) {
          together.take(step);
          if (step.id === ids[0]) alone.take(step);
          together.now = alone.now += step.waitMs;
        }
        expect(together.fleet.guest('alpha', ids[0]!)).toEqual(alone.fleet.guest('alpha', ids[0]!));
      }),
      { numRuns: 100 },
    );
  });
});

/** As a process would: what was recorded, through JSON, into a new fleet. */
function restarted(run: Run): Run {
  const after = new Run(run.latencyScale);
  after.now = run.now;
  for (const change of JSON.parse(JSON.stringify([...run.fleet.everything()]))) after.fleet.restore(change);
  return after;
}

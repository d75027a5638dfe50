import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { firstCatalogue, isElastic, memoryStepMib, withinClass, type Plan } from './plan.js';
import { isRefusal } from './refusal.js';
import { growthOf, resizeSteps, resizeTarget, roomFor, type ResizeAsk } from './resize.js';
import { dimensions, larger, minus, plus, sameSize, type Size } from './size.js';

const elasticPlans = firstCatalogue.filter(isElastic);
const planArb = fc.constantFrom(...elasticPlans);
const inClass = (plan: Plan) =>
  fc.record({
    vcpus: fc.integer({ min: plan.floor.vcpus, max: plan.ceiling.vcpus }),
    ramMib: fc
      .integer({ min: plan.floor.ramMib / memoryStepMib, max: plan.ceiling.ramMib / memoryStepMib })
      .map((n) => n * memoryStepMib),
    diskGib: fc.integer({ min: 20, max: 80 }),
  });
const subjectArb = planArb.chain((plan) =>
  inClass(plan).map((desired) => ({ plan, desired, reserved: desired })),
);
const anyAsk: fc.Arbitrary<ResizeAsk> = fc.record(
  {
    plan: fc.constantFrom(...firstCatalogue.map(({ id }) => id), 'no-such'),
    vcpus: fc.integer({ min: 0, max: 20 }),
    ramMib: fc.integer({ min: 0, max: 20 * 1024 }),
    diskGib: fc.integer({ min: 0, max: 100 }),
  },
  { requiredKeys: [] },
);

describe('a resize', () => {
  it('goes where it was asked to go, inside its class, or is refused', () => {
    fc.assert(
      fc.property(
        subjectArb,
        anyAsk,
        fc.constantFrom('running' as const, 'stopped' as const),
        (subject, ask, state) => {
          const target = resizeTarget({ ...subject, state }, ask, firstCatalogue);
          if (isRefusal(target)) return;
          expect(target.to.diskGib).toBe(ask.diskGib ?? subject.desired.diskGib);
          expect(target.to.diskGib).toBeGreaterThanOrEqual(subject.desired.diskGib);
          expect(withinClass(target.toPlan, target.to)).toBe(true);
          if (target.impact === 'live') expect(withinClass(subject.plan, target.to)).toBe(true);
          expect(target.impact === 'offline').toBe(state === 'stopped');
          if (ask.vcpus !== undefined) expect(target.to.vcpus).toBe(ask.vcpus);
          if (ask.ramMib !== undefined) expect(target.to.ramMib).toBe(ask.ramMib);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('there and back again leaves the claims as they were', () => {
    fc.assert(
      fc.property(
        planArb.chain((plan) => fc.tuple(fc.constant(plan), inClass(plan), inClass(plan))),
        ([, from, asked]) => {
          const to = { ...asked, diskGib: from.diskGib };
          const there = plus(from, growthOf(from, from, to));
          expect(sameSize(there, larger(from, to))).toBe(true);
          // When the first ends, what it did not need after all is released; then the way back claims the same.
          const arrived = minus(there, minus(there, to));
          const back = plus(arrived, growthOf(arrived, to, from));
          expect(sameSize(back, there)).toBe(true);
        },
      ),
    );
  });

  it('claims at every moment what is asked and what is held', () => {
    fc.assert(
      fc.property(subjectArb, planArb.chain(inClass), ({ desired }, to) => {
        const reserved = plus(desired, growthOf(desired, desired, to));
        for (const d of dimensions) expect(reserved[d]).toBeGreaterThanOrEqual(Math.max(desired[d], to[d]));
      }),
    );
  });

  it('grows first, shrinks second, and touches the disk last', () => {
    fc.assert(
      fc.property(
        planArb.chain((plan) => fc.tuple(inClass(plan), inClass(plan))),
        ([from, asked]) => {
          const to = { ...asked, diskGib: Math.max(from.diskGib, asked.diskGib) };
          const steps = resizeSteps(from, to, 'live');
          const at = (...names: string[]) => steps.findIndex((step) => names.includes(step));
          const confirm = at('confirm-growth');
          const shrink = at('shrink-vcpus', 'shrink-memory');
          if (confirm >= 0 && shrink >= 0) expect(confirm).toBeLessThan(shrink);
          if (at('grow-disk') >= 0) expect(at('grow-disk')).toBe(steps.length - 1);
          if (at('raise-limits') >= 0) expect(at('raise-limits')).toBe(0);
          expect(steps.length === 0).toBe(sameSize(from, to));
          // The engine is asked when the last of CPUs and memory has changed, and not for a disk.
          const withEngine = resizeSteps(from, to, 'live', true);
          const changes = steps.filter((step) => step !== 'grow-disk');
          const last = changes.length > 0 ? ['confirm-engine'] : [];
          expect(withEngine).toEqual([...changes, ...last, ...steps.slice(changes.length)]);
        },
      ),
    );
  });

  it('fits only where nothing is oversold by it', () => {
    const sizeArb: fc.Arbitrary<Size> = fc.record({
      vcpus: fc.nat(64),
      ramMib: fc.nat(65536),
      diskGib: fc.nat(500),
    });
    fc.assert(
      fc.property(sizeArb, sizeArb, sizeArb, (growth, capacity, reserved) => {
        const fits = roomFor(growth, capacity, reserved);
        const oversold = dimensions.some((d) => growth[d] > 0 && reserved[d] + growth[d] > capacity[d]);
        expect(fits).toBe(!oversold);
      }),
    );
  });
});

describe('a fixed slice', () => {
  it('is not elastic, and names the way out', () => {
    const plan = firstCatalogue.find(({ id }) => id === 'vps-1c1g')!;
    const desired = { vcpus: 1, ramMib: 1024, diskGib: 20 };
    const refused = resizeTarget(
      { state: 'running', plan, desired, reserved: desired },
      { plan: 'ecs-2c2g' },
      firstCatalogue,
    );
    expect(refused).toMatchObject({
      refused: 'not-elastic',
      params: { elasticPlans: expect.arrayContaining(['ecs-1c1g']) },
    });
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventLimits, EventLines } from './event-lines.js';
import { readEvent, reduceEvent } from './reduce.js';

const noControls = /^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$/;

/** Mostly as it should be, now and then anything. */
const mostly = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 9, arbitrary }, { weight: 1, arbitrary: fc.anything() });
const attribute = mostly(fc.string({ unit: 'binary', maxLength: 2_000 }));
const attributeNames = fc.constantFrom('name', 'image', 'execID', 'exitCode', 'signal', '__proto__');
const eventLike = fc.record(
  {
    Type: mostly(fc.constantFrom('container', 'image', 'network')),
    Action: mostly(fc.constantFrom('start', 'die', 'exec_create: sh -c x', 'a\u0000b')),
    Actor: mostly(
      fc.record({
        ID: mostly(fc.string({ unit: 'binary' })),
        Attributes: mostly(fc.dictionary(attributeNames, attribute)),
      }),
    ),
    timeNano: mostly(fc.oneof(fc.double(), fc.integer())),
  },
  { requiredKeys: ['Type', 'Action', 'Actor'] },
);

describe('what is kept of an event', () => {
  it('is small, clean and of the known form, whatever a guest says', () => {
    let kept = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 5, arbitrary: eventLike }, fc.anything()), (said) => {
        const event = reduceEvent(said, 5);
        if (event === null) return;
        kept += 1;
        expect(event.at).toBe(5);
        for (const value of Object.values(event)) {
          if (typeof value === 'string') {
            expect(value).toMatch(noControls);
            expect(value.length).toBeLessThanOrEqual(256);
            expect(value.isWellFormed()).toBe(true);
          } else if (value !== null) expect(Number.isFinite(value)).toBe(true);
        }
        // What one side writes the other takes, and nothing is lost between them.
        expect(readEvent(JSON.parse(JSON.stringify(event)))).toEqual(event);
      }),
      { numRuns: 2_000 },
    );
    expect(kept).toBeGreaterThan(300);
  });

  it('is taken over a line only when it is exactly that', () => {
    fc.assert(fc.property(fc.anything(), (said) => expect(readEvent(said)).toBeNull()));
    const good = reduceEvent({ Type: 'container', Action: 'die', Actor: { ID: 'a' } }, 5)!;
    expect(readEvent(good)).toEqual(good);
    for (const bad of [{ more: 1 }, { name: 'a\u0000' }, { at: NaN }, { action: 'DIE' }, { exitCode: 1.5 }]) {
      expect(readEvent({ ...good, ...bad })).toBeNull();
    }
  });
});

describe('lines of events', () => {
  it('are read in any pieces as in one, and never kept beyond their largest size', () => {
    const line = fc.oneof(
      eventLike.map((said) => {
        try {
          return JSON.stringify(said) ?? 'null';
        } catch {
          return '{"cyclic":';
        }
      }),
      fc.string(),
    );
    const whole = fc.array(line, { maxLength: 20 }).map((lines) => Buffer.from(`${lines.join('\n')}\n`));
    fc.assert(
      fc.property(whole, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (bytes, sizes) => {
        const [once, inPieces] = [new EventLines(() => 5), new EventLines(() => 5)];
        const expected = once.feed(bytes);
        const found = [];
        for (let at = 0, n = 0; at < bytes.length; n++) {
          const next = at + sizes[n % sizes.length]!;
          found.push(...inPieces.feed(bytes.subarray(at, next)));
          at = next;
        }
        expect(found).toEqual(expected);
        expect(inPieces.dropped).toBe(once.dropped);
      }),
    );
  });

  it('that are too long, too deep or too many are counted and left out', () => {
    let now = 0;
    const lines = new EventLines(() => now, { ...eventLimits, burst: 10, perSecond: 5 });
    const good = Buffer.from('{"Type":"image","Action":"pull","Actor":{"ID":"box"}}\n');
    const long = Buffer.alloc(eventLimits.lineBytes, 97);
    for (let n = 0; n < 50; n++) expect(lines.feed(long)).toEqual([]);
    expect(lines.feed(Buffer.from('\n'))).toEqual([]);
    expect(lines.dropped).toBe(1);
    const deep = `{"Type":"image","Action":"pull","Actor":{"ID":"box"},"x":${'['.repeat(9)}${']'.repeat(9)}}\n`;
    expect(lines.feed(Buffer.from(deep))).toEqual([]);
    expect(lines.dropped).toBe(2);
    expect(lines.feed(good)).toMatchObject([{ type: 'image', action: 'pull', id: 'box', at: 0 }]);
    const flood = Buffer.concat(Array.from({ length: 1_000 }, () => good));
    expect(lines.feed(flood)).toHaveLength(7);
    expect(lines.dropped).toBe(2 + 993);
    now = 1_000;
    expect(lines.feed(flood)).toHaveLength(5);
  });

  it('a flood of nonsense costs little', () => {
    const lines = new EventLines(() => 0);
    const began = process.cpuUsage();
    for (let n = 0; n < 64; n++) lines.feed(Buffer.from('{\n'.repeat(32 * 1024)));
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(4_000);
    expect(lines.dropped).toBe(64 * 32 * 1024);
  });
});

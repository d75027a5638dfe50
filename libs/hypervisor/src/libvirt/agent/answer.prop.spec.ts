import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  depthOf,
  maxAnswerBytes,
  maxAnswerDepth,
  NonsenseError,
  readAnswer,
  readBlockMib,
  readOnlineBlocks,
  readVcpus,
  vcpuChanges,
} from './answer.js';

const readers = [readVcpus, readBlockMib, readOnlineBlocks];

/** Near misses: the right names with wrong values, beside anything JSON can hold. */
const row = fc.record(
  {
    'logical-id': fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(null), fc.maxSafeInteger()),
    'phys-index': fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(-1)),
    online: fc.oneof(fc.boolean(), fc.constantFrom('true', 1, null)),
    'can-offline': fc.oneof(fc.boolean(), fc.constant('no')),
    size: fc.oneof(fc.integer(), fc.constantFrom(2 ** 27, 2 ** 27 + 1, 2 ** 60, '134217728')),
  },
  { requiredKeys: [] },
);
const answer = fc.oneof(row, fc.array(row), fc.jsonValue());

describe('what a guest answers', () => {
  it('is either a size in range, or nonsense', () => {
    fc.assert(
      fc.property(answer, (said) => {
        for (const read of readers) {
          let result: unknown;
          try {
            result = read(readAnswer(JSON.stringify({ return: said })));
          } catch (error) {
            expect(error).toBeInstanceOf(NonsenseError);
            continue;
          }
          if (Array.isArray(result)) expect(result.length).toBeGreaterThan(0);
          else expect(Number.isSafeInteger(result) && (result as number) >= 0).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('may be any text at all', () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(text, (said) => {
        try {
          readAnswer(said);
        } catch (error) {
          expect(error).toBeInstanceOf(NonsenseError);
        }
      }),
    );
  });

  it('is refused unread when it is too long or too deep', () => {
    const deep = (levels: number): string => `{"return":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    expect(readAnswer(deep(maxAnswerDepth))).toBeDefined();
    expect(() => readAnswer(deep(maxAnswerDepth + 1))).toThrow(/deeply/);
    expect(() => readAnswer(deep(1_000_000))).toThrow(NonsenseError);
    const long = (bytes: number): string => `{"return":"${'x'.repeat(bytes - 13)}"}`;
    expect(readAnswer(long(maxAnswerBytes))).toBeDefined();
    expect(() => readAnswer(long(maxAnswerBytes + 1))).toThrow(/long/);
    expect(() => readAnswer(`{"return":"${'ä'.repeat(maxAnswerBytes / 2)}"}`)).toThrow(/long/);
    expect(() => readAnswer(null)).toThrow(NonsenseError);
  });

  it('is as deep as a parser would find it, strings apart', () => {
    const measure = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? 1 + Math.max(0, ...Object.values(value).map((inner) => measure(inner)))
        : 0;
    fc.assert(
      fc.property(fc.jsonValue(), (value) => expect(depthOf(JSON.stringify(value))).toBe(measure(value))),
    );
  });

  it('counts each CPU and each block once', () => {
    const twice = [
      { 'logical-id': 0, online: true },
      { 'logical-id': 0, online: true },
    ];
    expect(() => readVcpus(twice)).toThrow(/twice/);
    const blocks = [
      { 'phys-index': 3, online: true },
      { 'phys-index': 3, online: true },
    ];
    expect(() => readOnlineBlocks(blocks)).toThrow(/twice/);
    expect(readOnlineBlocks([blocks[0], { 'phys-index': 4, online: false }])).toBe(1);
    expect(readBlockMib({ size: 134_217_728 })).toBe(128);
  });
});

describe('switching CPUs', () => {
  const guest = fc.array(fc.record({ online: fc.boolean(), canOffline: fc.boolean() }), {
    minLength: 1,
    maxLength: 16,
  });

  it('comes as near to what is wanted as the guest allows, and never touches the first', () => {
    fc.assert(
      fc.property(guest, fc.integer({ min: 1, max: 16 }), (cpus, wanted) => {
        const vcpus = cpus.map((cpu, logicalId) => ({ ...cpu, logicalId }));
        const changes = vcpuChanges(vcpus, wanted);
        const change = new Map(changes.map((c) => [c['logical-id'], c.online]));
        const after = vcpus.map((v) => ({ ...v, online: change.get(v.logicalId) ?? v.online }));
        const before = vcpus.filter((v) => v.online).length;
        const online = after.filter((v) => v.online).length;
        if (before <= wanted) expect(online).toBe(Math.min(wanted, vcpus.length));
        else {
          const stuck = vcpus.filter((v) => v.online && (!v.canOffline || v.logicalId === 0)).length;
          expect(online).toBe(Math.max(wanted, stuck));
        }
        expect(changes.some((c) => c['logical-id'] === 0 && !c.online)).toBe(false);
        expect(vcpuChanges(after, online)).toEqual([]);
      }),
    );
  });
});

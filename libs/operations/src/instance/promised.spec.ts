import { describe, expect, it } from '@jest/globals';
import type { InstanceId } from '@bellows/domain/ids';
import type { EngineContainer } from '../ports/engine.js';
import { knownEngine, promisedBeyond, refusedFor } from './promised.js';

const from = { vcpus: 4, ramMib: 4096, diskGib: 10 };
const container = (name: string, limits: Partial<EngineContainer>): EngineContainer => ({
  id: name.padEnd(64, '0'),
  name,
  ramMib: null,
  cpus: null,
  cpuset: null,
  ...limits,
});
const beyond = (containers: EngineContainer[], to: { vcpus?: number; ramMib?: number }) =>
  promisedBeyond(containers, from, { ...from, ...to });

describe('what running containers were promised', () => {
  it('stands in the way when one of them does not fit by itself', () => {
    const cases: [Partial<EngineContainer>, { vcpus?: number; ramMib?: number }, RegExp][] = [
      [{ ramMib: 2560 }, { ramMib: 2048 }, /may use 2560 MiB, the new size has 2048/],
      [{ cpus: 2.5 }, { vcpus: 2 }, /may use 2.5 CPU, the new size has 2/],
      [{ cpuset: 3 }, { vcpus: 2 }, /bound to CPUs of 3, the new size has 2/],
    ];
    for (const [limits, to, why] of cases) {
      const found = beyond([container('db', limits), container('free', {})], to);
      expect(found).toEqual([expect.objectContaining({ name: 'db', blocks: true })]);
      expect(found[0]!.why).toMatch(why);
      const promises = { containers: found, warnings: [] };
      expect(refusedFor(promises, false)).toMatchObject({ refused: 'containers-promised' });
      expect(refusedFor(promises, false)!.detail).toContain('db');
      expect(refusedFor(promises, true)).toBeNull();
    }
  });

  it('is only warned of when all of them together do not fit', () => {
    const found = beyond(
      [container('a', { ramMib: 1500 }), container('b', { ramMib: 1500 }), container('c', { cpus: 1 })],
      { ramMib: 2048 },
    );
    expect(found.map(({ name, blocks }) => [name, blocks])).toEqual([
      ['a', false],
      ['b', false],
    ]);
    expect(found[0]!.why).toContain('3000 MiB together');
    expect(refusedFor({ containers: found, warnings: [] }, false)).toBeNull();
  });

  it('does not matter where the new size has it, or where that part does not shrink', () => {
    expect(
      beyond([container('a', { ramMib: 2048, cpus: 2, cpuset: 2 })], { vcpus: 2, ramMib: 2048 }),
    ).toEqual([]);
    // Sold before anybody asked; a shrink of CPUs makes the memory no less.
    expect(beyond([container('a', { ramMib: 9000 })], { vcpus: 1 })).toEqual([]);
    expect(beyond([container('a', { cpus: 9 })], { ramMib: 1024 })).toEqual([]);
  });

  it('is not asked for where the engine could not say, and that is not held against the owner', () => {
    expect(refusedFor({ containers: null, warnings: ['…'] }, false)).toBeNull();
  });
});

describe('an engine is known', () => {
  const row = (state: 'starting' | 'ready' | 'failed' | 'absent', version: string | null) =>
    knownEngine({ instanceId: 'i-0' as InstanceId, state, version, seenAt: 0 });
  it('when it ever spoke', () => {
    expect(knownEngine(undefined)).toBeUndefined();
    expect(row('starting', null)).toBeUndefined();
    expect(row('absent', null)).toBeUndefined();
    expect(row('ready', '26')).toBe('ready');
    expect(row('starting', '26')).toBe('ready');
    expect(row('failed', '26')).toBe('gone');
  });
});

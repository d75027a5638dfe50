import { describe, expect, it } from '@jest/globals';
import { Gate } from './gate.js';

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('the gate of the store', () => {
  it('is had alone once everybody has left, and nobody enters meanwhile', async () => {
    const gate = new Gate(() => 0);
    const leave = [gate.enter()!, gate.enter()!];
    const seen: string[] = [];
    const alone = gate.alone(async () => {
      seen.push('alone');
      expect(gate.enter()).toBeNull();
      await turn();
      return 7;
    }, 1_000);
    expect(gate.enter()).toBeNull();
    leave[0]!();
    leave[0]!(); // Leaving twice is leaving once.
    await turn();
    expect(seen).toEqual([]);
    leave[1]!();
    expect(await alone).toBe(7);
    expect(gate.enter()).not.toBeNull();
  });

  it('opens again when writers do not leave, and when the work fails', async () => {
    const gate = new Gate(() => 0);
    const leave = gate.enter()!;
    await expect(gate.alone(() => Promise.resolve(), 10)).rejects.toThrow('do not leave');
    leave();
    await expect(gate.alone(() => Promise.reject(new Error('broken')), 10)).rejects.toThrow('broken');
    expect(gate.enter()).not.toBeNull();
  });

  it('knows who pushes, until they are done or have stood still', () => {
    let now = 0;
    const gate = new Gate(() => now);
    gate.pushing('a');
    gate.pushing('b');
    gate.pushed('b');
    expect(gate.pushesSince(1_000)).toBe(1);
    now = 1_001;
    expect(gate.pushesSince(1_000)).toBe(0);
  });
});

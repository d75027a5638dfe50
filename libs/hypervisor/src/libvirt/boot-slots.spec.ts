import { describe, expect, it } from '@jest/globals';
import { DeadlineError } from '@bellows/operations/ports/driver-errors';
import { BootSlots } from './boot-slots.js';
import { Deadline } from './deadline.js';

const soon = (ms: number): Deadline => Deadline.after(ms, Date.now);
const state = async (promise: Promise<void>): Promise<string> =>
  Promise.race([
    promise.then(() => 'taken'),
    new Promise<string>((resolve) => setTimeout(() => resolve('waits'), 20)),
  ]);

describe('boot slots', () => {
  it('let two boot, and the third when one has booted', async () => {
    const slots = new BootSlots(2, 60_000);
    await slots.take('a', soon(1000));
    await slots.take('b', soon(1000));
    const third = slots.take('c', soon(1000));
    const fourth = slots.take('d', soon(1000));
    expect(await state(third)).toBe('waits');
    slots.settle('b');
    expect(await state(third)).toBe('taken');
    expect(await state(fourth)).toBe('waits');
    slots.settle('b');
    expect(await state(fourth)).toBe('waits');
    slots.settle('a');
    expect(await state(fourth)).toBe('taken');
    slots.close();
  });

  it('keep nobody waiting past the deadline, and lose no slot over it', async () => {
    const slots = new BootSlots(1, 60_000);
    await slots.take('a', soon(1000));
    await expect(slots.take('late', soon(30))).rejects.toThrow(DeadlineError);
    slots.settle('a');
    await slots.take('b', soon(1000));
    slots.settle('b');
    await slots.take('c', soon(1000));
    slots.close();
  });

  it('are given back by a guest that never says a word', async () => {
    const slots = new BootSlots(1, 30);
    await slots.take('mute', soon(1000));
    await slots.take('next', soon(1000));
    slots.close();
  });

  it('are taken once by one guest', async () => {
    const slots = new BootSlots(1, 60_000);
    await slots.take('a', soon(1000));
    await slots.take('a', soon(1000));
    slots.close();
  });
});

import { describe, expect, it } from '@jest/globals';
import { RecurringTask, type RoundReport } from './recurring.js';

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function listen() {
  const failed: unknown[] = [];
  const took: number[] = [];
  const report: RoundReport = {
    took: (_, ms) => void took.push(ms),
    failed: (_, error) => void failed.push(error),
  };
  return { failed, took, report };
}

describe('RecurringTask', () => {
  it('never runs over itself, and waits between rounds', async () => {
    let inside = 0;
    let most = 0;
    let rounds = 0;
    const { report } = listen();
    const round = async () => {
      most = Math.max(most, ++inside);
      await sleep(15);
      inside -= 1;
      rounds += 1;
    };
    const task = new RecurringTask({ name: 't', everyMs: 5, round }, report);
    task.start();
    await sleep(200);
    await task.stop();
    expect(most).toBe(1);
    expect(rounds).toBeGreaterThan(2);
  });

  it('goes on after a round that failed, and reports it', async () => {
    const { report, failed, took } = listen();
    let rounds = 0;
    const round = async () => {
      if (++rounds === 1) throw new Error('once');
    };
    const task = new RecurringTask({ name: 't', everyMs: 2, round }, report);
    task.start();
    while (rounds < 3) await sleep(5);
    await task.stop();
    expect(failed).toHaveLength(1);
    expect(took.length).toBeGreaterThanOrEqual(3);
  });

  it('comes again at once while there is more to do', async () => {
    let rounds = 0;
    const { report } = listen();
    const round = async () => ++rounds < 5;
    const task = new RecurringTask({ name: 't', everyMs: 200, round }, report, () => 0);
    task.start();
    await sleep(100);
    expect(rounds).toBe(5);
    await task.stop();
  });

  it('stops after the round under way', async () => {
    let ended = false;
    const { report } = listen();
    const round = async () => {
      await sleep(50);
      ended = true;
    };
    const task = new RecurringTask({ name: 't', everyMs: 1, round }, report, () => 0);
    task.start();
    await sleep(20);
    await task.stop();
    expect(ended).toBe(true);
  });
});

import type { Size } from '@bellows/domain/size';
import type { Saga, Step, StepContext } from '../saga/saga.js';
import { runningEnding, stoppedChanges } from './ending.js';

/**
 * Brings the host and the guest to what was asked already: a shrink the guest granted only in part, CPUs that an
 * in-guest reboot brought back, a guest that stopped by itself.
 */
export interface SettlePlan {
  readonly size: Size;
}

type Ctx = StepContext<SettlePlan>;

const whileRunning = (name: string, work: (ctx: Ctx) => Promise<void>): Step<SettlePlan> => ({
  name,
  async do(ctx) {
    const { power } = await ctx.observe(false);
    if (power === 'running') await work(ctx);
  },
});

export const settleSaga: Saga<SettlePlan> & { kind: 'instance.settle' } = {
  kind: 'instance.settle',
  version: 1,
  steps: () => [
    whileRunning('ask-memory', (ctx) =>
      ctx.effect((driver, fence) => driver.ensureMemory(ctx.hostRef, fence, ctx.plan.size.ramMib)),
    ),
    whileRunning('ask-vcpus', (ctx) =>
      ctx.effect((driver, fence) => driver.ensureVcpus(ctx.hostRef, fence, ctx.plan.size.vcpus)),
    ),
    whileRunning('set-limits', async (ctx) => {
      const { plugged } = await ctx.observe(false);
      const limits = { vcpus: ctx.plan.size.vcpus, ramMib: Math.max(ctx.plan.size.ramMib, plugged.ramMib) };
      await ctx.effect((driver, fence) => driver.ensureLimits(ctx.hostRef, fence, limits));
    }),
  ],
  async finish(ctx, outcome) {
    const { size } = ctx.plan;
    const seen = await ctx.observe(true);
    if (seen.power !== 'running' && seen.power !== 'paused') {
      return { state: outcome, changes: stoppedChanges(ctx, size, seen.held.diskGib) };
    }
    return runningEnding(ctx, outcome, { desired: size, seen });
  },
};

import type { Size } from '@bellows/domain/size';
import { nothing } from '@bellows/domain/size';
import type { Saga, StepContext } from '../saga/saga.js';
import { claimChange, runningChanges, usageChange, withCondition } from './ending.js';
import { awaitAgent, createVolumes, pullThePlug, start } from './steps.js';
import { patience } from './waiting.js';

export interface CreatePlan {
  readonly size: Size;
}

/** Disk → power → the agent's first answer. Undone in one sweep: no domain, no disk, no claim is left. */
export const createSaga: Saga<CreatePlan> & { kind: 'instance.create' } = {
  kind: 'instance.create',
  version: 1,
  steps: () => [
    createVolumes,
    { name: 'start', do: start, undo: pullThePlug },
    { name: 'await-agent', do: (ctx) => awaitAgent(ctx, ctx.plan.size, patience.bootMs, true) },
  ],
  async finish(ctx, outcome) {
    if (outcome !== 'succeeded')
      return { state: outcome, changes: outcome === 'stuck' ? stuck(ctx) : undone(ctx) };
    const seen = await ctx.seen(true);
    return { state: 'succeeded', changes: runningChanges(ctx, { desired: ctx.plan.size, seen }) };
  },
};

const errorState = (ctx: StepContext, message: string) =>
  ({
    state: 'error',
    conditions: withCondition(ctx.instance.conditions, 'failed', message, ctx.clock.now()),
  }) as const;

/** Everything was taken back; the row stays, so that its owner sees why, until they delete it. */
const undone = (ctx: StepContext) => [
  {
    change: 'update-instance' as const,
    id: ctx.instance.id,
    set: {
      ...errorState(ctx, 'It could not be created; nothing of it is left.'),
      reserved: nothing,
      held: nothing,
      effective: nothing,
    },
  },
  usageChange(ctx.instance, ctx.instance.planId, null, ctx.clock.now()),
  ...claimChange(ctx, nothing),
  { change: 'release-addresses' as const, instanceId: ctx.instance.id },
];

/** Something may be left on the host: its claim stays with it until a person has looked. */
const stuck = (ctx: StepContext) => [
  {
    change: 'update-instance' as const,
    id: ctx.instance.id,
    set: errorState(ctx, 'Creating it failed, and so did the clean-up.'),
  },
];

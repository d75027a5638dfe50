import type { OperationKind } from '@bellows/domain/lifecycle';
import { nothing, type Size } from '@bellows/domain/size';
import type { Change } from '../ports/store.js';
import type { Ending, Outcome, Saga, StepContext } from '../saga/saga.js';
import { claimChange, runningChanges, stoppedChanges, usageChange, withCondition } from './ending.js';
import { awaitAgent, pullThePlug, removeAll, shutDown, start } from './steps.js';
import { patience } from './waiting.js';

/** What start, stop, reboot and delete fix at admission: the size the instance is to have when it runs. */
export interface PowerPlan {
  readonly size: Size;
}

type PowerSaga<Kind extends OperationKind> = Saga<PowerPlan> & { readonly kind: Kind };

const awaitRestart = {
  name: 'await-agent',
  do: (ctx: StepContext<PowerPlan>) => awaitAgent(ctx, ctx.plan.size, patience.restartMs, false),
};

/** As the host has it now, whatever was hoped for. */
async function asFound(ctx: StepContext<PowerPlan>, outcome: Outcome): Promise<Ending> {
  const seen = await ctx.observe(outcome === 'succeeded');
  if (seen.power === 'running')
    return { state: outcome, changes: runningChanges(ctx, { desired: ctx.plan.size, seen }) };
  if (seen.power === 'absent') return { state: outcome, changes: lost(ctx) };
  return { state: outcome, changes: stoppedChanges(ctx, ctx.plan.size, seen.held.diskGib) };
}

const lost = (ctx: StepContext): Change[] => [
  {
    change: 'update-instance',
    id: ctx.instance.id,
    set: {
      state: 'error',
      conditions: withCondition(
        ctx.instance.conditions,
        'lost',
        'The host no longer has this guest.',
        ctx.clock.now(),
      ),
    },
  },
];

export const startSaga: PowerSaga<'instance.start'> = {
  kind: 'instance.start',
  version: 1,
  steps: () => [{ name: 'start', do: start, undo: pullThePlug }, awaitRestart],
  finish: asFound,
};

export const stopSaga: PowerSaga<'instance.stop'> = {
  kind: 'instance.stop',
  version: 1,
  // Pulling the plug cannot be taken back, so a stop only goes forward.
  steps: () => [{ name: 'shut-down', pivot: true, do: shutDown }],
  finish: asFound,
};

export const rebootSaga: PowerSaga<'instance.reboot'> = {
  kind: 'instance.reboot',
  version: 1,
  // Off and on: needs no agent, and sizes are enforced afresh.
  steps: () => [{ name: 'shut-down', pivot: true, do: shutDown }, { name: 'start', do: start }, awaitRestart],
  finish: asFound,
};

export const deleteSaga: PowerSaga<'instance.delete'> = {
  kind: 'instance.delete',
  version: 1,
  steps: () => [{ name: 'remove', pivot: true, do: removeAll }],
  async finish(ctx, outcome) {
    const { instance, clock } = ctx;
    if (outcome !== 'succeeded') return { state: outcome, changes: lost(ctx) };
    const now = clock.now();
    const gone = {
      instances: -1,
      vcpus: -instance.desired.vcpus,
      ramMib: -instance.desired.ramMib,
      diskGib: -instance.desired.diskGib,
    };
    const [claim] = claimChange(ctx, nothing);
    return {
      state: 'succeeded',
      changes: [
        {
          change: 'update-instance',
          id: instance.id,
          set: { state: 'deleted', reserved: nothing, held: nothing, effective: nothing, deletedAt: now },
        },
        usageChange(instance, instance.planId, null, now),
        { change: 'release-addresses', instanceId: instance.id },
        { change: 'claim-quota', projectId: instance.projectId, delta: gone },
        {
          ...(claim ?? { change: 'claim-host', hostId: ctx.host.id, delta: nothing }),
          instances: -1,
        } as Change,
      ],
    };
  },
};

import { claimOf } from '@bellows/domain/host';
import type { InstanceId } from '@bellows/domain/ids';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import { dimensions, minus, plus } from '@bellows/domain/size';
import type { ResizeAsk } from '@bellows/domain/resize';
import { replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { Instance } from '../ports/rows.js';
import type { Change, StoredAnswer } from '../ports/store.js';
import { accept } from './act.js';
import type { Accepted } from './create.js';
import { newOperation } from './new-instance.js';
import { promisesBroken, refusedFor, type Promises } from './promised.js';
import { resizeSituation, type ResizeSituation } from './plan-resize.js';
import { readResizePlanId } from './resize-plan-id.js';
import type { ResizePlanRow } from './resize.saga.js';
import { targetOf, untilStable } from './target.js';

export type AllowedImpact = 'live' | 'live-migrate' | 'restart';

export interface ResizeBody extends ResizeAsk {
  readonly resizePlanId?: string;
  /** Default: live and live-migrate. */
  readonly allow?: readonly AllowedImpact[];
  /** Also where running containers were promised more than the new size has. */
  readonly allowContainers?: boolean;
}

/** Claims the room now, and lets a worker do the rest; the instance keeps running. */
export function resizeInstance(
  cloud: Cloud,
  ask: Ask,
  id: InstanceId,
  body: ResizeBody,
  ifMatch: number | null,
  answer: Answer<Accepted>,
): Promise<StoredAnswer | Refusal> {
  const promises = askedOnce(cloud);
  return untilStable(cloud, ifMatch, async () => {
    const kept = await replay(cloud.store, ask.idempotency);
    if (kept) return kept;
    const instance = await targetOf(cloud, ask, id, 'resize', ifMatch);
    if (isRefusal(instance)) return instance;
    const wanted = whatIsAsked(cloud, instance, body);
    if (isRefusal(wanted)) return wanted;
    const situation = await resizeSituation(cloud, instance, wanted);
    if (isRefusal(situation)) return situation;
    const refused = notAllowed(situation, body) ?? situation.obstacle;
    if (refused) return (await busyInstead(cloud, id)) ?? refused;
    const promised = await promises(situation);
    const broken = refusedFor(promised, body.allowContainers ?? false);
    if (broken) return broken;
    return accept(cloud, ask, changesOf(cloud, ask, situation, promised.warnings), answer);
  });
}

/** One request asks the engine once, however often it has to decide. */
function askedOnce(cloud: Cloud): (situation: ResizeSituation) => Promise<Promises> {
  let asked: { readonly to: string; readonly promises: Promise<Promises> } | null = null;
  return (situation) => {
    const to = JSON.stringify([situation.instance.desired, situation.target.to]);
    if (asked?.to !== to) {
      asked = { to, promises: promisesBroken(cloud, situation, situation.target, situation.engine) };
    }
    return asked.promises;
  };
}

/** The size named in the body, or in the plan it points to. */
function whatIsAsked(cloud: Cloud, instance: Instance, body: ResizeBody): ResizeAsk | Refusal {
  const { resizePlanId, allow: _allow, allowContainers: _containers, ...ask } = body;
  if (resizePlanId === undefined) return ask;
  if (Object.keys(ask).length > 0)
    return refuse('invalid', 'Give either a resizePlanId or a size, not both.');
  const ticket = readResizePlanId(resizePlanId);
  if (!ticket || ticket.instanceId !== instance.id)
    return refuse('not-found', 'There is no such resize plan.');
  if (ticket.expiresAt < cloud.clock.now() || ticket.version !== instance.version) {
    return refuse(
      'precondition',
      'The instance has changed since this resize plan was made, or the plan has expired. Ask for a new one.',
    );
  }
  return ticket.ask;
}

/** What else runs on it is the better reason. */
async function busyInstead(cloud: Cloud, id: InstanceId): Promise<Refusal | null> {
  const live = await cloud.store.liveOperation(id);
  return live
    ? refuse('busy', `Operation ${live.id} is still at work on this instance.`, { operationId: live.id })
    : null;
}

function notAllowed(
  { target: { impact } }: ResizeSituation,
  { allow = ['live', 'live-migrate'] }: ResizeBody,
): Refusal | null {
  if (impact === 'offline' || allow.includes(impact)) return null;
  return refuse(
    'conflict',
    `This change is not possible while it runs: it needs a ${impact}. Allow it with "allow": ["${impact}"].`,
    { impact, allow },
  );
}

function changesOf(cloud: Cloud, ask: Ask, situation: ResizeSituation, warnings: readonly string[]) {
  const { instance, host, target, growth, quotaGrowth, engine } = situation;
  const { to, toPlan, impact } = target;
  const here = {
    size: instance.desired,
    planId: instance.planId,
    floor: instance.floor,
    ceiling: instance.ceiling,
  };
  const there = { size: to, planId: toPlan.id, floor: toPlan.floor, ceiling: toPlan.ceiling };
  // Inside its class an instance keeps the bounds it was sold with.
  const bounds = impact === 'live' ? { floor: here.floor, ceiling: here.ceiling } : {};
  const plan: ResizePlanRow = { from: here, to: { ...there, ...bounds }, impact, ...(engine && { engine }) };
  const operation = { ...newOperation(cloud, ask, instance, 'instance.resize', plan), warnings };
  const reserved = plus(instance.reserved, growth);
  const delta = minus(
    claimOf(reserved, host.guestOverheadMib),
    claimOf(instance.reserved, host.guestOverheadMib),
  );
  const grows = dimensions.some((d) => delta[d] > 0);
  const needsQuota = dimensions.some((d) => quotaGrowth[d] > 0);
  const changes: Change[] = [
    { change: 'insert-operation', operation },
    {
      change: 'update-instance',
      id: instance.id,
      expect: { states: [instance.state], version: instance.version },
      set: { desired: to, reserved },
    },
    ...(needsQuota
      ? [{ change: 'claim-quota', projectId: instance.projectId, delta: quotaGrowth } as const]
      : []),
    ...(grows ? [{ change: 'claim-host', hostId: host.id, delta } as const] : []),
  ];
  return {
    operation,
    changes,
    instance: { ...instance, desired: to, reserved, version: instance.version + 1 },
  };
}

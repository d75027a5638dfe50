import { diskOnly } from '@bellows/domain/host';
import type { InstanceId, ResizePlanId } from '@bellows/domain/ids';
import { money } from '@bellows/domain/money';
import type { Plan } from '@bellows/domain/plan';
import { pricePerHour } from '@bellows/domain/price';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import {
  growthOf,
  resizeSteps,
  resizeTarget,
  roomFor,
  type ResizeAsk,
  type ResizeTarget,
} from '@bellows/domain/resize';
import { larger, minus, nothing, plus, type Size } from '@bellows/domain/size';
import type { Ask, Cloud } from '../cloud.js';
import type { EpochMs, Host, Instance, Quota, QuotaUse } from '../ports/rows.js';
import type { KnownEngine } from './confirm-engine.js';
import { knownEngine, promisesBroken, type PromisedContainer, type Promises } from './promised.js';
import { resizePlanId } from './resize-plan-id.js';
import { targetOf } from './target.js';

export interface ResizePlan {
  readonly id: ResizePlanId;
  readonly impact: 'live' | 'live-migrate' | 'restart' | 'offline' | 'impossible';
  readonly reason?: string;
  readonly steps: readonly string[];
  readonly from: Size;
  readonly to: Size;
  readonly toPlan: string;
  readonly price: {
    readonly before: string;
    readonly after: string;
    readonly deltaPerHour: string;
    readonly currency: string;
  };
  readonly quotaAfter: QuotaUse;
  /** The most this instance could be now, for each reason. */
  readonly limits: {
    readonly thisHost: Size;
    readonly quota: QuotaUse;
    /** Running containers that were promised more than the new size has; null when they could not be asked for. */
    readonly containers: readonly PromisedContainer[] | null;
  };
  readonly warnings: readonly string[];
  readonly expiresAt: EpochMs;
}

export const currency = 'USD';
const validMs = 5 * 60_000;

/** Everything a resize is decided from, read once. */
export interface ResizeSituation {
  readonly instance: Instance;
  readonly host: Host;
  readonly quota: Quota;
  readonly plan: Plan;
  readonly target: ResizeTarget;
  /** What must be claimed on the host and from the quota before the first step. */
  readonly growth: Size;
  readonly quotaGrowth: QuotaUse;
  /** Why it cannot be done now; null when it can. */
  readonly obstacle: Refusal | null;
  /** The instance's container engine, as far as one was ever heard of. */
  readonly engine: KnownEngine | undefined;
}

/** Reads and decides; changes nothing. */
export async function resizeSituation(
  cloud: Cloud,
  instance: Instance,
  ask: ResizeAsk,
): Promise<ResizeSituation | Refusal> {
  const { store } = cloud;
  const [host, quota, plans, engines] = await Promise.all([
    store.host(instance.hostId),
    store.quota(instance.projectId),
    store.plans(),
    store.engines([instance.id]),
  ]);
  const known = plans.find(({ id }) => id === instance.planId);
  if (!host || !quota || !known) throw new Error(`${instance.id} lacks its host, quota or plan`);
  // The class is the one it was sold with, even when the catalogue has changed since.
  const plan: Plan = { ...known, floor: instance.floor, ceiling: instance.ceiling };
  const state = instance.state === 'stopped' ? 'stopped' : 'running';
  const target = resizeTarget(
    { state, plan, desired: instance.desired, reserved: instance.reserved },
    ask,
    plans,
  );
  if (isRefusal(target)) return target;
  const to = state === 'stopped' ? diskOnly(target.to) : target.to;
  const from = state === 'stopped' ? diskOnly(instance.desired) : instance.desired;
  const growth = growthOf(instance.reserved, from, to);
  const more = minus(larger(instance.desired, target.to), instance.desired);
  const quotaGrowth: QuotaUse = { instances: 0, ...more };
  const obstacle = obstacleTo(host, quota, growth, quotaGrowth);
  const engine = target.impact === 'offline' ? undefined : knownEngine(engines[0]);
  return { instance, host, quota, plan, target, growth, quotaGrowth, obstacle, engine };
}

function obstacleTo(host: Host, quota: Quota, growth: Size, more: QuotaUse): Refusal | null {
  const over = (['vcpus', 'ramMib', 'diskGib'] as const).filter(
    (d) => more[d] > 0 && quota.used[d] + more[d] > quota.limit[d],
  );
  if (over.length > 0)
    return refuse('over-quota', `The project's quota for ${over.join(', ')} does not allow this.`, {
      resources: over,
    });
  if (roomFor(growth, host.capacity, host.reserved)) return null;
  const free = larger(minus(host.capacity, host.reserved), nothing);
  return refuse(
    'no-room',
    `The server it runs on has ${free.vcpus} vCPU, ${free.ramMib} MiB and ${free.diskGib} GiB free; it needs ${growth.vcpus}, ${growth.ramMib} and ${growth.diskGib} more.`,
    { free, needed: growth },
  );
}

/** What would happen, at what price. */
export async function planInstanceResize(
  cloud: Cloud,
  ask: Ask,
  id: InstanceId,
  body: ResizeAsk,
): Promise<ResizePlan | Refusal> {
  const instance = await targetOf(cloud, ask, id, 'resize', null);
  if (isRefusal(instance)) return instance;
  const situation = await resizeSituation(cloud, instance, body);
  if (isRefusal(situation)) return situation;
  const promises = await promisesBroken(cloud, situation, situation.target, situation.engine);
  return describe(situation, promises, body, cloud.clock.now(), await cloud.store.plans());
}

function describe(
  situation: ResizeSituation,
  promises: Promises,
  ask: ResizeAsk,
  now: EpochMs,
  plans: readonly Plan[],
): ResizePlan {
  const { instance, host, quota, plan, target, obstacle, engine } = situation;
  const { to, toPlan, impact } = target;
  const before = pricePerHour(instance.desired, plans.find(({ id }) => id === plan.id) ?? plan);
  const after = pricePerHour(to, toPlan);
  const change = minus(to, instance.desired);
  const used = quota.used;
  const free = larger(minus(host.capacity, host.reserved), nothing);
  const expiresAt = now + validMs;
  return {
    id: resizePlanId({ instanceId: instance.id, version: instance.version, ask, expiresAt }),
    impact: obstacle ? 'impossible' : impact,
    ...(obstacle && { reason: obstacle.detail }),
    steps: resizeSteps(instance.desired, to, impact, engine !== undefined),
    from: instance.desired,
    to,
    toPlan: toPlan.id,
    price: { before: money(before), after: money(after), deltaPerHour: money(after - before), currency },
    quotaAfter: {
      instances: used.instances,
      vcpus: used.vcpus + change.vcpus,
      ramMib: used.ramMib + change.ramMib,
      diskGib: used.diskGib + change.diskGib,
    },
    limits: {
      thisHost: plus(instance.reserved, free),
      quota: quota.limit,
      containers: promises.containers,
    },
    warnings: promises.warnings,
    expiresAt,
  };
}

import { refuse, type Refusal } from './refusal.js';
import { isElastic, memoryStepMib, sameClass, withinClass, type Plan } from './plan.js';
import { dimensions, larger, minus, nothing, type Size } from './size.js';

export interface ResizeAsk {
  readonly plan?: string;
  readonly vcpus?: number;
  readonly ramMib?: number;
  readonly diskGib?: number;
}

export interface ResizeSubject {
  readonly state: 'running' | 'stopped';
  readonly plan: Plan;
  readonly desired: Size;
  /** What the host has claimed for it, without overhead. */
  readonly reserved: Size;
}

export interface ResizeTarget {
  readonly to: Size;
  readonly toPlan: Plan;
  /** `live`: inside the class; `restart`: the class changes; `offline`: it is stopped anyway. */
  readonly impact: 'live' | 'restart' | 'offline';
}

/** Names of the steps of a resize, in order: grow first, shrink second, disk last. */
export type ResizeStep =
  | 'raise-limits'
  | 'grow-memory'
  | 'grow-vcpus'
  | 'confirm-growth'
  | 'confirm-engine'
  | 'shrink-vcpus'
  | 'shrink-memory'
  | 'lower-limits'
  | 'grow-disk'
  | 'stop'
  | 'start'
  | 'await-agent';

/** Where a resize leads, or why it may not. Knows nothing of room and quota: see `growthOf`. */
export function resizeTarget(
  subject: ResizeSubject,
  ask: ResizeAsk,
  catalogue: readonly Plan[],
): ResizeTarget | Refusal {
  if (!isElastic(subject.plan)) {
    const elasticPlans = catalogue.filter(isElastic).map((plan) => plan.id);
    return refuse(
      'not-elastic',
      `Plan ${subject.plan.id} is a fixed slice. Create an instance of an elastic plan (${elasticPlans.join(', ')}) to resize it while it runs.`,
      { plan: subject.plan.id, elasticPlans },
    );
  }
  const target =
    ask.plan === undefined ? bySize(subject, ask, catalogue) : byPlan(subject, ask, ask.plan, catalogue);
  if ('refused' in target) return target;
  if (target.to.diskGib < subject.desired.diskGib) {
    return invalid('/diskGib', `A disk never shrinks: it has ${subject.desired.diskGib} GiB.`);
  }
  const impact =
    subject.state === 'stopped' ? 'offline' : sameClass(subject.plan, target.toPlan) ? 'live' : 'restart';
  return { ...target, impact };
}

const invalid = (pointer: string, detail: string): Refusal =>
  refuse('invalid', detail, undefined, [{ pointer, detail }]);

function byPlan(subject: ResizeSubject, ask: ResizeAsk, id: string, catalogue: readonly Plan[]) {
  if (ask.vcpus !== undefined || ask.ramMib !== undefined) {
    return invalid('/plan', 'Give either a plan or a size, not both.');
  }
  const toPlan = catalogue.find((plan) => plan.id === id);
  if (!toPlan) return invalid('/plan', `There is no plan ${id}.`);
  if (!isElastic(toPlan))
    return invalid('/plan', `Plan ${id} is a fixed slice; an elastic instance cannot become one.`);
  // A change of plan never changes the disk: only an explicit diskGib does.
  const diskGib = ask.diskGib ?? subject.desired.diskGib;
  return { to: { vcpus: toPlan.vcpus, ramMib: toPlan.ramMib, diskGib }, toPlan };
}

function bySize(subject: ResizeSubject, ask: ResizeAsk, catalogue: readonly Plan[]) {
  if (ask.vcpus === undefined && ask.ramMib === undefined && ask.diskGib === undefined) {
    return invalid('', 'Say what to change: plan, or vcpus, ramMib, diskGib.');
  }
  const to: Size = {
    vcpus: ask.vcpus ?? subject.desired.vcpus,
    ramMib: ask.ramMib ?? subject.desired.ramMib,
    diskGib: ask.diskGib ?? subject.desired.diskGib,
  };
  if (to.ramMib % memoryStepMib !== 0)
    return invalid('/ramMib', `Memory is sold in steps of ${memoryStepMib} MiB.`);
  if (!withinClass(subject.plan, to)) {
    const { floor, ceiling } = subject.plan;
    const pointer = to.vcpus < floor.vcpus || to.vcpus > ceiling.vcpus ? '/vcpus' : '/ramMib';
    return invalid(
      pointer,
      `Plan ${subject.plan.id} goes from ${floor.vcpus} vCPU and ${floor.ramMib} MiB to ${ceiling.vcpus} vCPU and ${ceiling.ramMib} MiB. Name a plan to change the class.`,
    );
  }
  const named = catalogue.find(
    (plan) =>
      isElastic(plan) &&
      sameClass(plan, subject.plan) &&
      plan.vcpus === to.vcpus &&
      plan.ramMib === to.ramMib,
  );
  return { to, toPlan: named ?? subject.plan };
}

/**
 * The steps a resize takes, in order.
 * @param engine whether a container engine in the guest is to see the new size too.
 */
export function resizeSteps(
  from: Size,
  to: Size,
  impact: ResizeTarget['impact'],
  engine = false,
): ResizeStep[] {
  const disk: ResizeStep[] = to.diskGib > from.diskGib ? ['grow-disk'] : [];
  if (impact === 'offline') return disk;
  if (impact === 'restart') return ['stop', ...disk, 'start', 'await-agent'];
  const growsRam = to.ramMib > from.ramMib;
  const growsCpu = to.vcpus > from.vcpus;
  const shrinksRam = to.ramMib < from.ramMib;
  const shrinksCpu = to.vcpus < from.vcpus;
  const steps: ResizeStep[] = [];
  if (growsRam || growsCpu) steps.push('raise-limits');
  if (growsRam) steps.push('grow-memory');
  if (growsCpu) steps.push('grow-vcpus');
  if (growsRam || growsCpu) steps.push('confirm-growth');
  if (shrinksCpu) steps.push('shrink-vcpus');
  if (shrinksRam) steps.push('shrink-memory');
  if (shrinksRam || shrinksCpu) steps.push('lower-limits');
  if (engine && steps.length > 0) steps.push('confirm-engine');
  return [...steps, ...disk];
}

/** What must be claimed before the first step: never less than is held on the way. */
export const growthOf = (reserved: Size, from: Size, to: Size): Size =>
  larger(minus(larger(reserved, larger(from, to)), reserved), nothing);

/** True when the growth fits what is free. A host that lost memory is over its capacity: then only nothing fits. */
export const roomFor = (growth: Size, capacity: Size, reserved: Size): boolean =>
  dimensions.every((d) => growth[d] === 0 || growth[d] <= capacity[d] - reserved[d]);

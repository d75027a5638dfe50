import { refuse, type Refusal } from '@bellows/domain/refusal';
import type { FieldError } from '@bellows/domain/refusal';
import { isElastic, memoryStepMib, withinClass, type Plan } from '@bellows/domain/plan';
import { auditOf, mutate, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { StoredAnswer } from '../ports/store.js';
import { lacksRole, nothingThere } from '../views/visible.js';

export type PlanAsk = Omit<Plan, 'floor' | 'ceiling'> & Partial<Pick<Plan, 'floor' | 'ceiling'>>;

/** What keeps a plan from being sold; none when it is sound. */
export function planProblems(plan: Plan): FieldError[] {
  const problems: FieldError[] = [];
  const check = (fine: boolean, pointer: string, detail: string) =>
    fine || problems.push({ pointer, detail });
  for (const [pointer, ramMib] of [
    ['/ramMib', plan.ramMib],
    ['/floor/ramMib', plan.floor.ramMib],
    ['/ceiling/ramMib', plan.ceiling.ramMib],
  ] as const) {
    check(ramMib % memoryStepMib === 0, pointer, `must be a multiple of ${memoryStepMib}`);
  }
  if (isElastic(plan)) {
    check(withinClass(plan, plan), '/floor', 'the size must lie between floor and ceiling');
  } else {
    const fixed = [plan.floor, plan.ceiling].every((b) => b.vcpus === plan.vcpus && b.ramMib === plan.ramMib);
    check(fixed, '/family', 'a vps plan is fixed: floor and ceiling are its own size');
  }
  return problems;
}

const complete = (body: PlanAsk): Plan => {
  const own = { vcpus: body.vcpus, ramMib: body.ramMib };
  return { ...body, floor: body.floor ?? own, ceiling: body.ceiling ?? own };
};

async function putPlan(cloud: Cloud, ask: Ask, plan: Plan, mode: 'insert' | 'replace', answer: StoredAnswer) {
  const problems = planProblems(plan);
  if (problems.length > 0) return refuse('invalid', 'The plan cannot be sold as it is.', undefined, problems);
  const action = mode === 'insert' ? 'plan.create' : 'plan.update';
  const audit = auditOf(ask, action, plan.id, null, cloud.clock.now());
  return mutate(cloud, ask, [{ change: 'put-plan', plan, mode }], audit, answer);
}

/** A plan without floor and ceiling has its own size for both. Admins only. */
export async function addPlan(
  cloud: Cloud,
  ask: Ask,
  body: PlanAsk,
  answer: Answer<Plan>,
): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'admin') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  const plan = complete(body);
  return putPlan(cloud, ask, plan, 'insert', answer(plan));
}

/** Instances keep the size they have; new ones, and resizes to the plan, take the new figures. Admins only. */
export async function changePlan(
  cloud: Cloud,
  ask: Ask,
  id: string,
  body: Partial<Omit<PlanAsk, 'id' | 'family'>>,
  answer: Answer<Plan>,
): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'admin') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  const known = (await cloud.store.plans()).find((plan) => plan.id === id);
  if (!known) return nothingThere('plan');
  const plan: Plan = { ...known, ...body };
  return putPlan(cloud, ask, plan, 'replace', answer(plan));
}

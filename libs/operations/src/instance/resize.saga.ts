import type { ElasticBound } from '@bellows/domain/plan';
import { resizeSteps, type ResizeStep, type ResizeTarget } from '@bellows/domain/resize';
import { larger, minus, type Size } from '@bellows/domain/size';
import type { GuestObservation, GuestSpec } from '../ports/host-driver.js';
import type { Change } from '../ports/store.js';
import type { Ending, Outcome, Saga, Step, StepContext } from '../saga/saga.js';
import { confirmEngine, type KnownEngine } from './confirm-engine.js';
import { heldIn, runningEnding, stoppedChanges } from './ending.js';
import { awaitAgent, reports, shutDown } from './steps.js';
import { patience, watchFor } from './waiting.js';

/** One side of a resize. */
export interface ResizeSide {
  readonly size: Size;
  readonly planId: string;
  readonly floor: ElasticBound;
  readonly ceiling: ElasticBound;
}

export interface ResizePlanRow {
  readonly from: ResizeSide;
  readonly to: ResizeSide;
  readonly impact: ResizeTarget['impact'];
  /** Left out where no engine was ever heard of: nobody waits for one. */
  readonly engine?: KnownEngine;
}

type Ctx = StepContext<ResizePlanRow>;

const setLimits = (ctx: Ctx, limits: { vcpus: number; ramMib: number }) =>
  ctx.effect((driver, fence) =>
    driver.ensureLimits(ctx.hostRef, fence, { vcpus: limits.vcpus, ramMib: limits.ramMib }),
  );
const setMemory = (ctx: Ctx, ramMib: number) =>
  ctx.effect((driver, fence) => driver.ensureMemory(ctx.hostRef, fence, ramMib));
const setVcpus = (ctx: Ctx, vcpus: number) =>
  ctx.effect((driver, fence) => driver.ensureVcpus(ctx.hostRef, fence, vcpus));
const setDisk = (ctx: Ctx, diskGib: number) =>
  ctx.effect((driver, fence) => driver.ensureDiskGib(ctx.hostRef, fence, diskGib), 'whole');

/** On the way both sides must fit under the limits. */
const widest = ({ plan: { from, to } }: Ctx): Size => larger(from.size, to.size);

/** Lowers the memory limit to what QEMU still holds, not to what was hoped for; the CPU quota is ours alone. */
async function lowerTo(ctx: Ctx, size: Size): Promise<void> {
  const { plugged } = await ctx.observe(false);
  await setLimits(ctx, { vcpus: size.vcpus, ramMib: Math.max(size.ramMib, plugged.ramMib) });
}

/** Asks again and again: a driver asks no more of a guest at once than it can spare. */
async function shrinkMemory(ctx: Ctx, ramMib: number): Promise<void> {
  const until = ctx.clock.now() + patience.shrinkMs;
  // Only the hypervisor's word counts: a guest cannot talk its memory away.
  const done = (seen: GuestObservation) => seen.power !== 'running' || seen.plugged.ramMib <= ramMib;
  const gaveWhatWasAsked = (seen: GuestObservation) => seen.plugged.ramMib <= seen.requestedRamMib;
  do {
    await setMemory(ctx, ramMib);
    const { seen, enough } = await watchFor(
      ctx,
      patience.shrinkAgainMs,
      false,
      (now) => done(now) || gaveWhatWasAsked(now),
    );
    if (done(seen)) return;
    if (enough) await ctx.sleep(patience.spareAgainMs);
  } while (ctx.clock.now() < until);
}

async function confirmGrowth(ctx: Ctx): Promise<void> {
  const { size } = ctx.plan.to;
  const { seen, enough } = await watchFor(
    ctx,
    patience.confirmMs,
    true,
    // The last block, too: the guest counts in larger ones than the hypervisor plugs.
    ({ guest, plugged }) =>
      guest !== null && plugged.ramMib >= growthGoal(ctx).ramMib && reports(guest, growthGoal(ctx)),
  );
  if (enough) return ctx.confirmed('guest');
  ctx.confirmed('hypervisor');
  ctx.warn(
    seen.guest === null
      ? "The guest's agent is silent; the growth is the hypervisor's word."
      : `The guest reports ${seen.guest.vcpus} vCPU and ${seen.guest.ramMib} MiB; it was given ${size.vcpus} and ${size.ramMib}.`,
  );
}

const askItsEngine = (ctx: Ctx): Promise<void> =>
  confirmEngine(ctx, ctx.plan.to.size.vcpus, ctx.plan.engine ?? 'gone');

/** Only what grows is to be confirmed: in a mixed resize the other side has not shrunk yet. */
const growthGoal = ({ plan: { from, to } }: Ctx) => ({
  vcpus: to.size.vcpus > from.size.vcpus ? to.size.vcpus : 0,
  ramMib: to.size.ramMib > from.size.ramMib ? to.size.ramMib : 0,
});

const specOf = (ctx: Ctx, side: ResizeSide): GuestSpec => ({
  ...ctx.spec,
  size: side.size,
  floor: side.floor,
  ceiling: side.ceiling,
});
const startAs = (ctx: Ctx, side: ResizeSide) =>
  ctx.effect((driver, fence) => driver.ensureStarted(ctx.hostRef, fence, specOf(ctx, side)), 'whole');

const steps: Readonly<Record<ResizeStep, Step<ResizePlanRow>>> = {
  'raise-limits': {
    name: 'raise-limits',
    do: (ctx) => setLimits(ctx, widest(ctx)),
    undo: (ctx) => lowerTo(ctx, ctx.plan.from.size),
  },
  'grow-memory': {
    name: 'grow-memory',
    do: (ctx) => setMemory(ctx, ctx.plan.to.size.ramMib),
    undo: (ctx) => shrinkMemory(ctx, ctx.plan.from.size.ramMib),
  },
  'grow-vcpus': {
    name: 'grow-vcpus',
    do: (ctx) => setVcpus(ctx, ctx.plan.to.size.vcpus),
    undo: (ctx) => setVcpus(ctx, ctx.plan.from.size.vcpus),
  },
  'confirm-growth': { name: 'confirm-growth', do: confirmGrowth },
  'confirm-engine': { name: 'confirm-engine', do: askItsEngine },
  'shrink-vcpus': {
    name: 'shrink-vcpus',
    do: (ctx) => setVcpus(ctx, ctx.plan.to.size.vcpus),
    undo: (ctx) => setVcpus(ctx, ctx.plan.from.size.vcpus),
  },
  'shrink-memory': {
    name: 'shrink-memory',
    do: (ctx) => shrinkMemory(ctx, ctx.plan.to.size.ramMib),
    undo: (ctx) => setMemory(ctx, ctx.plan.from.size.ramMib),
  },
  'lower-limits': {
    name: 'lower-limits',
    do: (ctx) => lowerTo(ctx, ctx.plan.to.size),
    undo: (ctx) => setLimits(ctx, widest(ctx)),
  },
  // A disk never shrinks: from here on there is no way back.
  'grow-disk': { name: 'grow-disk', pivot: true, do: (ctx) => setDisk(ctx, ctx.plan.to.size.diskGib) },
  stop: { name: 'stop', do: shutDown, undo: (ctx) => startAs(ctx, ctx.plan.from) },
  start: { name: 'start', do: (ctx) => startAs(ctx, ctx.plan.to), undo: shutDown },
  'await-agent': {
    name: 'await-agent',
    do: (ctx) => awaitAgent(ctx, ctx.plan.to.size, patience.restartMs, false),
  },
};

export const resizeSaga: Saga<ResizePlanRow> & { kind: 'instance.resize' } = {
  kind: 'instance.resize',
  version: 1,
  steps: ({ from, to, impact, engine }) =>
    resizeSteps(from.size, to.size, impact, engine !== undefined).map((name) => steps[name]),
  finish,
};

async function finish(ctx: Ctx, outcome: Outcome): Promise<Ending> {
  const { from, to, impact } = ctx.plan;
  const side = outcome === 'succeeded' ? to : from;
  // Another worker may have asked, and died before it could say here what it heard.
  const asked = resizeSaga.steps(ctx.plan).includes(steps['confirm-engine']);
  if (outcome === 'succeeded' && asked && ctx.engineVerdict === null) await askItsEngine(ctx);
  const seen = await ctx.seen(impact !== 'offline');
  const changes: Change[] = [quotaChange(ctx, outcome)].flat();
  const more = { planId: side.planId, floor: side.floor, ceiling: side.ceiling };
  if (seen.power !== 'running' && seen.power !== 'paused') {
    return {
      state: outcome,
      changes: [...stoppedChanges(ctx, side.size, seen.held.diskGib, more), ...changes],
    };
  }
  const desired = { ...side.size, diskGib: Math.max(side.size.diskGib, heldIn(seen).diskGib) };
  const ending = runningEnding(ctx, outcome, { desired, seen }, more);
  const state = ending.state === 'succeeded' && ctx.engineVerdict === 'differs' ? 'partial' : ending.state;
  return { state, changes: [...ending.changes, ...changes] };
}

/** The quota was claimed for the larger side; what is not needed after all goes back. */
function quotaChange(ctx: Ctx, outcome: Outcome): Change[] {
  const { from, to } = ctx.plan;
  const end = outcome === 'succeeded' ? to.size : from.size;
  const delta = minus(end, larger(from.size, to.size));
  if (delta.vcpus === 0 && delta.ramMib === 0 && delta.diskGib === 0) return [];
  return [{ change: 'claim-quota', projectId: ctx.instance.projectId, delta: { instances: 0, ...delta } }];
}

import type { EngineMachine } from '../ports/engine.js';
import type { EngineVerdict, StepContext } from '../saga/saga.js';
import { patience } from './waiting.js';

/** What is known of an instance's engine when a resize is admitted: it was ready, or it has not been heard for a while. */
export type KnownEngine = 'ready' | 'gone';

interface Expected {
  readonly vcpus: number;
  /** What the hypervisor has plugged. */
  readonly ramMib: number;
}

/** Memory comes and goes in blocks of 128 MiB. */
const blockMib = 128;
/**
 * What a kernel may keep for itself of what the guest was given: its code and tables, and what its owner reserves on
 * its command line. Our images keep 51 MiB.
 */
const keptMib = (ramMib: number): number => 256 + ramMib / 16;

/** True when the engine, and a container of its without limits, have the size. */
export function sees(
  { cpus, memTotalMib, cgroups, container }: EngineMachine,
  { vcpus, ramMib }: Expected,
): boolean {
  if (cpus !== vcpus) return false;
  if (memTotalMib > ramMib + blockMib || memTotalMib < ramMib - keptMib(ramMib)) return false;
  return container === null || (container.cpus === vcpus && cgroups === 2);
}

/** What it said, for its owner to read. */
export function inWords({ cpus, memTotalMib, cgroups, container }: EngineMachine): string {
  const parts = [`The container engine counts ${cpus} CPU and ${memTotalMib} MiB`];
  if (container) parts.push(`its container ${container.name} has ${container.cpus} CPU`);
  if (container && cgroups === 1)
    parts.push('with control groups of version 1 a running container gets no CPU that is plugged');
  return parts.join('; ');
}

/**
 * A resize is done when a running container sees it. The engine's word can hold a success back; it frees no claim and
 * changes no bill. An owner who has removed the engine, or the agent, loses nothing but that word.
 */
export async function confirmEngine(ctx: StepContext, vcpus: number, known: KnownEngine): Promise<void> {
  const seen = await ctx.seen(false);
  if (seen.power !== 'running') return;
  const expected = { vcpus, ramMib: seen.plugged.ramMib };
  const said = await untilItSees(ctx, expected, known);
  if (said === undefined) return;
  if (said === 'sees') {
    ctx.engineVerdict = 'agrees';
    return ctx.confirmed('engine');
  }
  ctx.engineVerdict = said === null ? 'unheard' : await disagreement(ctx);
  if (ctx.engineVerdict === 'unheard') ctx.confirmed('hypervisor');
  ctx.warn(
    said === null
      ? 'The container engine in the guest does not answer; it did not confirm the new size.'
      : `${inWords(said)}; the instance has ${expected.vcpus} vCPU and ${expected.ramMib} MiB.`,
  );
}

/** Without an agent nobody can ask the guest to bring its CPUs on and off: then that is what is missing. */
async function disagreement(ctx: StepContext): Promise<EngineVerdict> {
  const { guest } = await ctx.observe(true);
  return guest === null ? 'unheard' : 'differs';
}

/** Asks until it sees the size or time is up; what it said last, null when it said nothing. */
async function untilItSees(
  ctx: StepContext,
  expected: Expected,
  known: KnownEngine,
): Promise<'sees' | EngineMachine | null | undefined> {
  const until = ctx.clock.now() + (known === 'ready' ? patience.engineMs : patience.goneEngineMs);
  let last: EngineMachine | null = null;
  for (let pause = 20; ; pause = Math.min(pause * 1.6, 1_000)) {
    const left = Math.max(until - ctx.clock.now(), 100);
    const said = await ctx.askEngine(Math.min(left, patience.engineAnswerMs));
    if (said === undefined) return undefined;
    if (said !== null && sees(said, expected)) return 'sees';
    last = said ?? last;
    if (ctx.clock.now() + pause >= until) return last;
    await ctx.sleep(pause);
  }
}

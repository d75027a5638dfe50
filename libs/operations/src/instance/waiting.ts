import type { GuestObservation } from '../ports/host-driver.js';
import type { StepContext } from '../saga/saga.js';

/** How long the cloud waits for guests, and how often it looks. */
export const patience = {
  /** First boot, agent's first answer: a slow host under software emulation with several boots at once. */
  bootMs: 600_000,
  /** Later boots: the owner may have removed the agent, and the instance is theirs all the same. */
  restartMs: 180_000,
  /** Growth that the guest does not confirm by then is the hypervisor's word alone. */
  confirmMs: 30_000,
  /** An engine that was ready and does not agree by then does not see the new size. */
  engineMs: 10_000,
  /** One answer of an engine: under software emulation it takes tens of milliseconds. */
  engineAnswerMs: 4_000,
  /** An engine that was silent before is asked once, this long. */
  goneEngineMs: 1_000,
  /** A shrink that has not ended by then is partial; the settle loop goes on with it. */
  shrinkMs: 30_000,
  /** After that long it is asked again for what it could not spare before. */
  shrinkAgainMs: 3_000,
  /** A guest that gave what it could spare is asked for more when its memory has been counted anew: once a second. */
  spareAgainMs: 1_500,
  /** ACPI before the plug is pulled. */
  shutdownMs: 20_000,
} as const;

const firstLookMs = 10;
const longestLookMs = 500;

/** Looks until `enough` says so or time is up; the last observation, and whether it was enough. */
export async function watchFor(
  ctx: StepContext,
  limitMs: number,
  askGuest: boolean,
  enough: (seen: GuestObservation) => boolean,
): Promise<{ seen: GuestObservation; enough: boolean }> {
  const until = ctx.clock.now() + limitMs;
  for (let pause = firstLookMs; ; pause = Math.min(pause * 1.3, longestLookMs)) {
    const seen = await ctx.observe(askGuest);
    if (enough(seen)) return { seen, enough: true };
    if (ctx.clock.now() >= until) return { seen, enough: false };
    await ctx.sleep(pause);
  }
}

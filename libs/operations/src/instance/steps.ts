import type { Size } from '@bellows/domain/size';
import { StepFailedError, type Step, type StepContext } from '../saga/saga.js';
import { patience, watchFor } from './waiting.js';

/** Steps that several sagas share. None of them reads its plan. */

export const createVolumes: Step<unknown> = {
  name: 'create-volumes',
  do: (ctx) => ctx.effect((driver, fence) => driver.ensureVolumes(ctx.hostRef, fence, ctx.spec), 'whole'),
  undo: (ctx) => removeAll(ctx),
};

export const removeAll = (ctx: StepContext): Promise<void> =>
  ctx.effect((driver, fence) => driver.ensureAbsent(ctx.hostRef, fence), 'whole');

export const start = (ctx: StepContext): Promise<void> =>
  ctx.effect((driver, fence) => driver.ensureStarted(ctx.hostRef, fence, ctx.spec), 'whole');

export const pullThePlug = (ctx: StepContext): Promise<void> =>
  ctx.effect((driver, fence) => driver.ensureStopped(ctx.hostRef, fence, 0), 'whole');

export const shutDown = (ctx: StepContext): Promise<void> =>
  ctx.effect((driver, fence) => driver.ensureStopped(ctx.hostRef, fence, patience.shutdownMs), 'whole');

/** Waits for the agent's first answer at the size asked for; the guest onlines hot-plugged memory as it boots. */
export async function awaitAgent(
  ctx: StepContext,
  size: Size,
  limitMs: number,
  needed: boolean,
): Promise<void> {
  const { seen, enough } = await watchFor(
    ctx,
    limitMs,
    true,
    ({ power, guest }) => power !== 'running' || (guest !== null && reports(guest, size)),
  );
  if (seen.power !== 'running') throw new StepFailedError('stopped', `The guest is ${seen.power}.`);
  if (enough) return ctx.confirmed('guest');
  if (needed && seen.guest === null)
    throw new StepFailedError('no-agent', "The guest's agent did not answer in time.");
  ctx.confirmed('hypervisor');
  ctx.warn(
    seen.guest === null
      ? "The guest's agent did not answer in time; the size is the hypervisor's word."
      : `The guest reports ${seen.guest.vcpus} vCPU and ${seen.guest.ramMib} MiB.`,
  );
}

/** The guest onlines memory in blocks of 128 MiB; its count agrees within one. */
const blockMib = 128;

export const reports = (
  guest: { vcpus: number; ramMib: number },
  size: { vcpus: number; ramMib: number },
): boolean => guest.vcpus >= size.vcpus && guest.ramMib >= size.ramMib - blockMib;

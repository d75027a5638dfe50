import type { InstanceId, ResizePlanId } from '@bellows/domain/ids';
import type { ResizeAsk } from '@bellows/domain/resize';
import type { EpochMs } from '../ports/rows.js';

/**
 * A resize plan says what would happen; its id carries the question and the version it was answered for, so
 * nothing is stored. It grants nothing: whoever forges one gets what they could have asked for anyway.
 */
export interface ResizePlanTicket {
  readonly instanceId: InstanceId;
  readonly version: number;
  readonly ask: ResizeAsk;
  readonly expiresAt: EpochMs;
}

export const resizePlanId = (ticket: ResizePlanTicket): ResizePlanId =>
  `rsz-${Buffer.from(JSON.stringify([ticket.instanceId, ticket.version, ticket.ask, ticket.expiresAt])).toString('base64url')}` as ResizePlanId;

/** Null for anything that is no ticket of ours. */
export function readResizePlanId(id: string): ResizePlanTicket | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(id.replace(/^rsz-/, ''), 'base64url').toString());
    if (!Array.isArray(parts) || parts.length !== 4) return null;
    const [instanceId, version, ask, expiresAt] = parts as unknown[];
    const sane =
      typeof instanceId === 'string' &&
      Number.isInteger(version) &&
      Number.isInteger(expiresAt) &&
      isAsk(ask);
    return sane
      ? {
          instanceId: instanceId as InstanceId,
          version: version as number,
          ask,
          expiresAt: expiresAt as number,
        }
      : null;
  } catch {
    return null;
  }
}

function isAsk(value: unknown): value is ResizeAsk {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(([key, part]) =>
    key === 'plan'
      ? typeof part === 'string'
      : ['vcpus', 'ramMib', 'diskGib'].includes(key) &&
        Number.isInteger(part) &&
        (part as number) > 0 &&
        (part as number) < 2 ** 31,
  );
}

import { StoreUnavailableError } from '@bellows/operations/ports/store-errors';
import type { CommitRefusal } from '@bellows/operations/ports/store';

/** Thrown inside a transaction to roll it back; the port turns it into a value. */
export class Refused extends Error {
  constructor(
    readonly refusal: CommitRefusal,
    /** What could not be had: ids of hosts, projects, pools, or keys. For the admission of batches. */
    readonly culprits: readonly string[] = [],
  ) {
    super(refusal.why);
    this.name = 'Refused';
  }
}
export const refuse = (
  why: Exclude<CommitRefusal['why'], 'busy'>,
  culprits: readonly string[] = [],
): Refused => new Refused({ why }, culprits);

/** Lost a race that a second look decides. */
export class LookAgain extends Error {}

/** PostgreSQL's five-character code (Appendix A of its manual), or null when the server did not speak. */
export function sqlState(error: unknown): string | null {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

/** 40001 serialization failure, 40P01 deadlock. */
export const isWorthRetrying = (error: unknown): boolean =>
  error instanceof LookAgain || ['40001', '40P01'].includes(sqlState(error) ?? '');

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'ENOENT',
  'EAI_AGAIN',
]);
const driverMessages =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout|Cannot use a pool after calling end|not queryable/;

/** Class 08 connection, 57P0x shutdown, 57014 statement timeout, 53xxx out of something, 25P03/25006, 55P03. */
export function isUnavailable(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== null) return /^(08|53|57P0|57014|25P0[34]|25006|55P03|58)/.test(state);
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  return networkCodes.has(String(code)) || driverMessages.test(String(message));
}

export const unavailable = (cause: unknown): StoreUnavailableError =>
  cause instanceof StoreUnavailableError
    ? cause
    : new StoreUnavailableError(
        `the database cannot be used: ${(cause as Error)?.message || 'no connection'}`,
        {
          cause,
        },
      );

/** What a constraint of the database, or a value it cannot keep, means to the caller; null when it is a bug. */
export function refusalIn(error: unknown): CommitRefusal | null {
  if (error instanceof Refused) return error.refusal;
  const state = sqlState(error);
  if (state === '23505' || state === '23P01') return { why: 'exists' };
  if (state === '23503') return { why: 'not-found' };
  // 22xxx data exceptions: NUL characters, numbers out of range, an address that is none.
  if (state?.startsWith('22')) return { why: 'invalid' };
  return null;
}

import type { FieldError, Refusal, RefusalCode } from '@bellows/domain/refusal';

/** RFC 9457, with a stable `code`; what the refusal says beyond that is a member of its own. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly errors?: readonly FieldError[];
  readonly [member: string]: unknown;
}

/** Every refusal there is, and how HTTP says it. `satisfies` keeps it exhaustive. */
export const refusalTable = {
  invalid: { status: 400, title: 'The request cannot be understood' },
  unauthorized: { status: 401, title: 'A valid token is needed' },
  forbidden: { status: 403, title: 'The role does not allow this' },
  'over-quota': { status: 403, title: 'The quota of the project would be exceeded' },
  'not-found': { status: 404, title: 'Not found' },
  'no-room': { status: 409, title: 'There is no room' },
  'wrong-state': { status: 409, title: 'Not possible in this state' },
  'not-elastic': { status: 409, title: 'The plan is a fixed slice' },
  busy: { status: 409, title: 'An operation is at work' },
  conflict: { status: 409, title: 'In conflict with what is there' },
  'containers-promised': { status: 409, title: 'Running containers were promised more' },
  precondition: { status: 412, title: 'The resource has changed' },
  'idempotency-mismatch': { status: 422, title: 'The Idempotency-Key was used before' },
  'rate-limited': { status: 429, title: 'Too many requests', retryAfterSeconds: 1 },
  'queue-full': { status: 429, title: 'Too much work is waiting', retryAfterSeconds: 5 },
  unavailable: { status: 503, title: 'A service this one needs is down', retryAfterSeconds: 2 },
} as const satisfies Record<RefusalCode, { status: number; title: string; retryAfterSeconds?: number }>;

/** Undefined for codes that waiting does not help, and for those of HTTP itself. */
export const retryAfterOf = (code: string): number | undefined =>
  (refusalTable as Record<string, { retryAfterSeconds?: number } | undefined>)[code]?.retryAfterSeconds;

export const typeOf = (code: string): string => `urn:bellows:problem:${code}`;

/** Parameters never overwrite the members that RFC 9457 and we define. */
export function problemOf({ refused, detail, params, errors }: Refusal): Problem {
  const { status, title } = refusalTable[refused];
  const own = { type: typeOf(refused), title, status, detail, code: refused, ...(errors && { errors }) };
  return { ...params, ...own };
}

/** What HTTP itself refuses before any use case is asked: wrong method, too large, wrong media type. */
export function protocolProblem(status: number, title: string, code: string, detail = title): Problem {
  return { type: typeOf(code), title, status, detail, code };
}

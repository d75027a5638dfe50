/** Why the cloud says no. A refusal is a value, not an exception: nothing was changed. */
export type RefusalCode =
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'over-quota'
  | 'not-found'
  | 'no-room'
  | 'wrong-state'
  | 'not-elastic'
  | 'busy'
  | 'conflict'
  | 'containers-promised'
  | 'precondition'
  | 'idempotency-mismatch'
  | 'rate-limited'
  | 'queue-full'
  | 'unavailable';

export interface FieldError {
  /** JSON pointer into the request body (RFC 6901). */
  readonly pointer: string;
  readonly detail: string;
}

export interface Refusal {
  readonly refused: RefusalCode;
  /** One sentence a person can act on. */
  readonly detail: string;
  /** Facts a program can act on: the busy operation, the quota, the state found. */
  readonly params?: Readonly<Record<string, unknown>>;
  readonly errors?: readonly FieldError[];
}

export const refuse = (
  refused: RefusalCode,
  detail: string,
  params?: Refusal['params'],
  errors?: readonly FieldError[],
): Refusal => ({ refused, detail, ...(params && { params }), ...(errors && { errors }) });

export const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'refused' in value;

import type { components } from './schema.js';

/** RFC 9457; the parameters of the refusal are members of their own, such as `operationId` of `busy`. */
export type Problem = components['schemas']['ProblemView'] & { readonly [member: string]: unknown };

export class ProblemError extends Error {
  readonly code: string;
  readonly status: number;
  /** Seconds to wait before another try; null when waiting would not help. */
  readonly retryAfterSeconds: number | null;

  constructor(
    readonly problem: Problem,
    retryAfter: string | null = null,
  ) {
    super(problem.detail || problem.title);
    this.name = 'ProblemError';
    this.code = problem.code;
    this.status = problem.status;
    this.retryAfterSeconds = retryAfter === null ? null : Number(retryAfter);
  }
}

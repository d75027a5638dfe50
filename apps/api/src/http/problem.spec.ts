import { describe, expect, it } from '@jest/globals';
import { refuse, type RefusalCode } from '@bellows/domain/refusal';
import { problemOf, refusalTable } from './problem.js';

/** Written out again from the contract: the table may not drift from it. */
const contract: Record<RefusalCode, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'over-quota': 403,
  'not-found': 404,
  'no-room': 409,
  'wrong-state': 409,
  'not-elastic': 409,
  busy: 409,
  conflict: 409,
  'containers-promised': 409,
  precondition: 412,
  'idempotency-mismatch': 422,
  'rate-limited': 429,
  'queue-full': 429,
  unavailable: 503,
};

describe('the refusal table', () => {
  it('has exactly the codes and statuses of the contract', () => {
    const table = Object.fromEntries(
      Object.entries(refusalTable).map(([code, { status }]) => [code, status]),
    );
    expect(table).toEqual(contract);
  });

  it('tells when to come back exactly where coming back helps', () => {
    const waits = Object.entries(refusalTable).filter(([, row]) => 'retryAfterSeconds' in row);
    expect(waits.map(([code]) => code).sort()).toEqual(['queue-full', 'rate-limited', 'unavailable']);
  });

  it('hands the parameters on, and never lets them overwrite a member of its own', () => {
    const problem = problemOf(refuse('busy', 'At work.', { operationId: 'op-1', status: 200, code: 'fine' }));
    expect(problem).toEqual({
      type: 'urn:bellows:problem:busy',
      title: 'An operation is at work',
      status: 409,
      detail: 'At work.',
      code: 'busy',
      operationId: 'op-1',
    });
  });
});

/** A refusal on the docker route: RFC 9457's members, and the `message` that docker clients print. */
export interface EngineProblem {
  readonly status: number;
  /** Stable; a program may switch on it. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
}

/** Carries the code of a problem from the gateway to the API; never from a guest, never to a caller. */
export const codeHeader = 'x-bellows-code';

/** Clients look for `message` only where the type is exactly this. */
export const problemType = 'application/json';

export const problemBody = (
  { status, code, title, detail }: EngineProblem,
  more: Readonly<Record<string, unknown>> = {},
): string =>
  JSON.stringify({
    ...more,
    message: detail,
    type: `urn:bellows:problem:${code}`,
    title,
    status,
    detail,
    code,
  });

export const unreachable = (detail: string): EngineProblem => ({
  status: 502,
  code: 'engine-unreachable',
  title: 'The container engine does not answer',
  detail,
});

export const unfitRequest = (detail: string): EngineProblem => ({
  status: 400,
  code: 'invalid',
  title: 'The request cannot be understood',
  detail,
});

export const notRunning = (detail: string): EngineProblem => ({
  status: 409,
  code: 'wrong-state',
  title: 'Not possible in this state',
  detail,
});

export const tooMany = (detail: string): EngineProblem => ({
  status: 429,
  code: 'rate-limited',
  title: 'Too many requests',
  detail,
});

export const unavailable = (detail: string): EngineProblem => ({
  status: 503,
  code: 'unavailable',
  title: 'A service this one needs is down',
  detail,
});

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnreachableError } from '../exit.js';

export interface Patience {
  /** Between the tries; one more try than there are pauses. */
  readonly pausesMs: readonly number[];
  /** For one answer, beyond what `?wait=` asks the API to wait. */
  readonly answerMs: number;
}
const usual: Patience = { pausesMs: [200, 600, 1500], answerMs: 30_000 };

/** 429 and 503 say that nothing was written; longer than this we do not make a person wait unasked. */
const longestRetryAfterSeconds = 10;

/**
 * `fetch` that outlives a broken connection. Every mutation carries an Idempotency-Key, made once and sent again with
 * each try, so that a try whose answer got lost is not done twice.
 * @throws UnreachableError after the last try.
 */
export function steadyFetch({ pausesMs, answerMs }: Patience = usual) {
  return async (request: Request): Promise<Response> => {
    if (request.method !== 'GET' && !request.headers.has('idempotency-key')) {
      request.headers.set('idempotency-key', randomUUID());
    }
    for (let tries = 0; ; tries++) {
      const pauseMs = pausesMs[tries];
      const { response, error } = await once(request.clone(), answerMs).then(answered, failed);
      if (request.signal.aborted) throw request.signal.reason;
      const waitMs = response ? retryAfterMs(response, pauseMs) : pauseMs;
      if (waitMs === undefined && response) return response;
      if (waitMs === undefined) throw unreachable(request.url, error as Error);
      await sleep(waitMs, undefined, { signal: request.signal });
    }
  };
}

const answered = (response: Response) => ({ response, error: undefined });
const failed = (error: unknown) => ({ response: undefined, error });

/** The whole answer is read here: one that breaks off half way is a failure of the network too. */
async function once(request: Request, answerMs: number): Promise<Response> {
  const waitMs = Number(new URL(request.url).searchParams.get('wait') ?? 0) * 1000;
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(waitMs + answerMs)]);
  const response = await fetch(request, { signal });
  const body = await response.arrayBuffer();
  const { status, statusText, headers } = response;
  return new Response([204, 304].includes(status) ? null : body, { status, statusText, headers });
}

function retryAfterMs({ status, headers }: Response, pauseMs: number | undefined): number | undefined {
  if (pauseMs === undefined || (status !== 429 && status !== 503)) return undefined;
  const seconds = Number(headers.get('retry-after') ?? NaN);
  return seconds <= longestRetryAfterSeconds ? Math.max(pauseMs, seconds * 1000) : undefined;
}

function unreachable(url: string, error: Error): UnreachableError {
  const cause = error.cause as (Error & { code?: string }) | undefined;
  const reason =
    error.name === 'TimeoutError' ? 'no answer in time' : cause?.message || cause?.code || error.message;
  const hint = /CERT|SELF_SIGNED|VERIFY/.test(cause?.code ?? '')
    ? ' Name the certificate of its authority in NODE_EXTRA_CA_CERTS.'
    : '';
  return new UnreachableError(`Cannot reach ${new URL(url).origin}: ${reason}.${hint}`, { cause: error });
}

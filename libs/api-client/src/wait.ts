import type { BellowsClient, Operation } from './client.js';

const live = new Set<Operation['state']>(['pending', 'running']);

export interface WaitOptions {
  /** Give up after this long, and return the operation as it is then; default: an hour. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** How long one request may block; at most 60. Short ones show progress sooner. */
  readonly pollSeconds?: number;
  /** Called with each state seen, so that steps can be shown as they happen. */
  readonly onProgress?: (operation: Operation) => void;
}

/** Follows an operation until it has ended. Throws `ProblemError`, or the signal's reason. */
export async function waitForOperation(
  api: BellowsClient,
  id: string,
  options: WaitOptions = {},
): Promise<Operation> {
  const { timeoutMs = 3_600_000, signal, pollSeconds = 30, onProgress } = options;
  const until = Date.now() + timeoutMs;
  for (;;) {
    const leftSeconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    const wait = Math.min(60, pollSeconds, leftSeconds);
    const params = { path: { id }, query: { wait } };
    const { data } = await api.GET('/v1/operations/{id}', { params, signal });
    const operation = data!;
    onProgress?.(operation);
    if (!live.has(operation.state) || Date.now() >= until) return operation;
  }
}
